"""Frames of MP3 files that take bits from frames long before them.

A frame of a low bit rate may begin many frames back. After a seek libsndfile decodes anew from four
frames before, and it seeks after every read of a file that can be sought in: what began before that
is lost, and silence or noise stands in its place, as in much of the speech of 8 to 32 kbit/s.
"""

from __future__ import annotations

import struct

from ser_live.sources.file_window import FileWindow
from ser_live.sources.mpeg_frames import Frame, Run, frame_at

_MPEG_1_HZ = 32_000
"""Lowest sample rate of MPEG 1; its frames are twice as long as those of 2 and 2.5."""


def reaches_far(data: FileWindow, run: Run) -> bool:
    """Whether frames of a recording need more than what is decoded anew after a seek."""
    if run.frame.kind[2] != 3:
        return False
    is_first = run.frame.sample_rate >= _MPEG_1_HZ
    n_most, n_near = (511, 3) if is_first else (255, 2)
    smallest = run.frame_bytes[0] - run.frame.n_side_end - 2
    if smallest * n_near >= n_most:
        return False  # as in all of usual bit rates: nothing can begin earlier
    near = [0] * n_near
    for start, end in run.pieces:
        place = start + run.n_header_bytes * (start == run.pieces[0][0])
        while place < end and (frame := frame_at(data, place)) is not None:
            n_before = place + 4 + 2 * (frame.head >> 16 & 1 ^ 1)
            n_back = struct.unpack(">H", data[n_before : n_before + 2])[0] >> (7 if is_first else 8)
            if n_back > sum(near):
                return True
            near = [*near[1:], _main_bytes(frame)]
            place += frame.n_bytes
    return False


def _main_bytes(frame: Frame) -> int:
    """Bytes of a frame that hold sound, its own or of frames behind it."""
    return frame.n_bytes - frame.n_side_end - 2 * (frame.head >> 16 & 1 ^ 1)
