"""Recordings, played as if they were a microphone."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from ser_live.audio import StreamConverter, check_finite, check_format
from ser_live.errors import AudioFileError, UsageError
from ser_live.sources.decoder import Decoder
from ser_live.sources.decoding import display_name, open_recording
from ser_live.sources.protocol import (
    AudioSource,
    ChannelsLeftOut,
    Lost,
    SignalNotice,
    without_channels,
)
from ser_live.sources.scale import stored_scale

_MAX_SILENCE_S = 600
"""Longest gap that is filled with silence where a recording is read in one piece."""


class FileSource(AudioSource):
    """A recording, played as if it were a microphone.

    A block is given when it would have been captured: its last sample at
    ``position / sample_rate / speed`` seconds after the first `read`. Due times come from
    the sample count, so they do not drift; a reader that was late catches up.

    Parameters
    ----------
    path : str or path
        wav, flac, ogg, opus, mp3, and by the extra ``media`` m4a, mp4, webm, mkv.
    speed : float
        1 as recorded, 2 twice as fast, 0 as fast as possible.
    block_s : float, optional
        Length of a block in recorded seconds; longer where nothing waits for it. A second is
        worked on in less time than four quarters of it.
    track : int, optional
        Audio track to hear, counted from 1; without it the default one.
    roles : Roles, optional
        Tells which channels nobody is to hear: their samples become zeros before anything looks
        at them.

    Raises
    ------
    UsageError
        `speed` is negative or no number.
    """

    is_live = False

    def __init__(
        self,
        path: str | os.PathLike[str],
        speed: float = 1.0,
        block_s: float | None = None,
        track: int | None = None,
        roles: ChannelsLeftOut | None = None,
    ) -> None:
        if not (speed >= 0 and math.isfinite(speed)):
            raise UsageError(
                f"Speed {speed} was asked for, but 0 (as fast as possible) or a positive number "
                "is needed: 1 plays in real time."
            )
        self.file = os.fspath(path)
        self.name = display_name(path)
        self.speed = speed
        self.block_s = block_s or (0.25 if speed == 0 else 0.06)
        self.sample_rate = 0
        self.n_channels = 0
        self.notes: Sequence[str] = ()
        self._track = track
        self._roles = roles
        self._unheard: tuple[int, ...] = ()
        self._decoder: Decoder | None = None
        self._blocks: Iterator[NDArray[np.float32] | Lost] = iter(())
        self._next: NDArray[np.float32] | Lost | None = None
        self._position = 0
        self._started_s: float | None = None
        self._exhausted = False
        self._scale = 1.0
        self._notice: SignalNotice | None = None

    @property
    def exhausted(self) -> bool:
        return self._exhausted

    def open(self) -> None:
        """Open the recording.

        Raises
        ------
        AudioFileError
            Missing, no permission, a folder, empty, not audio, damaged, no audio track.
        InvalidAudioError
            The sample rate is outside 8-192 kHz.
        UsageError
            There is no such track, or no channel for a role.
        """
        decoder = open_recording(self.file, self._track)
        try:
            if self._roles is not None:
                self._unheard = self._roles.unheard(decoder.n_channels)
            check_format(decoder.sample_rate, decoder.n_channels, self.name)
        except BaseException:
            decoder.close()
            raise
        self._decoder = decoder
        self.sample_rate = decoder.sample_rate
        self.n_channels = decoder.n_channels
        self.notes = decoder.notes
        self._blocks = self._cut(decoder.chunks())
        self._scale, sentence = stored_scale(self.file, self._unheard)
        self._notice = SignalNotice(message=sentence) if sentence else None

    def _cut(
        self, chunks: Iterator[NDArray[np.float32] | Lost]
    ) -> Iterator[NDArray[np.float32] | Lost]:
        size = max(1, round(self.block_s * self.sample_rate))
        for chunk in _joined(chunks, size):
            if isinstance(chunk, Lost):
                yield chunk
                continue
            for start in range(0, len(chunk), size):
                block = without_channels(chunk[start : start + size], self._unheard).copy()
                yield block if self._scale == 1.0 else block * np.float32(self._scale)

    def read(self, timeout_s: float) -> NDArray[np.float32] | Lost | SignalNotice | None:
        if self._notice is not None and not self._exhausted:
            notice, self._notice = self._notice, None
            return notice
        if self._next is None:
            self._next = self._decode()
        block = self._next
        if block is None:
            return None
        n = block.n_samples if isinstance(block, Lost) else len(block)
        if not self._wait_until_due(n, timeout_s):
            return None
        self._next = None
        self._position += n
        return block

    def _decode(self) -> NDArray[np.float32] | Lost | None:
        if self._exhausted:
            return None
        try:
            block = next(self._blocks, None)
            if isinstance(block, np.ndarray):
                # What lies before the first bad sample is heard, however long the block is.
                n_good = _n_finite(block)
                if 0 < n_good < len(block):
                    self._blocks = chain((block[n_good:],), self._blocks)
                    return block[:n_good]
                check_finite(block, self._position, self.sample_rate, self.name)
        except BaseException:
            self.close()
            raise
        if block is None:
            self.close()
        return block

    def _wait_until_due(self, n: int, timeout_s: float) -> bool:
        if self.speed == 0:
            return True
        now_s = time.monotonic()
        if self._started_s is None:
            self._started_s = now_s
        due_s = self._started_s + (self._position + n) / self.sample_rate / self.speed
        wait_s = due_s - now_s
        if wait_s > 0:
            time.sleep(min(wait_s, max(0.0, timeout_s)))
        return wait_s <= timeout_s

    def close(self) -> None:
        self._exhausted = True
        self._next = None
        self._blocks = iter(())  # lets go of the decoder's last chunk
        if self._decoder is not None:
            self._decoder.close()
            self._decoder = None


def _joined(
    chunks: Iterator[NDArray[np.float32] | Lost], n_rows: int
) -> Iterator[NDArray[np.float32] | Lost]:
    """Join what a decoder gives into chunks of so many rows, where its own are shorter."""
    waiting: list[NDArray[np.float32]] = []
    try:
        for chunk in chunks:
            if not isinstance(chunk, Lost):
                waiting.append(chunk)
                if sum(map(len, waiting)) < n_rows:
                    continue
            if waiting:
                yield np.concatenate(waiting) if len(waiting) > 1 else waiting[0]
                waiting = []
            if isinstance(chunk, Lost):
                yield chunk
    except Exception:
        # What was decoded before the damage is heard first.
        if waiting:
            yield np.concatenate(waiting)
        raise
    if waiting:
        yield np.concatenate(waiting)


def _n_finite(block: NDArray[np.float32]) -> int:
    """Rows before the first one with NaN or infinity."""
    is_finite = np.isfinite(block)
    return len(block) if is_finite.all() else int(is_finite.all(axis=1).argmin())


def read_recording(path: str | os.PathLike[str], channel: int | None = None) -> NDArray[np.float32]:
    """Read a whole recording as the one signal inside: mono, 16 kHz, shape ``(n,)``.

    For offline work; it goes the same way as a replay, sample for sample. Where the recording
    holds nothing there is silence. `channel` is 0 for
    the first one; without it, the mean of all is taken.

    Raises
    ------
    AudioFileError, InvalidAudioError, UsageError
        As `FileSource` and ``audio.StreamConverter``.
    """
    with FileSource(path, speed=0) as source:
        converter = StreamConverter(source.sample_rate, source.n_channels, channel)
        parts: list[NDArray[np.float32]] = []
        while not source.exhausted:
            block = source.read(0)
            if isinstance(block, np.ndarray):
                parts.append(converter.push(block))
            elif isinstance(block, Lost):
                if block.n_samples > _MAX_SILENCE_S * source.sample_rate:
                    raise AudioFileError(
                        f"{source.name} has a gap of {block.n_samples / source.sample_rate:.0f} s, "
                        f"but at most {_MAX_SILENCE_S} s are filled with silence: cut it there."
                    )
                silence = np.zeros((block.n_samples, source.n_channels), np.float32)
                parts.append(converter.push(silence))
    return np.concatenate([*parts, converter.flush()])
