"""Places in the bytes of a pipe where another whole recording begins; see `byte_feed.Cutter`."""

from __future__ import annotations

import re
from collections.abc import Callable

from ser_live.sources.byte_feed import Cutter, uncut
from ser_live.sources.joints import MATROSKA_HEAD
from ser_live.sources.mpeg_watch import Mp3Watch
from ser_live.sources.ogg_pages import OggCutter

_BOX_BYTES = 16
"""Longest beginning of a box of MP4."""

_AU, _AU_BYTES = b".snd", 24
_UNKNOWN = 0xFFFF_FFFF


class MarkCutter:
    """Cuts before every mark but the one that a recording begins with.

    Parameters
    ----------
    mark : re.Pattern
        Begins with one certain byte.
    first : bytes
        That byte.
    longest : int
        Bytes of the longest match.
    """

    def __init__(self, mark: re.Pattern[bytes], first: bytes, longest: int) -> None:
        self._mark, self._first, self._longest = mark, first, longest
        self._is_begun = False
        """Whether the first byte of the recording at hand was passed on."""

    def __call__(self, data: bytes, is_last: bool) -> tuple[bytes, bytes, bool]:
        place = 0 if self._is_begun else 1
        if found := self._mark.search(data, place):
            self._is_begun = False
            return data[: found.start()], data[found.start() :], True
        n_ready = len(data)
        if not is_last:
            begin = data.find(self._first, max(place, n_ready - self._longest + 1))
            n_ready = begin if begin >= 0 else n_ready
        self._is_begun |= n_ready > 0
        return data[:n_ready], data[n_ready:], False


class BoxCutter:
    """Cuts where an MP4 begins behind one that has its index first."""

    def __init__(self) -> None:
        self._n_left = 0
        """Bytes of a box that are still to come."""
        self._has_index = False
        self._is_lost = False
        """Whether what came is no box, so that nothing is known of what follows."""

    def __call__(self, data: bytes, is_last: bool) -> tuple[bytes, bytes, bool]:
        place = 0
        while place < len(data):
            if self._is_lost:
                return data, b"", False
            n_passed = min(self._n_left, len(data) - place)
            place, self._n_left = place + n_passed, self._n_left - n_passed
            begin = data[place : place + _BOX_BYTES]
            if self._n_left or not begin:
                break
            if len(begin) < _BOX_BYTES and not is_last:
                return data[:place], data[place:], False
            size, kind = int.from_bytes(begin[:4], "big"), begin[4:8]
            if size == 1:
                size = int.from_bytes(begin[8:], "big")
            if kind == b"ftyp" and self._has_index:
                self._has_index = False
                return data[:place], data[place:], True
            self._has_index |= kind == b"moov"
            self._is_lost = size < 8
            self._n_left = size
        return data, b"", False


class AuCutter:
    """Cuts where an au begins behind one that says its length."""

    def __init__(self) -> None:
        self._n_left: int | None = None
        """Bytes of the recording at hand to come; ``None`` before its head came."""
        self._is_endless = False

    def __call__(self, data: bytes, is_last: bool) -> tuple[bytes, bytes, bool]:
        if self._n_left is None and not self._is_endless:
            if len(data) < _AU_BYTES and not is_last:
                return b"", data, False
            start, size = int.from_bytes(data[4:8], "big"), int.from_bytes(data[8:12], "big")
            self._is_endless = size == _UNKNOWN or start < _AU_BYTES
            self._n_left = start + size
        if self._is_endless or self._n_left is None:
            return data, b"", False
        n_passed = min(self._n_left, len(data))
        ready, rest = data[:n_passed], data[n_passed:]
        self._n_left -= n_passed
        if self._n_left or not rest or (len(rest) < len(_AU) and not is_last):
            return ready, rest, False
        self._n_left, self._is_endless = None, not rest.startswith(_AU)
        return (data, b"", False) if self._is_endless else (ready, rest, True)


def cutter_of(kind: str) -> Cutter:
    """Make the cutter for a container that comes as it flows."""
    mark = _MARKS.get(kind)
    if mark is not None:
        return MarkCutter(*mark)
    if kind in _OTHERS:
        return _OTHERS[kind]()
    return uncut


_MARKS = {
    "flac": (re.compile(rb"fLaC\x00\x00\x00\x22"), b"f", 8),
    "webm": (MATROSKA_HEAD, b"\x1a", 60),
    "flv": (re.compile(rb"FLV\x01[\x01\x04\x05]\0\0\0\x09\0\0\0\0"), b"F", 13),
    "wma": (
        re.compile(re.escape(b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c")),
        b"\x30",
        16,
    ),
}
"""By container: what its files begin with, its first byte, and its greatest length."""

_OTHERS: dict[str, Callable[[], Cutter]] = {
    "m4a": BoxCutter,
    "au": AuCutter,
    "ogg": OggCutter,
    "mp3": Mp3Watch,
}
