"""The public API, as another program meets it."""

from __future__ import annotations

import ast
import asyncio
import importlib
import json
import math
import os
import re
import runpy
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import public_api
import pytest
import soundfile
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from places import ROOT
from virtual_microphone import VirtualMicrophone, require_sound_server

import ser_live
from ser_live import (
    Analyzer,
    AudioFileError,
    AudioSource,
    EmotionModel,
    EmotionResult,
    Event,
    FileSource,
    Kind,
    Level,
    PushedSource,
    Recording,
    SessionEnded,
    StreamEnded,
    StreamStarted,
    UsageError,
    analyze,
    iter_utterances,
    listen,
    listen_async,
)
from ser_live.emotions import LABELS
from ser_live.events import EVENT_CLASSES

EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
DEMO = Path(ser_live.__file__).parent / "demo.ogg"
RATE = 22_050


@cache
def model() -> EmotionModel:
    return EmotionModel.load()


def demo(start_s: float, end_s: float) -> NDArray[np.int16]:
    samples, rate = soundfile.read(DEMO, dtype="int16")
    assert rate == RATE
    part: NDArray[np.int16] = samples[round(start_s * rate) : round(end_s * rate)]
    return part


def wav(path: Path, samples: NDArray[np.int16], rate: int = RATE) -> Path:
    soundfile.write(path, samples, rate, subtype="PCM_16")
    return path


