"""A little of what many connections ask at once, then it is everybody else's turn."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Protocol

SLICE_S = 0.002
"""Time for which requests are read before others get their turn, in seconds."""


class Reader(Protocol):
    """A connection that reads what came."""

    def read(self, data: bytes) -> None:
        """Read bytes, unless the connection is gone."""
        ...


class Turns:
    """Lets connections of one event loop read in turn, in the order in which they were asked.

    The loop gives all that came at once in one go: a thousand requests, for which the records of
    everybody else would wait. What is more than a slice of them waits for the loop's next round.
    """

    def __init__(self) -> None:
        self._waiting: deque[tuple[Reader, bytes]] = deque()
        self._spent_s = 0.0
        """Time that was read for in this round."""
        self._round: asyncio.Handle | None = None

    def take(self, reader: Reader, data: bytes) -> bool:
        """Let a connection read now, or when it is its turn; whether it has to wait."""
        if self._waiting or self._spent_s >= SLICE_S:
            self._waiting.append((reader, data))
            return True
        self._read(reader, data)
        return False

    def waits(self, reader: Reader) -> bool:
        """Whether a connection has something to read."""
        return any(waiting is reader for waiting, _ in self._waiting)

    def _read(self, reader: Reader, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        if self._round is None:
            self._round = loop.call_soon(self._begin)
        began_s = loop.time()
        try:
            reader.read(data)
        finally:
            self._spent_s += loop.time() - began_s

    def _begin(self) -> None:
        self._round = None
        self._spent_s = 0.0
        while self._waiting and self._spent_s < SLICE_S:
            self._read(*self._waiting.popleft())
