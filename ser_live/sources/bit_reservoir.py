"""Frames of MP3 files that take bits from frames long before them.

A frame of a low bit rate may begin many frames back. After a seek libsndfile decodes anew from four
frames before, and it seeks after every read of a file that can be sought in: what began before that
is lost, and silence or noise stands in its place, as in much of the speech of 8 to 32 kbit/s.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ser_live.sources.file_window import FileWindow
from ser_live.sources.mpeg_frames import Frame, Run, frame_at

_LAYER = 3

_MPEG_1_HZ = 32_000
"""Lowest sample rate of MPEG 1; its frames are twice as long as those of 2 and 2.5."""


def reaches_far(data: FileWindow, run: Run) -> bool:
    """Whether frames of a recording need more than what is decoded anew after a seek."""
    if run.frame.kind[2] != _LAYER:
        return False
    n_most, n_near = (_most_bytes(run), 3 if _is_first(run) else 2)
    smallest = run.frame_bytes[0] - run.frame.n_side_end - 2
    if smallest * n_near >= n_most:
        return False  # as in all of usual bit rates: nothing can begin earlier
    near = [0] * n_near
    for its in _borrowed(data, run):
        if its.n_back > sum(near):
            return True
        near = [*near[1:], its.n_main]
    return False


def n_without_beginning(data: FileWindow, run: Run) -> int:
    """Count the first frames of a recording that begin before it: they cannot be decoded."""
    if run.frame.kind[2] != _LAYER:
        return 0
    n_there, n_frames = 0, 0
    for its in _borrowed(data, run):
        if its.n_back <= n_there:
            break
        n_frames += 1
        n_there = min(n_there + its.n_main, _most_bytes(run))
    return n_frames


def unbroken(data: FileWindow, run: Run) -> list[Run]:
    """Cut a recording where frames are missing, though those around it follow each other.

    The first one behind such a place would begin in the middle of the sound of the one before.
    """
    if run.frame.kind[2] != _LAYER:
        return [run]
    parts = [run]
    n_there, end, n_before = 0, 0, 0
    for k, its in enumerate(_borrowed(data, run)):
        start = n_there - its.n_back
        if 0 <= start < end:
            parts[-1:] = _cut(parts[-1], its, k - n_before)
            n_before = k
            n_there, start = 0, -its.n_back
        n_there += its.n_main
        end = start + its.n_used
    return parts


def _cut(run: Run, its: _Needs, n_frames: int) -> tuple[Run, Run]:
    """Part of a recording before a frame, and that from it on."""
    before = [[start, min(end, its.place)] for start, end in run.pieces if start < its.place]
    behind = [[max(start, its.place), end] for start, end in run.pieces if end > its.place]
    first = replace(run, pieces=before, n_frames=n_frames, counts=None)
    rest = Run(its.frame, behind, n_frames=run.n_frames - n_frames, frame_bytes=run.frame_bytes)
    return first, rest


@dataclass(frozen=True, slots=True)
class _Needs:
    """Bytes of sound that a frame needs, and those that it brings."""

    place: int
    frame: Frame
    n_back: int
    """Length of the way back to its beginning."""
    n_used: int
    n_main: int
    """Bytes in it that hold sound, its own or of frames behind it."""


def _is_first(run: Run) -> bool:
    return run.frame.sample_rate >= _MPEG_1_HZ


def _most_bytes(run: Run) -> int:
    """Longest way back to the beginning of a frame."""
    return 511 if _is_first(run) else 255


def _borrowed(data: FileWindow, run: Run) -> Iterator[_Needs]:
    """Tell of each frame how far before it it begins, and how much there is of it."""
    is_first, n_channels = _is_first(run), run.frame.kind[1]
    n_back_bits = 9 if is_first else 8
    n_side_bytes = run.frame.n_side_end - 4
    # Behind the way back and bits for private use come the lengths, one for each granule and
    # channel, each at the beginning of what else is said of it.
    if is_first:
        first_bit, n_bits, n_lengths = (18, 59, 2) if n_channels == 1 else (20, 59, 4)
    else:
        first_bit, n_bits, n_lengths = (9, 63, 1) if n_channels == 1 else (10, 63, 2)
    shifts = [8 * n_side_bytes - first_bit - k * n_bits - 12 for k in range(n_lengths)]
    for start, end in run.pieces:
        place = start + run.n_header_bytes * (start == run.pieces[0][0])
        while place < end and (frame := frame_at(data, place)) is not None:
            at = place + 4 + 2 * (frame.head >> 16 & 1 ^ 1)
            side = int.from_bytes(data[at : at + n_side_bytes].ljust(n_side_bytes, b"\0"), "big")
            n_used = (sum(side >> shift & 0xFFF for shift in shifts) + 7) // 8
            n_back = side >> 8 * n_side_bytes - n_back_bits
            yield _Needs(place, frame, n_back, n_used, frame.n_bytes - n_side_bytes - at + place)
            place += frame.n_bytes
