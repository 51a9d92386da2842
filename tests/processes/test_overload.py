"""Analysis far too slow for a live stream: what is given up is told everywhere, in order."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr
from numpy.typing import NDArray
from paced_capture import PacedCapture
from stream_parts import segmenting

import ser_live
from ser_live.cli.live import LiveOptions, run_live
from ser_live.config import Settings
from ser_live.events import EVENT_CLASSES, Drop, EmotionResult, EventReader, Kind, Utterance
from ser_live.model.emotion_model import EmotionModel
from ser_live.outputs.dashboard.state import DashboardState
from ser_live.outputs.dashboard.view import render
from ser_live.session import live
from ser_live.session.live import LiveSession
from ser_live.stream.analysis import AnalysisStage

DEMO = Path(ser_live.__file__).parent / "demo.ogg"

SPEED = 3.0
"""Times real time; `make reliability` does the same in real time, and for longer."""


@pytest.fixture(scope="module")
def samples() -> NDArray[np.float32]:
    heard, rate = soundfile.read(DEMO, dtype="float32")
    return np.asarray(soxr.resample(heard[: 14 * rate], rate, 16_000), np.float32)


def segmented(samples: NDArray[np.float32]) -> list[Utterance]:
    """Everything that is there to be judged, partial and final."""
    stage = segmenting()
    heard = (*stage.push(samples[:, np.newaxis]), *stage.flush())
    return [event for event in heard if isinstance(event, Utterance)]


class Overloaded:
    """A whole session on the command line in which an analysis takes as long as 3 s of sound."""

    def __init__(self, samples: NDArray[np.float32], folder: Path) -> None:
        self.source = PacedCapture(samples, SPEED)
        self.log = folder / "log.jsonl"
        judge = AnalysisStage.judge
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                AnalysisStage,
                "judge",
                lambda *a, **k: (time.sleep(3 / SPEED), judge(*a, **k))[1],
            )
            self.exit_code = run_live(
                [self.source],
                LiveOptions(
                    settings=replace(Settings(), queue_size=2),
                    channel=None,
                    model="classic",
                    speaker=None,
                    format_="lines",
                    log_path=self.log,
                    no_log=False,
                    save_audio=None,
                ),
            )
        self.records = [json.loads(line) for line in self.log.read_text().splitlines()]

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        return [record for record in self.records if record["type"] == kind]


@pytest.fixture(scope="module")
def overloaded(
    samples: NDArray[np.float32], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Overloaded, str]:
    """The session, and what it printed on standard error."""
    import contextlib
    import io

    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        session = Overloaded(samples, tmp_path_factory.mktemp("overload"))
    return session, said.getvalue()


def test_capture_goes_on_whatever_analysis_does(overloaded: tuple[Overloaded, str]) -> None:
    """No sample is refused, none is missing from the clock, and there is no gap."""
    session, _ = overloaded
    assert session.exit_code == 0
    assert session.source.n_refused == 0
    assert not session.of_type("gap")
    (ended,) = session.of_type("stream_ended")
    assert ended["duration_s"] * 16_000 == session.source.n_written


def test_every_result_comes_or_is_told_as_dropped(
    overloaded: tuple[Overloaded, str], samples: NDArray[np.float32]
) -> None:
    """Results and drops together are what segmenting found; partials went first."""
    session, _ = overloaded
    found = [(u.id, u.kind, u.start_sample, u.end_sample) for u in segmented(samples)]
    drops = session.of_type("drop")
    told = [
        (r["id"], r["kind"], round(r["start_s"] * 16_000), round(r["end_s"] * 16_000))
        for r in (*session.of_type("emotion"), *drops)
    ]
    assert sorted(told) == sorted(found)
    assert drops[0]["kind"] == "partial"
    assert [d["kind"] for d in drops].count("partial") >= 3


def test_events_stay_in_the_order_of_the_stream(overloaded: tuple[Overloaded, str]) -> None:
    """A drop stands where the result would have stood."""
    session, _ = overloaded
    ids = [r["id"] for r in session.records if r["type"] in ("emotion", "drop")]
    assert ids == sorted(ids)


def test_each_drop_is_logged_counted_and_printed(overloaded: tuple[Overloaded, str]) -> None:
    """The log, the sum at its end, the line for people and the last words agree."""
    session, said = overloaded
    n_drops = len(session.of_type("drop"))
    assert n_drops > 0
    assert session.of_type("session_ended")[0]["n_dropped"] == n_drops
    assert len(re.findall(r"not analyzed: analysis fell behind", said)) == n_drops
    assert f"dropped    {n_drops}" in said


def test_each_drop_is_counted_on_the_dashboard(overloaded: tuple[Overloaded, str]) -> None:
    """The number stands in the bottom line, with a warning sign."""
    session, _ = overloaded
    state = DashboardState()
    reader = EventReader(EVENT_CLASSES)
    for record in session.of_type("drop"):
        drop = reader.read(record)
        assert isinstance(drop, Drop)
        state.apply(drop)
    last = render(state, 80, 24).plain.splitlines()[-1]
    assert f"dropped {len(session.of_type('drop'))}" in last


def test_a_reader_that_sleeps_holds_nothing_back(
    samples: NDArray[np.float32], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nobody takes results, capture and segmenting go on; later each loss is told."""
    monkeypatch.setattr(live, "RESULTS_CAPACITY", 3)
    source = PacedCapture(samples, SPEED)
    settings = replace(Settings(), queue_size=2)
    session = LiveSession([source], EmotionModel.load("classic"), settings, drop_when_full=True)
    events: list[Any] = []
    with session:
        while not source.exhausted:  # all of it is heard before anything is asked for
            time.sleep(0.05)
        while not session.finished:
            events.extend(session.poll(0.1))
    assert source.n_refused == 0
    drops = [e for e in events if isinstance(e, Drop)]
    told = {(e.id, e.kind, e.end_sample) for e in events if isinstance(e, Drop | EmotionResult)}
    assert told == {(u.id, u.kind, u.end_sample) for u in segmented(samples)}
    assert any(drop.kind is Kind.FINAL for drop in drops)
    assert events[-1].n_dropped == len(drops)
