"""Frames of FLAC files: where in its stream a file begins, and whether they are what its head says.

Layouts from RFC 9639, sections 8.1 (metadata blocks) and 9.1 (frame headers).
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from itertools import islice
from typing import BinaryIO

from ser_live.sources.file_window import FileWindow

_MARK = b"fLaC"
_STREAMINFO = 0
_MAX_BLOCKS = 1024
"""Metadata blocks looked at; a real file has a few."""

HEAD_BYTES = 42
"""Length of the mark of a file and the first block behind it."""

_HEAD = re.compile(rb"\xff[\xf8\xf9][^\x00-\x0f\xf0-\xff][\x00-\xae]", re.DOTALL)
"""Beginning of a frame: its mark, a length and a rate that exist, and channels that do."""

_N_SAMPLES = (0, 192, 576, 1152, 2304, 4608, 0, 0, *(256 << n for n in range(8)))
_RATE_BYTES = {12: 1, 13: 2, 14: 2}
_STEREO_MODES = 10
_MAX_FRAME_BYTES = 1 << 18
_SHORTEST, _LONGEST = 16, 65_535
"""Samples that a frame may have."""

_N_ENDS = 8
"""So many places are tried where a frame may end."""


def _table(polynomial: int, n_bits: int) -> tuple[int, ...]:
    """Remainders of all bytes, for a checksum of so many bits."""
    values = []
    for byte in range(256):
        value = byte << n_bits - 8
        for _ in range(8):
            value = value << 1 ^ polynomial * (value >> n_bits - 1)
        values.append(value)
    return tuple(values)


_CRC8, _CRC16 = _table(0x107, 8), _table(0x1_8005, 16)


_RATES_HZ = {
    **dict(enumerate((88_200, 176_400, 192_000, 8000, 16_000, 22_050, 24_000, 32_000), start=1)),
    9: 44_100,
    10: 48_000,
    11: 96_000,
}
_RATE_UNITS_HZ = {12: 1000, 13: 1, 14: 10}
_BITS = {1: 8, 2: 12, 4: 16, 5: 20, 6: 24, 7: 32}

_MAX_MISSING_S = 86_400.0
"""Longest stretch that is believed to be missing; where it is longer a number is wrong."""

Form = tuple[int, int, int]
"""Sample rate in hertz, channels, bits of a sample."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Contents of the bytes before a frame."""

    number: int
    """Of the frame, or of its first sample."""
    n_samples: int
    is_of_samples: bool
    """Whether the samples are numbered."""
    rate: int
    """Hertz; 0 where the head of the file says it."""
    n_channels: int
    n_bits: int
    """Bits of a sample; 0 where the head of the file says it."""

    @property
    def following(self) -> int:
        """Number of the next frame."""
        return self.number + (self.n_samples if self.is_of_samples else 1)


@dataclass(slots=True)
class Run:
    """Frames of one form whose numbers follow each other."""

    start: int
    end: int
    """Bytes of the file, ``[start, end)``."""
    form: Form
    first: Frame
    last: Frame
    n_frames: int = 1
    n_samples: int = 0
    longest: int = 0
    """Samples of the longest frame."""
    n_lost: int = 0
    """Samples that are missing before it."""

    @property
    def rate(self) -> int:
        """Hertz."""
        return self.form[0]


@dataclass(slots=True)
class Contents:
    """Result of a look through a recording."""

    form: Form
    """By its head."""
    total: int
    """Samples by its head, 0 where it does not know."""
    longest: int
    """Samples of the longest frame by its head."""
    runs: list[Run] = field(default_factory=list)

    @property
    def n_samples(self) -> int:
        """Samples in all frames."""
        return sum(run.n_samples for run in self.runs)

    @property
    def n_lost_behind(self) -> int:
        """Samples that are missing behind the last frame by the head."""
        n_until = sum(run.n_samples + run.n_lost for run in self.runs)
        return max(0, self.total - n_until) if self.total else 0

    @property
    def is_as_told(self) -> bool:
        """Whether a decoder that believes the head, and the numbers of frames, hears all.

        libsndfile hears as much as the head says, in the rate that it says, and there is silence
        where the numbers of frames jump, or nothing.
        """
        if not self.runs:
            return True
        run = self.runs[0]
        return (
            len(self.runs) == 1
            and run.form == self.form
            and run.longest <= self.longest
            and (self.total == 0 or run.n_samples <= self.total)
        )


