"""The queue between segmenting and analysis."""

from __future__ import annotations

import queue as queues
import threading
from contextlib import suppress

import numpy as np
import pytest
from stream_parts import STREAM

from ser_live.events import Drop, Kind, Utterance
from ser_live.session import work_queue
from ser_live.session.work_queue import WorkQueue


def utterance(id_: int, kind: str = "final") -> Utterance:
    return Utterance(
        stream=STREAM,
        id=id_,
        kind=Kind(kind),
        start_sample=0,
        end_sample=480,
        samples=np.zeros(480, np.float32),
        speech=np.ones(1, bool),
        noise_dbfs=float("nan"),
    )


def live_queue(capacity: int) -> WorkQueue[object]:
    return WorkQueue(capacity, drop_when_full=True)


def waiting(queue: WorkQueue[object]) -> list[tuple[str, int, str]]:
    """Everything in the queue, taken out: what it is, id, kind."""
    items = []
    with suppress(queues.Empty):
        while True:
            item = queue.get(0)
            assert isinstance(item, Utterance | Drop)
            items.append((type(item).__name__, item.id, item.kind.value))
    return items


def test_items_come_out_in_the_order_they_went_in() -> None:
    """The queue keeps the order of the stream, utterances and other events alike."""
    queue = live_queue(4)
    items = [utterance(1), "gap", utterance(2), "end"]
    for item in items:
        queue.put(item)
    assert [queue.get(0) for _ in items] == items
    with pytest.raises(queues.Empty):
        queue.get(0)


def test_a_full_live_queue_gives_up_the_oldest_partial_first() -> None:
    """Partials go before finals, the oldest first, and each leaves a drop in its place."""
    queue = live_queue(3)
    for item in (utterance(1), utterance(2, "partial"), utterance(2, "partial"), utterance(2)):
        queue.put(item)
    assert queue.n_waiting == 3
    queue.put(utterance(3))
    queue.put(utterance(4))
    assert queue.n_waiting == 3
    assert waiting(queue) == [
        ("Drop", 1, "final"),
        ("Drop", 2, "partial"),
        ("Drop", 2, "partial"),
        ("Utterance", 2, "final"),
        ("Utterance", 3, "final"),
        ("Utterance", 4, "final"),
    ]


def test_a_new_partial_never_pushes_out_a_final() -> None:
    """Where only finals wait, the partial that comes is the one to go."""
    queue = live_queue(2)
    for item in (utterance(1), utterance(2), utterance(3, "partial")):
        queue.put(item)
    assert waiting(queue) == [
        ("Utterance", 1, "final"),
        ("Utterance", 2, "final"),
        ("Drop", 3, "partial"),
    ]


def test_a_drop_says_which_audio_was_not_judged() -> None:
    """Kind and span of the drop are those of the utterance; its samples are let go."""
    queue = live_queue(1)
    queue.put(utterance(1))
    queue.put(utterance(2))
    assert queue.get(0) == Drop(
        stream=STREAM, id=1, kind=Kind.FINAL, start_sample=0, end_sample=480
    )


def test_events_that_are_no_utterances_are_never_dropped() -> None:
    """Only utterances count against the capacity."""
    queue = live_queue(1)
    for number in range(10):
        queue.put(f"event {number}")
    queue.put(utterance(1))
    assert queue.n_waiting == 1
    assert [queue.get(0) for _ in range(10)] == [f"event {number}" for number in range(10)]
    assert waiting(queue) == [("Utterance", 1, "final")]


@pytest.mark.stress
def test_where_nobody_takes_anything_the_queue_stops_growing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Even events that are not dropped wait for room, and none of them is lost."""
    monkeypatch.setattr(work_queue, "MAX_ITEMS", 3)
    queue = live_queue(1)
    thread = threading.Thread(target=lambda: [queue.put(f"event {n}") for n in range(5)])
    thread.start()
    thread.join(0.05)
    assert thread.is_alive()
    assert [queue.get(1) for _ in range(5)] == [f"event {n}" for n in range(5)]
    thread.join(5)
    assert not thread.is_alive()


@pytest.mark.stress
def test_a_full_replay_queue_waits_for_room() -> None:
    """Without dropping, put returns only once the worker took something."""
    queue = WorkQueue[object](1, drop_when_full=False)
    queue.put(utterance(1))
    second = utterance(2)
    thread = threading.Thread(target=queue.put, args=(second,))
    thread.start()
    thread.join(0.05)
    assert thread.is_alive()
    queue.get(1)
    thread.join(5)
    assert not thread.is_alive()
    assert queue.get(1) is second


@pytest.mark.stress
def test_closing_wakes_a_waiting_writer() -> None:
    """A session that is aborted does not leave the segmenting thread waiting."""
    queue = WorkQueue[object](1, drop_when_full=False)
    queue.put(utterance(1))
    taken: list[bool] = []
    thread = threading.Thread(target=lambda: taken.append(queue.put(utterance(2))))
    thread.start()
    queue.close()
    thread.join(5)
    assert taken == [False]
    with pytest.raises(queues.Empty):
        queue.get(0)
