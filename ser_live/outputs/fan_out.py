"""The one place that hands the events of a session to its sinks."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from types import TracebackType

from ser_live.events import Event, Notice
from ser_live.outputs.sink import Sink
from ser_live.session.live import POLL_S, LiveSession


class FanOut:
    """Gives every event to every sink, in their order; the log comes first.

    A sink that raises is named, closed and left behind, while the others go on. Its sentence,
    and those of sinks that go on after trouble, reach all that work as a `Notice`: also the
    log about itself, for it holds everything that is shown.

    Use as a context manager: it opens the sinks in order and closes them in reverse.

    Parameters
    ----------
    sinks : sequence of Sink
    """

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self._sinks = tuple(sinks)  # also those left behind, so that no identity is used again
        self._working = list(self._sinks)
        self._told: dict[int, str] = {}
        """The latest sentence about each sink, by its identity."""
        self._news: deque[Notice] = deque()
        """Notices that no sink got yet."""
        self.n_left_behind = 0
        """Sinks that failed."""

    @property
    def is_empty(self) -> bool:
        """Whether no sink works any more."""
        return not self._working

    @property
    def failures(self) -> list[str]:
        """The latest sentence about each sink that had trouble."""
        return list(self._told.values())

    def __enter__(self) -> FanOut:
        opened: list[Sink] = []
        try:
            for sink in self._working:
                opened.append(sink)
                sink.open()
        except BaseException:
            for sink in reversed(opened):
                with suppress(Exception):  # the first error is the one to tell
                    sink.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for sink in reversed(list(self._working)):
            self._try(sink, sink.close)
        self._find_news()
        # Whoever was told before is closed by now: `failures` says it.
        self._news.clear()

    def take(self, event: Event) -> None:
        """Give one event to every sink."""
        self._give(event)
        self._tell_news()

    def idle(self, now_s: float) -> None:
        """Let every sink do what is due, and report what went wrong."""
        self._find_news()
        self._tell_news()
        for sink in list(self._working):
            self._try(sink, partial(sink.idle, now_s))
        self._tell_news()

    def _give(self, event: Event) -> None:
        for sink in list(self._working):
            self._try(sink, partial(sink.take, event))

    def _find_news(self) -> None:
        for sink in self._working:
            sentence = sink.failure
            if sentence is not None and self._told.get(id(sink)) != sentence:
                self._note(sink, sentence)

    def _note(self, sink: Sink, sentence: str) -> None:
        self._told[id(sink)] = sentence
        self._news.append(Notice(sink=sink.name, message=sentence))

    def _tell_news(self) -> None:
        """Tell what went wrong, each after the event that it came with, in every sink."""
        while self._news:
            self._give(self._news.popleft())

    def _try(self, sink: Sink, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception as error:  # noqa: BLE001  one sink's trouble is not the others'
            self._leave_behind(sink, error)

    def _leave_behind(self, sink: Sink, error: Exception) -> None:
        self._working.remove(sink)
        self.n_left_behind += 1
        with suppress(Exception):
            sink.close()
        self._note(
            sink,
            f"the {sink.name} failed ({type(error).__name__}: {error}) and is left behind: "
            "the session goes on without it.",
        )


def run(session: LiveSession, sinks: FanOut) -> None:
    """Run a session to its end and give all its events to open sinks.

    Where no sink is left, the session ends in order.
    """
    with session:
        try:
            while not session.finished:
                for event in session.poll(POLL_S):
                    sinks.take(event)
                sinks.idle(time.monotonic())
                if sinks.is_empty:
                    session.stop()
        except BaseException:
            sinks.take(session.failed())
            raise
