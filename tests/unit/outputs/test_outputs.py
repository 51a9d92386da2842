"""Where events go: the log first, no sink's trouble another's, and an end in order."""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from simulated_session import MICROPHONE, result
from simulated_session import events as simulated

import ser_live
from ser_live.config import Settings
from ser_live.emotions import Emotion
from ser_live.errors import LogError
from ser_live.events import (
    Cause,
    DeviceLost,
    EndReason,
    Event,
    Kind,
    Level,
    Mark,
    Notice,
    QueueDepth,
    SessionEnded,
    SourceFailed,
    StateChanged,
    StreamGap,
    StreamId,
    StreamState,
)
from ser_live.model.emotion_model import EmotionModel
from ser_live.outputs import queued
from ser_live.outputs.fan_out import FanOut, run
from ser_live.outputs.queued import Queued
from ser_live.outputs.standard_output import Guarded, Lines
from ser_live.records.recorder import UtteranceRecorder, keeps
from ser_live.records.session_log import SessionLog, read_log
from ser_live.session.live import LiveSession
from ser_live.sources import FileSource
from ser_live.stream.analysis import AnalysisStage

DEMO = Path(ser_live.__file__).parent / "demo.ogg"


ALONE = StreamId(number=1, source="")
"""Stream of events that a log is to give back without its beginning."""


def mark(number: int) -> Mark:
    return Mark(stream=ALONE, sample=16 * number, label=f"mark {number}")


class Heard:
    """A sink that remembers what came, and in what order it was opened and closed."""

    failure: str | None = None

    def __init__(self, name: str = "heard", calls: list[str] | None = None) -> None:
        self.name = name
        self.events: list[Event] = []
        self.calls = [] if calls is None else calls

    def open(self) -> None:
        self.calls.append(f"open {self.name}")

    def take(self, event: Event) -> None:
        self.events.append(event)

    def idle(self, now_s: float) -> None:
        pass

    def close(self) -> None:
        self.calls.append(f"close {self.name}")

    @property
    def notices(self) -> list[Notice]:
        return [event for event in self.events if isinstance(event, Notice)]


class Broken(Heard):
    """A sink that raises in one of its calls."""

    def __init__(self, call: str, name: str = "broken", calls: list[str] | None = None) -> None:
        super().__init__(name, calls)
        self._call = call

    def _break(self, call: str) -> None:
        if call == self._call:
            raise ZeroDivisionError("a defect")

    def open(self) -> None:
        super().open()
        self._break("open")

    def take(self, event: Event) -> None:
        self._break("take")
        super().take(event)

    def idle(self, now_s: float) -> None:
        self._break("idle")

    def close(self) -> None:
        super().close()
        self._break("close")


BROKEN = "the broken failed (ZeroDivisionError: a defect) and is left behind: " + (
    "the session goes on without it."
)


# -- one event to all


def test_an_event_is_in_the_log_before_the_next_sink_has_it(tmp_path: Path) -> None:
    """Whoever sees it can find it on the disk."""
    log = SessionLog.create(tmp_path / "log.jsonl")
    found: list[Event] = []

    class Looks(Heard):
        def take(self, event: Event) -> None:
            super().take(event)
            found.append(list(read_log(log.path))[-1])  # type: ignore[arg-type]

    looks = Looks()
    with FanOut([log, looks]) as sinks:
        for number in range(5):
            sinks.take(mark(number))
    assert found == looks.events == [mark(number) for number in range(5)]


def test_sinks_are_opened_in_order_and_closed_in_reverse() -> None:
    """The log, which is first, is the last to be closed."""
    calls: list[str] = []
    with FanOut([Heard(name, calls) for name in "abc"]):
        assert calls == ["open a", "open b", "open c"]
    assert calls[3:] == ["close c", "close b", "close a"]


