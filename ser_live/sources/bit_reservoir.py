"""Frames of MP3 files that take bits from frames long before them.

A frame of a low bit rate may begin many frames back. After a seek libsndfile decodes anew from four
frames before, and it seeks after every read of a file that can be sought in: what began before that
is lost, and silence or noise stands in its place, as in much of the speech of 8 to 32 kbit/s.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from ser_live.sources.file_window import FileWindow
from ser_live.sources.mpeg_frames import Frame, Run, frame_at

_MPEG_1_HZ = 32_000
"""Lowest sample rate of MPEG 1; its frames are twice as long as those of 2 and 2.5."""


def reaches_far(data: FileWindow, run: Run) -> bool:
    """Whether frames of a recording need more than what is decoded anew after a seek."""
    if run.frame.kind[2] != 3:
        return False
    is_first = run.frame.sample_rate >= _MPEG_1_HZ
    n_most, n_near = (_most_bytes(run), 3 if is_first else 2)
    smallest = run.frame_bytes[0] - run.frame.n_side_end - 2
    if smallest * n_near >= n_most:
        return False  # as in all of usual bit rates: nothing can begin earlier
    near = [0] * n_near
    for n_back, n_main in _borrowed(data, run):
        if n_back > sum(near):
            return True
        near = [*near[1:], n_main]
    return False


def n_without_beginning(data: FileWindow, run: Run) -> int:
    """Count the first frames of a recording that begin before it: they cannot be decoded."""
    if run.frame.kind[2] != 3:
        return 0
    n_there, n_frames = 0, 0
    for n_back, n_main in _borrowed(data, run):
        if n_back <= n_there:
            break
        n_frames += 1
        n_there = min(n_there + n_main, _most_bytes(run))
    return n_frames


def _most_bytes(run: Run) -> int:
    """Longest way back to the beginning of a frame."""
    return 511 if run.frame.sample_rate >= _MPEG_1_HZ else 255


def _borrowed(data: FileWindow, run: Run) -> Iterator[tuple[int, int]]:
    """For each frame, how far before it it begins, and how many bytes of sound are in it."""
    shift = 7 if run.frame.sample_rate >= _MPEG_1_HZ else 8
    for start, end in run.pieces:
        place = start + run.n_header_bytes * (start == run.pieces[0][0])
        while place < end and (frame := frame_at(data, place)) is not None:
            n_before = place + 4 + 2 * (frame.head >> 16 & 1 ^ 1)
            yield (
                struct.unpack(">H", data[n_before : n_before + 2].ljust(2, b"\0"))[0] >> shift,
                _main_bytes(frame),
            )
            place += frame.n_bytes


def _main_bytes(frame: Frame) -> int:
    """Bytes of a frame that hold sound, its own or of frames behind it."""
    return frame.n_bytes - frame.n_side_end - 2 * (frame.head >> 16 & 1 ^ 1)
