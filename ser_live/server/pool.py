"""A fair pool of threads: what somebody waits for comes first, and everybody has a turn."""

from __future__ import annotations

import threading
from collections import deque
from enum import IntEnum
from typing import Protocol


class Urgency(IntEnum):
    """Order of work; the lower goes first."""

    FINAL = 0
    """New sound, final results, and what costs next to nothing."""
    PARTIAL = 1
    """Results about utterances that go on, and uploads."""


class Job(Protocol):
    """Work in steps of one utterance at most; one step at a time."""

    def urgency(self) -> Urgency | None:
        """Urgency of the next step; ``None`` where there is nothing to do."""
        ...

    def step(self) -> None:
        """Do the next step. Never raises."""
        ...


class Pool:
    """Threads that share the steps of many jobs.

    A job has one step at a time, and then stands at the end of its line, so that a session
    that pushes an hour of sound does not hold up one that speaks.

    Parameters
    ----------
    n_threads : int
        0 where the caller does the steps, with `do_next`.
    """

    def __init__(self, n_threads: int) -> None:
        self._changed = threading.Condition()
        self._lines: tuple[deque[Job], ...] = tuple(deque() for _ in Urgency)
        self._queued: dict[Job, Urgency] = {}
        self._running: set[Job] = set()
        self._is_closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"ser-live server {number}", daemon=True)
            for number in range(1, n_threads + 1)
        ]
        for thread in self._threads:
            thread.start()

    def wake(self, job: Job) -> None:
        """Let a job's next step be done; harmless when repeated."""
        with self._changed:
            self._line_up(job)

    def _line_up(self, job: Job) -> None:
        urgency = None if job in self._running else job.urgency()
        if urgency is None:
            return
        queued = self._queued.get(job)
        if queued is not None:
            if queued <= urgency:
                return
            self._lines[queued].remove(job)  # something more urgent came
        self._lines[urgency].append(job)
        self._queued[job] = urgency
        self._changed.notify()

    def close(self, timeout_s: float) -> None:
        """End the threads after their present steps."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(timeout_s)

    def do_next(self) -> bool:
        """Do the most urgent step in the caller's thread; whether there was one."""
        with self._changed:
            job = self._taken()
        if job is not None:
            self._do(job)
        return job is not None

    def _work(self) -> None:
        while (job := self._next()) is not None:
            self._do(job)

    def _do(self, job: Job) -> None:
        job.step()
        with self._changed:
            self._running.discard(job)
            self._line_up(job)

    def _next(self) -> Job | None:
        with self._changed:
            while not self._is_closed:
                if (job := self._taken()) is not None:
                    return job
                self._changed.wait()
        return None

    def _taken(self) -> Job | None:
        """The most urgent job, which is running from now on."""
        for line in self._lines:
            if line:
                job = line.popleft()
                del self._queued[job]
                self._running.add(job)
                return job
        return None
