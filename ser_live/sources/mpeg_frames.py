"""Frames of MP3 files: where joined recordings begin, and what lies between and behind them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ser_live.sources.byte_spans import Span
from ser_live.sources.file_window import FileWindow
from ser_live.sources.mpeg_counts import Counts, counts_in

_RATES_HZ = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
"""By version: 1, 2, 2.5."""

_KBITS = {
    (True, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""Kilobits a second by whether the version is 1, and layer."""

_SURE_FRAMES = 3
"""Frames in a row that have to follow before what stands behind junk counts as sound."""

_SURE_AGAIN = 2
"""As many of the kind that came before."""

_MAX_BEHIND_BYTES = 1000
"""So much behind the last frame mpg123 passes over by itself."""

_MORE_CLAIMED = 8
"""Frames that are claimed besides those that were found: the length of all is a guess anyway."""

POSSIBLE = re.compile(rb"\xff[\xe2-\xff]|ID3[\x02-\x04]|APETAGEX|LYRICSBEGIN|TAG|\0{16}")
_AMID_OTHERS = re.compile(rb"\xff[\xe2-\xe5\xf2-\xf5\xfa-\xfd]")
"""Beginning of a frame of layer 2 or 3: those of layer 1 are two bytes of which quiet samples, and
what fills up other formats, are full."""

_NOT_ZERO = re.compile(rb"[^\0]")


Kind = tuple[int, int, int]
"""Rate, channels and layer, the same in all frames of one recording."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Contents of the four bytes before a frame."""

    n_bytes: int
    n_samples: int
    sample_rate: int
    kind: Kind
    n_side_end: int
    """Place in the frame where a header that counts frames would stand."""
    head: int
    """Its first four bytes."""


@dataclass(slots=True)
class Run:
    """Frames of one recording."""

    frame: Frame
    """The first one."""
    pieces: list[list[int]]
    """Bytes of the file, each ``[start, end)``; what is between is no sound."""
    n_frames: int = 0
    """Frames of sound."""
    n_header_bytes: int = 0
    """Length of a first frame that is no sound but counts the others; 0 without one."""
    counts: Counts | None = None
    """Its numbers."""
    n_lost: int = 0
    """Frames that are missing before it, by the length of what stands there instead."""
    frame_bytes: tuple[int, int] = (1 << 30, 0)
    """Length of the shortest and of the longest frame."""

    @property
    def n_counted(self) -> int | None:
        """Frames that its header counts; ``None`` where none does."""
        return None if self.counts is None else self.counts.n_frames

    @property
    def n_bytes(self) -> int:
        """Length in the file, without what is between."""
        return sum(end - start for start, end in self.pieces)

    def seconds(self, n_frames: int) -> float:
        """Length of so many of its frames."""
        return n_frames * self.frame.n_samples / self.frame.sample_rate

    def span(self) -> Span:
        """Bytes to decode, with its header only where that counts enough and tells the delay.

        None is made in its place: mpg123 leaves out the first 529 samples of what is counted, as
        the delay of a decoder, and where a recording does not begin they are sound. Instead a
        length is claimed by which its guess is not too short for any order of the frames.
        """
        first, *others = self.pieces
        rest = tuple((start, end) for start, end in others)
        tells_delay = self.counts is not None and self.counts.tells_delay
        if tells_delay and (self.n_counted or 0) >= self.n_frames:
            return Span(((first[0], first[1]), *rest))
        pieces = ((first[0] + self.n_header_bytes, first[1]), *rest)
        return Span(pieces, n_claimed=(self.n_frames + _MORE_CLAIMED) * self.frame_bytes[1])


@dataclass(slots=True)
class Layout:
    """The sound of an MP3 file."""

    runs: list[Run]
    n_foreign: int = 0
    """Bytes before, between and behind the frames that are neither tags nor zeros."""
    n_before: int = 0
    """Those of them before the first frame."""
    n_behind: int = 0
    """Bytes behind the last frame, tags and zeros too."""
    is_cut: bool = False
    """Whether the file ends in the middle of a frame."""

    @property
    def is_ordinary(self) -> bool:
        """Whether a decoder that believes the header and stops at junk hears everything."""
        if len(self.runs) > 1 or len(self.runs[0].pieces) > 1:
            return False
        run = self.runs[0]
        is_guessed = run.counts is not None and run.counts.is_guessed
        if run.n_counted is None or is_guessed:
            lengths = [*run.frame_bytes, *([run.n_header_bytes] if is_guessed else [])]
            is_steady = max(lengths) - min(lengths) <= 4  # else its length would be guessed
            return is_steady and self.n_behind < _MAX_BEHIND_BYTES
        is_right = run.counts is None or not run.counts.misleads
        return is_right and run.n_counted >= run.n_frames


