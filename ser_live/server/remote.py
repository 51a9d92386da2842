"""Work that another process does, as the event loop sees it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from ser_live.records.tally import Tally
from ser_live.server.sound_queue import Input, SoundQueue
from ser_live.server.stream_work import Failed, Outcome
from ser_live.server.upload_work import Uploaded
from ser_live.server.working import Found, Hear, Order, Told
from ser_live.sources import Lost

WINDOW_S = 1.0
"""Sound of a session that is on its way to its process, in seconds; the rest waits here."""

WINDOW_ITEMS = 256
"""Blocks and requests of a session that are on their way to its process."""

WORTH_S = 0.02
"""Sound that is worth a journey of its own while other is on its way, in seconds."""


class ProcessLostError(RuntimeError):
    """A process that analyzed ended, and its sessions with it."""


class Courier(Protocol):
    """Takes orders to a process."""

    def send(self, order: Order) -> None:
        """Send an order; nothing once the process is gone."""
        ...

    def leave(self, session: int) -> None:
        """Forget a session."""
        ...


class RemoteWork:
    """Streams of one session, analyzed in another process.

    It is what `StreamWork` is to a session; all of it runs in the event loop.
    """

    def __init__(
        self, number: int, rate_hz: int, worker: Courier, tell: Callable[[Sequence[Outcome]], None]
    ) -> None:
        self.number = number
        self.tally = Tally()
        """Sums of the session; they are there at its end."""
        self.position_s = 0.0
        """Sound that was looked through, gaps included, in seconds."""
        self.n_waiting = 0
        """Utterances that wait for analysis."""
        self._inputs = SoundQueue(rate_hz)
        self._sent: deque[int] = deque()
        """Samples of each item that is on its way."""
        self._n_sent_samples = 0
        self._n_taken = 0
        self._n_put = 0
        """Native samples that came, lost ones included."""
        self._soonest_s = self._hold_s = 0.0
        """As of `Told`."""
        self._due: asyncio.TimerHandle | None = None
        """Set while sound is put off."""
        self._worker = worker
        self._tell = tell
        self._is_over = False

    @property
    def backlog_s(self) -> float:
        """Sound that waits, in seconds."""
        return (self._inputs.n_samples + self._n_sent_samples) / self._inputs.rate_hz

    @property
    def n_blocks(self) -> int:
        """Blocks and requests that wait."""
        return len(self._inputs) + len(self._sent)

    def put(self, item: Input) -> None:
        """Add sound, a note of lost sound, or a request."""
        if isinstance(item, np.ndarray):
            self._n_put += len(item)
        elif isinstance(item, Lost):
            self._n_put += item.n_samples
        self._inputs.put(item)

    def give_up(self, keep_s: float) -> None:
        """Give up the oldest sound that waits, and put a note of it in its place."""
        self._inputs.give_up(max(0.0, keep_s - self._n_sent_samples / self._inputs.rate_hz))

    def abandon(self) -> None:
        """Give up everything; nothing is told any more."""
        self._inputs.clear()
        self._stop_timer()
        self._sent.clear()
        self._n_sent_samples = 0
        if not self._is_over:
            self._is_over = True
            self._worker.leave(self.number)

    def forward(self) -> None:
        """Send what waits, as far as the window goes; what may wait for more is put off."""
        if self._may_wait():
            if self._due is None:
                loop = asyncio.get_running_loop()
                self._due = loop.call_later(self._hold_s, self._send)
        else:
            self._send()

    def _may_wait(self) -> bool:
        """Whether the process has much to do, and no utterance can become final so far.

        Much sound at once costs it less than a little often.
        """
        inputs = self._inputs
        return (
            inputs.n_samples < self._hold_s * inputs.rate_hz
            and self._n_put < self._soonest_s * inputs.rate_hz
            and inputs.is_live
            and inputs.is_all_sound
        )

    def _send(self) -> None:
        self._stop_timer()
        window = WINDOW_S * self._inputs.rate_hz
        while (
            not self._is_over
            and self._n_sent_samples < window
            and len(self._sent) < WINDOW_ITEMS
            and (not self._sent or self._inputs.has(WORTH_S))
            and (following := self._inputs.next()) is not None
        ):
            item, came_s = following
            n_samples = len(item) if isinstance(item, np.ndarray) else 0
            self._sent.append(n_samples)
            self._n_sent_samples += n_samples
            self._worker.send(Hear(self.number, item, came_s))

    def _stop_timer(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None

    def take(self, told: Told | Found) -> None:
        """Take news from the process."""
        if self._is_over or not isinstance(told, Told):
            return
        for _ in range(told.n_taken - self._n_taken):
            self._n_sent_samples -= self._sent.popleft()
        self._n_taken = told.n_taken
        self.position_s, self.n_waiting = told.position_s, told.n_waiting
        self._soonest_s, self._hold_s = told.soonest_s, told.hold_s
        self.forward()
        if told.tally is not None:
            self.tally = told.tally
            self._is_over = True
            self._worker.leave(self.number)
        self._tell(told.outcomes)

    def lose(self, error: Exception) -> None:
        """Note that the process is gone."""
        if not self._is_over:
            self._is_over = True
            self._tell([Failed(error)])


class RemoteUpload:
    """A recording that is read in another process.

    It is what `UploadWork` is to a request; all of it runs in the event loop.
    """

    def __init__(self, number: int, worker: Courier, tell: Callable[[Uploaded], None]) -> None:
        self.number = number
        self.notes: Sequence[str] = ()
        """Remarks on how it was read."""
        self._worker = worker
        self._tell = tell

    def abandon(self) -> None:
        """Give it up; nothing is told any more."""
        self._worker.leave(self.number)

    def take(self, news: Told | Found) -> None:
        """Take news from the process."""
        if isinstance(news, Found):
            self.notes = news.notes
            self._tell(news.content)

    def lose(self, error: Exception) -> None:
        """Note that the process is gone."""
        self._tell(error)
