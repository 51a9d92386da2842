"""Other programs are told what the server hears: every event with the name of its session."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace

from ser_live import __version__
from ser_live.config import Settings
from ser_live.events import (
    EmotionResult,
    Event,
    Kind,
    Notice,
    OfStream,
    SessionStarted,
    StreamEnded,
    StreamEvent,
    StreamId,
)
from ser_live.model.emotion_model import EmotionModel
from ser_live.outputs.fan_out import FanOut
from ser_live.outputs.queued import CLOSE_LIMIT_S
from ser_live.outputs.sink import Sink
from ser_live.session.live import POLL_S
from ser_live.session.player import wall_time

MICROPHONE = "microphone"
"""Name of the session of the server's own microphone."""

CAPACITY = 8192
"""Events that may wait for the thread, which only hands them on: some seconds of many streams."""


@dataclass
class _Told:
    """One stream, as it is called among all of the server."""

    stream: StreamId
    n_samples: int = 0
    n_utterances: int = 0

    def of(self, event: StreamEvent) -> StreamEvent:
        """Give an event in the name of this stream."""
        reached = getattr(event, "end_sample", getattr(event, "sample", 0))
        self.n_samples = max(self.n_samples, reached)
        self.n_utterances += isinstance(event, EmotionResult) and event.kind is Kind.FINAL
        return replace(event, stream=self.stream)


@dataclass(frozen=True)
class _Leave:
    """A session is over, whether its streams said so or not."""

    session: str


@dataclass
class Teller:
    """Hands the events of all sessions to sinks, in a thread of its own that nobody waits for.

    To the sinks all of it is one session: its streams have numbers of their own, and each names
    the client's session that it belongs to.

    Parameters
    ----------
    sinks : sequence of Sink
        Told of the server's microphone and of every client's streams; none may be slow.
    live_sinks : sequence of Sink
        Told of the microphone alone, as only its sound is known to be heard as it is spoken.
    say : callable
        Takes a sentence about a sink that has trouble.
    """

    sinks: Sequence[Sink]
    live_sinks: Sequence[Sink]
    say: Callable[[str], None]
    n_lost: int = 0
    """Events that found no room."""
    _waiting: queue.Queue[tuple[str, StreamEvent] | _Leave | None] = field(
        default_factory=lambda: queue.Queue(CAPACITY)
    )
    _told: dict[str, dict[int, _Told]] = field(default_factory=dict)
    _n_streams: int = 0
    _thread: threading.Thread | None = None

    def told_of(self, session: str) -> list[str]:
        """Names of the sinks that are told of a session."""
        sinks = [*self.sinks, *(self.live_sinks if session == MICROPHONE else ())]
        return [sink.name for sink in sinks]

    def open(self, model: EmotionModel, settings: Settings) -> None:
        """Open the sinks, and begin to tell; an error of a sink is the caller's."""
        live = [_OfMicrophone(sink) for sink in self.live_sinks]
        fan_out = FanOut([*self.sinks, *live, _Saying(self.say)])
        fan_out.__enter__()
        fan_out.take(session_started(model, settings))
        self._thread = threading.Thread(
            target=self._work, args=(fan_out,), name="ser-live server tells", daemon=True
        )
        self._thread.start()

    # -- any thread

    def take(self, session: str, event: Event) -> None:
        """Let an event wait to be told; what is of no stream tells nobody anything."""
        if isinstance(event, OfStream):
            self._put((session, event))

    def leave(self, session: str) -> None:
        """Note that a session is over: what was told of it holds no longer."""
        self._put(_Leave(session))

    def close(self) -> None:
        """Tell what waits, and close the sinks."""
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join(1.5 * CLOSE_LIMIT_S)
            self._thread = None

    def _put(self, item: tuple[str, StreamEvent] | _Leave) -> None:
        try:
            self._waiting.put_nowait(item)
        except queue.Full:
            self.n_lost += 1

    # -- a thread

    def _work(self, fan_out: FanOut) -> None:
        is_over = False
        while not is_over:
            with suppress(queue.Empty):
                item = self._waiting.get(timeout=POLL_S)
                is_over = item is None
                for event in self._events(item):
                    fan_out.take(event)
            fan_out.idle(time.monotonic())
        fan_out.__exit__(None, None, None)
        for sentence in fan_out.failures:
            self.say(sentence)
        if self.n_lost:
            self.say(f"other programs were not told of {self.n_lost} events: the machine was busy.")

    def _events(self, item: tuple[str, StreamEvent] | _Leave | None) -> Sequence[Event]:
        if item is None:
            return ()
        if isinstance(item, _Leave):
            return [_end_of(told) for told in self._told.pop(item.session, {}).values()]
        session, event = item
        told = self._stream(session, event).of(event)
        if isinstance(event, StreamEnded):
            del self._told[session][event.stream.number]
        return [told]

    def _stream(self, session: str, event: StreamEvent) -> _Told:
        streams = self._told.setdefault(session, {})
        number = event.stream.number
        if number not in streams:
            self._n_streams += 1
            streams[number] = _Told(replace(event.stream, number=self._n_streams, session=session))
        return streams[number]


def session_started(
    model: EmotionModel, settings: Settings, speaker: str | None = None
) -> SessionStarted:
    """Make the event that a session begins now."""
    card = model.card
    return SessionStarted(
        started_at=wall_time(),
        version=__version__,
        model=card.id,
        model_sha256=card.weights_sha256,
        labels=card.labels,
        settings=asdict(settings),
        speaker=speaker,
    )


def _end_of(told: _Told) -> StreamEnded:
    """Make the end of a stream whose client left before it came."""
    return StreamEnded(stream=told.stream, n_samples=told.n_samples, n_utterances=told.n_utterances)


class _OfMicrophone:
    """Keeps what clients send from a sink."""

    def __init__(self, sink: Sink) -> None:
        self.name = sink.name
        self._sink = sink

    @property
    def failure(self) -> str | None:
        return self._sink.failure

    def open(self) -> None:
        self._sink.open()

    def take(self, event: Event) -> None:
        if not isinstance(event, OfStream) or event.stream.session == MICROPHONE:
            self._sink.take(event)

    def idle(self, now_s: float) -> None:
        self._sink.idle(now_s)

    def close(self) -> None:
        self._sink.close()


class _Saying:
    """Says to the user what the notices say."""

    name = "messages"
    failure: str | None = None

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say

    def open(self) -> None:
        """Nothing is to be begun."""

    def take(self, event: Event) -> None:
        if isinstance(event, Notice):
            self._say(event.message)

    def idle(self, now_s: float) -> None:
        """Nothing is due by the clock."""

    def close(self) -> None:
        """Nothing is to be ended."""
