"""Wav out of a pipe, heard as it comes: chunk by chunk, and one recording behind the other."""

from __future__ import annotations

import io
import re

import numpy as np
from numpy.typing import NDArray

from ser_live.audio import check_finite, check_format
from ser_live.errors import AudioFileError
from ser_live.sources.decoder import cut_off
from ser_live.sources.format_adapter import FormatAdapter
from ser_live.sources.pcm_bytes import WAV_CODINGS, PcmBytes
from ser_live.sources.protocol import ChannelsLeftOut, heard_alone
from ser_live.sources.ring_buffer import Lost
from ser_live.sources.wav_header import (
    KINDS,
    RECORDING,
    WavHeader,
    begins_tag,
    goes_on_with,
    is_known,
    other_form,
    read_header,
)

_EXTENSIBLE = 0xFFFE
_PLACEHOLDER = 2**31 - 2**16
"""Length from which a header does not mean it: who writes to a pipe cannot know."""

_MAX_HELD_BYTES = 1 << 16
"""Longest chunk of an unknown name, and longest head, that is waited for."""

_BEGIN_BYTES, _NAMED_BYTES = 8, 12
"""Name and size of a chunk; those of a recording, and what it is."""

_ENDLESS = 1 << 62
_MAY_BEGIN = re.compile(rb"(R(IF?|F6?)?|BW?6?|(RIFF|RIFX|RF64|BW64).{0,11})\Z", re.DOTALL)
"""End of some bytes that may be the beginning of another recording."""

Item = NDArray[np.float32] | Lost


def is_plain(header: WavHeader) -> bool:
    """Whether each sample stands for itself, in a form that its header is sure of."""
    return (
        header.kind != b"RIFX"
        and header.n_channels >= 1
        and _coding_of(header) in WAV_CODINGS
        and not header.contradiction
    )


def _coding_of(header: WavHeader) -> tuple[int, int]:
    tag = header.format_tag
    if tag == _EXTENSIBLE and len(header.form) >= 26:
        tag = int.from_bytes(header.form[24:26], "little")
    return tag, int.from_bytes(header.form[14:16], "little")


