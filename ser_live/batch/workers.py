"""Work on many files, in this process or in others side by side, that outlives its files.

With several processes a file that ends its process costs nothing but itself: it is tried once
more in a process of its own, with limits of time and memory, then given up, while the others go
on. With one job the work is done in this process: a single file shall not wait for another
process to start, and what ends that one ends all; the rows before it are out by then.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Any, Generic, TypeVar

from ser_live.remote import Location

T = TypeVar("T")

MOST_AHEAD = 64
"""Files that may be finished or begun before the one whose result is the next to be given."""

RETRY_BYTES = 4 << 30
"""Memory that a file which ended its process may take when it is tried again."""

RETRY_S = 600.0
"""Time that such a file may take, and a minute for each megabyte of it."""

_S_PER_BYTE = 60e-6
_CLOSING_S = 5.0


@dataclass(frozen=True)
class _Raised:
    """An exception in a worker, which went on."""

    text: str
    is_of_import: bool = False
    """A library is missing: that is not the file's fault."""


@dataclass(frozen=True, kw_only=True)
class Job(Generic[T]):
    """Work on files, whoever does it: processes of this machine, or a cluster."""

    work: Callable[[Any], T]
    """Makes the result of one file; sent to other processes where there are several."""
    paths: Sequence[Location]
    on_crash: Callable[[Any, str], T]
    """Makes the result of a file from its path and why it has none."""
    interruptible: Callable[[], AbstractContextManager[object]] = nullcontext
    """Makes a context for the times in which an exception of a signal handler does no harm."""


class Batch(Generic[T]):
    """Results of work on files, in the order of the files.

    A context manager, to be iterated once. What it holds is bounded, whatever the files are.

    Parameters
    ----------
    job : Job
    n_jobs : int
        Processes; 0 for one a core.
    """

    def __init__(self, job: Job[T], n_jobs: int) -> None:
        self._job = job
        self._n_jobs = min(n_jobs or _n_cores(), max(1, len(job.paths)))
        self._busy: dict[Connection, _Worker[T]] = {}
        self._idle: list[_Worker[T]] = []
        self._done: dict[int, T] = {}
        """Results that are not given yet, by the number of their file."""

    def __enter__(self) -> Batch[T]:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for worker in (*self._busy.values(), *self._idle):
            worker.kill()
        self._busy.clear()
        self._idle.clear()

    def __iter__(self) -> Iterator[T]:
        if self._n_jobs == 1:
            yield from self._alone()
        else:
            yield from self._side_by_side()

    def finished(self) -> dict[int, T]:
        """Results of files that are done while an earlier one is not, by their numbers.

        For an iteration that was interrupted.
        """
        for worker in self._taken(wait(list(self._busy), timeout=0)):
            self._receive(worker, may_retry=False)
        return dict(sorted(self._done.items()))

    def tried_alone(self) -> T:
        """Result of the first file from a process of its own, with limits of time and memory.

        For a file that ended a process elsewhere.
        """
        self._begin(_Worker[T](self._job.work, limits=True), 0)
        while 0 not in self._done:
            self._wait()
        return self._done.pop(0)

    def _alone(self) -> Iterator[T]:
        for path in self._job.paths:
            result: T | _Raised
            with self._job.interruptible():
                result = _tried(self._job.work, path)
            yield self._result(path, result)

    def _result(self, path: Location, result: T | _Raised) -> T:
        if not isinstance(result, _Raised):
            return result
        if result.is_of_import:
            raise ImportError(result.text)
        return self._job.on_crash(path, result.text)

    def _side_by_side(self) -> Iterator[T]:
        next_begun = next_given = 0
        while next_given < len(self._job.paths):
            while (
                len(self._busy) < self._n_jobs
                and next_begun < min(len(self._job.paths), next_given + MOST_AHEAD)
            ):  # fmt: skip
                worker = self._idle.pop() if self._idle else _Worker[T](self._job.work)
                self._begin(worker, next_begun)
                next_begun += 1
            self._wait()
            while next_given in self._done:
                yield self._done.pop(next_given)
                next_given += 1

    def _begin(self, worker: _Worker[T], number: int) -> None:
        worker.begin(number, self._job.paths[number])
        self._busy[worker.pipe] = worker

    def _wait(self) -> None:
        """Wait until a worker has news, and take them."""
        first_s = min(worker.deadline_s for worker in self._busy.values())
        timeout_s = None if first_s == float("inf") else max(0.0, first_s - time.monotonic())
        with self._job.interruptible():
            ready = wait(list(self._busy), timeout_s)
        for worker in self._taken(ready):
            self._receive(worker)
        for worker in list(self._busy.values()):
            if time.monotonic() >= worker.deadline_s:
                del self._busy[worker.pipe]
                worker.kill()
                self._give_up(worker.number, "it took too long when tried again")

    def _taken(self, ready: Sequence[object]) -> list[_Worker[T]]:
        """Workers at the other ends of pipes, which are not busy any more."""
        workers = [worker for pipe, worker in self._busy.items() if pipe in ready]
        for worker in workers:
            del self._busy[worker.pipe]
        return workers

    def _receive(self, worker: _Worker[T], *, may_retry: bool = True) -> None:
        number = worker.number
        try:
            result = worker.pipe.recv()
        except (EOFError, OSError):
            how = worker.kill()
            if worker.is_retry:
                self._give_up(number, how)
            elif may_retry:
                self._begin(_Worker[T](self._job.work, limits=True), number)
            return
        if worker.is_retry:
            worker.kill()
        else:
            self._idle.append(worker)
        self._done[number] = self._result(self._job.paths[number], result)

    def _give_up(self, number: int, how: str) -> None:
        self._done[number] = self._job.on_crash(self._job.paths[number], how)