def look_through(data: FileWindow, start: int, end: int) -> Contents:
    """Look through all frames of a recording, whose bytes in the file are ``[start, end)``."""
    head = data[start : start + HEAD_BYTES]
    packed = int.from_bytes(head[18:26], "big")
    form = (packed >> 44, (packed >> 41 & 7) + 1, (packed >> 36 & 31) + 1)
    found = Contents(form, packed & (1 << 36) - 1, int.from_bytes(head[10:12], "big"))
    begin = -1
    for place in data.places(_HEAD, start + HEAD_BYTES, end):
        frame = _read(data[place : place + 16])
        if frame is None:
            continue
        its_form = (frame.rate or form[0], frame.n_channels, frame.n_bits or form[2])
        run = found.runs[-1] if found.runs else None
        if run is not None and run.last.following == frame.number and run.form == its_form:
            run.last = frame
            run.n_frames += 1
        # By chance sound looks like a frame, but not like the next one, nor behind a whole one,
        # nor is it whole.
        elif begin < 0 or _is_whole(data[begin:place]) or _is_whole_somewhere(data, place, end):
            run = Run(place, end, its_form, frame, frame)
            if found.runs:
                found.runs[-1].end = place
            found.runs.append(run)
        else:
            continue
        begin = place
        run.n_samples += frame.n_samples
        run.longest = max(run.longest, frame.n_samples)
    _count_lost(found.runs)
    return found


def _count_lost(runs: list[Run]) -> None:
    """Note the samples that are missing before each run.

    A single frame that is out of its order has a wrong number, and stands where it belongs.
    """
    expected = runs[0].first.number if runs else 0
    for k, run in enumerate(runs):
        frame = run.first
        unit = 1 if frame.is_of_samples else frame.n_samples
        n_missing = frame.number - expected
        is_stray = run.n_frames == 1 and k < len(runs) - 1
        if n_missing and is_stray:
            expected += frame.n_samples if frame.is_of_samples else 1
            continue
        if 0 < n_missing * unit <= _MAX_MISSING_S * run.rate:
            run.n_lost = n_missing * unit
        expected = run.last.following


def _read(head: bytes) -> Frame | None:
    """Read what stands before a frame; ``None`` where the checksum is wrong."""
    if len(head) < 16 or head[3] >> 4 > _STEREO_MODES or head[3] & 1:
        return None
    first = head[4]
    n_more = 0 if first < 0x80 else 7 - (first ^ 0xFF).bit_length()
    if n_more > 6 or (first >= 0x80 and n_more == 0):
        return None
    number = first if first < 0x80 else first & (0x3F >> n_more)
    place = 5 + n_more
    for byte in head[5:place]:
        number = number << 6 | byte & 0x3F
    n_samples = _N_SAMPLES[head[2] >> 4]
    if not n_samples:
        n_bytes = (head[2] >> 4) - 5
        n_samples = int.from_bytes(head[place : place + n_bytes], "big") + 1
        place += n_bytes
    code = head[2] & 15
    n_bytes = _RATE_BYTES.get(code, 0)
    rate = int.from_bytes(head[place : place + n_bytes], "big") * _RATE_UNITS_HZ.get(code, 0)
    place += n_bytes
    checksum = 0
    for byte in head[:place]:
        checksum = _CRC8[checksum ^ byte]
    if checksum != head[place]:
        return None
    n_channels = 2 if head[3] >> 4 > 7 else (head[3] >> 4) + 1
    return Frame(
        number=number,
        n_samples=n_samples,
        is_of_samples=head[1] == 0xF9,
        rate=_RATES_HZ.get(code, rate),
        n_channels=n_channels,
        n_bits=_BITS.get(head[3] >> 1 & 7, 0),
    )


