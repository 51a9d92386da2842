"""Places in a file where another whole file of its kind begins, as ``cat a.m4a b.m4a`` makes them.

Decoders end with the first one, for its header says where it ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from ser_live.sources.byte_spans import Span
from ser_live.sources.file_window import FileWindow

_MAX_PARTS = 1000
_MAX_BOXES = 1_000_000

_EBML = b"\x1a\x45\xdf\xa3"
MATROSKA_HEAD = re.compile(rb"\x1a\x45\xdf\xa3.{1,48}?(?:webm|matroska)", re.DOTALL)
"""Beginning of a webm or mkv, up to the name of its kind."""

_SEGMENT = b"\x18\x53\x80\x67"
_W64 = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"
_SND_BYTES = 24
_FLV, _FLV_BYTES = b"FLV\x01", 13
_ASF = b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c"


def joined_parts(path: Path, head: bytes) -> list[Span]:
    """Files that follow each other in one; empty where there is one alone.

    Parameters
    ----------
    path : Path
    head : bytes
        Its first bytes.
    """
    starts = [0]
    with suppress(OSError), closing(FileWindow(path)) as data:
        for place in _further(data, head):
            starts.append(place)
            if len(starts) > _MAX_PARTS:
                break
        if len(starts) == 1:
            return []
        ends = [*starts[1:], len(data)]
        return [Span(((start, end),)) for start, end in zip(starts, ends, strict=True)]
    return []


def _further(data: FileWindow, head: bytes) -> Iterator[int]:
    """Places of the files behind the first one."""
    if head[4:8] in (b"ftyp", b"moov", b"wide", b"free", b"mdat"):
        yield from _of_mp4(data)
    elif head.startswith(_EBML):
        yield from _of_matroska(data)
    elif head.startswith(b"FORM"):
        yield from _of_chunks(data, b"FORM", "big", (b"AIFF", b"AIFC"))
    elif head.startswith(b"RIFF") and head[8:12] == b"AVI ":
        yield from _of_chunks(data, b"RIFF", "little", (b"AVI ",))
    elif head.startswith(b"caff"):
        yield from _of_caf(data)
    elif head.startswith(_W64):
        yield from _of_w64(data)
    elif head.startswith(b".snd"):
        yield from _of_au(data)
    elif head.startswith(_FLV):
        yield from _of_flv(data)
    elif head.startswith(_ASF):
        yield from _of_asf(data)


def _of_mp4(data: FileWindow) -> Iterator[int]:
    place, has_index = 0, False
    for _ in range(_MAX_BOXES):
        begin = data[place : place + 16]
        size, kind = int.from_bytes(begin[:4], "big"), begin[4:8]
        if size == 1:
            size = int.from_bytes(begin[8:16], "big")
        if len(begin) < 8 or size < 8 or not kind.isalnum():
            return
        if kind == b"ftyp" and has_index:
            yield place
            has_index = False
        has_index |= kind == b"moov"
        place += size


def _of_matroska(data: FileWindow) -> Iterator[int]:
    place = 0
    while place < len(data):
        # One whose length is not known goes on to the next head.
        end = _end_of_segment(data, place)
        found = data.search(MATROSKA_HEAD, place + len(_EBML) if end is None else end)
        if found is None:
            return
        yield found
        place = found


def _end_of_segment(data: FileWindow, place: int) -> int | None:
    """Place behind the head and the segment that begin here; ``None`` where nothing tells it."""
    for mark in (_EBML, _SEGMENT):
        if data[place : place + 4] != mark:
            return None
        first = data[place + 4 : place + 5]
        if not first or not first[0]:
            return None
        n_bytes = 9 - first[0].bit_length()
        value = int.from_bytes(data[place + 4 : place + 4 + n_bytes], "big")
        size = value & (1 << 7 * n_bytes) - 1
        if size == (1 << 7 * n_bytes) - 1:
            return None
        place += 4 + n_bytes + size
    return place if place <= len(data) else None


def _of_chunks(
    data: FileWindow, mark: bytes, order: str, kinds: tuple[bytes, ...]
) -> Iterator[int]:
    place = 0
    while True:
        size = int.from_bytes(data[place + 4 : place + 8], "big" if order == "big" else "little")
        for end in (place + 8 + size, place + 8 + size + size % 2):
            begin = data[end : end + 12]
            if begin[:4] == mark and begin[8:] in kinds:
                break
        else:
            return
        yield end
        place = end


def _of_caf(data: FileWindow) -> Iterator[int]:
    place = 8
    for _ in range(_MAX_BOXES):
        begin = data[place : place + 12]
        if begin[:4] == b"caff":
            yield place
            place += 8
            continue
        size = int.from_bytes(begin[4:12], "big", signed=True)
        if len(begin) < 12 or size < 0:
            return
        place += 12 + size


def _of_w64(data: FileWindow) -> Iterator[int]:
    place = 0
    while True:
        size = int.from_bytes(data[place + 16 : place + 24], "little")
        end = place + size + -size % 8
        if size < len(_W64) or data[end : end + len(_W64)] != _W64:
            return
        yield end
        place = end


def _of_au(data: FileWindow) -> Iterator[int]:
    place = 0
    while True:
        start, size = (int.from_bytes(data[place + at : place + at + 4], "big") for at in (4, 8))
        end = place + start + size
        begin = data[end : end + _SND_BYTES]
        if begin[:4] != b".snd" or int.from_bytes(begin[4:8], "big") < _SND_BYTES:
            return
        yield end
        place = end


def _of_flv(data: FileWindow) -> Iterator[int]:
    place = _FLV_BYTES
    for _ in range(_MAX_BOXES):
        begin = data[place : place + 11]
        if begin.startswith(_FLV):
            yield place
            place += _FLV_BYTES
            continue
        if len(begin) < 11 or begin[0] & 0x1F not in (8, 9, 18):
            return
        place += 11 + int.from_bytes(begin[1:4], "big") + 4


def _of_asf(data: FileWindow) -> Iterator[int]:
    place = 0
    for _ in range(_MAX_BOXES):
        begin = data[place : place + 24]
        size = int.from_bytes(begin[16:], "little")
        if len(begin) < 24 or size < 24:
            return
        if place and begin.startswith(_ASF):
            yield place
        place += size
