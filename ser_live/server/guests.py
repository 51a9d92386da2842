"""A session whose client speaks another program's protocol: sound in, events out."""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ser_live.events import EmotionResult, Kind, Level, StreamEvent
from ser_live.server.problems import Problem
from ser_live.server.protocol import Start
from ser_live.server.stream_work import Ask, Done, Failed, Outcome

if TYPE_CHECKING:
    from ser_live.server.sessions import Sessions


MAX_BLOCKS = 4096
"""Blocks of a session that may wait, however short they are."""


class Guest:
    """A session over one connection, whose protocol has no way to take it up again.

    All of it runs in the event loop; what takes time is done by `StreamWork` in the pool. The
    protocol puts sound in and reads `events` to their end.

    Parameters
    ----------
    start : Start
    sessions : Sessions
        They count it from now on; `leave` takes it away.
    """

    def __init__(self, start: Start, sessions: Sessions) -> None:
        sessions.check_room()
        self.name = secrets.token_urlsafe(12)
        self.start = start
        self.is_connected = True
        self.n_received = 0
        """Native samples that came."""
        self.farewell: Problem | None = None
        """Why the server ended it; ``None`` where the client did."""
        self._sessions = sessions
        self._limits = sessions.limits
        self._loop = asyncio.get_running_loop()
        self.work = sessions.work_for(start, None, self._tell)
        self.ended: asyncio.Future[int] = self._loop.create_future()
        """Set once the protocol has told everything and left; a server that ends waits for it."""
        self.is_ending = False
        self._is_over = False
        self._failure: Problem | None = None
        self._queue: deque[StreamEvent] = deque()
        self._news = asyncio.Event()
        self._progress = asyncio.Event()
        self._heard_at = self._loop.time()
        self._text_second, self._n_texts = 0, 0
        sessions.admit(self)
        self._idle = self._loop.call_later(self._limits.idle_s, self._end_if_idle)
        sessions.wake(self.work)

    # -- what the protocol does

    async def wait_for_room(self) -> None:
        """Let a client that is ahead wait, by reading nothing of it."""
        limit_s = self._limits.backlog_s
        while not self._is_over and (
            self.work.backlog_s > limit_s or self.work.n_blocks > MAX_BLOCKS
        ):
            self._progress.clear()
            await self._progress.wait()
        self._heard_at = self._loop.time()

    def put(self, block: NDArray[np.float32]) -> None:
        """Take sound of the shape ``(n, n_channels)``; none any more once it ends."""
        if self.is_ending:
            return
        self._heard_at = self._loop.time()
        self.n_received += len(block)
        seconds = len(block) / self.start.sample_rate
        self._sessions.metrics.add("serlive_audio_seconds_total", seconds)
        self.work.put(block)
        self._sessions.wake(self.work)

    def count_text(self) -> None:
        """Note a message that is no sound; too many in a second are refused."""
        self._heard_at = self._loop.time()
        second = int(self._heard_at)
        if second != self._text_second:
            self._text_second, self._n_texts = second, 0
        self._n_texts += 1
        if self._n_texts > self._limits.max_texts_per_s:
            raise Problem(
                "rate_limited",
                f"more than {self._limits.max_texts_per_s} messages came in a second: send fewer.",
            )

    async def events(self) -> AsyncIterator[StreamEvent]:
        """Events until everything was reported; raises the `Problem` of a session that failed."""
        while True:
            while self._queue:
                yield self._queue.popleft()
            if self._failure is not None:
                raise self._failure
            if self._is_over:
                return
            self._news.clear()
            await self._news.wait()

    def leave(self, reason: str) -> None:
        """Give up what was not reported, as nobody reads it any more."""
        self._idle.cancel()
        self.is_ending, self.is_connected, self._is_over = True, False, True
        self.work.abandon()
        if not self.ended.done():
            self.ended.set_result(1000)
        self._wake()
        self._sessions.forget(self, reason)

    # -- its end

    def end(self, farewell: Problem | None) -> None:
        """End in order: everything heard is reported first."""
        if self.is_ending:
            return
        self.is_ending = True
        self.farewell = farewell
        self.work.put(Ask("end"))
        self._sessions.wake(self.work)

    def fail(self, problem: Problem) -> None:
        """End at once, with a reason."""
        if self._is_over:
            return
        self.is_ending = self._is_over = True
        self.work.abandon()
        self._failure = problem
        self._wake()

    def _end_if_idle(self) -> None:
        left_s = self._heard_at + self._limits.idle_s - self._loop.time()
        # A client that is held back cannot say anything.
        if left_s > 0 or self.work.backlog_s > 0:
            wait_s = max(left_s, 1.0)
            self._idle = self._loop.call_later(wait_s, self._end_if_idle)
            return
        self.end(Problem("idle", f"nothing came for {self._limits.idle_s:g} s: connect again."))

    # -- from the pool

    def _tell(self, outcomes: Sequence[Outcome]) -> None:
        """Hand outcomes to the event loop; called in a thread of the pool."""
        self._sessions.call_soon(self._deliver, outcomes)

    def _deliver(self, outcomes: Sequence[Outcome]) -> None:
        self._progress.set()
        for outcome in outcomes:
            if self._is_over:
                break
            if isinstance(outcome, Done):
                self._is_over = outcome.ask.type == "end"
            elif isinstance(outcome, Failed):
                self._sessions.report(outcome.error)
                self.fail(Problem("internal", "a defect of the program ended the session."))
            else:
                self._sessions.metrics.count(outcome)
                self._sessions.tell_others(self.name, outcome)
                if self.start.shows(outcome):
                    self._add(outcome)
        self._wake()

    def _add(self, event: StreamEvent) -> None:
        if isinstance(event, Level):
            return
        if len(self._queue) < self._limits.n_outgoing:
            self._queue.append(event)
        elif not (isinstance(event, EmotionResult) and event.kind is Kind.PARTIAL):
            self.fail(
                Problem("slow_reader", "more results waited than fit: read them while you send.")
            )

    def _wake(self) -> None:
        self._news.set()
        self._progress.set()
