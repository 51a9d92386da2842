"""Analysis too slow for what is said, and a machine that is busy with other things."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from reliability.machinery import SER_LIVE, read_16_khz, rss_mb, talk
from reliability.row import Row
from ser_live.config import Settings
from ser_live.events import (
    Drop,
    EmotionResult,
    Event,
    Kind,
    QueueDepth,
    StreamEnded,
    StreamGap,
    StreamId,
    Utterance,
)
from ser_live.model.emotion_model import EmotionModel
from ser_live.session.live import LiveSession
from ser_live.stream.analysis import AnalysisStage
from ser_live.stream.segmenting import SegmentingStage

TITLE = "Overload"

QUEUE_SIZE = 2
"""Queue of the overloaded session; the program's own of 64 would take minutes to fill."""

SLOWER = 10
"""Times that analysis takes as long as it would."""


class Load:
    """Slows every analysis down while `least_s` is set."""

    def __init__(self) -> None:
        self.least_s: float | None = None
        """Shortest duration of an analysis, in seconds; ``None`` for no load."""

    @contextlib.contextmanager
    def felt(self) -> Iterator[None]:
        """Let every analysis stage feel the load while the context lasts."""
        judge = AnalysisStage.judge
        load = self

        def slowly(self: AnalysisStage, utterance: Utterance) -> EmotionResult:
            began_s = time.monotonic()
            result = judge(self, utterance)
            if load.least_s is not None:
                took_s = time.monotonic() - began_s
                time.sleep(max(load.least_s - took_s, (SLOWER - 1) * took_s))
            return result

        AnalysisStage.judge = slowly  # type: ignore[method-assign]
        try:
            yield
        finally:
            AnalysisStage.judge = judge  # type: ignore[method-assign]


def run(*, short: bool, data: Path | None) -> Iterator[Row]:
    """Slow analysis tenfold and more, then let two processes eat the machine."""
    del data  # the demo recording has the pauses and lengths that matter here
    yield from slowed_analysis(10 if short else 60)
    yield from busy_machine(20 if short else 600)


