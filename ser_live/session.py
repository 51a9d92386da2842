"""A live session: the only module that starts, watches and joins threads.

Concurrent activities, and what each may block on:

========================  ===============================================
capture                   PortAudio's own thread (see ``sources``): nothing
segmenting thread         the source's ``read`` (bounded), room in the queue
worker thread             the work queue (bounded wait), room for results
caller's thread           ``poll`` (bounded wait)
========================  ===============================================

Values shared without a lock: what ``SegmentingStage.level`` is made of is replaced as
a whole, and a reference assignment cannot be torn. Everything else goes through a queue.
"""

from __future__ import annotations

import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from ser_live import __version__
from ser_live.config import SAMPLE_RATE_HZ, Settings
from ser_live.errors import SerLiveError
from ser_live.events import (
    DeviceLost,
    Drop,
    EmotionResult,
    LevelMeter,
    QueueDepth,
    SessionEnded,
    SessionStarted,
    SourceFailed,
    StreamEnded,
    StreamGap,
    StreamStarted,
    Utterance,
)
from ser_live.model import EmotionModel
from ser_live.pipeline import AnalysisStage, SegmentingStage, push_item
from ser_live.recorder import UtteranceRecorder
from ser_live.sources import AudioSource
from ser_live.speaker_profile import SpeakerProfile
from ser_live.tally import Tally
from ser_live.work_queue import WorkQueue

DRAIN_TIMEOUT_S = 60.0
"""Longest wait for the next event of a session that is to end; then it is aborted."""

JOIN_TIMEOUT_S = 10.0
"""Longest wait for the threads of an aborted session; one that needs more is reported."""

RESULTS_CAPACITY = 1000


