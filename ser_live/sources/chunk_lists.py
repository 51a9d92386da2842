"""Chunks and packets whose order shows damage that decoders pass over in silence."""

from __future__ import annotations

import re
from pathlib import Path

_AVI_CHUNK = re.compile(rb"[0-9]{2}(wb|dc|db|pc|tx|sb)|ix[0-9]{2}|JUNK|LIST|rec |idx1|RIFF|strd")
_LISTS = (b"RIFF", b"LIST")
_TS_BEGIN = 0x47
_TS_PACKETS = (188, 192, 204)
"""Bytes of a packet: plain, with a time, with a checksum."""

_MAX_CHUNKS = 5_000_000
_MAX_CAF_CHUNKS = 1000


def is_short_riff(path: Path) -> bool:
    """Whether a file is shorter than its first chunk says."""
    with path.open("rb") as file:
        head = file.read(8)
    n_file = path.stat().st_size
    return head[:4] == b"RIFF" and int.from_bytes(head[4:], "little") + 8 > n_file + 1


def is_avi_broken(path: Path) -> bool:
    """Whether what stands behind a chunk of an avi's sound and pictures is not another one."""
    with path.open("rb") as file:
        n_file = path.stat().st_size
        place, is_inside, movie_end = 0, False, 0
        for _ in range(_MAX_CHUNKS):
            file.seek(place)
            head = file.read(12)
            if len(head) < 12:
                return False
            kind, size = head[:4], int.from_bytes(head[4:8], "little")
            is_inside &= place < movie_end
            if is_inside and not _AVI_CHUNK.fullmatch(kind):
                return True
            if kind in _LISTS and head[8:12] in (b"AVI ", b"AVIX", b"movi", b"rec "):
                if head[8:12] == b"movi":
                    is_inside, movie_end = True, min(place + 8 + size, n_file)
                place += 12
            else:
                place += 8 + size + size % 2
    return False


def missing_of_caf(path: Path) -> tuple[int, int] | None:
    """Bytes of sound that are there and that the header promises; ``None`` where none miss."""
    with path.open("rb") as file:
        if file.read(4) != b"caff":
            return None
        n_file, place = path.stat().st_size, 8
        for _ in range(_MAX_CAF_CHUNKS):
            file.seek(place)
            head = file.read(12)
            if len(head) < 12:
                return None
            size = int.from_bytes(head[4:12], "big", signed=True)
            place += 12
            if head[:4] == b"data":
                return (n_file - place, size) if size > n_file - place else None
            place += max(0, size)
    return None


def out_of_step(path: Path) -> tuple[bool, bool]:
    """Whether packets of an MPEG transport stream are out of step, and whether the last is cut."""
    with path.open("rb") as file:
        head = file.read(4 * max(_TS_PACKETS))
        step = next((n for n in _TS_PACKETS if _are_in_step(head, n)), None)
        if step is None:
            return False, False
        file.seek(0)
        while block := file.read(step * 4096):
            if not _are_in_step(block, step):
                return True, False
            if len(block) % step:
                return False, True
    return False, False


def _are_in_step(block: bytes, step: int) -> bool:
    begin = 4 if step == 192 else 0  # a time comes first
    return set(block[begin::step]) == {_TS_BEGIN}
