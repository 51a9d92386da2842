"""A live session end to end, with the bundled model and the bundled recording."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from stream_parts import STREAM, analysis, analyze_source, segmenting

import ser_live
from ser_live.config import SAMPLE_RATE_HZ, Settings
from ser_live.errors import AudioFileError
from ser_live.events import (
    Cause,
    EmotionResult,
    EndReason,
    Kind,
    SessionEnded,
    SessionStarted,
    SourceFailed,
    StreamEnded,
    StreamGap,
    StreamStarted,
    StreamState,
    Utterance,
    Verdict,
)
from ser_live.model.emotion_model import EmotionModel
from ser_live.session import live as session_module
from ser_live.session.live import LiveSession
from ser_live.sources import ArraySource, AudioSource, FileSource, Lost
from ser_live.stream.analysis import AnalysisStage
from ser_live.stream.segmenting import SegmentingStage

DEMO = Path(ser_live.__file__).parent / "demo.ogg"


@pytest.fixture(scope="module")
def model() -> EmotionModel:
    return EmotionModel.load()


@pytest.fixture(scope="module")
def demo() -> tuple[NDArray[np.float32], int]:
    samples, rate = soundfile.read(DEMO, dtype="float32")
    return samples[: 12 * rate], rate


def run(session: LiveSession, events: list[Any] | None = None) -> list[Any]:
    """Everything the session says, also in `events` where it ends with an exception."""
    events = [] if events is None else events
    with session:
        while not session.finished:
            events.extend(session.poll(0.05))
    return events


def finals(events: list[Any]) -> list[EmotionResult]:
    return [e for e in events if isinstance(e, EmotionResult) and e.kind is Kind.FINAL]


def assert_same(results: list[EmotionResult], others: list[EmotionResult]) -> None:
    """Spans, labels and reasons are identical; probabilities up to the order of additions."""
    assert results
    for part in (
        lambda r: (r.id, r.start_sample, r.end_sample, r.state, r.emotion),
        lambda r: [reason.text for reason in r.reasons],
    ):
        assert [part(r) for r in results] == [part(r) for r in others]
    for result, other in zip(results, others, strict=True):
        assert result.probabilities == pytest.approx(other.probabilities, rel=1e-9)


@pytest.fixture(scope="module")
def batch_results(
    model: EmotionModel, demo: tuple[NDArray[np.float32], int]
) -> list[EmotionResult]:
    samples, rate = demo
    results = finals(list(analyze_source(ArraySource(samples, rate), model)))
    assert len(results) >= 3
    return results


@pytest.mark.parametrize("block_sizes", [[1024], [1, 7, 4801], [333], [22050]])
def test_a_session_says_the_same_as_batch_analysis_whatever_the_blocks(
    model: EmotionModel,
    demo: tuple[NDArray[np.float32], int],
    batch_results: list[EmotionResult],
    block_sizes: list[int],
) -> None:
    """Replay is the live path: spans, labels, probabilities and reasons are identical."""
    samples, rate = demo
    source = ArraySource(samples, rate, block_sizes)
    assert_same(finals(run(LiveSession([source], model, Settings()))), batch_results)


def test_the_speed_of_a_replay_does_not_change_its_results(
    model: EmotionModel, demo: tuple[NDArray[np.float32], int], tmp_path: Path
) -> None:
    """A paced replay and an instant one give the same results."""
    samples, rate = demo
    path = tmp_path / "talk.wav"
    soundfile.write(path, samples, rate)
    instant, paced = (
        finals(run(LiveSession([FileSource(path, speed=speed)], model, Settings())))
        for speed in (0.0, 8.0)
    )
    assert_same(instant, paced)


def test_events_come_in_the_order_of_the_stream(
    model: EmotionModel, demo: tuple[NDArray[np.float32], int]
) -> None:
    """Start, stream, results with growing ids, end; partials before their final."""
    samples, rate = demo
    events = run(LiveSession([ArraySource(samples, rate)], model, Settings()))
    assert isinstance(events[0], SessionStarted)
    assert isinstance(events[1], StreamStarted)
    assert isinstance(events[-2], StreamEnded)
    assert isinstance(events[-1], SessionEnded)
    results = [e for e in events if isinstance(e, EmotionResult)]
    assert [r.id for r in results] == sorted(r.id for r in results)
    assert any(r.kind is Kind.PARTIAL for r in results)
    for before, after in itertools.pairwise(results):
        if before.kind is Kind.FINAL:
            assert after.id > before.id
        else:
            assert (after.id, after.start_sample) == (before.id, before.start_sample)
    assert events[-2].n_utterances == len(finals(events)) == events[-1].n_utterances
    assert events[-1].duration_s == pytest.approx(len(samples) / rate, abs=1e-3)


def test_ids_go_on_over_several_sources(
    model: EmotionModel, demo: tuple[NDArray[np.float32], int]
) -> None:
    """Each source has its own clock, but an id names one utterance of the session."""
    samples, rate = demo
    sources = [ArraySource(samples, rate), ArraySource(samples, rate)]
    results = finals(run(LiveSession(sources, model, Settings())))
    half = len(results) // 2
    assert len({r.id for r in results}) == len(results) == 2 * half
    assert [r.start_sample for r in results[:half]] == [r.start_sample for r in results[half:]]


def test_a_source_that_cannot_be_played_is_reported_and_the_next_one_is(
    model: EmotionModel, demo: tuple[NDArray[np.float32], int], tmp_path: Path
) -> None:
    """A missing file costs one event, not the session."""
    samples, rate = demo
    missing = FileSource(tmp_path / "missing.wav", speed=0)
    session = LiveSession([missing, ArraySource(samples, rate)], model, Settings())
    events = run(session)
    assert [type(e) for e in events].count(SourceFailed) == 1
    assert isinstance(session.first_failure, AudioFileError)
    assert finals(events)


class EndlessSource(ArraySource):
    """Loops its samples until closed, without waiting, as a live source would."""

    is_live = True

    def read(self, timeout_s: float) -> NDArray[np.float32] | Lost | None:
        time.sleep(0.001)
        return super().read(timeout_s)


@pytest.mark.stress
def test_stopping_reports_the_open_utterance(
    model: EmotionModel, demo: tuple[NDArray[np.float32], int]
) -> None:
    """What was heard before the stop comes out as a final result."""
    samples, rate = demo
    session = LiveSession([EndlessSource(samples, rate, [200])], model, Settings())
    events: list[Any] = []
    with session:
        while not any(isinstance(e, EmotionResult) and e.kind is Kind.PARTIAL for e in events):
            events.extend(session.poll(0.05))
        session.stop()
        while not session.finished:
            events.extend(session.poll(0.05))
    partial = next(e for e in events if isinstance(e, EmotionResult))
    assert any(r.id == partial.id for r in finals(events))
    assert events[-1].reason is EndReason.INTERRUPT


@pytest.mark.stress
def test_aborting_ends_both_threads_at_once(
    model: EmotionModel, demo: tuple[NDArray[np.float32], int]
) -> None:
    """Leaving the context early leaves no thread behind."""
    samples, rate = demo
    before = threading.active_count()
    with LiveSession([EndlessSource(samples, rate, [100])], model, Settings()) as session:
        session.poll(0.5)
    assert threading.active_count() == before


class BrokenModel(EmotionModel):
    """Breaks as a defect in the program would."""

    def predict_proba(
        self, x: NDArray[np.float64], speaker: object = None, shares: object = None
    ) -> NDArray[np.float64]:
        raise ZeroDivisionError("a defect")


def test_a_defect_in_the_worker_reaches_the_caller_and_ends_the_threads(
    model: EmotionModel, demo: tuple[NDArray[np.float32], int]
) -> None:
    """An exception crosses the thread boundary; nothing hangs."""
    samples, rate = demo
    broken = BrokenModel(model.card, model.fitted, model.encoder)
    session = LiveSession([ArraySource(samples, rate)], broken, Settings())
    with pytest.raises(ZeroDivisionError, match="a defect"):
        run(session)
    assert not any(thread.name.startswith("ser-live") for thread in threading.enumerate())


def test_a_defect_in_the_worker_releases_the_source(
    model: EmotionModel, demo: tuple[NDArray[np.float32], int]
) -> None:
    """A microphone that nobody analyzes any more is not left open."""
    samples, rate = demo
    source = EndlessSource(np.tile(samples, 100), rate, [200])
    with pytest.raises(ZeroDivisionError):
        run(LiveSession([source], BrokenModel(model.card, model.fitted, model.encoder), Settings()))
    assert source.exhausted  # by `close`, as there is audio for many minutes


def test_a_defect_in_segmenting_loses_nothing_heard_before(
    model: EmotionModel, demo: tuple[NDArray[np.float32], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits for analysis is judged and handed out, then the exception is."""
    samples, rate = demo
    push = SegmentingStage.push

    def break_late(self: SegmentingStage, item: NDArray[np.float32] | Lost) -> list[Any]:
        if self.position > 9 * SAMPLE_RATE_HZ:
            raise ZeroDivisionError("a defect")
        return push(self, item)

    monkeypatch.setattr(SegmentingStage, "push", break_late)
    source = ArraySource(samples, rate)
    session = LiveSession([source], model, Settings())
    events: list[Any] = []
    with pytest.raises(ZeroDivisionError):
        run(session, events)
    heard_s = next(e for e in events if isinstance(e, StreamEnded)).n_samples / SAMPLE_RATE_HZ
    assert heard_s == pytest.approx(9, abs=0.1)
    assert len(finals(events)) >= 2
    assert source.exhausted