class LiveSession:
    """Runs sources through segmenting and analysis in two threads of its own.

    Use as a context manager; call ``poll`` until ``finished``::

        with LiveSession([source], model, settings) as session:
            while not session.finished:
                for event in session.poll(0.1):
                    ...

    Parameters
    ----------
    sources : iterable of AudioSource
        Played one after the other; each has its own sample clock.
    model : EmotionModel
    settings : Settings
    channel : int or None
        Channel to analyze, 0 the first; ``None`` averages all.
    drop_when_full : bool
        True for a microphone: rather lose a counted utterance than fall behind.
    recorder : UtteranceRecorder or None
        Keeps the audio of final utterances where the user asked for it.
    profile : SpeakerProfile or None
        Enrolled speaker whom every stream begins with.
    """

    def __init__(
        self,
        sources: Iterable[AudioSource],
        model: EmotionModel,
        settings: Settings,
        *,
        channel: int | None = None,
        drop_when_full: bool = False,
        recorder: UtteranceRecorder | None = None,
        profile: SpeakerProfile | None = None,
    ) -> None:
        self._sources = list(sources)
        self._model = model
        self._settings = settings
        self._channel = channel
        self._recorder = recorder
        self._profile = profile
        # Made here, so that a profile that does not fit is said before anything starts.
        self._analysis = AnalysisStage(model, settings, profile)
        self._results: queue.Queue[Any] = queue.Queue(RESULTS_CAPACITY)
        self._work = WorkQueue(
            # A replay waits for room, so being far ahead would only age its results.
            settings.queue_size if drop_when_full else 1,
            drop_when_full=drop_when_full,
        )
        self._stop = threading.Event()
        self._abort = threading.Event()
        self._stage: SegmentingStage | None = None
        self._playing: SegmentingStage | None = None
        """The stage of a stream that is not over; an aborted session ends with one."""
        self._next_id = 1
        # Both are joined. Daemons all the same, so that one that never returns does not keep
        # the process from ending.
        self._threads = [
            threading.Thread(target=self._guard(body), name=f"ser-live {name}", daemon=True)
            for name, body in (("segmenting", self._segment), ("analysis", self._analyze))
        ]
        self._waited_s = 0.0
        """How long `poll` waited in vain since the session is to end."""
        self._error: BaseException | None = None
        self._end_reason = "end"
        self.tally = Tally()
        """Counts over everything handed out so far."""
        self._n_heard = 0
        """Samples of the streams that are over; changed by the segmenting thread alone."""
        self.first_failure: SerLiveError | None = None
        """First source that could not be played; the session went on without it."""
        self.finished = False
        """True once every event has been handed out."""

    # -- the caller's thread ---------------------------------------------------------

    def __enter__(self) -> LiveSession:
        self._results.put(
            SessionStarted(
                datetime.now().astimezone().isoformat(timespec="milliseconds"),
                __version__,
                self._model.card.id,
                self._model.card.weights_sha256,
                asdict(self._settings),
                None if self._profile is None else self._profile.card.name,
                None if self._recorder is None else str(self._recorder.folder.resolve()),
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

    def stop(self, reason: str = "interrupt") -> None:
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
        self._end_reason = "abort"
        self._abort.set()
        self._stop.set()
        self._work.close()

    def poll(self, timeout_s: float) -> list[Any]:
        """Events since the last call, in order; waits at most `timeout_s` for the first.

        Once the session was aborted, it waits up to ``JOIN_TIMEOUT_S`` for the threads.

        Raises
        ------
        TimeoutError
            A thread did not end in time, or brought nothing for ``DRAIN_TIMEOUT_S``.
        BaseException
            Whatever broke a thread, once everything before it was handed out.
        """
        events: list[Any] = []
        try:
            events.append(self._results.get(timeout=timeout_s))
            while True:
                events.append(self._results.get_nowait())
        except queue.Empty:
            pass
        for event in events:
            if isinstance(event, EmotionResult | Drop | StreamGap | DeviceLost):
                self.tally.add(event.as_record())
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
            # Told once: nobody waits for them again.
            self._threads, self.finished = [], True
            raise _hang_of(hung, error)

    def failed(self) -> SessionEnded:
        """Summary for the log of a session that an error ended."""
        return self._summary("error")

    def _summary(self, reason: str) -> SessionEnded:
        tally, playing = self.tally, self._playing
        n_heard = self._n_heard + (0 if playing is None else playing.position)
        return SessionEnded(
            reason,
            n_heard / SAMPLE_RATE_HZ,
            tally.n_finals,
            tally.n_dropped,
            tally.n_gaps,
            {emotion.value: n for emotion, n in tally.emotions.items()},
            {state.value: n for state, n in tally.states.items()},
            tally.latency_ms(50),
            tally.latency_ms(95),
        )

    @property
    def level(self) -> LevelMeter | None:
        """Latest level, or ``None`` before the first frame."""
        stage = self._stage
        return None if stage is None else stage.level

    @property
    def queue_depth(self) -> QueueDepth:
        return QueueDepth(self._work.n_waiting, self._work.capacity)

    # -- both threads ----------------------------------------------------------------

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

    def _emit(self, event: object) -> None:
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
            for source in self._sources:
                if self._stop.is_set():
                    break
                try:
                    self._play(source)
                except SerLiveError as error:
                    if self.first_failure is None:
                        self.first_failure = error
                    self._work.put(SourceFailed(str(error), source.file))
                finally:
                    source.close()
        finally:
            # Also where a defect ends this thread: what was heard is still judged.
            self._work.put(_END)

    def _play(self, source: AudioSource) -> None:
        source.open()
        stage = SegmentingStage(
            self._settings,
            sample_rate=source.sample_rate,
            n_channels=source.n_channels,
            channel=self._channel,
            first_id=self._next_id,
            file=source.file,
            is_live=source.is_live,
        )
        self._stage = self._playing = stage
        self._work.put(
            StreamStarted(source.name, source.sample_rate, source.n_channels, source.file)
        )
        try:
            while not self._abort.is_set():
                is_stopping = self._stop.is_set()
                if is_stopping:
                    # Closing first ends the capture; what it had heard is still read.
                    source.close()
                item = source.read(0.05)
                if item is not None:
                    self._put_all(push_item(stage, item))
                elif source.exhausted or is_stopping:
                    break
        finally:
            if not self._abort.is_set():
                self._put_all(stage.flush())
                self._work.put(StreamEnded(stage.position, 0, source.file))
            self._playing = None
            self._n_heard += stage.position
            self._next_id = stage.next_id

    def _put_all(self, events: Iterable[object]) -> None:
        for event in events:
            if isinstance(event, Utterance):
                event = replace(event, known_at_s=time.monotonic())
            self._work.put(event)

    # -- worker thread ---------------------------------------------------------------

    def _analyze(self) -> None:
        try:
            self._work_off()
        finally:
            # Where a defect ends this thread, the other one must not wait for room.
            self._work.close()

    def _work_off(self) -> None:
        stage = self._analysis
        stage.warm_up()
        file: str | None = None
        n_finals = 0
        while not self._abort.is_set():
            item = self._work.get(0.1)
            if item is _END:
                return
            if item is None:
                continue
            if isinstance(item, StreamStarted):
                file, n_finals = item.file, 0
                stage.start_stream()
            if isinstance(item, StreamEnded):
                item = replace(item, n_utterances=n_finals)
            if isinstance(item, Drop):
                item = replace(item, file=file)
            if isinstance(item, Utterance):
                n_finals += item.kind == "final"
                self._emit(self._classify(stage, item, file))
            else:
                self._emit(item)

    def _classify(
        self, stage: AnalysisStage, utterance: Utterance, file: str | None
    ) -> EmotionResult:
        result = stage.process(utterance, file)
        latency_ms = (time.monotonic() - utterance.known_at_s) * 1000.0
        if self._recorder is not None and utterance.kind == "final":
            self._recorder.write(utterance, Path(file).stem if file else "microphone")
        return replace(result, latency_ms=latency_ms)


_END = object()


def _hang_of(hung: list[threading.Thread], error: BaseException | None) -> TimeoutError:
    """What is raised of threads that did not end; ``--debug`` shows where they are."""
    names = " and ".join(thread.name.removeprefix("ser-live ") for thread in hung)
    before = "" if error is None else f", after {type(error).__name__}: {error}"
    frames = sys._current_frames()
    stacks = [
        f"{thread.name}:\n{''.join(traceback.format_stack(frames[thread.ident]))}"
        for thread in hung
        if thread.ident in frames
    ]
    where = RuntimeError("\n".join(stacks))
    where.__cause__ = error
    failure = TimeoutError(f"{names} did not end within {JOIN_TIMEOUT_S:g} s{before}")
    failure.__cause__ = where
    return failure
