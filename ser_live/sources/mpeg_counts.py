"""First frames of MP3 that are no sound, but count those behind them: Xing, Info and VBRI."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ser_live.sources.file_window import FileWindow

if TYPE_CHECKING:
    from ser_live.sources.mpeg_frames import Frame

_COUNTED_BYTES = (4, 4, 100, 4)
"""Lengths of frames, bytes, places and quality in a header, each where its bit is set."""

_MOST_DELAY_FRAMES = 3
"""Frames of silence that a coder puts before or behind the sound, at most."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Numbers that a first frame, which is no sound, tells of the others."""

    n_frames: int | None
    n_bytes: int | None = None
    """Bytes of all, with itself."""
    tells_delay: bool = False
    """Whether it tells how much of the first and last frames is the coder's delay."""
    misleads: bool = False
    """Whether that is damaged: it names no coder, or takes away more than a coder adds."""
    is_guessed: bool = False
    """Whether mpg123 does not know it, and guesses the length by the length of this frame."""


def counts_in(data: FileWindow | bytes, place: int, frame: Frame) -> Counts | None:
    """Look into a first frame for what it counts; ``None`` where it is sound."""
    at = place + frame.n_side_end
    if data[at : at + 4] in (b"Xing", b"Info"):
        flags = int.from_bytes(data[at + 4 : at + 8], "big")
        at += 8
        values: list[int | None] = [None, None]
        for bit, n_bytes in enumerate(_COUNTED_BYTES):
            if flags >> bit & 1:
                if bit < len(values):
                    values[bit] = int.from_bytes(data[at : at + 4], "big")
                at += n_bytes
        if any(data[place + 4 : place + frame.n_side_end]):
            return Counts(0)  # mpg123 takes it for sound
        n_frames, n_bytes_counted = values
        delays = _delays(data[at : at + 24])
        misleads = max(delays) > _MOST_DELAY_FRAMES * frame.n_samples or (
            any(delays) and not all(0x20 <= byte < 0x7F for byte in data[at : at + 4])
        )
        return Counts(
            n_frames,
            n_bytes_counted,
            tells_delay=any(delays) and not misleads,
            misleads=misleads,
        )
    if data[place + 36 : place + 40] == b"VBRI":
        n_bytes_counted, n_frames = struct.unpack(">II", data[place + 46 : place + 54])
        return Counts(n_frames, n_bytes_counted, is_guessed=True)
    return None


def _delays(tag: bytes) -> tuple[int, int]:
    """Samples that a coder says it put before and behind the sound; 0 without its tag."""
    if len(tag) < 24 or not tag[0]:
        return 0, 0
    both = int.from_bytes(tag[21:24], "big")
    return both >> 12, both & 0xFFF