@pytest.mark.parametrize("call", ["take", "idle"])
def test_a_sink_that_raises_is_left_behind_and_the_others_go_on(call: str, tmp_path: Path) -> None:
    """It is named and closed; those before and after it are told, and miss nothing."""
    log = SessionLog.create(tmp_path / "log.jsonl")
    calls: list[str] = []
    broken, after = Broken(call, calls=calls), Heard()
    with FanOut([log, broken, after]) as sinks:
        for number in range(3):
            sinks.take(mark(number))
            sinks.idle(float(number))
        assert calls == ["open broken", "close broken"]
        assert not sinks.is_empty
    notice = Notice(sink="broken", message=BROKEN)
    assert list(read_log(log.path))[1:] == after.events
    assert after.events.index(notice) == 1
    assert [event for event in after.events if event != notice] == [mark(n) for n in range(3)]
    assert after.notices == [notice]
    assert sinks.n_left_behind == 1
    assert sinks.failures == [BROKEN]
    assert calls == ["open broken", "close broken"]


def test_several_sinks_may_fail_at_once() -> None:
    """One that cannot even take the notice of another one is left behind as well."""

    class RefusesNotices(Heard):
        def take(self, event: Event) -> None:
            if isinstance(event, Notice):
                raise ValueError("no notices")
            super().take(event)

    good = Heard("good")
    with FanOut([RefusesNotices("picky"), Broken("take"), good]) as sinks:
        for number in range(3):
            sinks.take(mark(number))
    assert sinks.n_left_behind == 2
    assert {notice.sink for notice in good.notices} == {"broken", "picky"}
    assert [e for e in good.events if isinstance(e, Mark)] == [mark(n) for n in range(3)]


def test_a_sink_that_cannot_be_closed_keeps_no_other_from_it() -> None:
    """It is named at the end."""
    calls: list[str] = []
    with FanOut([Heard("a", calls), Broken("close", calls=calls), Heard("c", calls)]) as sinks:
        pass
    assert calls[-1] == "close a"
    assert calls.count("close a") == calls.count("close c") == 1
    assert sinks.failures == [BROKEN]
    assert sinks.n_left_behind == 1


@pytest.mark.parametrize("also_breaks", [False, True])
def test_a_sink_that_cannot_be_opened_closes_those_that_were(also_breaks: bool) -> None:
    """In reverse; the error is that of the opening, whatever closing brings; nothing else opens."""
    calls: list[str] = []
    first: Heard = Broken("close", "b", calls) if also_breaks else Heard("b", calls)
    sinks = FanOut([Heard("a", calls), first, Broken("open", calls=calls), Heard("d", calls)])
    with pytest.raises(ZeroDivisionError, match="a defect"), sinks:
        pytest.fail("it was opened")
    assert calls == [
        *("open a", "open b", "open broken"),
        *("close broken", "close b", "close a"),
    ]


def test_the_trouble_of_a_sink_that_goes_on_is_told_once(tmp_path: Path) -> None:
    """Told again only when there is something new to tell; the log holds what was shown."""
    log = SessionLog.create(tmp_path / "log.jsonl")
    troubled, shown = Heard("audio"), Heard()
    with FanOut([log, troubled, shown]) as sinks:
        for number in range(6):
            sinks.take(mark(number))
            if number >= 2:
                troubled.failure = "no room" if number < 4 else "no folder"
            sinks.idle(float(number))
    expected = [Notice(sink="audio", message=text) for text in ("no room", "no folder")]
    assert shown.notices == expected
    assert list(read_log(log.path))[1:] == shown.events
    assert sinks.failures == ["no folder"]
    assert sinks.n_left_behind == 0


def test_trouble_of_sinks_with_one_name_is_told_once_each() -> None:
    """Two programs may listen, and both have trouble."""
    one, other, shown = Heard("program"), Heard("program"), Heard()
    one.failure, other.failure = "too slow", "gone"
    with FanOut([one, other, shown]) as sinks:
        for number in range(5):
            sinks.idle(float(number))
    assert [notice.message for notice in shown.notices] == ["too slow", "gone"]
    assert sinks.failures == ["too slow", "gone"]


def test_trouble_that_comes_with_closing_is_known_at_the_end() -> None:
    """Nobody is left to tell, but the command line prints it."""

    class Late(Heard):
        def close(self) -> None:
            self.failure = "it did not reach the disk"

    with FanOut([Late(), Heard()]) as sinks:
        pass
    assert sinks.failures == ["it did not reach the disk"]