def _is_whole_somewhere(data: FileWindow, place: int, end: int) -> bool:
    """Whether what begins here is a frame up to one of the next possible ones, or to the end."""
    ends = [*islice(data.places(_HEAD, place + 16, end), _N_ENDS), end]
    return any(_is_whole(data[place:at]) for at in ends if at - place <= _MAX_FRAME_BYTES)


def _is_whole(frame: bytes) -> bool:
    """Whether the checksum at the end of a frame is right."""
    value = 0
    for byte in frame:
        value = (value << 8 & 0xFFFF) ^ _CRC16[value >> 8 ^ byte]
    return value == 0


def n_samples_in(data: bytes) -> int:
    """Count the samples of all frames that begin in these bytes."""
    frames = (_read(data[found.start() : found.start() + 16]) for found in _HEAD.finditer(data))
    return sum(frame.n_samples for frame in frames if frame is not None)


def head_of(run: Run, head: bytes, *, is_last: bool) -> bytes:
    """Head for the frames of a run, without length and checksum of all its sound.

    Parameters
    ----------
    run : Run
    head : bytes
        That of the file.
    is_last : bool
        Whether frames stand behind it, and no further block.
    """
    rate, n_channels, n_bits = run.form
    # Where frames are numbered, their place follows from the length that all of them have.
    shortest, longest = (_SHORTEST if run.first.is_of_samples else run.longest), run.longest
    packed = rate << 44 | (n_channels - 1) << 41 | (n_bits - 1) << 36
    mark = bytes([head[4] | 0x80 if is_last else head[4]])
    return (
        head[:4] + mark + head[5:8] + min(shortest, _LONGEST).to_bytes(2, "big")
        + min(longest, _LONGEST).to_bytes(2, "big") + bytes(6)
        + packed.to_bytes(8, "big") + bytes(16)
    )  # fmt: skip


def end_of_blocks(data: FileWindow, start: int) -> int:
    """Byte behind the last of the blocks before the sound, -1 where none is the last."""
    place = start + len(_MARK)
    for _ in range(_MAX_BLOCKS):
        head = data[place : place + 4]
        if len(head) < 4:
            break
        place += 4 + int.from_bytes(head[1:], "big")
        if head[0] & 0x80:
            return place
    return -1


def first_sample(file: BinaryIO | io.RawIOBase) -> int:
    """Position in its stream of a file's first sample, from the number of its first frame.

    A recorder that cuts its stream into files lets the frames go on counting, and the length in
    the header of the last file is that of the stream.

    Parameters
    ----------
    file : binary file
        At its beginning.

    Returns
    -------
    int
        Samples per channel before the file; 0 where that cannot be read.
    """
    if file.read(4) != _MARK:
        return 0
    block_size = 0
    for _ in range(_MAX_BLOCKS):
        head = file.read(4) or b""
        if len(head) < 4:
            return 0
        length = int.from_bytes(head[1:], "big")
        if head[0] & 0x7F == _STREAMINFO:
            block_size = int.from_bytes((file.read(length) or b"")[:2], "big")
        else:
            file.seek(length, io.SEEK_CUR)
        if head[0] & 0x80:
            break
    frame = file.read(11) or b""
    if len(frame) < 11 or frame[:2] not in (b"\xff\xf8", b"\xff\xf9"):
        return 0
    number = _coded_number(frame[4:])
    # Of blocks of one size the frames are counted, of blocks of several the samples.
    return number * block_size if frame[1] == 0xF8 else number


def _coded_number(data: bytes) -> int:
    """Read a number of up to 36 bits, coded as UTF-8 codes characters; 0 where it is none."""
    first = data[0]
    if first < 0x80:
        return first
    n_bytes = 8 - (first ^ 0xFF).bit_length()
    rest = data[1:n_bytes]
    if not 2 <= n_bytes <= 7 or any(byte & 0xC0 != 0x80 for byte in rest):
        return 0
    number = first & (0x7F >> n_bytes)
    for byte in rest:
        number = number << 6 | byte & 0x3F
    return number
