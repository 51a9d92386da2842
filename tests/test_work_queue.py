"""The queue between segmenting and analysis."""

from __future__ import annotations

import threading

import numpy as np

from ser_live.events import Utterance
from ser_live.work_queue import WorkQueue


def utterance(id_: int, kind: str = "final") -> Utterance:
    return Utterance(
        id=id_,
        kind=kind,
        start_sample=0,
        end_sample=480,
        samples=np.zeros(480, np.float32),
        speech=np.ones(1, bool),
        noise_dbfs=float("nan"),
    )


def live_queue(capacity: int) -> tuple[WorkQueue, list[Utterance]]:
    dropped: list[Utterance] = []
    return WorkQueue(capacity, drop_when_full=True, on_drop=dropped.append), dropped


def test_items_come_out_in_the_order_they_went_in() -> None:
    """The queue keeps the order of the stream, utterances and other events alike."""
    queue, _ = live_queue(4)
    items = [utterance(1), "gap", utterance(2), "end"]
    for item in items:
        queue.put(item)
    assert [queue.get(0) for _ in items] == items
    assert queue.get(0) is None


def test_a_full_live_queue_gives_up_the_oldest_partial_first() -> None:
    """Partials go before finals, the oldest first, and each is reported."""
    queue, dropped = live_queue(3)
    first, partial_a, partial_b = utterance(1), utterance(2, "partial"), utterance(2, "partial")
    for item in (first, partial_a, partial_b, utterance(2)):
        queue.put(item)
    assert dropped == [partial_a]
    queue.put(utterance(3))
    assert dropped == [partial_a, partial_b]
    queue.put(utterance(4))
    assert dropped[-1] is first
    assert queue.n_waiting == 3


def test_events_that_are_no_utterances_are_never_dropped() -> None:
    """Only utterances count against the capacity."""
    queue, dropped = live_queue(1)
    for number in range(10):
        queue.put(f"event {number}")
    queue.put(utterance(1))
    assert queue.n_waiting == 1
    assert not dropped


def test_a_full_replay_queue_waits_for_room() -> None:
    """Without dropping, put returns only once the worker took something."""
    dropped: list[Utterance] = []
    queue = WorkQueue(1, drop_when_full=False, on_drop=dropped.append)
    queue.put(utterance(1))
    second = utterance(2)
    thread = threading.Thread(target=queue.put, args=(second,))
    thread.start()
    thread.join(0.05)
    assert thread.is_alive()
    assert queue.get(1) is not None
    thread.join(5)
    assert not thread.is_alive()
    assert queue.get(1) is second
    assert not dropped


def test_closing_wakes_a_waiting_writer() -> None:
    """A session that is aborted does not leave the segmenting thread waiting."""
    queue = WorkQueue(1, drop_when_full=False, on_drop=lambda _: None)
    queue.put(utterance(1))
    taken: list[bool] = []
    thread = threading.Thread(target=lambda: taken.append(queue.put(utterance(2))))
    thread.start()
    queue.close()
    thread.join(5)
    assert taken == [False]
    assert queue.get(0) is None