@pytest.fixture(scope="module")
def mono(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two utterances of the demo recording."""
    return wav(tmp_path_factory.mktemp("mono") / "mono.wav", demo(5, 11))


@pytest.fixture(scope="module")
def stereo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pieces of the demo recording, one a channel."""
    both = np.stack([demo(5, 11), demo(27, 33)], axis=1)
    return wav(tmp_path_factory.mktemp("stereo") / "stereo.wav", both)


def records(events: Iterable[Event], *, without: tuple[str, ...] = ()) -> list[dict[str, object]]:
    """Records of the events of streams, without what the clock of the wall says."""
    left_out = ("latency_ms", "started_at", *without)
    return [
        {name: value for name, value in event.as_record().items() if name not in left_out}
        for event in events
        if hasattr(event, "stream")
    ]


def replayed(path: Path, **options: Any) -> list[Event]:
    with listen(FileSource(path, speed=0), model=model(), **options) as events:
        return list(events)


def finals(events: Iterable[Event]) -> list[EmotionResult]:
    return [e for e in events if isinstance(e, EmotionResult) and e.kind is Kind.FINAL]


class Humming(AudioSource):
    """A live source without an end; notes when it is closed."""

    is_live = True
    file: str | None = None
    name = "humming"
    sample_rate = 16_000
    n_channels = 1

    def __init__(self) -> None:
        self.closed_at_s = math.nan
        self.is_open = False

    @property
    def exhausted(self) -> bool:
        return not self.is_open

    def open(self) -> None:
        self.is_open = True

    def read(self, timeout_s: float) -> NDArray[np.float32] | None:
        time.sleep(min(0.02, timeout_s))
        return np.full((320, 1), 1e-3, np.float32) if self.is_open else None

    def close(self) -> None:
        if self.is_open:
            self.closed_at_s = time.monotonic()
        self.is_open = False


# -- names


def test_importing_the_package_loads_nothing_and_takes_less_than_100_ms() -> None:
    """Also the labels, settings, errors and events come without numpy."""
    code = (
        "import sys, time\n"
        "began_s = time.perf_counter()\n"
        "import ser_live\n"
        "took_s = time.perf_counter() - began_s\n"
        "assert len(dir(ser_live)) > 50\n"
        "ser_live.Emotion, ser_live.Settings, ser_live.UsageError, ser_live.EmotionResult\n"
        "heavy = ('numpy', 'onnxruntime', 'sounddevice', 'soundfile', 'rich', 'asyncio')\n"
        "print(took_s, [name for name in heavy if name in sys.modules])"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        for _ in range(3)
    ]
    assert all(run.stdout.endswith(" []\n") for run in runs), [run.stdout for run in runs]
    assert min(float(run.stdout.split()[0]) for run in runs) < 0.1


def test_type_checkers_see_the_names_that_there_are() -> None:
    """The imports that only they read bring every public name, and no other."""
    tree = ast.parse(Path(ser_live.__file__).read_text(encoding="utf-8"))
    for_checkers = next(node for node in tree.body if isinstance(node, ast.If))
    imported: dict[str, object] = {}
    for node in for_checkers.body:
        assert isinstance(node, ast.ImportFrom)
        assert node.module is not None
        module = __import__(node.module, fromlist=["*"])
        imported |= {alias.name: getattr(module, alias.name) for alias in node.names}
    assert {*ser_live.__all__} - {"__version__"} == imported.keys()
    assert {*ser_live.__all__} <= {*dir(ser_live)}
    for name, value in imported.items():
        assert getattr(ser_live, name) is value
    with pytest.raises(AttributeError, match="no attribute 'analyse'"):
        _ = ser_live.analyse
    assert all(getattr(ser_live, cls.__name__) is cls for cls in EVENT_CLASSES.values())


def test_public_names_and_signatures_are_those_that_were_agreed() -> None:
    """`python tests/support/public_api.py` stores them anew; then CHANGELOG.md tells the change."""
    assert public_api.described() == public_api.STORED.read_text(encoding="utf-8")


# -- recordings


def test_a_recording_holds_what_the_command_line_prints(stereo: Path) -> None:
    """The same records; channel 1 here is channel 2 there."""

    def printed(unit: str) -> list[dict[str, object]]:
        run = subprocess.run(
            [
                *(sys.executable, "-m", "ser_live", "analyze", str(stereo), "--channel", "2"),
                *("--format", "jsonl", "--unit", unit),
            ],
            capture_output=True,
            check=True,
        )
        return [json.loads(line) for line in run.stdout.splitlines()]

    recording = analyze(stereo, model=model(), channel=1)
    assert json.loads(json.dumps(recording.to_records()).replace("NaN", "null")) == printed(
        "utterance"
    )
    assert [recording.summary] == printed("file")
    assert (recording.file, recording.model, recording.error) == (str(stereo), "ear", None)
    assert (recording.sample_rate, recording.n_channels, recording.channel) == (RATE, 2, 1)
    assert recording.duration_s == pytest.approx(6.0)
    assert len(recording.utterances) >= 2


def test_a_result_has_seconds_and_probabilities_by_name(mono: Path) -> None:
    result = next(iter_utterances(mono, model=model()))
    assert result.start_s == result.start_sample / 16_000
    assert result.end_s == result.end_sample / 16_000
    by_name = result.probabilities_by_name
    assert by_name is not None
    assert tuple(by_name) == LABELS
    assert tuple(by_name.values()) == result.probabilities
    assert by_name[result.best] == result.confidence
    assert replace(result, probabilities=None).probabilities_by_name is None


def test_utterances_come_one_after_the_other(mono: Path) -> None:
    """The first one before the file was read to its end; partials and audio on request."""
    whole = analyze(mono, model=model()).utterances
    given = list(iter_utterances(mono, model=model()))
    assert records(given) == records(whole)
    more = list(iter_utterances(mono, model=model(), with_partials=True, keeps_audio=True))
    assert records(finals(more)) == records(whole)
    assert {r.kind for r in more} == {Kind.PARTIAL, Kind.FINAL}
    for result in finals(more):
        assert result.samples is not None
        assert len(result.samples) == result.end_sample - result.start_sample


def test_errors_are_raised_each_with_a_sentence(mono: Path, tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("not audio")
    for path in (tmp_path / "none.wav", tmp_path / "text.wav", tmp_path):
        with pytest.raises(AudioFileError, match=re.escape(path.name)):
            analyze(path, model=model())
        with pytest.raises(AudioFileError, match=re.escape(path.name)):
            next(iter_utterances(path, model=model()))
    with pytest.raises(UsageError, match=r"Channel 2 \(counted from 1\).*only 1 channel"):
        analyze(mono, model=model(), channel=1)
    for none in ([], {}, 1, "01"):
        with pytest.raises(UsageError, match=r"a list such as \[0, 1\], counted from 0"):
            iter_utterances(mono, model=model(), channels=none)  # type: ignore[arg-type]
    with pytest.raises(ser_live.ModelError):
        analyze(mono, model="nothing of that name")
    with pytest.raises(ser_live.ProfileError, match="no speaker nobody is enrolled"):
        analyze(mono, model=model(), speaker="nobody")


def test_a_recording_that_breaks_off_raises_after_what_was_heard(tmp_path: Path) -> None:
    path = tmp_path / "cut.flac"
    soundfile.write(path, demo(0, 9), RATE)
    path.write_bytes(path.read_bytes()[:-20_000])
    heard: list[EmotionResult] = []
    with pytest.raises(AudioFileError, match="damaged or cut off"):
        heard.extend(iter_utterances(path, model=model()))
    assert heard
    with pytest.raises(AudioFileError, match="damaged or cut off"):
        analyze(path, model=model())


def parsed(shown: str) -> ET.Element:
    return ET.fromstring(shown)  # noqa: S314  this program wrote it


def test_a_recording_draws_itself_for_a_notebook(stereo: Path) -> None:
    """A bar an utterance with its own words, each label in words beside its line."""
    recording = analyze(stereo, model=model())
    shown = recording._repr_html_()
    svg = next(parsed(shown).iter("{http://www.w3.org/2000/svg}svg"))
    bars = list(svg.iter("{http://www.w3.org/2000/svg}rect"))
    texts = [text.text for text in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert len(bars) == len(recording.utterances) > 1
    for bar, utterance in zip(bars, recording.utterances, strict=True):
        label = str(utterance.emotion or utterance.state)
        assert bar[0].text.startswith(f"{utterance.start_s:.1f}-{utterance.end_s:.1f} s: {label}")
        assert label in texts
        name_y = float(next(t for t in svg if t.text == label).get("y"))
        assert 0 < name_y - float(bar.get("y")) < float(bar.get("height"))
    assert "time (s)" in texts
    assert len(shown) < 10_000
    many = replace(recording, utterances=recording.utterances * 300)
    assert len(many._repr_html_()) < 400 * len(many.utterances)


def test_what_stands_in_names_is_no_markup_in_a_notebook(mono: Path) -> None:
    hostile = "<script>alert('\x1b[2J')</script>&\udce9\u202e.wav"
    for recording in (
        Recording(file=hostile, model=hostile, min_confidence=0.3, error=f"{hostile} is bad."),
        replace(analyze(mono, model=model()), file=hostile),
    ):
        shown = recording._repr_html_()
        shown.encode()
        assert [e.tag for e in parsed(shown).iter() if "script" in e.tag] == []
        assert not {"\x1b", "\u202e"} & {*shown}
        assert "http" not in shown.replace('xmlns="http://www.w3.org/2000/svg"', "")


def test_pandas_gets_the_columns_of_the_csv(mono: Path) -> None:
    pandas = pytest.importorskip("pandas")
    from ser_live.records.csv_rows import emotion_fields

    recording = analyze(mono, model=model())
    frame = recording.to_pandas()
    assert tuple(frame.columns) == emotion_fields()
    assert len(frame) == len(recording.utterances)
    first = recording.utterances[0]
    assert frame["start_s"][0] == first.start_s
    assert frame["probability_sad"][0] == pytest.approx(first.probabilities[3], abs=1e-4)
    assert frame["channel"].isna().all()
    assert math.isnan(frame["latency_ms"][0])
    nothing = Recording(file="x", model="ear", min_confidence=0.3).to_pandas()
    assert nothing.dtypes.equals(frame.dtypes)
    assert isinstance(nothing, pandas.DataFrame)


def test_without_pandas_a_sentence_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UsageError, match="pip install pandas"):
        Recording(file="x", model="ear", min_confidence=0.3).to_pandas()


# -- the same samples, however they come


@cache
def replayed_stream(path: Path, channel: int | None) -> tuple[StreamStarted, list[Event]]:
    events = replayed(path, channels=None if channel is None else [channel])
    return next(e for e in events if isinstance(e, StreamStarted)), events


def cuts(n: int, sizes: list[int]) -> Iterator[tuple[int, int]]:
    """Blocks of these sizes in turn; the rest in one, as a thousand are enough."""
    start = 0
    for index in range(1000):
        end = min(n, start + sizes[index % len(sizes)])
        yield start, end
        start = end
    yield start, n


SIZES = st.lists(
    st.floats(0, math.log(10 * RATE)).map(lambda x: round(math.exp(x))), min_size=1, max_size=20
)
"""From 1 sample to 10 s, short ones as often as long ones."""


@pytest.mark.slow
@pytest.mark.parametrize("channel", [None, 1])
@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(sizes=SIZES, kind=st.sampled_from(["bytes", "int16", "float32", "interleaved"]))
@example(sizes=[1], kind="bytes")
@example(sizes=[10 * RATE], kind="int16")
def test_blocks_of_any_size_and_type_give_the_records_of_a_replay(
    stereo: Path, mono: Path, channel: int | None, sizes: list[int], kind: str
) -> None:
    path = mono if channel is None else stereo
    started, events = replayed_stream(path, channel)
    samples, _ = soundfile.read(path, dtype="int16", always_2d=True)
    n_channels = samples.shape[1]
    analyzer = Analyzer(
        RATE,
        n_channels,
        stream=started.stream,
        model=model(),
        no_signal_message=FileSource.no_signal_hint,
    )
    heard: list[Event] = []
    # Bytes may be cut within a sample, and between the channels of one.
    content = samples.tobytes() if kind == "bytes" else samples
    for start, end in cuts(len(content), sizes):
        block: Any = content[start:end]
        if kind == "float32":
            block = block.astype(np.float32) / np.float32(32768)
        elif kind == "interleaved":
            block = block.reshape(-1)
        heard += analyzer.push(block)
    heard += analyzer.close()
    assert records(heard) == records(events)
    assert len(finals(heard)) >= 2


@pytest.mark.slow
def test_blocks_of_one_sample_to_the_end_give_the_records_of_a_replay(mono: Path) -> None:
    started, events = replayed_stream(mono, None)
    analyzer = Analyzer(
        RATE, stream=started.stream, model=model(), no_signal_message=FileSource.no_signal_hint
    )
    heard: list[Event] = []
    for sample in demo(5, 11):
        heard += analyzer.push(np.array([sample]))
    heard += analyzer.close()
    assert records(heard) == records(events)


def test_four_analyzers_in_four_threads_equal_four_alone() -> None:
    pieces = [demo(start_s, start_s + 7) for start_s in (0, 11, 20, 27)]

    def heard(piece: NDArray[np.int16]) -> list[dict[str, object]]:
        analyzer = Analyzer(RATE, model=model())
        events: list[Event] = []
        for start in range(0, len(piece), 777):
            events += analyzer.push(piece[start : start + 777])
        return records([*events, *analyzer.close()])

    alone = [heard(piece) for piece in pieces]
    together: list[list[dict[str, object]]] = [[] for _ in pieces]
    begin = threading.Barrier(len(pieces))

    def work(index: int) -> None:
        begin.wait()
        together[index] = heard(pieces[index])

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(pieces))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone
    assert len({str(found) for found in alone}) == 4


def assert_channels_are_apart(path: Path) -> None:
    """Both channels in one session give what each gives by itself, and so does the iterator."""
    roles = {0: "caller", 1: "customer"}
    both = replayed(path, channels=roles)
    given = list(iter_utterances(path, channels=roles, model=model(), with_partials=True))
    for number, (channel, role) in enumerate(roles.items(), start=1):
        alone = replayed(path, channels={channel: role})
        of_channel = [e for e in both if getattr(e, "stream", None) and e.stream.number == number]
        assert records(of_channel, without=("stream",)) == records(alone, without=("stream",))
        assert {(e.stream.channel, e.stream.role) for e in of_channel} == {(channel, role)}
        results = [e for e in alone if isinstance(e, EmotionResult)]
        iterated = [r for r in given if r.stream.number == number]
        assert records(iterated, without=("stream",)) == records(results, without=("stream",))
        assert finals(results)


def test_two_channels_side_by_side_give_what_each_gives_alone(stereo: Path) -> None:
    assert_channels_are_apart(stereo)


@pytest.mark.corpus
def test_two_voices_on_two_channels_give_what_each_gives_alone(
    corpus_dir: Path, tmp_path: Path
) -> None:
    """An angry man and a sad woman, both said again and again so that each voice is learned."""
    voices = []
    for actor, emotion in ((1, "05"), (2, "04")):
        clips = sorted(
            (corpus_dir / "ravdess" / f"Actor_{actor:02d}").glob(f"03-01-{emotion}-01-*.flac")
        )[:3]
        heard = [soundfile.read(clip, dtype="int16") for clip in clips]
        rate = heard[0][1]
        voices.append(np.concatenate([np.atleast_2d(x.T)[0] for x, _ in heard]))
    n = min(map(len, voices))
    path = wav(tmp_path / "call.wav", np.stack([v[:n] for v in voices], axis=1), rate)
    assert_channels_are_apart(path)


# -- listening


def test_a_loop_that_is_left_goes_on_in_the_next_one(mono: Path) -> None:
    with listen(FileSource(mono, speed=0), model=model()) as events:
        heard = []
        for event in events:
            heard.append(event)
            if isinstance(event, EmotionResult):
                break
        heard += events
        assert events.finished
        assert events.poll(0.1) == []
    assert records(heard) == records(replayed(mono))
    assert isinstance(heard[-1], SessionEnded)


def test_the_end_of_the_block_closes_the_source(mono: Path) -> None:
    """By its end, `break` and an error; no thread is left."""
    before = threading.active_count()

    def leave(events: ser_live.Listening) -> None:
        for _ in events:
            return

    def fail(events: ser_live.Listening) -> None:
        next(iter(events))
        raise ZeroDivisionError

    for body, failure in ((leave, nullcontext()), (fail, pytest.raises(ZeroDivisionError))):
        source = Humming()
        with failure, listen(source, model=model()) as events:
            wait_for(lambda source=source: source.is_open)
            body(events)
        assert source.closed_at_s <= time.monotonic()
        assert threading.active_count() == before
        assert list(events) == []


def test_stop_ends_in_order(mono: Path) -> None:
    source = PushedSource("pushed", RATE)
    for start in range(0, 4 * RATE, RATE):
        assert source.push(demo(0, 4)[start : start + RATE])
    with listen(source, model=model()) as events:
        heard = []
        for event in events:
            heard.append(event)
            if isinstance(event, EmotionResult):
                events.stop()
    assert [type(e) for e in heard[-2:]] == [StreamEnded, SessionEnded]
    assert heard[-1].reason is ser_live.EndReason.INTERRUPT
    assert len(finals(heard)) == 1


def test_levels_and_audio_come_on_request(mono: Path) -> None:
    plain = replayed(mono)
    assert not [e for e in plain if isinstance(e, Level)]
    assert all(r.samples is None for r in finals(plain))
    more = replayed(mono, with_levels=True, keeps_audio=True)
    assert [e for e in more if isinstance(e, Level) and e.end_s > 0]
    assert all(r.samples is not None for r in finals(more))


def test_a_source_that_fails_is_raised_after_what_was_heard(tmp_path: Path) -> None:
    heard: list[Event] = []
    with (
        pytest.raises(AudioFileError, match="There is no file") as failure,
        listen(tmp_path / "none.wav", model=model()) as events,
    ):
        heard.extend(events)
    assert isinstance(heard[-1], SessionEnded)

    async def wait() -> None:
        async for _ in listen_async(tmp_path / "none.wav", model=model()):
            pass

    with pytest.raises(AudioFileError, match=re.escape(str(failure.value))):
        asyncio.run(wait())


def test_misuse_is_said_in_a_sentence(mono: Path) -> None:
    events = listen(mono, model=model())
    with pytest.raises(UsageError, match=r"with listen\(\) as events"):
        next(iter(events))
    with pytest.raises(UsageError, match="both a source and a device"):
        listen(mono, device="headset", model=model())
    with events:
        pass
    with pytest.raises(UsageError, match="begun before"):
        events.__enter__()

    async def twice() -> None:
        events = listen_async(mono, model=model())
        async with events:
            with pytest.raises(UsageError, match="begun before"):
                await events.__aenter__()

    asyncio.run(twice())


def wait_for(is_so: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


async def until(is_so: Callable[[], bool]) -> None:
    """`wait_for` in an event loop."""
    deadline_s = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < deadline_s
        await asyncio.sleep(0.01)


# -- listening from asyncio


def test_the_event_loop_gets_the_same_events(mono: Path) -> None:
    """By itself and within a block, where the loop runs on meanwhile."""

    async def bare() -> list[Event]:
        source = FileSource(mono, speed=0)
        return [event async for event in listen_async(source, model=model())]

    async def in_a_block() -> tuple[list[Event], int]:
        n_ticks, heard = 0, []

        async def tick() -> None:
            nonlocal n_ticks
            while True:
                await asyncio.sleep(0.005)
                n_ticks += 1

        ticking = asyncio.create_task(tick())
        async with listen_async(FileSource(mono, speed=0), model=model()) as events:
            async for event in events:
                heard.append(event)
                if isinstance(event, EmotionResult):
                    break
            heard += [event async for event in events]
        ticking.cancel()
        return heard, n_ticks

    expected = records(replayed(mono))
    assert records(asyncio.run(bare())) == expected
    heard, n_ticks = asyncio.run(in_a_block())
    assert records(heard) == expected
    assert n_ticks > 5


async def in_a_block(source: AudioSource) -> None:
    async with listen_async(source, model=model()) as events:
        async for _ in events:
            pass


async def by_itself(source: AudioSource) -> None:
    async for _ in listen_async(source, model=model()):
        pass


@pytest.mark.parametrize("watch", [in_a_block, by_itself])
def test_cancelling_closes_the_source_within_a_second(
    watch: Callable[[AudioSource], AsyncIterator[None]],
) -> None:
    """Also where the host's own worker threads are all busy, and where it cancels twice."""
    source, before = Humming(), threading.active_count()

    async def host() -> float:
        loop = asyncio.get_running_loop()
        busy = threading.Event()
        for _ in range(64):
            loop.run_in_executor(None, busy.wait)
        task = asyncio.create_task(watch(source))
        await until(lambda: source.is_open)
        await asyncio.sleep(0.3)
        cancelled_at_s = time.monotonic()
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        try:
            await until(lambda: not source.is_open)
        finally:
            busy.set()
        return cancelled_at_s

    cancelled_at_s = asyncio.run(host())
    assert 0 <= source.closed_at_s - cancelled_at_s < 1.0
    wait_for(lambda: threading.active_count() == before)


def test_leaving_the_loop_by_break_closes_the_source() -> None:
    source = Humming()

    async def host() -> float:
        async for event in listen_async(source, model=model()):
            if isinstance(event, StreamStarted):
                break
        left_at_s = time.monotonic()
        await until(lambda: not source.is_open)
        return left_at_s

    left_at_s = asyncio.run(host())
    assert 0 <= source.closed_at_s - left_at_s < 1.0


def test_cancelling_while_the_model_is_loaded_opens_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source, loaded, is_loading = Humming(), model(), threading.Event()

    def slowly(_model: object) -> EmotionModel:
        is_loading.set()
        time.sleep(0.3)
        return loaded

    monkeypatch.setattr("ser_live.session.listening.loaded", slowly)
    before = threading.active_count()

    async def host() -> None:
        task = asyncio.create_task(by_itself(source))
        await until(is_loading.is_set)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(host())
    wait_for(lambda: threading.active_count() == before)
    assert math.isnan(source.closed_at_s)
    assert not source.is_open


def test_a_wait_that_times_out_loses_no_event(mono: Path) -> None:
    """Within a block; the waits are so short that many are cancelled."""

    async def host() -> list[Event]:
        heard = []
        async with listen_async(FileSource(mono, speed=4), model=model()) as events:
            following = aiter(events)
            while True:
                try:
                    heard.append(await asyncio.wait_for(anext(following), 0.003))
                except asyncio.TimeoutError:  # noqa: PERF203
                    continue
                except StopAsyncIteration:
                    return heard

    assert records(asyncio.run(host())) == records(replayed(mono))


# -- the host


HOST = """
import asyncio, faulthandler, logging, os, signal, sys, threading, warnings

def state():
    return {
        "signals": {number: signal.getsignal(number) for number in signal.valid_signals()},
        "wakeup": signal.set_wakeup_fd(-1),
        "logging": (logging.root.level, logging.root.handlers[:], logging.root.disabled,
                    logging.lastResort, logging.getLoggerClass(), logging.raiseExceptions),
        "hooks": (sys.excepthook, sys.unraisablehook, threading.excepthook, sys.displayhook),
        "streams": (sys.stdin, sys.stdout, sys.stderr),
        "descriptors": [os.fstat(number).st_ino for number in (0, 1, 2)],
        "environment": dict(os.environ),
        "policy": asyncio.get_event_loop_policy(),
        "warnings": warnings.showwarning,
        "faulthandler": faulthandler.is_enabled(),
        "folder": os.getcwd(),
    }

def of(loop):
    return (loop.get_exception_handler(), loop.get_debug(), loop.get_task_factory(),
            sys.get_asyncgen_hooks())

def handler(number, frame):
    received.append(number)

received, said = [], []
signal.signal(signal.SIGINT, handler)
signal.signal(signal.SIGTERM, handler)
logging.basicConfig(level=logging.INFO, stream=sys.stderr)
before = state()

import ser_live
path = sys.argv[1]

def interrupt():
    os.kill(os.getpid(), signal.SIGINT)

ser_live.analyze(path)
with ser_live.listen(ser_live.FileSource(path, speed=0)) as events:
    interrupt()
    during = state()
    n_events = sum(1 for event in events)

async def main():
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda loop, context: said.append(context))
    of_loop = of(loop)
    async for event in ser_live.listen_async(ser_live.FileSource(path, speed=0)):
        assert of(loop) == of_loop
    async with ser_live.listen_async(ser_live.FileSource(path)) as events:
        async for event in events:
            break
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert of(loop) == of_loop

asyncio.run(main())
assert during == before, (during, before)
assert state() == before, (state(), before)
assert received == [signal.SIGINT], received
assert said == [], said
assert n_events > 5
print([thread.name for thread in threading.enumerate()])
"""


def test_the_host_keeps_its_signals_logging_and_event_loop(mono: Path) -> None:
    """Before, while and after listening they are its own; an interrupt goes to its handler."""
    run = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-c", HOST, str(mono)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, ""), run.stderr
    assert run.stdout == "['MainThread']\n"


OPENING = """
import json, os, sys, threading
from concurrent.futures import ThreadPoolExecutor
import numpy as np
from ser_live import Analyzer, EmotionModel, PushedSource, StreamStarted, listen

model = EmotionModel.load()
block = np.zeros(4000, np.float32)

def once(_):
    analyzer = Analyzer(model=model)
    analyzer.push(block)
    analyzer.close()
    source = PushedSource("pushed")
    source.push(block)
    with listen(source, model=model) as events:
        for event in events:
            if isinstance(event, StreamStarted):
                break

def held():
    pages = int(open("/proc/self/statm").read().split()[1])
    descriptors = len(os.listdir("/proc/self/fd"))
    return threading.active_count(), descriptors, pages * os.sysconf("SC_PAGE_SIZE") / 2**20

found = []
for n in (100, 500, 500):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(once, range(n)))
    found.append(held())
json.dump(found, sys.stdout)
"""


@pytest.mark.slow
def test_a_thousand_opens_and_closes_leave_nothing_behind() -> None:
    """Neither threads nor descriptors nor memory, in a process of its own, once it is warm."""
    if not Path("/proc/self/statm").exists():
        pytest.skip("the system has no /proc")
    run = subprocess.run(
        [sys.executable, "-c", OPENING],
        capture_output=True,
        check=True,
        # With a heap for each thread, how full they are would hang on which thread did what.
        env={**os.environ, "MALLOC_ARENA_MAX": "1"},
    )
    warm, halfway, end = json.loads(run.stdout)
    assert warm[:2] == halfway[:2] == end[:2]
    assert end[0] == 1
    assert end[2] - warm[2] < 5
    assert end[2] - halfway[2] < 2  # 4 kB an opening


def test_opens_and_closes_from_asyncio_leave_nothing_behind() -> None:
    before = threading.active_count()

    async def host() -> None:
        for _ in range(20):
            source = PushedSource("pushed")
            source.push(np.zeros(16_000, np.float32))
            async for event in listen_async(source, model=model()):
                if isinstance(event, StreamStarted):
                    break

    asyncio.run(host())
    wait_for(lambda: threading.active_count() == before)


CANCELLING = """
import asyncio, time
from ser_live import Level, listen_async

async def watch():
    async for event in listen_async(with_levels=True):
        if isinstance(event, Level):
            heard.set()

async def main():
    task = asyncio.create_task(watch())
    await asyncio.wait_for(heard.wait(), 20)
    print("open", flush=True)
    input()
    began_s = time.monotonic()
    task.cancel()
    await asyncio.wait([task])
    print(time.monotonic() - began_s, flush=True)
    input()

heard = asyncio.Event()
asyncio.run(main())
"""


@pytest.mark.microphone
def test_cancelling_closes_the_microphone_within_a_second() -> None:
    """The sound server is asked: the program no longer records, though it runs on."""
    require_sound_server()
    with VirtualMicrophone() as microphone:

        def recorders() -> int:
            listed = subprocess.run(
                ["pactl", "list", "short", "source-outputs"],
                env=microphone.environment,
                capture_output=True,
                text=True,
                check=True,
            )
            return len(listed.stdout.splitlines())

        n_others = recorders()
        host = subprocess.Popen(
            [sys.executable, "-c", CANCELLING],
            env=microphone.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert host.stdin is not None
        assert host.stdout is not None
        try:
            assert host.stdout.readline() == "open\n"
            assert recorders() == n_others + 1
            host.stdin.write("\n")
            host.stdin.flush()
            assert float(host.stdout.readline()) < 1.0
            assert recorders() == n_others
            host.communicate("\n", timeout=20)
            assert host.returncode == 0
        finally:
            host.kill()
            host.wait(timeout=10)


# -- the page and its examples


def test_the_page_shows_the_examples_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    shown = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert sorted(shown) == sorted(path.read_text(encoding="utf-8") for path in EXAMPLES)
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    parts = importlib.import_module("api_page").parts()
    assert {"events", "errors"} < parts.keys()
    for name, make in parts.items():
        assert f"<!-- generated: {name} -->\n{make()}<!-- end -->" in page


def run_example(name: str, *arguments: object, stdin: bytes = b"") -> str:
    run = subprocess.run(
        [sys.executable, ROOT / "examples" / name, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert (run.returncode, run.stderr) == (0, b""), run.stderr.decode()
    return run.stdout.decode()


@pytest.mark.slow
def test_the_examples_do_what_they_say(
    mono: Path, stereo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On the demo recording; those of the microphone hear it instead."""
    whole = analyze(mono, model=model())
    said = run_example("analyze_file.py", mono)
    for utterance in whole.utterances:
        assert f"{utterance.end_s:6.2f} s  {utterance.emotion or utterance.state}\n" in said
    assert "6.0 s as a whole: " in said

    import soxr

    pcm = soxr.resample(demo(5, 11), RATE, 16_000).astype("<i2").tobytes()
    lines = run_example("push_blocks.py", stdin=pcm).splitlines()
    n_finals = sum("..." not in line for line in lines)
    assert n_finals == len(whole.utterances) < len(lines)

    sides = {line.split()[2] for line in run_example("two_channels.py", stereo).splitlines()}
    assert sides == {"customer:"}  # of the agent only the times are known

    runpy.run_path(str(ROOT / "examples/microphone.py"))["main"](FileSource(mono, speed=0))
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"{u.start_s:.1f} s: {u.emotion or u.state}" for u in whole.utterances]

    main = runpy.run_path(str(ROOT / "examples/async_microphone.py"))["main"]
    asyncio.run(main(FileSource(mono, speed=0)))
    named = [u for u in whole.utterances if u.emotion is not None]
    assert len(capsys.readouterr().out.splitlines()) >= len(named) > 0
    began_s, source = time.monotonic(), Humming()
    asyncio.run(main(source, 0.5))
    assert time.monotonic() - began_s < 5
    assert not source.is_open
    assert len(EXAMPLES) == 6


def test_the_example_for_pandas_sums_up(mono: Path) -> None:
    pytest.importorskip("pandas")
    said = run_example("to_pandas.py", mono)
    named = {str(u.emotion) for u in analyze(mono, model=model()).utterances if u.emotion}
    assert named == {line.split()[0] for line in said.splitlines()[1:]}
