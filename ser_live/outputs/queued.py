"""A sink with a thread and a bounded queue of its own, for one that may be slow."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from ser_live.events import Event
from ser_live.outputs.sink import Sink

CLOSE_LIMIT_S = 10.0
"""Longest wait for a slow sink at the end; one that needs more is named and left behind."""


def everything(event: Event) -> bool:
    """Stand in where a sink wants every event."""
    return True


class Queued:
    """Lets another sink work in a thread of its own, so that nobody waits for it.

    Parameters
    ----------
    sink : Sink
        Opened and closed in the caller's thread, used in its own.
    capacity : int
        Events that may wait.
    drop_when_full : bool
        True for a live session: an event that finds no room is counted and given up. A replay
        waits for room.
    wants : callable
        Whether the sink has a use for an event; the others take no room.
    tick_s : float, optional
        Least time between two calls of the sink's ``idle``, in its thread; never called without.
    """

    def __init__(
        self,
        sink: Sink,
        *,
        capacity: int,
        drop_when_full: bool,
        wants: Callable[[Event], bool] = everything,
        tick_s: float | None = None,
    ) -> None:
        self.name = sink.name
        self.n_dropped = 0
        """Events given up for want of room."""
        self._sink = sink
        self._drop_when_full = drop_when_full
        self._wants = wants
        self._tick_s = tick_s
        self._next_tick_s = 0.0
        self._waiting: queue.Queue[Event | None] = queue.Queue(capacity)
        self._error: Exception | None = None
        self._is_closed = False
        self._is_stuck = False
        # A daemon, so that a sink that never returns does not keep the process from ending.
        self._thread = threading.Thread(
            target=self._work, name=f"ser-live {self.name}", daemon=True
        )

    @property
    def failure(self) -> str | None:
        if self._is_stuck:
            return f"the {self.name} did not end within {CLOSE_LIMIT_S:g} s and was left behind."
        if self.n_dropped:
            # The number only once it is known: a sentence is told again when it changes.
            missing = f"{self.n_dropped} events" if self._is_closed else "events"
            return f"the {self.name} is too slow: {missing} are missing in it."
        return self._sink.failure

    def open(self) -> None:
        self._sink.open()
        self._thread.start()

    def take(self, event: Event) -> None:
        self._check()
        if not self._wants(event):
            return
        if not self._drop_when_full:
            while not self._put(event, wait_s=0.1) and self._thread.is_alive():
                pass
            self._check()
        elif not self._put(event, wait_s=0.0):
            self.n_dropped += 1

    def _put(self, event: Event | None, wait_s: float) -> bool:
        """Whether there was room in time."""
        try:
            self._waiting.put(event, block=wait_s > 0, timeout=wait_s)
        except queue.Full:
            return False
        return True

    def idle(self, now_s: float) -> None:
        self._check()

    def close(self) -> None:
        if self._thread.is_alive() and not self._is_closed:
            deadline_s = time.monotonic() + CLOSE_LIMIT_S
            if self._put(None, wait_s=CLOSE_LIMIT_S):
                self._thread.join(max(0.0, deadline_s - time.monotonic()))
            self._is_stuck = self._thread.is_alive()
        self._is_closed = True
        if not self._is_stuck:
            self._sink.close()
        self._check()

    def _check(self) -> None:
        """Raise in the caller's thread the error that ended the sink's own."""
        error, self._error = self._error, None
        if error is not None:
            raise error

    def _next(self) -> Event | None:
        """Wait for the next event; ``None`` at the end, also where there was no room to say so."""
        while not self._is_closed or not self._waiting.empty():
            with suppress(queue.Empty):
                return self._waiting.get(timeout=min(1.0, self._tick_s or 1.0))
            self._tick()
        return None

    def _tick(self) -> None:
        """Let the sink do what is due by the clock, where it asked for that."""
        now_s = time.monotonic()
        if self._tick_s is not None and now_s >= self._next_tick_s:
            self._next_tick_s = now_s + self._tick_s
            self._sink.idle(now_s)

    def _work(self) -> None:
        try:
            while (event := self._next()) is not None:
                self._sink.take(event)
                self._tick()
        except Exception as error:  # noqa: BLE001  the thread boundary
            self._error = error
