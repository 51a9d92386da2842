"""Marks, notes, pauses and a new beginning while a session runs, and on a stream by hand."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
import pytest
from golden_frames import DEVICES
from numpy.typing import NDArray
from speechlike import speechlike
from stream_parts import segmenting
from synthetic_model import adapting_model

from ser_live.config import SAMPLE_RATE_HZ, Settings
from ser_live.errors import DeviceError, UsageError
from ser_live.events import (
    FORGOTTEN,
    Cause,
    DeviceFound,
    EmotionResult,
    Event,
    Kind,
    Mark,
    Note,
    NotedBy,
    Notice,
    Paused,
    StreamEnded,
    StreamGap,
    StreamNotice,
    StreamStarted,
    from_record,
)
from ser_live.model.emotion_model import EmotionModel
from ser_live.session import controls
from ser_live.session.aio import listen_async
from ser_live.session.controls import Orders
from ser_live.session.live import LiveSession
from ser_live.sources import (
    ArraySource,
    Lost,
    MicrophoneFound,
    PushedSource,
    ReconnectingMicrophone,
)
from ser_live.sources.devices import InputDevice
from ser_live.stream.analyzer import Analyzer

RATE = SAMPLE_RATE_HZ
E = TypeVar("E")
Act = Callable[[LiveSession, Callable[[NDArray[np.float32]], None]], None]


@pytest.fixture(scope="module")
def model() -> EmotionModel:
    return adapting_model()


def silence(duration_s: float) -> NDArray[np.float32]:
    rng = np.random.default_rng(0)
    return (1e-4 * rng.standard_normal(round(duration_s * RATE))).astype(np.float32)


def talk(duration_s: float = 2.0, seed: int = 0) -> NDArray[np.float32]:
    return np.asarray(speechlike(duration_s, seed), np.float32)


def of(kind: type[E], events: Sequence[Any]) -> list[E]:
    return [event for event in events if isinstance(event, kind)]


def gaps(events: Sequence[Any]) -> list[tuple[float, float, Cause]]:
    return [(e.start_s, e.duration_s, e.cause) for e in of(StreamGap, events)]


# -- one stream by hand


def test_a_pause_is_one_gap_of_its_length_and_the_clock_runs_on(model: EmotionModel) -> None:
    """What is pushed meanwhile is passed over, whatever the blocks are."""
    analyzer = Analyzer(model=model)
    events = [*analyzer.push(silence(1.0)), *analyzer.pause()]
    for _ in range(30):
        events += analyzer.push(talk(0.1))
    assert analyzer.position == 4 * RATE
    assert gaps(events) == []
    events += [*analyzer.resume(), *analyzer.push(silence(1.0))]
    assert gaps(events) == [(1.0, 3.0, Cause.PAUSED)]
    events += analyzer.close()
    assert of(EmotionResult, events) == []
    assert [e.duration_s for e in of(StreamEnded, events)] == [5.0]
    told = of(Paused, events)
    assert [e.is_over for e in told] == [False, False, False, False, True]
    assert [e.start_s for e in told] == [1.0, 2.0, 3.0, 4.0, 4.0]


def test_a_pause_at_another_rate_loses_no_sample_of_the_clock(model: EmotionModel) -> None:
    """At 44.1 kHz the position is that of the samples given, to one sample."""
    analyzer = Analyzer(44_100, model=model)
    analyzer.push(np.zeros(44_100, np.float32))
    for _ in range(7):
        analyzer.pause()
        for _ in range(13):
            analyzer.push(np.zeros(997, np.float32))
        analyzer.resume()
    n_native = 44_100 + 7 * 13 * 997
    assert analyzer.position == n_native * RATE // 44_100


def test_an_open_utterance_ends_where_the_pause_begins(model: EmotionModel) -> None:
    """It is given as final before the gap, and nothing of the pause is in it."""
    analyzer = Analyzer(model=model)
    events = [*analyzer.push(silence(1.0)), *analyzer.push(talk(2.0))]
    paused = analyzer.pause()
    (final,) = of(EmotionResult, paused)
    assert final.kind is Kind.FINAL
    assert final.end_s <= 3.0
    events += [*paused, *analyzer.push(talk(2.0)), *analyzer.close()]
    assert len([e for e in of(EmotionResult, events) if e.kind is Kind.FINAL]) == 1
    assert gaps(events) == [(3.0, 2.0, Cause.PAUSED)]


def test_pausing_twice_and_resuming_without_a_pause_do_nothing(model: EmotionModel) -> None:
    """Neither is told again."""
    analyzer = Analyzer(model=model)
    assert of(Paused, analyzer.resume()) == []
    assert len(of(Paused, analyzer.pause())) == 1
    assert analyzer.pause() == []
    assert gaps(analyzer.resume()) == []


def test_what_was_lost_within_a_pause_keeps_its_own_cause(model: EmotionModel) -> None:
    """The gaps stand in the order of time."""
    analyzer = Analyzer(model=model)
    events = [*analyzer.push(silence(1.0)), *analyzer.pause(), *analyzer.push(silence(1.0))]
    events += analyzer.push(Lost(RATE, Cause.OVERFLOW))
    events += [*analyzer.push(silence(1.0)), *analyzer.resume()]
    assert gaps(events) == [
        (1.0, 1.0, Cause.PAUSED),
        (2.0, 1.0, Cause.OVERFLOW),
        (3.0, 1.0, Cause.PAUSED),
    ]


def test_notes_and_marks_come_back_from_their_records(model: EmotionModel) -> None:
    """Fields as other programs read them; a mark of an older log was a program's."""
    analyzer = Analyzer(model=model)
    analyzer.push(silence(1.0))
    (note,) = analyzer.note("slept badly", 2)
    assert {k: note.as_record()[k] for k in ("type", "start_s", "text", "rating", "stream")} == {
        "type": "note", "start_s": 0.99, "text": "slept badly", "rating": 2, "stream": 1,
    }  # fmt: skip
    (mark,) = analyzer.mark("question 3")
    record = dict(mark.as_record())
    assert record["source"] == "api"
    del record["source"]
    read = from_record(record)
    assert isinstance(read, Mark)
    assert read.source is NotedBy.API
    with pytest.raises(UsageError, match="1 to 5"):
        analyzer.note("x", 6)


