"""What other programs are told of the server's sessions: whose it is, and that it is over."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from functools import cache

import pytest
import told_events as made

from ser_live import EmotionModel, Settings
from ser_live.bridges.occasions import Occasions
from ser_live.bridges.running import Running, told_record
from ser_live.events import (
    AffectState,
    EmotionResult,
    Event,
    OfStream,
    SessionStarted,
    StreamEnded,
    StreamId,
)
from ser_live.server import teller as module
from ser_live.server.teller import MICROPHONE, Teller

load = cache(EmotionModel.load)


class Sink:
    """Keeps what it is told; it may fail, or stand still until it may go on."""

    failure: str | None = None

    def __init__(self, name: str = "kept", fails: bool = False) -> None:
        self.name = name
        self.told: list[Event] = []
        self.is_closed = False
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self._fails = fails

    def open(self) -> None:
        """Nothing is to be begun."""

    def take(self, event: Event) -> None:
        self.may_go_on.wait(30)
        if self._fails and isinstance(event, OfStream):
            raise ValueError("a made fault")
        self.told.append(event)

    def idle(self, now_s: float) -> None:
        """Nothing is due."""

    def close(self) -> None:
        self.is_closed = True

    @property
    def of_streams(self) -> list[OfStream]:
        return [event for event in self.told if isinstance(event, OfStream)]


def opened(*sinks: Sink, live: tuple[Sink, ...] = ()) -> tuple[Teller, list[str]]:
    said: list[str] = []
    teller = Teller(sinks, live, said.append)
    teller.open(load(), Settings())
    return teller, said


def test_streams_of_two_sessions_are_told_apart() -> None:
    """Both call theirs number 1: to a sink they are two, each with its session's name."""
    sink = Sink()
    teller, said = opened(sink)
    for session in ("a", "b"):
        for event in made.utterance(1, "happy", 1.0, 3.0):
            teller.take(session, event)
    teller.close()
    assert isinstance(sink.told[0], SessionStarted)
    names = [(event.stream.session, event.stream.number) for event in sink.of_streams]
    assert names == [("a", 1)] * 3 + [("b", 2)] * 3
    assert sink.is_closed
    assert said == []
    plain = next(event for event in made.utterance(1, "happy", 1.0, 3.0))
    assert isinstance(plain, OfStream)
    assert "session" not in told_record(plain)
    assert told_record(sink.of_streams[0]) == {
        **plain.as_record(), "stream": 1, "session": "a", "source": "made",
    }  # fmt: skip


def test_a_session_that_left_is_told_to_be_over() -> None:
    """A client that broke off gives no end of its own; one that gave it is not ended twice."""
    sink = Sink()
    teller, _ = opened(sink)
    for event in made.utterance(1, "angry", 1.0, 3.0):
        teller.take("lost", event)
        teller.take("whole", event)
    teller.take("whole", next(iter(made.ended(4.0))))
    teller.leave("whole")
    teller.leave("lost")
    teller.close()
    ends = [event for event in sink.of_streams if isinstance(event, StreamEnded)]
    found = [(e.stream.session, e.n_samples, e.n_utterances) for e in ends]
    assert found == [("whole", 64_000, 1), ("lost", 48_000, 1)]


def test_a_sink_for_live_sound_hears_the_microphone_alone() -> None:
    """Of what clients send it is not known when it was spoken."""
    every, live = Sink("every"), Sink("live")
    teller, _ = opened(every, live=(live,))
    for session in ("client", MICROPHONE):
        teller.take(session, made.level(1.0))
    teller.close()
    assert [event.stream.session for event in every.of_streams] == ["client", MICROPHONE]
    assert [event.stream.session for event in live.of_streams] == [MICROPHONE]
    assert isinstance(live.told[0], SessionStarted)
    assert teller.told_of("client") == ["every"]
    assert teller.told_of(MICROPHONE) == ["every", "live"]