def test_a_log_that_moves_says_so_on_the_screen_and_in_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was shown is logged, the news of the log too."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("HOME", str(tmp_path))
    log, shown = SessionLog.create(tmp_path / "log.jsonl"), Heard()
    with FanOut([log, shown]) as sinks:
        sinks.take(mark(1))
        sinks.idle(0.0)
        log.path.unlink()
        sinks.take(mark(2))
        for number in range(3):
            sinks.idle(float(number))
    (notice,) = shown.notices
    assert notice.sink == "log"
    assert f"it goes on in {log.path}" in notice.message
    assert list(read_log(log.path))[2:] == shown.events[1:] == [mark(2), notice]


# -- a whole session


@pytest.fixture(scope="module")
def model() -> EmotionModel:
    return EmotionModel.load("classic")


def session(model: EmotionModel, speed: float = 0.0) -> LiveSession:
    return LiveSession([FileSource(DEMO, speed=speed)], model, Settings(), with_levels=True)


def test_a_session_reaches_every_sink_whole(model: EmotionModel, tmp_path: Path) -> None:
    """From its first event to its last; the log has those that are logged."""
    log, heard = SessionLog.create(tmp_path / "log.jsonl"), Heard()
    with FanOut([log, heard]) as sinks:
        run(session(model), sinks)
    assert isinstance(heard.events[-1], SessionEnded)
    assert any(isinstance(event, Level) for event in heard.events)
    logged = [event.as_record() for event in heard.events if event.is_logged]
    assert [entry.as_record() for entry in read_log(log.path)][1:] == logged
    assert sinks.failures == []


def test_where_no_sink_is_left_the_session_ends(model: EmotionModel) -> None:
    """Nobody listens: it does not go on for the minute that the recording lasts."""
    live = session(model, speed=1.0)
    began_s = time.monotonic()
    with FanOut([Broken("take"), Broken("idle", "other")]) as sinks:
        run(live, sinks)
    assert sinks.is_empty
    assert live.finished
    assert time.monotonic() - began_s < 20.0
    assert sinks.n_left_behind == 2


