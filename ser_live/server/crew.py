"""Processes that analyze, each for some of the sessions, so that one core is no limit.

Half of the arithmetic holds Python's lock: threads of one process give a dozen clients in time,
and the event loop waits for them. A process a core gives the cores, and the loop its own.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.context import SpawnProcess

from ser_live.config import Settings
from ser_live.model.emotion_model import EmotionModel
from ser_live.process.held_signals import ending_signals_held_back
from ser_live.server.parcels import Parcels, pack
from ser_live.server.pool import Job, Pool
from ser_live.server.protocol import Start
from ser_live.server.remote import ProcessLostError, RemoteUpload, RemoteWork
from ser_live.server.stream_work import Outcome
from ser_live.server.upload_work import Uploaded
from ser_live.server.working import Begin, Forget, Found, Order, Read, Ready, Told, work_for
from ser_live.speaker.profile import SpeakerProfile

STARTING = 2
"""Sessions more that a process gets rather than one that only starts."""

MOST_FAILED = 3
"""Starts that may fail, one after the other."""

_CLOSING_S = 2.0


class _Worker(asyncio.Protocol):
    """One process, seen from the event loop."""

    def __init__(self, on_ready: Callable[[], None], on_lost: Callable[[_Worker], None]) -> None:
        self.works: dict[int, RemoteWork | RemoteUpload] = {}
        self.is_ready = False
        self._on_ready, self._on_lost = on_ready, on_lost
        self._loop = asyncio.get_running_loop()
        self._parcels = Parcels()
        self._early: list[Order] = []
        """Orders before the process was there."""
        self._transport: asyncio.Transport | None = None
        self._process: SpawnProcess | None = None

    async def start(self, model: EmotionModel) -> None:
        """Start the process; what it is to do may be sent before."""
        ours, theirs = socket.socketpair()
        try:
            self._process = await asyncio.to_thread(_started, theirs, model)
        except (OSError, RuntimeError) as error:
            ours.close()
            self.connection_lost(error)
            return
        finally:
            theirs.close()
        ours.setblocking(False)
        await self._loop.create_connection(lambda: self, sock=ours)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  as create_connection says
        self._transport = transport
        early, self._early = self._early, []
        for order in early:
            self.send(order)

    def data_received(self, data: bytes) -> None:
        for news in self._parcels.take(data):
            if isinstance(news, Ready):
                self.is_ready = True
                self._on_ready()
            elif isinstance(news, Told | Found):
                work = self.works.get(news.session)
                if work is not None:
                    work.take(news)

    def connection_lost(self, exc: Exception | None) -> None:
        self._on_lost(self)
        error = ProcessLostError("a process that analyzed sessions ended; they ended with it")
        for work in list(self.works.values()):
            work.lose(error)
        self.works.clear()

    def send(self, order: Order) -> None:
        """Send an order; nothing once the process is gone."""
        if self._transport is None:
            self._early.append(order)
        elif not self._transport.is_closing():
            self._transport.write(pack(order))

    def leave(self, session: int) -> None:
        """Forget a session."""
        if self.works.pop(session, None) is not None:
            self.send(Forget(session))

    def hang_up(self) -> None:
        """Let the process see that nobody is there any more; from any thread."""
        if self._transport is not None:
            with suppress(RuntimeError):  # the loop is closed, and the connection with it
                self._loop.call_soon_threadsafe(self._transport.abort)

    def join(self, timeout_s: float) -> None:
        """Wait for the end of the process, and make one where it does not come."""
        if self._process is not None:
            self._process.join(timeout_s)
            if self._process.is_alive():
                self._process.kill()
                self._process.join(_CLOSING_S)


def _started(theirs: socket.socket, model: EmotionModel) -> SpawnProcess:
    context = get_context("spawn")  # a copy of a process with threads may hang
    process = context.Process(
        target=work_for, args=(theirs, model), name="ser-live analyzes", daemon=True
    )
    with ending_signals_held_back():  # its end is that of the server
        process.start()
    return process


class Crew:
    """Processes that share the sessions; a new session goes to the one that has the fewest.

    One more than has sessions is started, up to the limit, so that none waits for a start.

    Parameters
    ----------
    model : EmotionModel
    n_most : int
        Processes at the most.
    report : callable
        Takes an error that no client is to blame for.
    """

    def __init__(
        self,
        model: EmotionModel,
        n_most: int,
        report: Callable[[BaseException], None],
    ) -> None:
        self.ready = asyncio.Event()
        """Whether one process is there and warm."""
        self._model = model
        self._n_most = n_most
        self._report = report
        self._threads = Pool(1)
        self._workers: list[_Worker] = []
        self._starts: set[asyncio.Task[None]] = set()
        self._n_begun = 0
        self._n_failed = 0
        """Processes in a row that ended before they were ready."""
        self.is_broken = False
        """Whether none could be started: threads are to do the work."""
        self._is_closed = False
        self._add()

    def begin(
        self,
        start: Start,
        settings: Settings,
        profile: SpeakerProfile | None,
        tell: Callable[[Sequence[Outcome]], None],
    ) -> RemoteWork:
        """Begin the work of a session."""
        worker = self._least_busy()
        work = RemoteWork(self._n_begun, start.sample_rate, worker, tell)
        worker.works[work.number] = work
        worker.send(Begin(work.number, start, settings, profile))
        self._prepare()
        return work

    def begin_upload(
        self, path: str, channel: int | None, settings: Settings, tell: Callable[[Uploaded], None]
    ) -> RemoteUpload:
        """Begin the work on a recording."""
        worker = self._least_busy()
        upload = RemoteUpload(self._n_begun, worker, tell)
        worker.works[upload.number] = upload
        worker.send(Read(upload.number, path, channel, settings))
        self._prepare()
        return upload

    def _least_busy(self) -> _Worker:
        if not self._workers:
            self._add()
        self._n_begun += 1
        # One that only starts is left alone where the others have little to do.
        return min(self._workers, key=lambda w: len(w.works) + (0 if w.is_ready else STARTING))

    def _prepare(self) -> None:
        """Start one more process where each of those that are there has something to do."""
        if len(self._workers) < self._n_most and all(w.works for w in self._workers):
            self._add()

    def wake(self, job: Job) -> None:
        """Let the next step of a job of this process be done; harmless when repeated."""
        self._threads.wake(job)

    def close(self, timeout_s: float) -> None:
        """End all processes and threads."""
        self._is_closed = True
        workers = list(self._workers)
        for worker in workers:
            worker.hang_up()
        for worker in workers:
            worker.join(timeout_s)
        self._threads.close(timeout_s)

    def _add(self) -> None:
        worker = _Worker(self.ready.set, self._lose)
        self._workers.append(worker)
        task = asyncio.get_running_loop().create_task(worker.start(self._model))
        self._starts.add(task)
        task.add_done_callback(self._starts.discard)

    def _lose(self, worker: _Worker) -> None:
        with suppress(ValueError):
            self._workers.remove(worker)
        if self._is_closed:
            return
        self._report(ProcessLostError("a process that analyzes ended; another one takes its place"))
        self._n_failed = 0 if worker.is_ready else self._n_failed + 1
        if self._workers:
            return
        if self._n_failed < MOST_FAILED:
            self._add()
        elif not self.ready.is_set():
            self.is_broken = True
            self.ready.set()