@pytest.fixture
def release() -> Iterator[threading.Event]:
    """What a stage hangs on; afterwards no thread of the test is left."""
    event = threading.Event()
    yield event
    event.set()
    for thread in threading.enumerate():
        if thread.name.startswith("ser-live"):
            thread.join(20)
            assert not thread.is_alive()


def hang(
    monkeypatch: pytest.MonkeyPatch, owner: type, stage: str, release: threading.Event
) -> threading.Event:
    """Let a stage wait for `release` before it works; what is returned is set when it does.

    Sessions do not wait for it as long as usual.
    """
    work, hangs = getattr(owner, stage), threading.Event()
    monkeypatch.setattr(owner, stage, lambda *a: (hangs.set(), release.wait(), work(*a))[-1])
    monkeypatch.setattr(session_module, "DRAIN_TIMEOUT_S", 0.5)
    monkeypatch.setattr(session_module, "JOIN_TIMEOUT_S", 1.0)
    return hangs


def poll_to_the_end(session: LiveSession) -> None:
    deadline_s = time.monotonic() + 30
    while not session.finished:
        assert time.monotonic() < deadline_s, "the session waits for ever"
        session.poll(0.05)


def wait_for_a_stream(session: LiveSession) -> None:
    while not any(isinstance(event, StreamStarted) for event in session.poll(0.05)):
        pass


