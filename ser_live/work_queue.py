"""The bounded queue between segmenting and analysis, and what it does when full."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from ser_live.events import Utterance


class WorkQueue:
    """Events in stream order for the worker; only utterances count against the limit.

    A replay waits for room, so that its results are the same every time. A live
    session cannot wait, as the microphone does not: it gives up the oldest waiting
    partial, and where there is none the oldest waiting final.

    Parameters
    ----------
    capacity : int
        Utterances that may wait.
    drop_when_full : bool
        True for live sources.
    on_drop : callable
        Called with each utterance given up, from the thread that puts.
    """

    def __init__(
        self, capacity: int, *, drop_when_full: bool, on_drop: Callable[[Utterance], object]
    ) -> None:
        self.capacity = capacity
        self._drop_when_full = drop_when_full
        self._on_drop = on_drop
        self._items: deque[object] = deque()
        self._n_utterances = 0
        self._closed = False
        self._changed = threading.Condition()

    @property
    def n_waiting(self) -> int:
        """Utterances waiting for analysis."""
        return self._n_utterances

    def put(self, item: object) -> bool:
        """Add an item; False when the queue was closed and the item not taken."""
        dropped: Utterance | None = None
        with self._changed:
            if isinstance(item, Utterance) and self._n_utterances >= self.capacity:
                if self._drop_when_full:
                    dropped = self._give_up()
                else:
                    self._changed.wait_for(
                        lambda: self._closed or self._n_utterances < self.capacity
                    )
            if self._closed:
                return False
            self._items.append(item)
            self._n_utterances += isinstance(item, Utterance)
            self._changed.notify_all()
        if dropped is not None:
            self._on_drop(dropped)
        return True

    def get(self, timeout_s: float) -> object | None:
        """Oldest item, or ``None`` when nothing came in time or the queue is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._closed, timeout_s)
            if not self._items or self._closed:
                return None
            item = self._items.popleft()
            self._n_utterances -= isinstance(item, Utterance)
            self._changed.notify_all()
            return item

    def close(self) -> None:
        """Give up what waits and wake both sides."""
        with self._changed:
            self._closed = True
            self._items.clear()
            self._n_utterances = 0
            self._changed.notify_all()

    def _give_up(self) -> Utterance:
        waiting = [item for item in self._items if isinstance(item, Utterance)]
        victim = next((item for item in waiting if item.kind == "partial"), waiting[0])
        self._items.remove(victim)
        self._n_utterances -= 1
        return victim
