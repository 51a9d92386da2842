"""Frames of FLAC files: where in its stream a file begins, and whether they are what its head says.

Layouts from RFC 9639, sections 8.1 (metadata blocks) and 9.1 (frame headers).
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Contents:
    """Result of a look through a file."""

    is_more_than_told: bool
    """Whether there is more sound than its head says, or frames are out of their order.

    libsndfile hears as much as the head says, and seeks by the numbers of the frames.
    """
    n_foreign: int
    """Frames longer than the head allows: they are of another recording."""


def look_through(data: FileWindow, start: int, end: int) -> Contents:
    """Look through all frames of a recording, whose bytes in the file are ``[start, end)``."""
    longest = int.from_bytes(data[start + 10 : start + 12], "big")
    total = int.from_bytes(data[start + 21 : start + 26], "big") & (1 << 36) - 1
    n_samples, n_foreign, is_in_order = 0, 0, True
    begin, expected = -1, -1
    for place in data.places(_HEAD, start + HEAD_BYTES, end):
        frame = _read(data[place : place + 16])
        if frame is None:
            continue
        number, n, is_of_samples = frame
        # By chance sound looks like a frame, but not like the next one, nor behind a whole one.
        if begin >= 0 and number != expected:
            if not _is_whole(data[begin:place]):
                continue
            is_in_order = False
        begin, expected = place, number + (n if is_of_samples else 1)
        n_samples += n
        n_foreign += n > longest
    # Of unknown length all is read to its end, without seeking.
    is_more = 0 < total < n_samples or (0 < total == n_samples and not is_in_order)
    return Contents(is_more, n_foreign)


def _read(head: bytes) -> tuple[int, int, bool] | None:
    """Number, samples, and whether samples are numbered; ``None`` where the checksum is wrong."""
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
    place += _RATE_BYTES.get(head[2] & 15, 0)
    checksum = 0
    for byte in head[:place]:
        checksum = _CRC8[checksum ^ byte]
    return (number, n_samples, head[1] == 0xF9) if checksum == head[place] else None


def _is_whole(frame: bytes) -> bool:
    """Whether the checksum at the end of a frame is right."""
    value = 0
    for byte in frame:
        value = (value << 8 & 0xFFFF) ^ _CRC16[value >> 8 ^ byte]
    return value == 0


def of_unknown_length(head: bytes) -> bytes:
    """Head of a file without length and checksum of all its sound."""
    return head[:21] + bytes([head[21] & 0xF0]) + bytes(20)


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