_known: dict[int, Frame | None] = {}


def frame_at(data: FileWindow | bytes, place: int) -> Frame | None:
    """Read the four bytes before a frame; ``None`` where they are none."""
    head = int.from_bytes(data[place : place + 4], "big")
    if head >> 21 != 0x7FF:
        return None
    key = head >> 6  # what is behind does not change its length
    if key not in _known:
        _known[key] = _parsed(head)
    return _known[key]


def _parsed(head: int) -> Frame | None:
    version, layer = head >> 19 & 3, 4 - (head >> 17 & 3)
    n_kbits, n_rate, padding = head >> 12 & 15, head >> 10 & 3, head >> 9 & 1
    if version == 1 or layer == 4 or n_rate == 3 or n_kbits in (0, 15):
        return None
    is_first = version == 3
    rate = _RATES_HZ[version][n_rate]
    bits = _KBITS[is_first, layer][n_kbits - 1] * 1000
    if layer == 1:
        n_samples, n_bytes = 384, (12 * bits // rate + padding) * 4
    else:
        n_samples = 1152 if layer == 2 or is_first else 576
        n_bytes = n_samples // 8 * bits // rate + padding
    n_channels = 1 if head >> 6 & 3 == 3 else 2
    side = (17 if n_channels == 1 else 32) if is_first else (9 if n_channels == 1 else 17)
    return Frame(n_bytes, n_samples, rate, (rate, n_channels, layer), 4 + side, head)


def are_frames(head: bytes) -> bool:
    """Whether three frames of one kind follow each other."""
    place, kinds = 0, set()
    for _ in range(_SURE_FRAMES):
        frame = frame_at(head, place)
        if frame is None:
            return False
        kinds.add(frame.kind)
        place += frame.n_bytes
    return len(kinds) == 1


def begins_late(head: bytes) -> bool:
    """Whether frames that are ones for sure come within these bytes, behind something else."""
    return any(begins_sure(head, found.start()) for found in _AMID_OTHERS.finditer(head, 1))


def hold_frames(head: bytes) -> bool:
    """Whether as many frames as make it sure lie whole within these bytes."""
    return any(begins_so_far(head, found.start()) for found in _AMID_OTHERS.finditer(head))


def find_runs(data: FileWindow) -> Layout | None:
    """Look through all frames of a file; ``None`` where none are found that can be counted."""
    layout = Layout([])
    run: Run | None = None
    place, n_file, is_joined, n_foreign = 0, len(data), False, 0
    while True:
        frame = frame_at(data, place)
        is_next = (
            is_joined and run is not None and frame is not None and frame.kind == run.frame.kind
        )
        known = None if run is None else run.frame.kind
        if frame is None or not (is_next or begins_sure(data, place, known)):
            found, n_foreign = _next_sound(data, place, known)
            layout.n_foreign += n_foreign
            layout.n_before += 0 if layout.runs else n_foreign
            if found is None:
                layout.n_behind = n_file - place
                return layout if layout.runs else None
            place, is_joined = found, False
            continue
        end = place + frame.n_bytes
        if hidden := hidden_frames(data, place, frame):
            layout.n_foreign, n_foreign = layout.n_foreign + hidden - place, hidden - place
            place, is_joined = hidden, False
            continue
        if end > n_file:
            layout.n_behind = 0
            layout.is_cut = is_next
            return layout if layout.runs else None
        counts = counts_in(data, place, frame)
        n_lost = 0
        if run is not None and not is_joined and counts is None and frame.kind == run.frame.kind:
            n_lost = n_foreign * (run.n_frames + 1) // run.n_bytes
        if run is None or counts is not None or frame.kind != run.frame.kind or n_lost:
            run = Run(frame, [[place, end]], n_lost=n_lost)
            layout.runs.append(run)
            if counts is None:
                run.n_frames = 1
                run.frame_bytes = (frame.n_bytes, frame.n_bytes)
            else:
                run.n_header_bytes = frame.n_bytes
                run.counts = counts
        else:
            run.n_frames += 1
            shortest, longest = run.frame_bytes
            if not shortest <= frame.n_bytes <= longest:
                run.frame_bytes = (min(shortest, frame.n_bytes), max(longest, frame.n_bytes))
            if is_joined:
                run.pieces[-1][1] = end
            else:
                run.pieces.append([place, end])
        place, is_joined = end, True


def hidden_frames(data: FileWindow | bytes, place: int, frame: Frame) -> int | None:
    """Place of the next frame where the head of one says too great a length."""
    end = place + frame.n_bytes
    body, begin = data[place:end], frame.head.to_bytes(4, "big")[:2]
    hidden = body.find(begin, 1)
    if hidden < 0:
        return None
    after = frame_at(data, end)
    is_followed = end >= len(data) - 4 or (after is not None and after.kind == frame.kind)
    while hidden >= 0:
        at, n_hidden = place + hidden, 0
        while at < end and (its := frame_at(data, at)) is not None and its.kind == frame.kind:
            n_hidden, at = n_hidden + 1, at + its.n_bytes
        if n_hidden and (
            (n_hidden >= _SURE_FRAMES and at == end)
            or (not is_followed and begins_sure(data, place + hidden, frame.kind))
        ):
            return place + hidden
        hidden = body.find(begin, hidden + 1)
    return None


def begins_sure(data: FileWindow | bytes, place: int, known: Kind | None = None) -> bool:
    """Whether frames of one kind follow each other here, as far as the file goes.

    Fewer are enough where they are of a kind that is known.
    """
    kind = None
    for n_before in range(_n_needed(data, place, known)):
        if place >= len(data) - 4:
            # One alone that reaches beyond the end may be made of any bytes.
            return n_before > 1 or (n_before == 1 and place <= len(data))
        frame = frame_at(data, place)
        if frame is None or (kind is not None and frame.kind != kind):
            return False
        kind = frame.kind
        place += frame.n_bytes
    return True


def begins_so_far(data: bytes, place: int, known: Kind | None = None) -> bool | None:
    """Whether frames of one kind follow each other here; ``None`` where more bytes have to come."""
    kind = None
    for _ in range(_n_needed(data, place, known)):
        if place > len(data) - 4:
            return None
        frame = frame_at(data, place)
        if frame is None or (kind is not None and frame.kind != kind):
            return False
        kind = frame.kind
        place += frame.n_bytes
    return True


def _n_needed(data: FileWindow | bytes, place: int, known: Kind | None) -> int:
    """Frames that make sure that these are ones."""
    frame = None if known is None or known[2] == 1 else frame_at(data, place)
    return _SURE_AGAIN if frame is not None and frame.kind == known else _SURE_FRAMES


def _next_sound(data: FileWindow, place: int, known: Kind | None = None) -> tuple[int | None, int]:
    """Place of the next frame that is one for sure, and how many foreign bytes are before it."""
    n_foreign = 0
    while place < len(data) - 4:
        if n_bytes := tag_bytes(data, place):
            place = _behind_tag(data, place, place + n_bytes)
        elif data[place] == 0:
            found = data.search(_NOT_ZERO, place)
            place = len(data) if found is None else found
        elif begins_sure(data, place, known):
            return place, n_foreign
        else:
            found = data.search(POSSIBLE, place + 1)
            after = len(data) if found is None else found
            n_foreign += after - place
            place = after
    return None, n_foreign


def _behind_tag(data: FileWindow, place: int, end: int) -> int:
    """Place behind a tag: its end, or that of the first sound in it where its size is wrong."""
    # What fills a tag up is zero to its end; sound behind zeros is none of it.
    filled = (
        data.search(_NOT_ZERO, place + 10) if data[place + 10 : place + 14] == bytes(4) else None
    )
    if filled is not None and filled < end and begins_sure(data, filled):
        return filled
    if end == len(data) or data[end : end + 4] == bytes(4) or begins_sure(data, end):
        return end
    if end < len(data) and tag_bytes(data, end):
        return end
    for sound in data.places(POSSIBLE, place + 4, min(end, len(data))):
        if begins_sure(data, sound):
            return sound
    return end


def behind_tags(data: FileWindow) -> int:
    """Place behind the tags at the beginning of a file."""
    place = 0
    while n_bytes := tag_bytes(data, place):
        place += n_bytes
    return place


def tag_bytes(data: FileWindow | bytes, place: int) -> int:
    """Length of the tag that begins here, 0 where none does."""
    begin = data[place : place + 32]
    if begin[:3] == b"ID3" and len(begin) >= 10 and max(begin[6:10]) < 128:
        size = begin[6] << 21 | begin[7] << 14 | begin[8] << 7 | begin[9]
        return 10 + size + (10 if begin[5] & 16 else 0)
    if begin[:8] == b"APETAGEX" and len(begin) == 32:
        is_header = begin[23] & 0x20
        return 32 + (int.from_bytes(begin[12:16], "little") if is_header else 0)
    if begin[:3] == b"TAG" and len(data) - place <= 128 + 4:
        return len(data) - place
    if begin[:11] == b"LYRICSBEGIN":
        end = data.find(b"LYRICS200", place)
        return end + 9 - place if end >= 0 else 0
    return 0
