"""Numbered records on their way to a reader, who may be slow or gone for a while."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping

from ser_live.records.json_line import json_line

EXPENDABLE = ("level", "heard")
"""Types that a slow reader misses first; partial results too."""


class Outgoing:
    """Records of one session: each has the next number, and the latest are kept.

    Parameters
    ----------
    session : str
    n_kept : int
        Records that can be given again.
    n_waiting, waiting_bytes : int
        Most that waits for a reader.
    on_slow : callable
        Called when there is no room for a record that must not be left out.
    """

    def __init__(
        self,
        session: str,
        *,
        n_kept: int,
        n_waiting: int,
        waiting_bytes: int,
        on_slow: Callable[[], None],
    ) -> None:
        self.session = session
        self.seq = 0
        """Number of the latest record."""
        self.n_skipped = 0
        """Records that were left out for want of room."""
        self._kept: deque[tuple[int, str]] = deque(maxlen=n_kept)
        self._n_waiting = n_waiting
        self._waiting_bytes = waiting_bytes
        self._on_slow = on_slow
        self._queue: deque[str] = deque()
        self._queued_bytes = 0
        self._is_read = False
        self._news = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()

    def say(self, message: Mapping[str, object], *, is_last: bool = False) -> None:
        """Number a record and send it; the last one of a session is never too much."""
        is_full = self._is_read and (
            len(self._queue) >= self._n_waiting or self._queued_bytes >= self._waiting_bytes
        )
        if is_full and not is_last:
            if message["type"] in EXPENDABLE or message.get("kind") == "partial":
                self.n_skipped += 1
                return
            self._on_slow()
            return
        if self.n_skipped and not is_full:
            n_skipped, self.n_skipped = self.n_skipped, 0
            self._number(
                {
                    "type": "warning",
                    "code": "slow_reader",
                    "message": f"{n_skipped} partial results and levels were left out: read "
                    "faster, or ask for final results only.",
                    "skipped": n_skipped,
                }
            )
        self._number(message)

    def _number(self, message: Mapping[str, object]) -> None:
        self.seq += 1
        text = json_line({**message, "session": self.session, "seq": self.seq})
        self._kept.append((self.seq, text))
        if self._is_read:
            self._add(text)

    def _add(self, text: str) -> None:
        self._queue.append(text)
        self._queued_bytes += len(text)
        self._empty.clear()
        self._news.set()

    def has(self, seq: int) -> bool:
        """Whether all records after a number can still be given."""
        oldest = self._kept[0][0] if self._kept else self.seq + 1
        return oldest - 1 <= seq <= self.seq

    def attach(self, seq: int) -> None:
        """Begin to read after a number."""
        self._is_read = True
        for number, text in self._kept:
            if number > seq:
                self._add(text)

    def detach(self) -> None:
        """End reading; what waits is only kept."""
        self._is_read = False
        self._queue.clear()
        self._queued_bytes = 0
        self._empty.set()

    async def send_all(self, send: Callable[[str], Awaitable[None]]) -> None:
        """Send what comes, until cancelled or the reader is gone."""
        while True:
            while self._queue:
                await send(self._queue[0])
                if self._queue:
                    self._queued_bytes -= len(self._queue.popleft())
            self._empty.set()
            self._news.clear()
            await self._news.wait()

    async def wait_until_sent(self, timeout_s: float) -> bool:
        """Wait until nothing waits any more; whether that was in time."""
        try:
            await asyncio.wait_for(self._empty.wait(), timeout_s)
        except (TimeoutError, asyncio.TimeoutError):
            return False
        return True
