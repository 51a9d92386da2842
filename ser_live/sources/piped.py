"""Recordings of every container that come out of a pipe instead of raw PCM."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from ser_live.audio import check_finite, check_format
from ser_live.errors import AudioFileError
from ser_live.sources.beginnings import has_index_first
from ser_live.sources.decoding import open_recording
from ser_live.sources.flowing import FORMATS, FlowingDecoder
from ser_live.sources.format_adapter import FormatAdapter
from ser_live.sources.media_tracks import check_track
from ser_live.sources.piped_wav import PipedWav, is_plain
from ser_live.sources.protocol import ChannelsLeftOut, heard_alone
from ser_live.sources.ring_buffer import Lost
from ser_live.sources.suffixes import has_media
from ser_live.sources.wav_header import read_header

MAX_GATHERED_BYTES = 1 << 30
"""Most that is gathered of a container that can only be decoded once it is whole."""

_IN_MEMORY_BYTES = 1 << 16
_TAKE_S = 0.1


class PipedContainer:
    """Samples out of a container that comes in pieces.

    Wav whose samples each stand for themselves is heard as it comes, and so is what PyAV decodes
    without going back. The rest is gathered in a private file first, up to `MAX_GATHERED_BYTES`.

    Parameters
    ----------
    kind : str
        As `container_of` names it.
    name : str
        For people.
    sample_rate, n_channels : int
        Format of what is given.
    may_gather : bool
        Whether an end is in sight, so that it makes sense to wait for it.
    roles : Roles, optional
        Tells which channels nobody is to hear; their samples become zeros at once.
    track : int or None
        Audio track to hear, counted from 1; ``None`` for the default one.
    """

    def __init__(
        self,
        kind: str,
        name: str,
        sample_rate: int,
        n_channels: int,
        *,
        may_gather: bool = True,
        roles: ChannelsLeftOut | None = None,
        track: int | None = None,
    ) -> None:
        self._kind = kind
        self._track = track
        self._name = name
        self._rate = sample_rate
        self._n_channels = n_channels
        self._may_gather = may_gather
        self._roles = roles
        self._notes: list[str] = []
        self._head = b""
        self._is_gathering = False
        self._flowing: FlowingDecoder | None = None
        self._adapter: FormatAdapter | None = None
        self._wav: PipedWav | None = None
        self._file: BinaryIO | None = None
        self._path = ""
        self._n_gathered = 0

    @property
    def notes(self) -> list[str]:
        """Sentences about it that are no errors; complete once all was given."""
        its = self._flowing or self._wav
        return self._notes if its is None else its.notes

    @property
    def is_full(self) -> bool:
        """Whether samples are to be taken before it gets more bytes."""
        return self._flowing is not None and self._flowing.is_full

    @property
    def is_over(self) -> bool:
        """Whether nothing will come of further bytes."""
        return self._flowing is not None and self._flowing.is_over

    def take(self, timeout_s: float) -> NDArray[np.float32] | Lost | None:
        """Wait for what is decoded besides what `push` gives; see `FlowingDecoder.take`."""
        return None if self._flowing is None else self._flowing.take(timeout_s)

    def push(self, data: bytes) -> list[NDArray[np.float32] | Lost]:
        """Take the next bytes, give what they complete at once."""
        if self._wav is not None:
            return self._wav.push(data)
        if self._flowing is not None:
            self._flowing.feed(data)
        elif self._is_gathering:
            self._gather(data)
        else:
            self._head += data
            return self._begun()
        return []

    def _begun(self) -> list[NDArray[np.float32] | Lost]:
        """Decide by the first bytes, once there are enough, in which way the rest is heard."""
        if self._kind == "wav":
            header = read_header(io.BytesIO(self._head))
            if header is not None and is_plain(header):
                check_track(self._name, 1, self._track)
                self._wav = PipedWav(header, self._name, self._rate, self._n_channels, self._roles)
                return self._wav.push(self._head[header.start :])
            flows = False if header is not None else None
        elif self._kind == "m4a":
            flows = has_index_first(self._head)
        else:
            flows = self._kind in FORMATS
        if flows and has_media():
            self._flowing = FlowingDecoder(
                self._kind, self._name, self._rate, self._n_channels, self._roles, self._track
            )
            self._flowing.feed(self._head)
        elif flows is not None or len(self._head) > _IN_MEMORY_BYTES:
            if not self._may_gather:
                raise self._unfollowable(bool(flows))
            self._is_gathering = True
            self._gather(self._head)
        return []

    def _unfollowable(self, flows: bool) -> AudioFileError:
        what = 'PyAV, which `pip install "ser-live[media]"` brings' if flows else "its end"
        return AudioFileError(
            f"{self._name} holds {self._kind}, which cannot be heard while it grows without "
            f"{what}: record wav, flac, ogg or mp3, or replay it once it is whole."
        )

    def _gather(self, data: bytes) -> None:
        """Keep bytes in a file that only its owner can read."""
        self._n_gathered += len(data)
        if self._n_gathered > MAX_GATHERED_BYTES:
            raise AudioFileError(
                f"{self._name} carries more than {MAX_GATHERED_BYTES >> 20} MiB of {self._kind}, "
                "which can only be decoded once it is whole: save it as a file and replay that, or "
                "pipe wav, flac, ogg or mp3."
            )
        try:
            if self._file is None:
                descriptor, self._path = tempfile.mkstemp(prefix="ser-live-")
                self._file = os.fdopen(descriptor, "wb")
            self._file.write(data)
        except OSError as error:
            raise AudioFileError(
                f"{self._name} carries {self._kind}, which has to be gathered on the disk first, "
                f"but that failed ({error}): make room in {tempfile.gettempdir()}, or pipe wav."
            ) from error

    def finish(self) -> Iterator[NDArray[np.float32] | Lost]:
        """Give the rest, once all bytes came.

        Raises
        ------
        AudioFileError
            It cannot be decoded, or not all of it.
        """
        yield from self.at_hand()
        if self._wav is not None and (failure := self._wav.failure()) is not None:
            raise failure
        if self._wav is None and self._flowing is None:
            yield from self._gathered()

    def at_hand(self) -> Iterator[NDArray[np.float32] | Lost]:
        """Give what is complete of the bytes that came, where no more will."""
        if self._wav is not None:
            yield from self._wav.flush()
        elif self._flowing is not None:
            self._flowing.end()
            while not self._flowing.is_over:
                item = self._flowing.take(_TAKE_S)
                if item is not None:
                    yield item

    def _gathered(self) -> Iterator[NDArray[np.float32] | Lost]:
        if not self._is_gathering:
            self._gather(self._head)
        if self._file is not None:
            self._file.close()
        try:
            decoder = open_recording(self._path, self._track, self._name)
        except AudioFileError as error:
            raise AudioFileError(
                f"{self._name} begins like {self._kind} but cannot be decoded as such, and a whole "
                "recording or raw 16-bit PCM is needed: check the program that writes it "
                f"({error})"
            ) from error
        with closing(decoder):
            check_format(decoder.sample_rate, decoder.n_channels, self._name)
            self._notes = decoder.notes
            self._adapt_from(decoder.sample_rate, decoder.n_channels)
            failure, position = None, 0
            try:
                for item in decoder.chunks():
                    if isinstance(item, Lost):
                        position += item.n_samples
                    else:
                        item = heard_alone(item, self._roles)
                        check_finite(item, position, decoder.sample_rate, self._name)
                        position += len(item)
                    yield from self._adapted(item)
            except AudioFileError as error:
                failure = error
            yield from self._flushed()
            if failure is not None:
                raise failure

    def _adapt_from(self, sample_rate: int, n_channels: int) -> None:
        if (sample_rate, n_channels) != (self._rate, self._n_channels):
            self._adapter = FormatAdapter(
                sample_rate, n_channels, to_rate=self._rate, to_channels=self._n_channels
            )

    def _adapted(self, item: NDArray[np.float32] | Lost) -> list[NDArray[np.float32] | Lost]:
        return [item] if self._adapter is None else self._adapter.push(item)

    def _flushed(self) -> list[NDArray[np.float32] | Lost]:
        return [] if self._adapter is None else self._adapter.flush()

    def close(self) -> None:
        """Delete what was gathered, and end what decodes."""
        if self._flowing is not None:
            self._flowing.close()
        if self._file is not None:
            self._file.close()
            with suppress(FileNotFoundError):
                Path(self._path).unlink()