# -- a session that runs


def wait_for(is_so: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline_s
        time.sleep(0.005)


def _position(session: LiveSession) -> int:
    return session.orders.stages[0].position if session.orders.stages else 0


def played(model: EmotionModel, act: Act) -> list[Event]:
    """A session over a source that is pushed, with something done between its blocks."""
    source = PushedSource("made")
    events: list[Event] = []
    with LiveSession([source], model, Settings(), with_levels=True) as session:

        def heard(samples: NDArray[np.float32]) -> None:
            n = session.orders.stages[0].position if session.orders.stages else 0
            source.push(samples)
            # Less than a frame waits for more.
            wait_for(lambda: _position(session) > n + len(samples) - 1000)

        act(session, heard)
        source.finish()
        while not session.finished:
            events.extend(session.poll(0.05))
        assert not session.mark("after the end")
        assert not session.note("after the end")
        assert not session.reset()
    return events


def test_a_session_keeps_what_is_asked_of_it_at_its_place(model: EmotionModel) -> None:
    """Mark, note, pause and reset from another thread than the one that segments."""

    def act(session: LiveSession, heard: Callable[[NDArray[np.float32]], None]) -> None:
        heard(silence(1.0))
        assert session.mark("begins", NotedBy.USER)
        assert session.note("a word", 4)
        session.pause()
        assert session.is_paused
        wait_for(lambda: session.orders.stages[0].is_paused)
        heard(talk(2.0))
        session.resume()
        wait_for(lambda: not session.orders.stages[0].is_paused)
        heard(silence(1.0))
        assert session.reset()

    events = played(model, act)
    assert [(m.start_s, m.label, m.source) for m in of(Mark, events)] == [
        (pytest.approx(1.0, abs=0.1), "begins", NotedBy.USER)
    ]
    assert [(n.text, n.rating) for n in of(Note, events)] == [("a word", 4)]
    ((start_s, duration_s, cause),) = gaps(events)
    assert (start_s, duration_s) == pytest.approx((1.0, 2.0), abs=0.1)
    assert cause is Cause.PAUSED
    assert of(EmotionResult, events) == []
    assert [n.message for n in of(StreamNotice, events)] == [FORGOTTEN]


def test_a_pause_goes_on_in_the_next_source(model: EmotionModel) -> None:
    """Each stream tells the gap of its own, to its end."""
    sources = [ArraySource(talk(2.0), RATE), ArraySource(talk(1.0), RATE)]
    events: list[Event] = []
    session = LiveSession(sources, model, Settings())
    session.pause()
    with session:
        while not session.finished:
            events.extend(session.poll(0.05))
    assert gaps(events) == [(0.0, 2.0, Cause.PAUSED), (0.0, 1.0, Cause.PAUSED)]
    assert of(EmotionResult, events) == []


def test_a_mark_that_comes_after_its_stream_is_told_not_swallowed() -> None:
    """The sentence names it."""
    orders = Orders()
    stage = segmenting()
    orders.stages = (stage,)
    for made in stage.mark("late"):
        assert isinstance(made, Mark)
        orders.ask(made)
    orders.stages = ()
    assert orders.due() == []
    (notice,) = orders.late()
    assert isinstance(notice, Notice)
    assert "'late'" in notice.message
    assert list(orders.late()) == []


class Plugged(ReconnectingMicrophone):
    """Stand in for a microphone where there is no sound card: silence until it is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[InputDevice] = []
        self._is_over = False

    @property
    def device(self) -> InputDevice | None:
        return DEVICES[1]

    @property
    def exhausted(self) -> bool:
        return self._is_over

    def open(self) -> None:
        self.sample_rate, self.n_channels = RATE, 1

    def read(self, timeout_s: float) -> NDArray[np.float32] | None:
        time.sleep(0.01)
        return None if self._is_over else silence(0.03)[:, np.newaxis]

    def close(self) -> None:
        self._is_over = True

    def change_to(self, device: InputDevice) -> None:
        self.asked.append(device)


def test_a_session_changes_its_microphone_by_device_number_or_name(
    model: EmotionModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that fits none is an error at once; after the end there is nothing to change."""
    monkeypatch.setattr(controls, "known_devices", lambda: list(DEVICES))
    source = Plugged()
    with LiveSession([source], model, Settings()) as session:
        wait_for(lambda: session.microphone is not None)
        assert session.microphones() == list(DEVICES)
        assert session.change_microphone(DEVICES[0])
        assert session.change_microphone(4)
        assert session.change_microphone("head")
        with pytest.raises(DeviceError, match="banjo"):
            session.change_microphone("banjo")
        session.stop()
        while not session.finished:
            session.poll(0.05)
    assert source.asked == [DEVICES[0], DEVICES[2], DEVICES[1]]
    assert session.microphone is None
    assert not session.change_microphone(DEVICES[0])


def test_another_microphone_forgets_the_voice_and_the_same_one_does_not(
    model: EmotionModel,
) -> None:
    """A device that came back by itself goes on with what was learned."""
    for lost_device, is_chosen, is_forgotten in (
        ("b", False, False),
        ("a", False, True),  # the default stands in
        ("a", True, True),
        ("b", True, True),
    ):
        analyzer = Analyzer(model=model)
        events = [
            *analyzer.push(silence(1.0)),
            *analyzer.push(talk(2.0)),
            *analyzer.push(silence(1.0)),
        ]
        events += analyzer.push(Lost(RATE // 20, Cause.CHANGED))
        events += analyzer.push(
            MicrophoneFound(device="b", sample_rate=RATE, n_channels=1,
                            lost_device=lost_device, is_chosen=is_chosen)
        )  # fmt: skip
        events += [*analyzer.push(talk(2.0)), *analyzer.close()]
        finals = [e for e in of(EmotionResult, events) if e.kind is Kind.FINAL]
        assert [e.n_past for e in finals] == [0, 0 if is_forgotten else 1]
        assert len(of(DeviceFound, events)) == 1
        assert [n.message for n in of(StreamNotice, events)] == [FORGOTTEN] * is_forgotten


def test_listening_of_an_event_loop_takes_the_same_orders(model: EmotionModel) -> None:
    """Mark, note, pause, resume and reset, without waiting; before it begins and after it too."""

    async def listened() -> list[Event]:
        source = PushedSource("made")
        listening = listen_async(source, model=model)
        assert not listening.mark("too early")
        assert not listening.reset()
        listening.pause()
        events: list[Event] = []
        async with listening:
            assert listening.is_paused, "what was asked before it began holds"
            source.push(talk(2.0))
            async for event in listening:
                events.append(event)
                if isinstance(event, StreamStarted):
                    break
            for _ in range(600):
                stages = listening._orders.stages
                if stages and stages[0].position >= 1.9 * RATE:
                    break
                await asyncio.sleep(0.01)
            assert listening.mark("question")
            assert listening.note("a word", 5)
            listening.resume()
            while stages[0].is_paused:
                await asyncio.sleep(0.01)
            assert listening.reset()
            assert not listening.change_microphone(0), "no microphone is heard"
            source.push(silence(1.0))
            source.finish()
            events += [event async for event in listening]
        assert not listening.mark("too late")
        return events

    events = asyncio.run(listened())
    assert [m.label for m in of(Mark, events)] == ["question"]
    assert [(n.text, n.rating) for n in of(Note, events)] == [("a word", 5)]
    ((start_s, duration_s, cause),) = gaps(events)
    assert (start_s, cause) == (0.0, Cause.PAUSED)
    assert duration_s == pytest.approx(2.0, abs=0.1)
    assert of(EmotionResult, events) == []
    assert FORGOTTEN in [n.message for n in of(StreamNotice, events)]