@pytest.mark.parametrize(
    ("owner", "stage", "name"),
    [(AnalysisStage, "judge", "analysis"), (SegmentingStage, "push", "segmenting")],
)
def test_a_stage_that_hangs_is_named_soon_after_the_stop(
    model: EmotionModel,
    demo: tuple[NDArray[np.float32], int],
    monkeypatch: pytest.MonkeyPatch,
    release: threading.Event,
    owner: type,
    stage: str,
    name: str,
) -> None:
    """A stop returns at once, and the session ends all the same; the other thread is gone."""
    hangs = hang(monkeypatch, owner, stage, release)
    sentence = f"^{name} did not end within 1 s, after TimeoutError: .* nothing for 0.5 s$"
    source = EndlessSource(*demo, [200])
    with LiveSession([source], model, Settings(), drop_when_full=True) as session:
        wait_for_a_stream(session)
        assert hangs.wait(20)
        stopped_s = time.monotonic()
        session.stop()
        assert time.monotonic() - stopped_s < 0.9
        with pytest.raises(TimeoutError, match=sentence):
            poll_to_the_end(session)
    assert time.monotonic() - stopped_s < 6.0
    alive = [t.name for t in threading.enumerate() if t.name.startswith("ser-live")]
    assert alive == [f"ser-live {name}"]


def test_a_stage_that_hangs_is_named_beside_what_ended_the_session(
    model: EmotionModel,
    demo: tuple[NDArray[np.float32], int],
    monkeypatch: pytest.MonkeyPatch,
    release: threading.Event,
) -> None:
    """An exception that leaves the context does not hide the thread, nor the other way round."""
    hangs = hang(monkeypatch, SegmentingStage, "push", release)
    sentence = r"segmenting did not end within 1 s, after KeyError: 'mine'$"

    def leave() -> None:
        with LiveSession([EndlessSource(*demo, [200])], model, Settings()) as session:
            wait_for_a_stream(session)
            assert hangs.wait(20)
            raise KeyError("mine")

    with pytest.raises(TimeoutError, match=sentence) as hung:
        leave()
    where = hung.value.__cause__
    assert where is not None
    assert "in _play" in str(where)
    assert isinstance(where.__cause__, KeyError)


def test_a_stage_that_hung_too_long_is_told_though_it_ends(
    model: EmotionModel,
    demo: tuple[NDArray[np.float32], int],
    monkeypatch: pytest.MonkeyPatch,
    release: threading.Event,
) -> None:
    """What waited was given up, so the session may not end as if all were well."""
    hangs = hang(monkeypatch, AnalysisStage, "judge", release)
    monkeypatch.setattr(session_module, "JOIN_TIMEOUT_S", 20.0)
    with LiveSession([ArraySource(*demo)], model, Settings()) as session:
        wait_for_a_stream(session)
        assert hangs.wait(20)
        session.stop()
        timer = threading.Timer(1.5, release.set)
        timer.start()
        with pytest.raises(TimeoutError, match=r"^a session that was to end brought nothing"):
            poll_to_the_end(session)
    timer.join()
    assert not any(t.name.startswith("ser-live") for t in threading.enumerate())


