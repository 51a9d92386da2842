"""Bytes handed from the thread that receives them to the one that decodes them."""

from __future__ import annotations

import io
from collections.abc import Callable
from threading import Condition
from typing import Any

FULL_BYTES = 1 << 18
"""So much may wait; whoever feeds is to hold back then, and the pipe holds its writer back."""

Cutter = Callable[[bytes, bool], tuple[bytes, bytes, bool]]
"""Takes bytes and whether they are the last; gives those that are ready, those to be looked at
again with more, and whether a recording ends between the two. Where it gives neither any that are
ready nor an end, it is asked again only once more came; of the last ones it keeps none."""


def uncut(data: bytes, _is_last: bool) -> tuple[bytes, bytes, bool]:
    """Cut nothing: all bytes are one recording."""
    return data, b"", False


class ByteFeed:
    """A bounded queue of bytes, read as one file for each recording in them.

    Parameters
    ----------
    cut : callable
        Finds where a recording ends and the next one begins.
    """

    def __init__(self, cut: Cutter = uncut) -> None:
        self._cut = cut
        self._changed = Condition()
        self._raw = b""
        """Bytes that were not looked at, or not yet with what follows."""
        self._ready = bytearray()
        """Bytes of the recording at hand."""
        self._is_cut = False
        """Whether it ends behind them."""
        self._is_ended = False
        self._is_abandoned = False

    @property
    def is_full(self) -> bool:
        """Whether more has to wait."""
        with self._changed:
            return len(self._raw) + len(self._ready) >= FULL_BYTES

    @property
    def n_waiting(self) -> int:
        """Bytes that nobody has read."""
        with self._changed:
            return len(self._raw) + len(self._ready)

    def feed(self, data: bytes) -> None:
        """Add bytes; never waits."""
        with self._changed:
            self._raw += data
            self._changed.notify_all()

    def end(self) -> None:
        """Tell that no more come."""
        with self._changed:
            self._is_ended = True
            self._changed.notify_all()

    def abandon(self) -> None:
        """Let whoever reads see the end at once."""
        with self._changed:
            self._is_abandoned = True
            self._changed.notify_all()

    def read(self, n_bytes: int) -> bytes:
        """Wait for bytes of the recording at hand; empty at its end."""
        with self._changed:
            while True:
                if self._is_abandoned:
                    return b""
                if not self._ready and not self._is_cut and self._raw:
                    ready, self._raw, self._is_cut = self._cut(self._raw, self._is_ended)
                    self._ready += ready
                if self._ready:
                    data = bytes(self._ready[:n_bytes])
                    del self._ready[:n_bytes]
                    return data
                if self._is_cut or (self._is_ended and not self._raw):
                    return b""
                self._changed.wait()

    def next_recording(self) -> bool:
        """Go on to the next recording; ``False`` where none follows."""
        with self._changed:
            self._ready.clear()
            if self._is_abandoned or not self._is_cut:
                return False
            self._is_cut = False
            return True


class FeedFile(io.RawIOBase):
    """The recording at hand of a feed, as a file that cannot be sought in.

    Parameters
    ----------
    feed : ByteFeed
    """

    def __init__(self, feed: ByteFeed) -> None:
        self._feed = feed

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Wait for bytes, as many as fit."""
        data = self._feed.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)
