"""Frames of MP3 whose bits are not in the file, found in what LAME makes.

LAME leaves no bytes between the sound of one frame and the next while its reservoir has room. Where
there are some, where one frame begins within the one before, or is that one again, frames are
missing or were moved, and what decoders then give is made of other frames' bits. Where zeros were
written over the bits of a frame, decoders make up something of them, each in its own way: codes of
zeros alone are the rarest, so that no sound has many of them. Only what LAME made may be judged so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from container_parts import mpeg_frames

_SLACK_BYTES = 16
"""So much short of its limit the reservoir of LAME may be when it leaves bytes."""


_BLANK_BYTES = 8
"""So many zeros in a row are no code of a tone that LAME made: whole ones have 4 at most."""


@dataclass(frozen=True)
class _Frame:
    content: bytes
    brought: bytes
    """Its bytes that hold sound, its own or of frames behind it."""
    seconds: float
    kind: tuple[int, int]
    back: int
    used: int
    main: int
    most: int


def without_bits_s(data: bytes) -> float:
    """Length of the frames that begin in bytes of frames that are not where they were."""
    total_s, n_there, end, kind, n_brought = 0.0, 0, 0, None, 0
    before = b""
    brought = bytearray()
    """All that came, of the length `n_there`."""
    for frame in _frames(data):
        start = n_there - frame.back
        gap = start - end
        is_full = gap + frame.back >= frame.most - _SLACK_BYTES
        is_broken = gap < 0 or (gap > 1 and not is_full) or gap > n_brought
        # No frame of a tone that rises is that before it: the second one moves bits of others on.
        is_broken |= frame.used > 0 and frame.content == before
        before = frame.content
        if frame.kind != kind or (is_broken and start >= 0):
            n_there, start, kind = 0, -frame.back, frame.kind
            brought.clear()
        brought += frame.brought
        is_blank = start >= 0 and bytes(_BLANK_BYTES) in brought[start : start + frame.used]
        if start < 0 or is_blank:
            total_s += frame.seconds
        end = start + frame.used
        n_there += frame.main
        n_brought = frame.main
    return total_s


def _frames(data: bytes) -> Iterator[_Frame]:
    for part in mpeg_frames(data):
        if len(part) < 4 or part[0] != 0xFF or part[1] & 0xE6 != 0xE2:
            continue
        version, rate_index = part[1] >> 3 & 3, part[2] >> 2 & 3
        if version == 1 or rate_index == 3:  # reserved, so it is damage that looks like a head
            continue
        is_first, is_mono = version == 3, part[3] >> 6 == 3
        n_side = (17 if is_mono else 32) if is_first else (9 if is_mono else 17)
        at = 4 if part[1] & 1 else 6
        if part[at + n_side : at + n_side + 4] in (b"Xing", b"Info"):
            continue
        bits = "".join(f"{byte:08b}" for byte in part[at : at + n_side])
        if len(bits) < 8 * n_side:
            continue
        n_back, n_private = (9, 5 if is_mono else 3) if is_first else (8, 1 if is_mono else 2)
        n_channels = 1 if is_mono else 2
        begin, n_lengths, n_bits = n_back + n_private, n_channels, 63
        if is_first:
            begin, n_lengths, n_bits = begin + 4 * n_channels, 2 * n_channels, 59
        used = sum(int(bits[begin + k * n_bits :][:12], 2) for k in range(n_lengths))
        rate = (44_100, 48_000, 32_000)[rate_index] >> {3: 0, 2: 1, 0: 2}[version]
        yield _Frame(
            content=part,
            brought=part[at + n_side :],
            seconds=(1152 if is_first else 576) / rate,
            kind=(rate, n_channels),
            back=int(bits[:n_back], 2),
            used=(used + 7) // 8,
            main=len(part) - at - n_side,
            most=2**n_back - 1,
        )