def test_a_sink_that_fails_is_named_and_the_others_go_on() -> None:
    """The user reads it at once, and again at the end, as of every session."""
    broken, whole = Sink("broken bridge", fails=True), Sink()
    teller, said = opened(broken, whole)
    teller.take("a", made.level(1.0))
    until_s = time.monotonic() + 10
    while not said and time.monotonic() < until_s:
        time.sleep(0.01)
    assert "the broken bridge failed (ValueError: a made fault)" in said[0]
    teller.take("a", made.level(2.0))
    teller.close()
    assert len(whole.of_streams) == 2
    assert broken.is_closed


def test_nobody_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """While a sink stands still, what finds no room is counted, and told with its number."""
    monkeypatch.setattr(module, "CAPACITY", 10)
    sink = Sink()
    teller, said = opened(sink)
    sink.may_go_on.clear()
    began_s = time.monotonic()
    for second in range(100):
        teller.take("a", made.level(float(second)))
    assert time.monotonic() - began_s < 10.0  # the sink stands for thirty
    sink.may_go_on.set()
    teller.close()
    n_lost = 100 - len(sink.of_streams)
    assert n_lost >= 88  # ten wait, and one or two are on their way
    assert said[-1] == f"other programs were not told of {n_lost} events: the machine was busy."


# -- what a bridge makes of it


def of(session: str | None, number: int, event: Event) -> OfStream:
    assert isinstance(event, OfStream)
    return replace(event, stream=StreamId(number=number, source="made", session=session))


def spoke(session: str | None, number: int, label: str) -> list[OfStream]:
    return [of(session, number, event) for event in made.utterance(1, label, 1.0, 3.0)]


def end(session: str | None, number: int) -> OfStream:
    return of(session, number, next(iter(made.ended(4.0))))


def shown(running: Running) -> tuple[str | None, str]:
    state = running.now()
    assert state is not None
    return state.stream.session, state.label


def test_the_state_is_that_of_who_spoke_last_and_goes_with_them() -> None:
    """When a client leaves, the one who spoke before counts again; after the last, nobody."""
    running = Running()
    for event in [*spoke("a", 1, "happy"), *spoke("b", 2, "angry")]:
        running.take(event)
    assert shown(running) == ("b", "angry")
    running.take(of("c", 3, made.level(0.1)))  # who only listens takes nothing over
    assert shown(running) == ("b", "angry")
    running.take(end("b", 2))
    assert shown(running) == ("a", "happy")
    running.take(end("c", 3))
    running.take(end("a", 1))
    assert shown(running) == ("a", "unknown")
    now = running.now()
    assert now is not None
    assert not now.speaking
    assert now.certainty == 0.0
    running.take(of("d", 4, made.level(0.1)))
    assert shown(running) == ("d", "unknown")


def test_streams_that_are_over_take_no_room() -> None:
    """A thousand clients, one after the other: one stream is remembered."""
    running = Running()
    occasions = Occasions("changes")
    for number in range(1, 1001):
        for event in [*spoke(f"s{number}", number, "happy"), end(f"s{number}", number)]:
            running.take(event)
            occasions.of(event)
    assert len(running._states) == len(running._positions) == 1
    assert occasions._running is not None
    assert len(occasions._running._states) == 1
    assert len(occasions._labels) <= 1


def test_a_lamp_goes_out_when_its_client_leaves() -> None:
    """The change to unknown is an occasion; a session of its own ends without one, as ever."""
    for session, labels in (("a", ["happy", "unknown"]), (None, ["happy"])):
        occasions = Occasions("changes")
        found = [
            occasion.label
            for event in [*spoke(session, 1, "happy"), end(session, 1)]
            for occasion in occasions.of(event)
            if isinstance(occasion, AffectState)
        ]
        assert found == labels, session


def test_partial_results_a_client_left_out_are_told_if_they_are_there() -> None:
    """The start says what the client is shown; the bridges are told all that was made."""
    from ser_live.server.protocol import Start

    partial = replace(made.result(1, "happy", 0.0, 1.0), kind=made.Kind.PARTIAL)
    assert isinstance(partial, EmotionResult)
    for results, is_shown in (("final", [False, False]), ("partial", [True, False]),
                              ("all", [True, True])):  # fmt: skip
        start = Start(results=results)
        assert [start.shows(partial), start.shows(made.level(1.0))] == is_shown
        assert start.shows(made.result(1, "happy", 0.0, 1.0))
