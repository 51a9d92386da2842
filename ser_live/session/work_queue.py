"""The bounded queue between segmenting and analysis, and what it does when full."""

from __future__ import annotations

import queue
import threading
from collections import deque
from typing import Generic, TypeVar

from ser_live.events import Drop, Kind, Utterance

MAX_ITEMS = 4096
"""Items of every kind that may wait. Small ones are not dropped, as they are few: this many
wait only where nobody takes anything any more, and then `put` blocks as well."""

T = TypeVar("T")


class WorkQueue(Generic[T]):
    """Events in stream order for the worker; only utterances count against the capacity.

    A replay waits for room, so that its results are the same every time. A live
    session cannot wait, as the microphone does not: it gives up the oldest waiting
    partial, the new one included, and where there is none the oldest waiting final.
    A `Drop` stands in its place, so that a loss is reported where it happened.

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
        self._items: deque[T | Drop] = deque()
        self._n_utterances = 0
        self._closed = False
        self._changed = threading.Condition()

    @property
    def n_waiting(self) -> int:
        """Utterances waiting for analysis."""
        return self._n_utterances

    def put(self, item: T) -> bool:
        """Add an item; False when the queue was closed and the item not taken."""
        added: T | Drop = item
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._items) < MAX_ITEMS)
            if isinstance(item, Utterance) and self._n_utterances >= self.capacity:
                if self._drop_when_full:
                    given_up = self._give_up_one(item)
                    if given_up is not None:
                        added = given_up
                else:
                    self._changed.wait_for(
                        lambda: self._closed or self._n_utterances < self.capacity
                    )
            if self._closed:
                return False
            self._items.append(added)
            self._n_utterances += isinstance(added, Utterance)
            self._changed.notify_all()
        return True

    def get(self, timeout_s: float) -> T | Drop:
        """Take the oldest item.

        Raises
        ------
        queue.Empty
            Nothing came in time, or the queue is closed.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._closed, timeout_s)
            if not self._items or self._closed:
                raise queue.Empty
            item = self._items.popleft()
            self._n_utterances -= isinstance(item, Utterance)
            self._changed.notify_all()
            return item

    def close(self) -> None:
        """Discard all waiting items and wake both threads."""
        with self._changed:
            self._closed = True
            self._items.clear()
            self._n_utterances = 0
            self._changed.notify_all()

    def _give_up_one(self, new: Utterance) -> Drop | None:
        """Leave a `Drop` in the place of one that waits, or give one to stand for `new`."""
        waiting = [(i, item) for i, item in enumerate(self._items) if isinstance(item, Utterance)]
        partials = [(i, item) for i, item in waiting if item.kind is Kind.PARTIAL]
        if not partials and new.kind is Kind.PARTIAL:
            return _drop(new)
        index, victim = (partials or waiting)[0]
        self._items[index] = _drop(victim)
        self._n_utterances -= 1
        return None


def _drop(utterance: Utterance) -> Drop:
    return Drop(
        stream=utterance.stream,
        id=utterance.id,
        kind=utterance.kind,
        start_sample=utterance.start_sample,
        end_sample=utterance.end_sample,
    )