def test_a_defect_is_told_to_the_sinks_before_it_is_raised(
    model: EmotionModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log of a session that broke has its sums, and the reason."""

    def breaks(*_: Any) -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(AnalysisStage, "judge", breaks)
    log = SessionLog.create(tmp_path / "log.jsonl")
    with pytest.raises(ZeroDivisionError), FanOut([log]) as sinks:
        run(session(model), sinks)
    last = list(read_log(log.path))[-1]
    assert isinstance(last, SessionEnded)
    assert last.reason is EndReason.ERROR


# -- a sink in a thread of its own


class Slow(Heard):
    """A sink that takes nothing until it may."""

    def __init__(self) -> None:
        super().__init__("slow")
        self.has_begun = threading.Event()
        self.may_go_on = threading.Event()
        self.thread: threading.Thread | None = None

    def take(self, event: Event) -> None:
        self.thread = threading.current_thread()
        self.has_begun.set()
        self.may_go_on.wait(30)
        super().take(event)


@pytest.fixture
def slow() -> Iterator[Slow]:
    sink = Slow()
    yield sink
    sink.may_go_on.set()
    if sink.thread is not None:
        # Also one that was left behind ends, once its sink goes on.
        sink.thread.join(10)
        assert not sink.thread.is_alive()


def test_a_queued_sink_gets_everything_in_order_in_another_thread() -> None:
    """Closing waits until it has it all."""
    sink = Slow()
    sink.may_go_on.set()
    behind = Queued(sink, capacity=4, drop_when_full=False)
    behind.open()
    for number in range(500):
        behind.take(mark(number))
    behind.close()
    assert sink.events == [mark(number) for number in range(500)]
    assert sink.calls == ["open slow", "close slow"]
    assert sink.thread is not threading.current_thread()
    assert behind.failure is None
    assert behind.name == "slow"


def test_a_full_queue_gives_up_and_counts_when_live(slow: Slow) -> None:
    """The caller never waits; what was given up is said, its number once it is known."""
    behind = Queued(slow, capacity=2, drop_when_full=True)
    behind.open()
    behind.take(mark(0))
    assert slow.has_begun.wait(10)
    began_s = time.monotonic()
    for number in range(1, 6):
        behind.take(mark(number))
    assert time.monotonic() - began_s < 1.0
    assert behind.n_dropped == 3
    said = behind.failure
    assert said == "the slow is too slow: events are missing in it."
    behind.take(mark(6))
    assert behind.failure == said  # so that it is told once
    slow.may_go_on.set()
    behind.close()
    assert slow.events == [mark(number) for number in range(3)]
    assert behind.failure == "the slow is too slow: 4 events are missing in it."


def test_a_replay_waits_for_a_slow_sink(slow: Slow) -> None:
    """Nothing is given up, however long it takes."""
    behind = Queued(slow, capacity=2, drop_when_full=False)
    behind.open()

    def give() -> None:
        for number in range(6):
            behind.take(mark(number))

    giver = threading.Thread(target=give)
    giver.start()
    giver.join(0.5)
    assert giver.is_alive()
    slow.may_go_on.set()
    giver.join(10)
    assert not giver.is_alive()
    behind.close()
    assert slow.events == [mark(number) for number in range(6)]
    assert behind.n_dropped == 0
    assert behind.failure is None


def test_events_that_a_sink_has_no_use_for_take_no_room(slow: Slow) -> None:
    """Levels come many times a second; no utterance is lost for them."""
    behind = Queued(slow, capacity=2, drop_when_full=True, wants=keeps)
    final = result(1, Kind.FINAL, 0.0, 1.0, Emotion.SAD, 0.9)
    behind.open()
    for _, event in simulated(2.0):
        if not isinstance(event, Level):
            continue
        behind.take(event)
    for _ in range(2):
        behind.take(final)
    assert behind.n_dropped == 0
    slow.may_go_on.set()
    behind.close()
    assert slow.events == [final, final]


@pytest.mark.parametrize("call", ["take", "idle", "close"])
def test_an_error_in_its_thread_is_raised_in_the_callers(call: str) -> None:
    """With the next call, once; the sink is closed."""
    sink = Broken("take")
    behind = Queued(sink, capacity=4, drop_when_full=True)
    behind.open()
    behind.take(mark(1))
    behind._thread.join(10)
    calls: dict[str, Callable[[], None]] = {
        "take": lambda: behind.take(mark(2)),
        "idle": lambda: behind.idle(0.0),
        "close": behind.close,
    }
    with pytest.raises(ZeroDivisionError, match="a defect"):
        calls[call]()
    behind.close()
    assert "close broken" in sink.calls


def test_a_replay_does_not_wait_for_a_sink_whose_thread_is_gone() -> None:
    """Its error comes instead, although the queue is full."""
    release = threading.Event()

    class Breaks(Heard):
        def take(self, event: Event) -> None:
            release.wait(10)
            raise ZeroDivisionError("a defect")

    behind = Queued(Breaks(), capacity=1, drop_when_full=False)
    behind.open()
    behind.take(mark(0))
    threading.Timer(0.3, release.set).start()
    behind.take(mark(1))
    with pytest.raises(ZeroDivisionError):
        behind.take(mark(2))
    behind.close()


def test_a_queued_sink_that_fails_is_left_behind_by_name() -> None:
    """As if it worked in the caller's thread."""
    shown = Heard()
    with FanOut([Queued(Broken("take"), capacity=4, drop_when_full=True), shown]) as sinks:
        sinks.take(mark(1))
        deadline_s = time.monotonic() + 10
        while not shown.notices and time.monotonic() < deadline_s:
            sinks.idle(time.monotonic())
    assert shown.notices == [Notice(sink="broken", message=BROKEN)]


@pytest.mark.parametrize("n_waiting", [0, 2], ids=["its queue empty", "its queue full"])
def test_a_sink_that_hangs_is_named_and_holds_nobody_up(
    n_waiting: int, slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within the limit, once; it is not closed under its own feet."""
    monkeypatch.setattr(queued, "CLOSE_LIMIT_S", 0.5)
    behind = Queued(slow, capacity=2, drop_when_full=True)
    behind.open()
    behind.take(mark(0))
    assert slow.has_begun.wait(10)
    for number in range(n_waiting):
        behind.take(mark(number + 1))
    began_s = time.monotonic()
    behind.close()
    assert 0.4 < time.monotonic() - began_s < 0.9
    assert behind.failure == "the slow did not end within 0.5 s and was left behind."
    began_s = time.monotonic()
    behind.close()
    assert time.monotonic() - began_s < 0.2
    assert "close slow" not in slow.calls


def test_queued_audio_lies_in_its_folder_when_the_queue_is_closed(tmp_path: Path) -> None:
    """The recorder as the command line uses it."""
    recorder = UtteranceRecorder(tmp_path / "kept")
    behind = Queued(recorder, capacity=64, drop_when_full=True, wants=keeps)
    samples = np.zeros(4800, np.float32)
    with FanOut([behind]) as sinks:
        for number in range(1, 21):
            final = result(number, Kind.FINAL, 0.0, 0.3, Emotion.SAD, 0.9)
            sinks.take(replace(final, samples=samples))
            sinks.take(QueueDepth(n_waiting=0, capacity=1))
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == [
        f"microphone-u{number:05d}.flac" for number in range(1, 21)
    ]
    assert sinks.failures == []


def test_trouble_of_a_queued_sink_is_told(tmp_path: Path) -> None:
    """The recorder's folder is in the way: the sentence reaches the others."""
    recorder, shown = UtteranceRecorder(tmp_path / "kept"), Heard()
    (tmp_path / "kept").rmdir()
    (tmp_path / "kept").write_text("in the way")
    behind = Queued(recorder, capacity=64, drop_when_full=False)
    final = result(1, Kind.FINAL, 0.0, 0.3, Emotion.SAD, 0.9)
    with FanOut([behind, shown]) as sinks:
        sinks.take(replace(final, samples=np.zeros(4800, np.float32)))
        deadline_s = time.monotonic() + 10
        while not shown.notices and time.monotonic() < deadline_s:
            sinks.idle(time.monotonic())
    (notice,) = shown.notices
    assert notice.sink == "audio"
    assert "the audio of utterance 1 could not be kept" in notice.message


# -- standard output


def test_a_reader_that_left_ends_the_session_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A real pipe: the session is ended in order, and nothing more is written."""
    read_end, write_end = os.pipe()
    pipe = os.fdopen(write_end, "w")
    ended: list[str] = []
    guarded = Guarded(Lines(as_json=True), lambda: ended.append("ended"))
    with contextlib.suppress(BrokenPipeError), pipe, monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", pipe)
        with FanOut([guarded]) as sinks:
            sinks.take(mark(1))
            line = os.read(read_end, 4096)
            assert json.loads(line) == mark(1).as_record()
            os.close(read_end)
            assert ended == []
            assert not guarded.has_lost
            for number in range(3):
                sinks.take(mark(number))
                sinks.idle(float(number))
        assert not sinks.is_empty
    assert ended == ["ended"]
    assert guarded.has_lost
    assert sinks.n_left_behind == 0


@pytest.mark.parametrize("code", [errno.EPIPE, errno.EIO, errno.ENXIO, errno.EINVAL])
@pytest.mark.parametrize("call", ["take", "idle"])
def test_a_terminal_that_was_closed_is_gone_whatever_it_says(code: int, call: str) -> None:
    """Systems have several words for it; drawing meets it as well as writing."""

    class Closed(Heard):
        def take(self, event: Event) -> None:
            super().take(event)
            self._fail("take")

        def idle(self, now_s: float) -> None:
            self._fail("idle")

        def _fail(self, here: str) -> None:
            if here == call:
                raise OSError(code, os.strerror(code))

    ended: list[str] = []
    sink = Closed()
    guarded = Guarded(sink, lambda: ended.append("ended"))
    for number in range(3):
        guarded.take(mark(number))
        guarded.idle(0.0)
    guarded.close()
    assert ended == ["ended"]
    assert guarded.has_lost
    assert sink.events == [mark(0)]
    assert sink.calls == ["close heard"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_output_without_room_is_said_once_and_tried_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A real full disk; when there is room again the lines go on."""
    ended: list[str] = []
    guarded = Guarded(Lines(as_json=True), lambda: ended.append("ended"))
    # Closing tries to write what is left, and fails.
    with contextlib.suppress(OSError), Path("/dev/full").open("w", encoding="utf-8") as full:
        monkeypatch.setattr(sys, "stdout", full)
        for number in range(3):
            guarded.take(mark(number))
        monkeypatch.undo()
    assert capsys.readouterr().err == (
        "ser-live: standard output cannot be written (no space left on device): the session "
        "goes on, some results are in its log alone.\n"
    )
    guarded.take(mark(9))
    assert json.loads(capsys.readouterr().out) == mark(9).as_record()
    assert ended == []
    assert guarded.has_lost


def test_a_defect_of_what_is_guarded_is_not_swallowed() -> None:
    """Only outputs that go away are guarded against."""
    guarded = Guarded(Broken("take"), lambda: pytest.fail("nothing is gone"))
    with pytest.raises(ZeroDivisionError):
        guarded.take(mark(1))
    assert not guarded.has_lost


def test_a_guarded_output_that_cannot_begin_says_so() -> None:
    """An error of opening is not one of a reader that left."""

    class Refuses(Heard):
        def open(self) -> None:
            raise LogError("there is no terminal")

    with pytest.raises(LogError, match="no terminal"), FanOut([Guarded(Refuses(), lambda: None)]):
        pytest.fail("it was opened")


MESSAGES: list[tuple[Event, str]] = [
    (SourceFailed(message="silent.mp4 has no sound."), "silent.mp4 has no sound."),
    (Notice(sink="audio", message="no room."), "no room."),
    (
        DeviceLost(
            stream=MICROPHONE, sample=0, device="mic", cause=Cause.STALLED, message="mic is gone."
        ),
        "mic is gone.",
    ),
    (
        StateChanged(
            stream=MICROPHONE,
            sample=0,
            state=StreamState.NO_SIGNAL,
            message="only zeros\x1b arrive.",
        ),
        "only zeros\ufffd arrive.",
    ),
]


@pytest.mark.parametrize("as_json", [False, True])
def test_people_are_warned_in_either_form(
    as_json: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """On standard error, so that a program that reads the results is not disturbed."""
    lines = Lines(as_json=as_json)
    for event, message in MESSAGES:
        lines.take(event)
        said = capsys.readouterr()
        assert said.err == f"ser-live: {message}\n"
        assert [json.loads(line) for line in said.out.splitlines()] == (
            [event.as_record()] if as_json else []
        )


def test_lines_of_json_are_the_logged_events(capsys: pytest.CaptureFixture[str]) -> None:
    """All of them, as they stand in the log; levels and queues are for displays."""
    lines = Lines(as_json=True)
    told = [event for _, event in simulated()]
    for event in told:
        lines.take(event)
    shown = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert shown == [event.as_record() for event in told if event.is_logged]
    assert {record["type"] for record in shown} == {"stream_started", "state", "emotion"}


def test_lines_of_text_are_the_final_results(capsys: pytest.CaptureFixture[str]) -> None:
    """One line each; what happens to the stream goes to standard error."""
    lines = Lines(as_json=False)
    gap = StreamGap(stream=MICROPHONE, start_sample=0, n_samples=640, cause=Cause.OVERFLOW)
    for event in (*(event for _, event in simulated()), gap):
        lines.take(event)
    said = capsys.readouterr()
    rows = said.out.splitlines()
    assert len(rows) == 11
    assert "happy      0.81" in rows[3]
    assert "..." not in said.out
    assert said.err.splitlines() == [
        "== Built-in Microphone",
        "00:00.0-00:00.0    gap              [40 ms lost: overflow]",
    ]


def test_a_file_takes_the_lines_of_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    """The same lines, and only final results where these are asked for."""
    for as_json in (False, True):
        file, finals = io.StringIO(), io.StringIO()
        for sink in (
            Lines(as_json=as_json),
            Lines(as_json=as_json, stream=file),
            Lines(as_json=as_json, stream=finals, finals=True),
        ):
            for _, event in simulated():
                sink.take(event)
        assert file.getvalue() == capsys.readouterr().out
        assert len(finals.getvalue().splitlines()) == 11
        assert set(finals.getvalue().splitlines()) <= set(file.getvalue().splitlines())


def test_a_quiet_output_still_tells_of_losses(capsys: pytest.CaptureFixture[str]) -> None:
    """Streams that begin are not spoken of, gaps are."""
    lines = Lines(as_json=False, is_quiet=True)
    gap = StreamGap(stream=MICROPHONE, start_sample=0, n_samples=640, cause=Cause.OVERFLOW)
    for event in (*(event for _, event in simulated()), gap):
        lines.take(event)
    assert capsys.readouterr().err == (
        "00:00.0-00:00.0    gap              [40 ms lost: overflow]\n"
    )