class LossySource(AudioSource):
    """One second of zeros, a loss, one more second, at 48 kHz stereo."""

    name, file, sample_rate, n_channels, is_live = "lossy", None, 48_000, 2, True

    def __init__(self) -> None:
        second = np.zeros((48_000, 2), np.float32)
        self._items: Iterator[Any] = iter([second, Lost(24_001, Cause.OVERFLOW), second])
        self._is_over = False

    @property
    def exhausted(self) -> bool:
        return self._is_over

    def open(self) -> None: ...

    def read(self, timeout_s: float) -> NDArray[np.float32] | Lost | None:
        item: NDArray[np.float32] | Lost | None = next(self._items, None)
        self._is_over = item is None
        return item

    def close(self) -> None: ...


def test_the_clock_runs_on_over_lost_audio(model: EmotionModel) -> None:
    """Position after a gap is that of the native sample count, to the sample."""
    events = run(LiveSession([LossySource()], model, Settings()))
    gap = next(e for e in events if isinstance(e, StreamGap))
    assert gap.start_sample == SAMPLE_RATE_HZ
    assert gap.n_samples == 8000
    assert next(e for e in events if isinstance(e, StreamEnded)).n_samples == 40_000


def test_zeros_are_no_signal_and_never_neutral(model: EmotionModel) -> None:
    """A microphone that delivers only zeros is said so after one second."""
    source = ArraySource(np.zeros(3 * SAMPLE_RATE_HZ, np.float32), SAMPLE_RATE_HZ)
    events = run(LiveSession([source], model, Settings()))
    states = [e for e in events if getattr(e, "state", None) is StreamState.NO_SIGNAL]
    assert len(states) == 1
    assert states[0].sample == pytest.approx(SAMPLE_RATE_HZ, abs=480)
    assert not finals(events)


def speech_like(n: int, level: float) -> NDArray[np.float32]:
    rng = np.random.default_rng(3)
    time_s = np.arange(n) / SAMPLE_RATE_HZ
    tone = sum(np.sin(2 * np.pi * 150 * k * time_s) / k for k in range(1, 12))
    return (level * (tone + 0.01 * rng.standard_normal(n))).astype(np.float32)


@pytest.mark.parametrize(
    ("samples", "noise_dbfs", "state"),
    [
        (speech_like(4800, 0.1), -70.0, Verdict.TOO_SHORT),
        (speech_like(32_000, 1e-4), -90.0, Verdict.TOO_QUIET),
        (np.clip(speech_like(32_000, 3.0), -1, 1), -70.0, Verdict.CLIPPED),
        (speech_like(32_000, 0.1), -19.0, Verdict.TOO_NOISY),
    ],
)
def test_an_utterance_that_cannot_be_judged_gets_a_state_and_no_emotion(
    model: EmotionModel, samples: NDArray[np.float32], noise_dbfs: float, state: Verdict
) -> None:
    """Rejected before classification: no emotion, no probabilities."""
    stage = analysis(model)
    utterance = Utterance(
        stream=STREAM,
        id=1,
        kind=Kind.FINAL,
        start_sample=0,
        end_sample=len(samples),
        samples=samples,
        speech=np.ones(-(-len(samples) // 480), bool),
        noise_dbfs=noise_dbfs,
    )
    result = stage.judge(utterance)
    assert result.state is state
    assert result.emotion is None
    assert result.probabilities is None


def test_a_final_after_partials_equals_a_final_without(
    model: EmotionModel, demo: tuple[NDArray[np.float32], int]
) -> None:
    """Descriptors kept from partials change nothing, also where the final is shorter."""
    samples, rate = demo
    stage = segmenting(sample_rate=rate)
    heard = [*stage.push(samples[:, None]), *stage.flush()]
    utterances = [e for e in heard if isinstance(e, Utterance)]
    assert any(u.kind is Kind.PARTIAL for u in utterances)
    growing, fresh = (analysis(model) for _ in range(2))
    for utterance in utterances:
        result = growing.judge(utterance)
        if utterance.kind is Kind.FINAL:
            expected = fresh.judge(utterance).probabilities
            assert result.probabilities == pytest.approx(expected, rel=1e-9)
