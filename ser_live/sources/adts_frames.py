"""Frames of AAC in ADTS, whose decoders pass over what is missing between them."""

from __future__ import annotations

import re

from ser_live.errors import AudioFileError
from ser_live.sources.decoder import cut_within, damaged_within
from ser_live.sources.file_window import FileWindow

_RATES_HZ = (
    *(96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000),
    *(22_050, 16_000, 12_000, 11_025, 8_000, 7_350),
)
_BLOCK = 1024
"""Samples of one block at the rate that the frame names."""

_MARK = re.compile(rb"\xff[\xf0\xf1\xf8\xf9]|ID3[\x02-\x04]|TAG|APETAGEX")
_TAGS = (b"ID3", b"TAG", b"APE")
_HEAD_BYTES = 7
_SURE_FRAMES = 4
"""Frames in a row that are not made of anything else."""
_SPOKEN_OF_S = 0.05


def frame_at(data: FileWindow | bytes, place: int) -> tuple[int, float, tuple[int, int]] | None:
    """Read the head of a frame: its bytes, its seconds, and what is the same in all of a file."""
    head = data[place : place + _HEAD_BYTES]
    if len(head) < _HEAD_BYTES or head[0] != 0xFF or head[1] & 0xF6 != 0xF0:
        return None
    n_rate = head[2] >> 2 & 15
    n_bytes = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    if n_rate >= len(_RATES_HZ) or n_bytes <= _HEAD_BYTES:
        return None
    length_s = (1 + (head[6] & 3)) * _BLOCK / _RATES_HZ[n_rate]
    return n_bytes, length_s, (head[1] & 8, head[2] & 0xFC)


def failure_of(data: FileWindow, name: str) -> AudioFileError | None:
    """Make the error for sound that is missing between the frames of a file, or behind them.

    How much is missing follows from the bytes that stand in its place.
    """
    heard_s, n_heard, n_foreign, place = 0.0, 0, 0, 0
    kind: tuple[int, int] | None = None
    is_cut = False
    while place < len(data):
        frame = frame_at(data, place)
        if frame is not None and (kind in (None, frame[2]) or _begins_another(data, place)):
            n_bytes, length_s, its_kind = frame
            if place + n_bytes > len(data):
                is_cut = True
                break
            if _goes_on(data, place + n_bytes):
                kind = its_kind
                heard_s, n_heard, place = heard_s + length_s, n_heard + n_bytes, place + n_bytes
                continue
        if data[place : place + 3].startswith(_TAGS):
            place = _behind_tag(data, place)
            continue
        following = data.search(_MARK, place + 1)
        after = len(data) if following is None else following
        n_foreign += len(data[place:after].strip(b"\0")) if after - place < 1 << 20 else 0
        place = after
    if not n_heard:
        return None
    lost_s = heard_s * n_foreign / n_heard
    if lost_s > _SPOKEN_OF_S:
        return damaged_within(name, lost_s, heard_s + lost_s)
    return cut_within(name, heard_s, "frame") if is_cut else None


def _begins_another(data: FileWindow, place: int) -> bool:
    """Whether so many frames of one kind follow each other that they are another recording."""
    kinds = set()
    for _ in range(_SURE_FRAMES):
        frame = frame_at(data, place)
        if frame is None:
            return False
        kinds.add(frame[2])
        place += frame[0]
    return len(kinds) == 1


def _goes_on(data: FileWindow, place: int) -> bool:
    """Whether a frame, a tag, zeros or the end stand here."""
    begin = data[place : place + 3]
    return (
        len(begin) < 3
        or (begin[0] == 0xFF and begin[1] & 0xF6 == 0xF0)
        or begin == b"\0\0\0"
        or begin.startswith(_TAGS)
    )


def _behind_tag(data: FileWindow, place: int) -> int:
    head = data[place : place + 10]
    if head[:3] == b"ID3" and len(head) == 10:
        size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
        return place + 10 + size
    return len(data)