class _Worker(Generic[T]):
    """A process that works on one file after the other.

    Parameters
    ----------
    work : callable
    limits : bool
        Whether it may only take so much time and memory: it tries a file again.
    """

    def __init__(self, work: Callable[[Any], T], *, limits: bool = False) -> None:
        context = get_context("spawn")  # a copy of a process with threads may hang
        self.pipe, theirs = context.Pipe()
        self.is_retry = limits
        self.number = -1
        self.deadline_s = float("inf")
        self._process = context.Process(target=_serve, args=(theirs, limits), daemon=True)
        with _signals_held_back():  # for the child, which is ended by its parent alone
            self._process.start()
        theirs.close()
        # Not with its start: that would wait for ever for a process that is killed meanwhile.
        with suppress(OSError):
            self.pipe.send(work)

    def begin(self, number: int, path: Location) -> None:
        """Let it work on a file; its result comes through the pipe."""
        self.number = number
        if self.is_retry:
            n_bytes = 0
            with suppress(OSError):
                n_bytes = path.stat().st_size
            self.deadline_s = time.monotonic() + RETRY_S + n_bytes * _S_PER_BYTE
        with suppress(OSError):  # it is gone, which its pipe will say
            self.pipe.send(path)

    def kill(self) -> str:
        """End it, if it did not end by itself; how it ended."""
        # What closed its end of the pipe is about to end, and its own code says most.
        self._process.join(0 if self.pipe.closed else _grace_s(self.pipe))
        if self._process.is_alive():
            self._process.kill()
            self._process.join(_CLOSING_S)
        self.pipe.close()
        code = self._process.exitcode
        self._process.close()
        return _ending(code)


def _grace_s(pipe: Connection) -> float:
    """Time in which a process shall end by itself: some where its pipe is closed."""
    try:
        return _CLOSING_S if pipe.poll() else 0.0
    except (OSError, EOFError):
        return _CLOSING_S


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        with suppress(ValueError):
            return f"ended by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"


def _n_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _tried(work: Callable[[Any], T], path: Location) -> T | _Raised:
    """Result of a file, or what was raised instead."""
    try:
        return work(path)
    except ImportError as error:
        return _Raised(str(error), is_of_import=True)
    except Exception as error:  # noqa: BLE001  one file's trouble is not the others'
        return _Raised(f"{type(error).__name__}: {error}")


@contextmanager
def _signals_held_back() -> Iterator[None]:
    """Keep signals of the terminal from reaching what is started meanwhile, for all its life."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    of_terminal = {signal.SIGINT, signal.SIGHUP}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, of_terminal)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(pipe: Connection, limits: bool) -> None:
    """Body of a worker: the work, then paths in, results out, until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if limits and sys.platform != "win32":
        import resource

        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_DATA, (RETRY_BYTES, RETRY_BYTES))
    with suppress(EOFError, OSError):
        work: Callable[[Any], object] = pipe.recv()
        while True:
            path = pipe.recv()
            pipe.send(_tried(work, path))
