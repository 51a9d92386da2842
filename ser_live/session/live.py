"""A live session: the only module that starts, watches and joins threads of the data's way.

Concurrent activities, and what each may block on:

========================  ===============================================
capture                   PortAudio's own thread (see ``sources``): nothing
segmenting thread         the source's ``read`` (bounded), room in the queue
worker thread             the work queue (bounded wait), room for results
caller's thread           ``poll`` (bounded wait)
========================  ===============================================

Everything between them goes through a queue.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from types import TracebackType

from ser_live import __version__
from ser_live.config import SAMPLE_RATE_HZ, Settings
from ser_live.errors import SerLiveError
from ser_live.events import (
    Drop,
    EmotionResult,
    EndReason,
    Event,
    Level,
    QueueDepth,
    SessionEnded,
    SessionStarted,
    StreamStarted,
)
from ser_live.model.emotion_model import EmotionModel
from ser_live.records.tally import Tally
from ser_live.session.controls import Controlled, Orders
from ser_live.session.hang import hang_of
from ser_live.session.player import Player, wall_time
from ser_live.session.work_queue import WorkQueue
from ser_live.session.worker import Worker, WorkItem
from ser_live.sources import AudioSource
from ser_live.speaker.memory import SpeakerMemory
from ser_live.speaker.profile import SpeakerProfile
from ser_live.stream.roles import Roles

DRAIN_TIMEOUT_S = 60.0
"""Longest wait for the next event of a session that is to end; then it is aborted."""

JOIN_TIMEOUT_S = 10.0
"""Longest wait for the threads of an aborted session; one that needs more is reported."""

RESULTS_CAPACITY = 1000
POLL_S = 0.1
"""Longest wait of an iteration for the next event."""

CHANNELS_AVERAGED: tuple[int | None, ...] = (None,)


class LiveSession(Controlled):
    """Runs sources through segmenting and analysis in two threads of its own.

    Use as a context manager, and iterate; or call ``poll`` until ``finished``::

        with LiveSession([source], model, settings) as session:
            for event in session:
                ...

    Parameters
    ----------
    sources : iterable of AudioSource
        Played one after the other; each has its own sample clock.
    model : EmotionModel
    settings : Settings
    channels : sequence of int or None
        Channels of every source to analyze, counted from 0, each as a stream of its own;
        ``None`` averages all.
    roles : sequence of str or None, optional
        Who speaks on each of `channels`.
    lanes : Roles or None
        Channels with their roles and levels, instead of `channels` and `roles`.
    drop_when_full : bool
        True for a microphone: rather lose a counted utterance than fall behind.
    audio_folder : Path or None
        Where an output keeps the audio of utterances, for the record; final results carry
        their audio then.
    keeps_audio : bool
        Whether final results carry their audio without such a folder, too.
    profile : SpeakerProfile or None
        Enrolled speaker that every stream begins with.
    with_levels : bool
        Whether to report levels and the length of the queue, for displays.
    expires_at : str or None
        Wall time after which what is kept of the session is to be removed, for the record.

    Raises
    ------
    ProfileError
        The profile does not fit the model.
    """

    def __init__(
        self,
        sources: Iterable[AudioSource],
        model: EmotionModel,
        settings: Settings,
        *,
        channels: Sequence[int | None] = CHANNELS_AVERAGED,
        roles: Sequence[str | None] | None = None,
        lanes: Roles | None = None,
        drop_when_full: bool = False,
        audio_folder: Path | None = None,
        keeps_audio: bool = False,
        profile: SpeakerProfile | None = None,
        with_levels: bool = False,
        expires_at: str | None = None,
    ) -> None:
        self._expires_at = expires_at
        self._model = model
        self._settings = settings
        self._audio_folder = audio_folder
        self._profile = profile
        self._lanes = lanes
        self._with_levels = with_levels
        # Made here, so that a profile that does not fit is said before anything starts.
        SpeakerMemory(model, profile=profile)
        self._results: queue.Queue[Event] = queue.Queue(RESULTS_CAPACITY)
        # A replay waits for room, so being far ahead would only age its results.
        capacity = settings.queue_size if drop_when_full else 1
        self._work = WorkQueue[WorkItem](capacity, drop_when_full=drop_when_full)
        self._worker = Worker(
            self._work,
            self._hand_out,
            model=model,
            settings=settings,
            profile=profile,
            keeps_audio=keeps_audio or audio_folder is not None,
        )
        self._stop = threading.Event()
        self._abort = threading.Event()
        self._orders = Orders()
        self._player = Player(
            sources,
            self._work.put,
            self._show,
            settings=settings,
            channels=channels,
            roles=roles,
            lanes=lanes,
            with_levels=with_levels,
            orders=self._orders,
        )
        self._shown_depth: QueueDepth | None = None
        """The length of the queue that was handed out with the latest level."""
        self._n_announced = 0
        """Highest number of a stream whose start was handed out; levels come after it."""
        bodies = {"segmenting": self._segment, "analysis": self._analyze}
        self._threads = [self._thread(name, body) for name, body in bodies.items()]
        self._waited_s = 0.0
        """Time `poll` waited without result since the session was asked to end."""
        self._error: BaseException | None = None
        self._end_reason = EndReason.END
        self.tally = Tally()
        """Counts over everything handed out so far."""
        self.finished = False
        """True once every event has been handed out."""

    # -- the caller's thread ---------------------------------------------------------

    def __enter__(self) -> LiveSession:
        folder = self._audio_folder
        self._results.put(
            SessionStarted(
                started_at=wall_time(),
                version=__version__,
                model=self._model.card.id,
                model_sha256=self._model.card.weights_sha256,
                labels=self._model.card.labels,
                settings=asdict(self._settings),
                speaker=None if self._profile is None else self._profile.card.name,
                audio_folder=None if folder is None else str(folder.resolve()),
                roles=None if self._lanes is None else str(self._lanes),
                expires_at=self._expires_at,
                legal_ground=self._lanes is not None and self._lanes.has_legal_ground,
            )
        )
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End both threads; what was not handed out yet is given up.

        Raises
        ------
        TimeoutError
            A thread did not end within ``JOIN_TIMEOUT_S``, and was left to itself.
        """
        if not self.finished:
            self.abort()
        self._join(error)

    def __iter__(self) -> Iterator[Event]:
        """Give every event, waiting for each, until the session is over."""
        while not self.finished:
            yield from self.poll(POLL_S)

    def stop(self, reason: EndReason = EndReason.INTERRUPT) -> None:
        """End the session in order: everything heard so far is still reported by `poll`.

        Returns at once. However long the rest takes, it is waited for while it brings events;
        where none comes for ``DRAIN_TIMEOUT_S``, `poll` aborts the session.
        """
        self._end_reason = reason
        self._stop.set()

    def abort(self) -> None:
        """End the session at once; what waits is given up.

        Returns at once; the next `poll` without an event waits for the threads.
        """
        self._end_reason = EndReason.ABORT
        self._abort.set()
        self._stop.set()
        self._work.close()

    @property
    def orders(self) -> Orders:
        """Orders to the session, for what stands in front of it."""
        return self._orders

    @property
    def first_failure(self) -> SerLiveError | None:
        """First source that could not be played; the session went on without it."""
        return self._player.first_failure

    @property
    def has_begun(self) -> bool:
        """Whether any source could be opened and heard."""
        return self._player.has_begun

    def poll(self, timeout_s: float) -> list[Event]:
        """Events since the last call, in order; waits at most `timeout_s` for the first.

        Once the session was aborted, it waits up to ``JOIN_TIMEOUT_S`` for the threads.

        Raises
        ------
        TimeoutError
            A thread did not end in time, or brought nothing for ``DRAIN_TIMEOUT_S``.
        BaseException
            The error that broke a thread, once everything before it was handed out.
        """
        events = self._take_results(timeout_s)
        for event in events:
            self.tally.add(event)
        if events or not self._stop.is_set():
            self._waited_s = 0.0
        else:
            self._waited_s += timeout_s
            self._end_what_hangs()
        if not any(thread.is_alive() for thread in self._threads) and self._results.empty():
            if not events and self._error is not None:
                self.finished = True
                raise self._error
            if self._error is None:
                self.finished = True
                events.append(self._summary(self._end_reason))
        return events

    def _take_results(self, timeout_s: float) -> list[Event]:
        events: list[Event] = []
        try:
            events.append(self._results.get(timeout=timeout_s))
            while True:
                events.append(self._results.get_nowait())
        except queue.Empty:
            return events

    def _end_what_hangs(self) -> None:
        """Let a session that is to end not wait for a thread for ever."""
        if self._waited_s > DRAIN_TIMEOUT_S and not self._abort.is_set():
            if self._error is None:
                self._error = TimeoutError(
                    f"a session that was to end brought nothing for {DRAIN_TIMEOUT_S:g} s"
                )
            self.abort()
        if self._abort.is_set():
            self._join(self._error)

    def _join(self, error: BaseException | None) -> None:
        """Wait for the threads of a session that is over or was aborted, by `error` or not."""
        deadline_s = time.monotonic() + JOIN_TIMEOUT_S
        for thread in self._threads:
            thread.join(max(0.0, deadline_s - time.monotonic()))
        hung = [thread for thread in self._threads if thread.is_alive()]
        if hung:
            # Reported once: nobody waits for them again.
            self._threads, self.finished = [], True
            raise hang_of(hung, error, JOIN_TIMEOUT_S)

    def failed(self) -> SessionEnded:
        """Summary of a session that an error ended."""
        return self._summary(EndReason.ERROR)

    def _summary(self, reason: EndReason) -> SessionEnded:
        tally = self.tally
        return SessionEnded(
            reason=reason,
            duration_s=self._player.n_heard / SAMPLE_RATE_HZ,
            n_utterances=tally.n_finals,
            n_dropped=tally.n_dropped,
            n_gaps=tally.n_gaps,
            emotions=dict(tally.emotions),
            states=dict(tally.states),
            latency_ms_p50=tally.latency_ms(50),
            latency_ms_p95=tally.latency_ms(95),
        )

    # -- both threads ----------------------------------------------------------------

    def _thread(self, name: str, body: Callable[[], None]) -> threading.Thread:
        # Both are joined. Daemons all the same, so that one that never returns does not keep
        # the process from ending.
        return threading.Thread(target=self._guard(body), name=f"ser-live {name}", daemon=True)

    def _guard(self, body: Callable[[], None]) -> Callable[[], None]:
        """Keep the first exception for the caller and let the other thread end too."""

        def run() -> None:
            try:
                body()
            except BaseException as error:  # noqa: BLE001  the thread boundary
                if self._error is None:
                    self._error = error
                self._stop.set()

        return run

    def _emit(self, event: Event) -> None:
        """Hand an event to the caller; waits for room unless the session is aborted."""
        while not self._abort.is_set():
            try:
                self._results.put(event, timeout=0.1)
            except queue.Full:
                continue
            return

    # -- segmenting thread -----------------------------------------------------------

    def _segment(self) -> None:
        try:
            self._player.run(is_stopping=self._stop.is_set, is_aborted=self._abort.is_set)
        finally:
            # Also where a defect ends this thread: what was heard is still judged.
            self._work.put(None)

    def _show(self, level: Level) -> None:
        """Hand out a level at once, past the utterances that wait; one too many is left out."""
        if level.stream.number > self._n_announced:
            return
        depth = self._queue_depth()
        with suppress(queue.Full):
            self._results.put_nowait(level)
            if depth != self._shown_depth:
                self._results.put_nowait(depth)
                self._shown_depth = depth

    def _queue_depth(self) -> QueueDepth:
        return QueueDepth(n_waiting=self._work.n_waiting, capacity=self._work.capacity)

    # -- worker thread ---------------------------------------------------------------

    def _analyze(self) -> None:
        try:
            self._worker.run(self._abort.is_set)
        finally:
            # Where a defect ends this thread, the other one must not wait for room.
            self._work.close()

    def _hand_out(self, event: Event) -> None:
        self._emit(event)
        if isinstance(event, StreamStarted):
            self._n_announced = max(self._n_announced, event.stream.number)
        elif self._with_levels and isinstance(event, EmotionResult | Drop):
            self._emit(self._queue_depth())
