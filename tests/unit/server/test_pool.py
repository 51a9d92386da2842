"""The pool of threads: finals before partials, everybody in turn, one step of a job at a time."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable

import pytest

from ser_live.server.pool import Pool, Urgency


class Steps:
    """A job whose steps have given urgencies; it notes when each is done."""

    def __init__(self, name: str, steps: Iterable[Urgency], done: list[str]) -> None:
        self._name = name
        self._steps = deque(steps)
        self._done = done
        self._busy = threading.Lock()
        self.overlaps = 0
        self.over = threading.Event()

    def urgency(self) -> Urgency | None:
        return self._steps[0] if self._steps else None

    def step(self) -> None:
        if not self._busy.acquire(blocking=False):
            self.overlaps += 1
            return
        time.sleep(0.001)
        self._done.append(self._name)
        self._steps.popleft()
        self._busy.release()
        if not self._steps:
            self.over.set()


class Gate:
    """A job that holds the only thread until everything is lined up."""

    def __init__(self) -> None:
        self.opens = threading.Event()
        self._is_new = True

    def urgency(self) -> Urgency | None:
        return Urgency.FINAL if self._is_new else None

    def step(self) -> None:
        self._is_new = False
        self.opens.wait(10)


def run(jobs: list[Steps], n_threads: int = 1) -> None:
    pool = Pool(n_threads)
    gate = Gate()
    pool.wake(gate)
    time.sleep(0.05)
    for job in jobs:
        pool.wake(job)
        pool.wake(job)  # harmless
    gate.opens.set()
    for job in jobs:
        assert job.over.wait(10)
    pool.close(5)


def test_finals_go_before_partials() -> None:
    """A partial that waited longer stands behind every final."""
    done: list[str] = []
    run(
        [
            Steps("partial", [Urgency.PARTIAL], done),
            Steps("a", [Urgency.FINAL] * 2, done),
            Steps("b", [Urgency.FINAL] * 2, done),
        ]
    )
    assert done == ["a", "b", "a", "b", "partial"]


def test_everybody_has_a_turn() -> None:
    """A session with much to do does not hold up one with little."""
    done: list[str] = []
    run(
        [
            Steps("much", [Urgency.FINAL] * 6, done),
            Steps("little", [Urgency.FINAL] * 2, done),
        ]
    )
    assert done == ["much", "little", "much", "little", "much", "much", "much", "much"]


@pytest.mark.stress
def test_a_job_has_one_step_at_a_time() -> None:
    """With more threads than jobs, no job is in two of them."""
    done: list[str] = []
    jobs = [Steps(str(n), [Urgency(n % 2)] * 30, done) for n in range(3)]
    run(jobs, n_threads=6)
    assert [job.overlaps for job in jobs] == [0, 0, 0]
    assert sorted(done) == sorted(str(n) for n in range(3) for _ in range(30))


def test_what_becomes_urgent_moves_up() -> None:
    """A job that waits for a partial and gets a final is done with the finals."""
    done: list[str] = []
    pool, gate = Pool(1), Gate()
    pool.wake(gate)
    time.sleep(0.05)
    turned = Steps("turned", [Urgency.PARTIAL], done)
    other = Steps("other", [Urgency.PARTIAL], done)
    pool.wake(other)
    pool.wake(turned)
    turned._steps.appendleft(Urgency.FINAL)
    pool.wake(turned)
    gate.opens.set()
    assert turned.over.wait(10)
    assert other.over.wait(10)
    pool.close(5)
    assert done == ["turned", "other", "turned"]