def slowed_analysis(phase_s: float) -> list[Row]:
    """Run four phases: unhurried, too many partials, too many finals, unhurried again."""
    began_s = time.monotonic()
    samples = talk(5 * phase_s)
    # Not adapting: with it a result depends on those before, also on those that were dropped.
    settings = replace(Settings(), queue_size=QUEUE_SIZE, adapt=False)
    model = EmotionModel.load()
    source = paced_capture(samples)
    load = Load()
    session = LiveSession([source], model, settings, drop_when_full=True, with_levels=True)
    events: list[Event] = []
    depths: list[int] = []
    memory_mb: list[float] = []
    with load.felt(), session:
        while not session.finished:
            phase = source.n_written / 16_000 // phase_s
            load.least_s = {1: 1.0, 2: 16.0}.get(int(phase))
            polled = session.poll(0.1)
            events += polled
            depths += [e.n_waiting for e in polled if isinstance(e, QueueDepth)]
            memory_mb.append(rss_mb())
    results = [e for e in events if isinstance(e, EmotionResult)]
    drops = [e for e in events if isinstance(e, Drop)]
    gaps = [e for e in events if isinstance(e, StreamGap)]
    length = next(e.n_samples for e in events if isinstance(e, StreamEnded))
    seconds = time.monotonic() - began_s
    unhurried = unhurried_results(samples, model, settings)
    told = {_key(e) for e in results} | {_key(e) for e in drops}
    wrong = [r for r in results if _verdict(r) != _verdict(unhurried.get(_key(r)))]
    lost = {kind: sum(d.kind is kind for d in drops) for kind in Kind}
    heard = {kind: sum(r.kind is kind for r in unhurried.values()) for kind in Kind}
    before = _median_ms(r for r in results if r.end_sample < phase_s * 16_000)
    after = _median_ms(r for r in results if r.start_sample > 4 * phase_s * 16_000)
    growth_mb = max(memory_mb) - memory_mb[len(memory_mb) // 10]
    # Drops stand where their utterances stood in the stream, not in the order of giving up: that a
    # partial goes first shows in the shares (the order itself is held by the queue's tests).
    partials_first = (
        lost[Kind.PARTIAL] / heard[Kind.PARTIAL] > lost[Kind.FINAL] / heard[Kind.FINAL] > 0
    )
    return [
        Row(
            f"analysis {SLOWER} times slower and more: queue and memory stay bounded",
            f"at most {max(depths)} wait, memory +{growth_mb:.0f} MB",
            f"{QUEUE_SIZE} wait, +60 MB",
            max(depths) <= QUEUE_SIZE and growth_mb <= 60,
            seconds,
        ),
        Row(
            "capture is never blocked by it",
            f"longest callback {source.longest_write_s * 1000:.1f} ms, "
            f"{source.n_refused} samples refused, {len(gaps)} gaps",
            "0 refused, 0 gaps",
            source.n_refused == 0 and not gaps,
            seconds,
        ),
        Row(
            "samples unaccounted for",
            f"{source.n_written - length} of {source.n_written}",
            "0",
            source.n_written == length == len(samples),
            seconds,
        ),
        Row(
            "partials are given up first, then utterances, and each is told",
            f"{lost[Kind.PARTIAL]} of {heard[Kind.PARTIAL]} partials and {lost[Kind.FINAL]} of "
            f"{heard[Kind.FINAL]} utterances given up; "
            f"{len(unhurried.keys() - told)} results missing untold",
            "a larger share of partials, 0 missing untold",
            partials_first and told == unhurried.keys(),
            seconds,
        ),
        Row(
            "results that come are those of an unhurried run (--no-adapt)",
            f"{len(results) - len(wrong)} of {len(results)}",
            "all",
            not wrong and len(results) > 0,
            seconds,
        ),
        Row(
            "normal latency when the load ends",
            f"median {after:.0f} ms, before the load {before:.0f} ms",
            "at most twice, or 500 ms",
            after <= max(2 * before, 500),
            seconds,
            measures_time=True,
        ),
    ]


def _median_ms(results: Iterable[EmotionResult]) -> float:
    return float(np.median([r.latency_ms for r in results if r.kind is Kind.FINAL]))


def paced_capture(samples: NDArray[np.float32]) -> Any:
    """A microphone made of `samples`; see tests/support/paced_capture.py."""
    from paced_capture import PacedCapture

    return PacedCapture(samples)


def unhurried_results(
    samples: NDArray[np.float32], model: EmotionModel, settings: Settings
) -> dict[tuple[Any, ...], EmotionResult]:
    """Results of a session with all the time in the world, partial ones included."""
    stream = StreamId(number=1, source="unhurried")
    segmenting = SegmentingStage(settings, stream=stream, sample_rate=16_000, n_channels=1)
    analysis = AnalysisStage(model, settings, stream=stream)
    heard = [*segmenting.push(samples[:, np.newaxis]), *segmenting.flush()]
    results = [analysis.judge(u) for u in heard if isinstance(u, Utterance)]
    return {_key(result): result for result in results}


def _key(event: EmotionResult | Drop) -> tuple[Any, ...]:
    return (event.id, event.kind, event.start_sample, event.end_sample)


def _verdict(result: EmotionResult | None) -> Any:
    """Answer of a result, probabilities to six digits: sums may be made in another order.

    Of a partial the probabilities alone: the label that it shows follows from the partials before
    it, and some of these were given up.
    """
    if result is None:
        return None
    probabilities = result.probabilities
    rounded = None if probabilities is None else [round(p, 6) for p in probabilities]
    if result.kind is Kind.PARTIAL:
        return rounded
    return (result.state, result.emotion, rounded)


# -- a busy machine


def busy_machine(duration_s: float) -> list[Row]:
    """Listen to a virtual microphone while two processes take all the time they can get."""
    from virtual_microphone import VirtualMicrophone, missing_sound_server

    claim = f"two processes beside it that never rest, {duration_s:.0f} s"
    if why := missing_sound_server():
        return [Row(claim, f"not measured: {why}", "0 gaps", False, 0.0)]
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory() as name, VirtualMicrophone() as microphone:
        folder = Path(name)
        played = talk(duration_s)
        soundfile.write(folder / "played.wav", played, 16_000, subtype="PCM_16")
        with _hogs(2):
            records = _listen(microphone, folder)
        gaps = [r for r in records if r["type"] == "gap"]
        shifts = _shifts(folder, records)
    seconds = time.monotonic() - began_s
    heard_s = next(r["duration_s"] for r in records if r["type"] == "stream_ended")
    return [
        Row(
            f"{claim}: gaps in capture",
            f"{len(gaps)} gaps in {heard_s:.0f} s",
            "0 gaps",
            not gaps and heard_s >= duration_s,
            seconds,
            measures_time=True,
        ),
        Row(
            "samples that were played and not heard, from the first utterance to the last",
            f"{max(shifts) - min(shifts)} over {len(shifts)} utterances"
            if shifts
            else "no utterance",
            "0",
            len(shifts) >= duration_s / 20 and max(shifts) == min(shifts),
            seconds,
            measures_time=True,
        ),
    ]


@contextlib.contextmanager
def _hogs(n: int) -> Iterator[None]:
    running = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(n)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def _listen(microphone: Any, folder: Path) -> list[dict[str, Any]]:
    """Play ``played.wav`` to a running ser-live; its records. Audio is kept in ``audio``."""
    output = folder / "heard.jsonl"
    command = [*SER_LIVE, "--format", "jsonl", "--no-log", "--save-audio", str(folder / "audio")]
    with output.open("wb") as stream:
        process = subprocess.Popen(
            command, env=microphone.environment, stdout=stream, stderr=subprocess.DEVNULL
        )
        while "stream_started" not in output.read_text() and process.poll() is None:
            time.sleep(0.1)
        time.sleep(1.0)
        duration_s = soundfile.info(folder / "played.wav").duration
        subprocess.run(
            ["paplay", "--device=vsink", str(folder / "played.wav")],
            env=microphone.environment,
            check=True,
            timeout=duration_s + 60,
        )
        time.sleep(1.0)
        process.terminate()
        process.wait(120)
    return [json.loads(line) for line in output.read_text().splitlines()]


def _shifts(folder: Path, records: list[dict[str, Any]]) -> list[int]:
    """Position in the stream minus that in the file, in samples, by utterance."""
    played = (read_16_khz(folder / "played.wav") * 32768).astype(np.int16)
    shifts: list[int] = []
    for record in records:
        if record.get("kind") != "final":
            continue
        kept = folder / "audio" / f"microphone-u{record['id']:05d}.flac"
        heard = soundfile.read(kept, dtype="int16")[0]
        # The middle, which no pause borders; the recording repeats, so look near the last.
        needle = heard[len(heard) // 2 :][:4000]
        start = round(record["start_s"] * 16_000) + len(heard) // 2
        found = _find(played, needle, start - (shifts[-1] if shifts else 32_000))
        if found is not None:
            shifts.append(start - found)
    return shifts


def _find(samples: NDArray[np.int16], needle: NDArray[np.int16], near: int) -> int | None:
    """Position of `needle` in `samples`, within 10 s of `near`."""
    low = max(0, near - 160_000)
    window = samples[low : near + 160_000 + len(needle)]
    at = window.tobytes().find(needle.tobytes())
    while at % 2 == 1:
        at = window.tobytes().find(needle.tobytes(), at + 1)
    return None if at < 0 else low + at // 2
