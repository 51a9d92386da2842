"""The bounded queue between segmenting and analysis, and what it does when full."""

from __future__ import annotations

import threading
from collections import deque

from ser_live.events import Drop, Utterance

MAX_ITEMS = 4096
"""Items of every kind that may wait. Small ones are not dropped, as they are few: this many
wait only where nobody takes anything any more, and then the one who puts has to wait too."""


class WorkQueue:
    """Events in stream order for the worker; only utterances count against the capacity.

    A replay waits for room, so that its results are the same every time. A live
    session cannot wait, as the microphone does not: it gives up the oldest waiting
    partial, the new one included, and where there is none the oldest waiting final.
    A `Drop` stands in its place, so that a loss is told where it happened.

    Parameters
    ----------
    capacity : int
        Utterances that may wait.
    drop_when_full : bool
        True for live sources.
    """

    def __init__(self, capacity: int, *, drop_when_full: bool) -> None:
        self.capacity = capacity
        self._drop_when_full = drop_when_full
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
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._items) < MAX_ITEMS)
            if isinstance(item, Utterance) and self._n_utterances >= self.capacity:
                if self._drop_when_full:
                    item = self._give_up_one(item)
                else:
                    self._changed.wait_for(
                        lambda: self._closed or self._n_utterances < self.capacity
                    )
            if self._closed:
                return False
            self._items.append(item)
            self._n_utterances += isinstance(item, Utterance)
            self._changed.notify_all()
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

    def _give_up_one(self, new: Utterance) -> Utterance | Drop:
        """Leave a `Drop` in the place of one that waits, or instead of `new`."""
        waiting = [(i, item) for i, item in enumerate(self._items) if isinstance(item, Utterance)]
        partials = [(i, item) for i, item in waiting if item.kind == "partial"]
        if not partials and new.kind == "partial":
            return _drop(new)
        index, victim = (partials or waiting)[0]
        self._items[index] = _drop(victim)
        self._n_utterances -= 1
        return new


def _drop(utterance: Utterance) -> Drop:
    return Drop(utterance.id, utterance.kind, utterance.start_sample, utterance.end_sample)
