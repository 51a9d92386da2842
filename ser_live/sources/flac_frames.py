"""Where in its stream a FLAC file begins.

Layouts from RFC 9639, sections 8.1 (metadata blocks) and 9.1 (frame headers).
"""

from __future__ import annotations

import io
from typing import BinaryIO

_MARK = b"fLaC"
_STREAMINFO = 0
_MAX_BLOCKS = 1024
"""Metadata blocks looked at; a real file has a few."""


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