class PipedWav:
    """Samples out of the bytes of a wav that is plain.

    Chunks between and behind the samples are passed over, samples in further chunks are heard, and
    so is another wav behind it. Where the header says less than there is, the sound goes on.

    Parameters
    ----------
    header : WavHeader
        For which `is_plain` holds; its bytes are not pushed.
    name : str
        For people.
    sample_rate, n_channels : int
        Format of what is given.
    roles : Roles, optional
        Tells which channels nobody is to hear.
    """

    def __init__(
        self,
        header: WavHeader,
        name: str,
        sample_rate: int,
        n_channels: int,
        roles: ChannelsLeftOut | None = None,
    ) -> None:
        self._name = name
        self._rate, self._n_channels = sample_rate, n_channels
        self._roles = roles
        self.notes: list[str] = []
        self._adapter: FormatAdapter | None = None
        self._n_skipped = 0
        """Bytes that are no sound and still to come."""
        self._held = b""
        """Bytes behind the sound, or within it where its length is not known, that are looked at
        again with more."""
        self._waits = False
        """Whether nothing can be said of those before more come."""
        self._has_pad = False
        """Whether a byte may stand there that belongs to nothing."""
        self._n_left: int | None = None
        """Bytes of sound to come; ``None`` where that is not known."""
        self._begin(header)

    def _begin(self, header: WavHeader) -> None:
        check_format(header.sample_rate, header.n_channels, self._name)
        self._header = header
        self._pcm = PcmBytes(header.n_channels, WAV_CODINGS[_coding_of(header)])
        self._position = 0
        is_long = header.kind in (b"RF64", b"BW64")
        self._expect(header.n_declared, is_believed=is_long)
        its_format = header.sample_rate, header.n_channels
        self._adapter = None
        if its_format != (self._rate, self._n_channels):
            self._adapter = FormatAdapter(
                *its_format, to_rate=self._rate, to_channels=self._n_channels
            )

    def _expect(self, n_declared: int | None, *, is_believed: bool = False) -> None:
        """Make ready for so many bytes of sound."""
        is_known = n_declared is not None and (is_believed or n_declared < _PLACEHOLDER)
        self._n_left = n_declared if is_known else None
        self._has_pad = bool((self._n_left or 0) % 2)

    def push(self, data: bytes) -> list[Item]:
        """Take the next bytes, give the samples that they complete.

        Raises
        ------
        AudioFileError
            What follows is a wav that cannot be heard as it comes.
        """
        return self._taken(data, is_last=False)

    def flush(self) -> list[Item]:
        """Give what was held back, once all bytes came."""
        items = self._taken(b"", is_last=True)
        return items if self._adapter is None else [*items, *self._adapter.flush()]

    def failure(self) -> AudioFileError | None:
        """Make the error for sound that did not come; ``None`` for all of it."""
        if not self._n_left:
            return None
        heard_s = self._position / self._header.sample_rate
        n_missing = self._n_left // self._header.unit_bytes
        return cut_off(self._name, heard_s, heard_s + n_missing / self._header.sample_rate)

    def _taken(self, data: bytes, *, is_last: bool) -> list[Item]:
        items: list[Item] = []
        data, self._waits = self._held + data, False
        while data and not self._waits:
            if self._n_skipped:
                n_passed = min(self._n_skipped, len(data))
                data, self._n_skipped = data[n_passed:], self._n_skipped - n_passed
            elif self._n_left is None:
                data = self._endless(data, items, is_last=is_last)
            elif self._n_left:
                sound, data = data[: self._n_left], data[self._n_left :]
                self._n_left -= len(sound)
                items += self._heard(sound)
            else:
                data = self._behind(data, items, is_last=is_last)
        self._held = data
        return items

    def _endless(self, data: bytes, items: list[Item], *, is_last: bool) -> bytes:
        """Take sound of unknown length, which ends where another recording begins."""
        found = RECORDING.search(data)
        end = len(data) if found is None else found.start()
        if found is None and not is_last and (may_be := _MAY_BEGIN.search(data)):
            end, self._waits = may_be.start(), True
        items += self._heard(data[:end])
        if found is not None:
            self._n_left, self._has_pad = 0, False
        return data[end:]

    def _behind(self, data: bytes, items: list[Item], *, is_last: bool) -> bytes:
        """Look at what stands behind the samples; give what is left of it."""
        if len(data) < _BEGIN_BYTES + self._has_pad:
            self._waits = not is_last
            return b"" if is_last else data  # less than a chunk is what fills up
        for n_pad in range(1 + self._has_pad):
            rest = self._chunk(data[n_pad:], items, is_last=is_last)
            if self._waits:
                return data
            if rest is not None:
                return rest
        # The header says less than there is: the sound goes on.
        self._n_left, self._has_pad = None, False
        self.notes.append(
            f"The header of {self._name} declares less than lies behind it: all of it was heard."
        )
        return data

    def _chunk(self, data: bytes, items: list[Item], *, is_last: bool) -> bytes | None:
        """Take the beginning of a chunk, give what is behind; ``None`` where none stands here."""
        name, size = data[:4], int.from_bytes(data[4:_BEGIN_BYTES], "little")
        if name in KINDS:
            return self._other_recording(data, items, is_last=is_last)
        if name == b"data":
            self._pcm = PcmBytes(self._header.n_channels, WAV_CODINGS[_coding_of(self._header)])
            self._expect(size or None)
            return data[_BEGIN_BYTES:]
        if begins_tag(data):
            self._n_skipped = _ENDLESS  # it reaches to the end, whatever else it says
            return data
        is_form = name == b"fmt "
        if not (is_form or is_known(name) or self._is_chunk(data, size, is_last=is_last)):
            return None
        if is_form and not self._waits:
            self._check_form(data, size, is_last=is_last)
        if not self._waits:
            self._n_skipped = _BEGIN_BYTES + size
            self._has_pad = bool(size % 2)
        return data

    def _is_chunk(self, data: bytes, size: int, *, is_last: bool) -> bool:
        """Whether one of an unknown name stands here: another, or nothing, is behind it."""
        end = _BEGIN_BYTES + size
        if size > _MAX_HELD_BYTES or not all(0x20 <= byte < 0x7F for byte in data[:4]):
            return False
        if len(data) < end + _BEGIN_BYTES + 1 and not is_last:
            self._waits = True
            return False
        after = [data[at : at + 4] for at in (end, end + size % 2)]
        return any(goes_on_with(it) for it in after) or (is_last and len(data) - end in (0, 1))

    def _check_form(self, data: bytes, size: int, *, is_last: bool) -> None:
        """Refuse samples of another form behind those that were heard."""
        its = data[_BEGIN_BYTES : _BEGIN_BYTES + size]
        if len(its) < size <= _MAX_HELD_BYTES and not is_last:
            self._waits = True
        elif its[:16] != self._header.form[:16]:
            raise other_form(self._name)

    def _other_recording(self, data: bytes, items: list[Item], *, is_last: bool) -> bytes | None:
        """Go on with another wav that begins here."""
        if not is_last and len(data) < _NAMED_BYTES:
            self._waits = True
            return None
        if data[_BEGIN_BYTES:_NAMED_BYTES] != b"WAVE":
            return None
        header = read_header(io.BytesIO(data))
        if header is None and len(data) <= _MAX_HELD_BYTES:
            self._waits = not is_last
            return b""
        if header is None or not is_plain(header):
            raise AudioFileError(
                f"{self._name} goes on with another wav that cannot be heard as it comes, and only "
                "what was before it was heard: pipe them one by one."
            )
        if self._adapter is not None:
            items += self._adapter.flush()
        self._begin(header)
        return data[header.start :]

    def _heard(self, data: bytes) -> list[Item]:
        samples = heard_alone(self._pcm.samples(data), self._roles)
        check_finite(samples, self._position, self._header.sample_rate, self._name)
        self._position += len(samples)
        if not len(samples):
            return []
        return [samples] if self._adapter is None else self._adapter.push(samples)
