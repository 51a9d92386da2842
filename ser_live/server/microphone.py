"""The server's own microphone, heard once and told to all who listen."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ser_live.errors import SerLiveError
from ser_live.events import (
    EmotionResult,
    Event,
    Kind,
    Level,
    OfStream,
    Record,
    SessionStarted,
    StreamStarted,
)
from ser_live.records.json_line import json_line
from ser_live.server.limits import Limits
from ser_live.server.metrics import Metrics
from ser_live.server.problems import Problem
from ser_live.server.protocol import read_field
from ser_live.server.teller import MICROPHONE, Teller
from ser_live.session.listening import Listening
from ser_live.session.live import POLL_S
from ser_live.stream.emotion_state import EmotionState

BEGINNINGS = (SessionStarted.type, StreamStarted.type)
"""Types that whoever hears from the beginning is told however late they come."""


class Listener:
    """One reader of the microphone's records; slow ones miss levels, then are dropped.

    Parameters
    ----------
    n_waiting : int
        Most that waits beside what was missed.
    missed : sequence of tuple
        Records from before, which wait first.
    """

    def __init__(self, n_waiting: int, missed: Sequence[tuple[int, str, str]] = ()) -> None:
        self.n_skipped = 0
        self.is_dropped = False
        self._n_waiting = n_waiting + len(missed)
        self._queue: deque[tuple[int, str, str]] = deque(missed)
        self._news: asyncio.Future[None] | None = None
        """Set while the reader waits."""

    def add(self, seq: int, kind: str, text: str, *, is_expendable: bool) -> None:
        """Let one record wait for the reader."""
        if len(self._queue) >= self._n_waiting:
            if is_expendable:
                self.n_skipped += 1
                return
            self.is_dropped = True
        self._queue.append((seq, kind, text))
        self._wake()

    def _wake(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    async def next(self, timeout_s: float) -> tuple[int, str, str] | None:
        """Wait for the next record; ``None`` where none came in time."""
        if not self._queue and not self.is_dropped:
            loop = asyncio.get_running_loop()
            # For each record of each listener: `wait_for` would make a task of every one.
            self._news = loop.create_future()
            timer = loop.call_later(timeout_s, self._wake)
            try:
                await self._news
            finally:
                timer.cancel()
                self._news = None
        return self._queue.popleft() if self._queue else None


class Microphone:
    """Hears in a thread of its own and tells the event loop.

    Parameters
    ----------
    listening : Listening
    limits : Limits
    metrics : Metrics
    report : callable
        Takes an error that ended the hearing.
    teller : Teller, optional
        Tells other programs what is heard.
    """

    def __init__(
        self,
        listening: Listening,
        limits: Limits,
        metrics: Metrics,
        report: Callable[[BaseException], None],
        teller: Teller | None = None,
    ) -> None:
        self.failure: str | None = None
        """Sentence about why nothing is heard any more."""
        self._listening = listening
        self._limits = limits
        self._metrics = metrics
        self._report = report
        self._teller = teller
        self._loop = asyncio.get_running_loop()
        self._kept: deque[tuple[int, str, str]] = deque(maxlen=2 * limits.n_kept)
        self._begun: deque[tuple[int, str, str]] = deque(maxlen=limits.n_kept)
        self._seq = 0
        self._listeners: set[Listener] = set()
        self._states: dict[int, EmotionState] = {}
        self._thread = threading.Thread(target=self._hear, name="ser-live server hears")
        self._thread.start()

    def close(self) -> None:
        """End hearing; what was heard is still told."""
        self._listening.stop()

    def wait_until_told(self, timeout_s: float) -> None:
        """Wait until everything that was heard is told."""
        self._thread.join(timeout_s)

    def tell(self, message: Mapping[str, Any]) -> None:
        """Take a ``mark`` or a ``note`` at the present moment, for all who listen."""
        match message["type"]:
            case "mark":
                is_taken = self._listening.mark(read_field(message, "label", "text"))
            case "note":
                text = read_field(message, "text", "text")
                is_taken = self._listening.note(text, read_field(message, "rating", "rating"))
            case kind:
                raise Problem(
                    "unknown_type", f"a message of type {kind[:40]!r} came: send mark or note."
                )
        if not is_taken:
            raise Problem("not_ready", "the microphone is not heard at present: try again later.")

    # -- a thread

    def _hear(self) -> None:
        try:
            with self._listening as listening:
                while not listening.finished:
                    events = listening.poll(POLL_S)
                    if self._teller is not None:
                        for event in events:
                            self._teller.take(MICROPHONE, event)
                    records = [record for event in events for record in self._records(event)]
                    if records:
                        self._loop.call_soon_threadsafe(self._tell, records)
        except SerLiveError as error:
            self.failure = str(error)
            self._report(error)
        except RuntimeError as error:  # the loop is closed
            self.failure = str(error)

    def _records(self, event: Event) -> list[Record]:
        found = [event.as_record()]
        if isinstance(event, SessionStarted):
            found[0]["told_to"] = [] if self._teller is None else self._teller.told_of(MICROPHONE)
        if isinstance(event, EmotionResult) and event.kind is Kind.FINAL:
            self._metrics.see_latency(event.kind, event.latency_ms / 1000.0)
        if isinstance(event, OfStream):
            state = self._states.setdefault(event.stream.number, EmotionState())
            found += [change.as_record() for change in state.take(event)]
        return found

    # -- the event loop

    def _tell(self, records: list[Record]) -> None:
        for record in records:
            kind = str(record["type"])
            is_expendable = kind == Level.type or record.get("kind") == Kind.PARTIAL.value
            self._seq += 1
            text = json_line({**record, "session": MICROPHONE, "seq": self._seq})
            self._kept.append((self._seq, kind, text))
            if kind in BEGINNINGS:
                self._begun.append((self._seq, kind, text))
            for listener in list(self._listeners):
                listener.add(self._seq, kind, text, is_expendable=is_expendable)
                if listener.is_dropped:
                    self.leave(listener)

    def join(self, after: int | None) -> Listener:
        """Begin to listen, after a record that arrived before where one is named."""
        missed: list[tuple[int, str, str]] = []
        if after is not None:
            oldest = self._kept[0][0] if self._kept else 0
            missed = [entry for entry in self._begun if after < entry[0] < oldest]
            missed += [entry for entry in self._kept if entry[0] > after]
        listener = Listener(self._limits.n_outgoing, missed)
        self._listeners.add(listener)
        self._metrics.put("serlive_listeners", len(self._listeners))
        return listener

    def leave(self, listener: Listener) -> None:
        """End a reader's listening."""
        self._listeners.discard(listener)
        if listener.n_skipped:
            self._metrics.add("serlive_listener_records_skipped_total", listener.n_skipped)
        self._metrics.put("serlive_listeners", len(self._listeners))

    @property
    def n_listeners(self) -> int:
        return len(self._listeners)
