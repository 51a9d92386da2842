"""Results of recordings from a cluster, in their order, whatever becomes of its workers."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from types import TracebackType
from typing import Any, Generic, TypeVar
from uuid import uuid4

from ser_live.archive.cluster.opening import Cluster, unfit
from ser_live.archive.cluster.work import UnlikeError
from ser_live.batch.workers import MOST_AHEAD, Batch, Job
from ser_live.errors import WorkersLostError

T = TypeVar("T")

_BUSY_PER_THREAD = 2
"""Recordings that are given out for each thread: one to work on, one that waits for its end."""
_AHEAD_PER_THREAD = 16
"""Recordings that may be done for each thread before the one whose turn it is."""
_LOOK_S = 1.0
_FETCH_S = 5.0
"""Time in which a result must come; others are looked after before it is asked for again."""
_WITHOUT_WORKERS_S = 120.0
"""Time that a cluster may be without any worker: they are restarted, or move."""


class _NotYetError(Exception):
    """A result is not to be had at this moment."""


class ClusterBatch(Generic[T]):
    """Results of recordings, in their order, as `Batch` gives them.

    What a lost worker was at is done again by another one. A recording that ends one worker after
    the other is tried once more on this machine, in a process of its own, and then given up.

    Parameters
    ----------
    cluster : Cluster
    job : Job
        Its work is done on this machine, where a recording is tried by itself.
    """

    def __init__(self, cluster: Cluster, job: Job[T]) -> None:
        self._cluster = cluster
        self._job = job
        self._busy: dict[int, Any] = {}
        self._done: dict[int, T] = {}
        self._news: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._lost: set[int] = set()
        self._n_threads = 1
        self._looked_s = float("-inf")
        self._had_workers_s = time.monotonic()
        self._run = uuid4().hex

    def __enter__(self) -> ClusterBatch[T]:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._busy:
            with suppress(Exception):  # it may be gone
                self._cluster.client.cancel(list(self._busy.values()), force=True)
        self._busy.clear()

    def __iter__(self) -> Iterator[T]:
        next_begun = next_given = 0
        while next_given < len(self._job.paths):
            self._look()
            most_ahead = max(MOST_AHEAD, _AHEAD_PER_THREAD * self._n_threads)
            last = min(len(self._job.paths), next_given + most_ahead)
            while len(self._busy) < _BUSY_PER_THREAD * self._n_threads and next_begun < last:
                self._begin(next_begun)
                next_begun += 1
            self._wait()
            while next_given in self._done:
                yield self._done.pop(next_given)
                next_given += 1

    def finished(self) -> dict[int, T]:
        """Results of recordings that are done while an earlier one is not, by their numbers.

        For an iteration that was interrupted.
        """
        timeout_s = _LOOK_S if self._cluster.client.status == "running" else 0.0
        for number, future in list(self._busy.items()):
            if future.status == "finished":
                with suppress(Exception):  # then it is done again by the next run
                    self._done[number] = future.result(timeout=timeout_s)
                del self._busy[number]
        return dict(sorted(self._done.items()))

    def _begin(self, number: int) -> None:
        key = f"ser-live-{self._run}-{number}"
        future = self._cluster.client.submit(
            self._cluster.work, self._job.paths[number], key=key, pure=False
        )
        self._busy[number] = future
        self._ask_for_news(number)

    def _ask_for_news(self, number: int) -> None:
        self._busy[number].add_done_callback(lambda _: self._news.put(number))

    def _wait(self) -> None:
        """Wait until a recording is done, or for a moment."""
        number = None
        with self._job.interruptible(), suppress(queue.Empty):
            number = self._news.get(timeout=_LOOK_S)
        if number is None or number not in self._busy:
            return
        if self._busy[number].status in ("pending", "lost"):
            # It was done, and was lost with its worker before it was fetched: it is done again.
            self._lost.add(number)
            return
        try:
            self._done[number] = self._result(number)
            del self._busy[number]
        except _NotYetError:
            self._lost.add(number)

    def _result(self, number: int) -> T:
        import distributed

        future, path = self._busy[number], self._job.paths[number]
        if future.status not in ("finished", "error"):
            raise self._gone("answers no more")
        try:
            with self._job.interruptible():
                result: T = future.result(timeout=_FETCH_S)
            return result
        except distributed.KilledWorker:
            with Batch(replace(self._job, paths=[path]), 1) as alone:
                tried = alone.tried_alone()
            self._had_workers_s = time.monotonic()  # nobody looked meanwhile
            return tried
        except UnlikeError as error:
            raise unfit("that joined", str(error)) from error
        except ImportError:
            raise
        except Exception as error:
            if self._cluster.client.status != "running":
                raise self._gone("answers no more") from error
            if future.status != "error" or isinstance(error, distributed.comm.CommClosedError):
                raise _NotYetError from error  # the way to the result failed, not the work
            return self._job.on_crash(path, f"{type(error).__name__}: {error}")

    def _look(self) -> None:
        """Count the workers, and give up where there are none for long."""
        now_s = time.monotonic()
        if now_s - self._looked_s < _LOOK_S:
            return
        self._looked_s = now_s
        while self._lost:  # not at once: as long as nobody works on them they have news at once
            self._ask_for_news(self._lost.pop())
        if self._cluster.client.status != "running":
            raise self._gone("answers no more")
        try:
            with self._job.interruptible():
                n_threads = self._cluster.n_threads
        except Exception as error:
            raise self._gone("answers no more") from error
        if n_threads:
            self._n_threads, self._had_workers_s = n_threads, now_s
        elif now_s - self._had_workers_s > _WITHOUT_WORKERS_S:
            raise self._gone("has no worker left")

    def _gone(self, how: str) -> WorkersLostError:
        return WorkersLostError(
            f"The cluster at {self._cluster.address} {how}, but recordings are not done yet: start "
            "it again and run the same command; what is done stays done."
        )
