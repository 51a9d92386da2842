"""Frames of MP3 watched on their way through a pipe: decoders pass over what is damaged."""

from __future__ import annotations

from ser_live.errors import AudioFileError
from ser_live.sources.decoder import cut_off, cut_within, damaged_within
from ser_live.sources.mpeg_counts import Counts, counts_in
from ser_live.sources.mpeg_frames import (
    POSSIBLE,
    Frame,
    begins_so_far,
    begins_sure,
    frame_at,
    tag_bytes,
)

_TAG_BEHIND_BYTES = 132
"""Length of a tag that stands only at the end, with what may follow it."""

_TAG = b"TAG"


class Mp3Watch:
    """Counts what is missing between the frames; see `byte_feed.Cutter`.

    It cuts where a head counts the frames of another recording: that one's coder put silence before
    its sound, which is passed over only at the beginning of a recording.
    """

    def __init__(self) -> None:
        self._n_skipped = 0
        """Bytes of a tag that are still to come."""
        self._frame: Frame | None = None
        """The last one."""
        self._is_joined = False
        self._is_begun = True
        """Whether no sound of the recording at hand came so far."""
        self._n_frames = 0
        self._n_bytes = 0
        self._n_foreign = 0
        """Bytes since the last frame that are neither tags nor zeros."""
        self._heard_s = 0.0
        self._lost_s = 0.0
        self._n_promised: int | None = None
        self._is_cut = False

    def __call__(self, data: bytes, is_last: bool) -> tuple[bytes, bytes, bool]:
        """Pass on what was looked at."""
        n_passed = min(self._n_skipped, len(data))
        self._n_skipped -= n_passed
        place, is_end = self._look(data, n_passed, is_last=is_last)
        self._n_skipped += max(0, place - len(data))
        return data[:place], data[place:], is_end

    def _look(self, data: bytes, place: int, *, is_last: bool) -> tuple[int, bool]:
        """Give the place behind what is known, and whether another recording begins there."""
        while place < len(data):
            n_there = len(data) - place
            frame = frame_at(data, place)
            is_next = (
                frame is not None
                and self._is_joined
                and self._frame is not None
                and frame.kind == self._frame.kind
            )
            if not is_next:
                is_sure = self._is_sure(data, place, is_last=is_last)
                if is_sure is None:
                    break
                if not is_sure:
                    frame = None
            if frame is not None:
                if frame.n_bytes > n_there:
                    if is_last:
                        self._is_cut, place = is_next, len(data)
                    break
                counts = counts_in(data, place, frame)
                if counts is not None and not self._is_begun:
                    self._is_begun, self._is_joined, self._n_foreign = True, False, 0
                    return place, True
                self._count(counts, frame)
                place += frame.n_bytes
                continue
            self._is_joined = False
            place = self._passed_over(data, place)
        return place, False

    def _is_sure(self, data: bytes, place: int, *, is_last: bool) -> bool | None:
        """Whether sound begins here; ``None`` where more bytes have to come."""
        known = None if self._frame is None else self._frame.kind
        if is_last:
            return begins_sure(data, place, known)
        is_sure = begins_so_far(data, place, known)
        if is_sure is False and len(data) - place < _TAG_BEHIND_BYTES:
            return None  # the beginning of a tag, it may be
        return is_sure

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

    def _count(self, counts: Counts | None, frame: Frame) -> None:
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
        self._is_begun = False
        self._n_frames += 1
        self._n_bytes += frame.n_bytes
        self._heard_s += frame.n_samples / frame.sample_rate

    def failure(self, name: str) -> AudioFileError | None:
        """Make the error for what was missing, once all has come; ``None`` for nothing."""
        if self._lost_s > 0:
            return damaged_within(name, self._lost_s, self._heard_s + self._lost_s)
        if not self._is_cut or self._frame is None:
            return None
        if self._n_promised is not None and self._n_promised > self._n_frames + 1:
            promised_s = self._n_promised * self._frame.n_samples / self._frame.sample_rate
            return cut_off(name, self._heard_s, promised_s)
        return cut_within(name, self._heard_s, "frame")
