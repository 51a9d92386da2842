"""Frames of MP3 watched on their way through a pipe: decoders pass over what is damaged."""

from __future__ import annotations

from ser_live.errors import AudioFileError
from ser_live.sources.decoder import cut_off, cut_within, damaged_within
from ser_live.sources.mpeg_frames import (
    POSSIBLE,
    Frame,
    begins_sure,
    counts_in,
    frame_at,
    tag_bytes,
)

_LONGEST_SURE = 3 * 2881 + 4
"""Bytes within which frames that follow each other are ones for sure."""

_TAG_BEHIND_BYTES = 132
"""Length of a tag that stands only at the end, with what may follow it."""

_TAG = b"TAG"


class Mp3Watch:
    """Counts what is missing between the frames; see `byte_feed.Cutter`. It holds nothing back."""

    def __init__(self) -> None:
        self._rest = b""
        """Bytes that were passed on, but have to be looked at with those behind them."""
        self._n_skipped = 0
        """Bytes of a tag that are still to come."""
        self._frame: Frame | None = None
        """The last one."""
        self._is_joined = False
        self._n_frames = 0
        self._n_bytes = 0
        self._n_foreign = 0
        """Bytes since the last frame that are neither tags nor zeros."""
        self._heard_s = 0.0
        self._lost_s = 0.0
        self._n_promised: int | None = None
        self._is_cut = False

    def __call__(self, data: bytes, is_last: bool) -> tuple[bytes, bytes, bool]:
        """Pass all on, and look at it."""
        n_passed = min(self._n_skipped, len(data))
        self._n_skipped -= n_passed
        self._rest += data[n_passed:]
        self._look(is_last=is_last)
        return data, b"", False

    def _look(self, *, is_last: bool) -> None:
        data, place = self._rest, 0
        while place < len(data):
            known = None if self._frame is None else self._frame.kind
            n_there = len(data) - place
            frame = frame_at(data, place)
            is_next = (
                frame is not None
                and self._is_joined
                and self._frame is not None
                and frame.kind == self._frame.kind
            )
            if not is_last and n_there < (_LONGEST_SURE if not is_next else 0):
                break
            if frame is not None and (is_next or begins_sure(data, place, known)):
                if frame.n_bytes > n_there:
                    if is_last:
                        self._is_cut, place = is_next, len(data)
                    break
                self._count(data, place, frame)
                place += frame.n_bytes
                continue
            self._is_joined = False
            place = self._passed_over(data, place)
        self._n_skipped += max(0, place - len(data))
        self._rest = data[place:]

    def _passed_over(self, data: bytes, place: int) -> int:
        """Place behind what is no frame."""
        if data[place : place + 3] == _TAG and len(data) - place > _TAG_BEHIND_BYTES:
            n_tag = 0
        else:
            n_tag = tag_bytes(data, place)
        if n_tag:
            return place + n_tag
        if data[place] == 0:
            return len(data) - len(data[place:].lstrip(b"\0"))
        found = POSSIBLE.search(data, place + 1)
        after = len(data) if found is None else found.start()
        self._n_foreign += after - place
        return after

    def _count(self, data: bytes, place: int, frame: Frame) -> None:
        counts = counts_in(data, place, frame)
        last = self._frame
        if counts is None and last is not None and last.kind == frame.kind and self._n_bytes:
            n_lost = self._n_foreign * self._n_frames // self._n_bytes
            self._lost_s += n_lost * frame.n_samples / frame.sample_rate
        self._n_foreign = 0
        self._frame, self._is_joined = frame, True
        if counts is not None:
            # Of titles that follow each other none is promised whole.
            self._n_promised = counts.n_frames if not self._n_frames else None
            return
        self._n_frames += 1
        self._n_bytes += frame.n_bytes
        self._heard_s += frame.n_samples / frame.sample_rate

    def failure(self, name: str) -> AudioFileError | None:
        """Make the error for what was missing, once all has come; ``None`` for nothing."""
        self._look(is_last=True)
        if self._lost_s > 0:
            return damaged_within(name, self._lost_s, self._heard_s + self._lost_s)
        if not self._is_cut or self._frame is None:
            return None
        if self._n_promised is not None and self._n_promised > self._n_frames + 1:
            promised_s = self._n_promised * self._frame.n_samples / self._frame.sample_rate
            return cut_off(name, self._heard_s, promised_s)
        return cut_within(name, self._heard_s, "frame")
