"""Whatever words a model uses, every display, log and table shows them in its order."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from ser_live import listen
from ser_live.batch.recording import Recording, file_fields
from ser_live.cli import cli
from ser_live.config import Settings
from ser_live.emotions import (
    ANSI_PALETTE,
    COLORS,
    LABELS,
    PALETTE,
    are_labels,
    color_of,
    is_label,
)
from ser_live.events import EmotionResult, Event, Kind, StreamId, Verdict
from ser_live.features import FEATURE_NAMES, FEATURE_SET_VERSION
from ser_live.model.card import ModelCard
from ser_live.model.classifier import Classifier, LinearHead
from ser_live.model.emotion_model import EmotionModel
from ser_live.model.ensemble import Ensemble
from ser_live.model.fitted import Fitted
from ser_live.outputs.dashboard.state import DashboardState
from ser_live.outputs.dashboard.view import render
from ser_live.outputs.text_lines import text_line
from ser_live.records.session_log import SessionLog, read_log
from ser_live.records.summary import summary_lines
from ser_live.sources import ArraySource

OWN = ("stressed", "עייף", "😀 wow", "=1+1", "<b>", "neutral")
N = len(FEATURE_NAMES)


def model_of(labels: Sequence[str], **more: object) -> EmotionModel:
    """A model that prefers its labels in their order, the first one most."""
    K = len(labels)
    classifier = Classifier(
        impute=np.zeros(N),
        mean=np.zeros(N),
        scale=np.ones(N),
        limit=np.array(4.0),
        used=np.arange(2),
        projection=None,
        heads=(LinearHead(np.zeros((2, K)), 3.0 * np.eye(K)[0] - 0.1 * np.arange(K)),),
        head_weights=np.ones(1),
        temperature=np.array(1.0),
        n_labels=K,
    )
    card = ModelCard(
        "own", "test", FEATURE_SET_VERSION, FEATURE_NAMES, tuple(labels), "none", "0" * 64, None,
        {}, **more,  # type: ignore[arg-type]
    )  # fmt: skip
    return EmotionModel(card, Fitted(Ensemble.of(classifier)))


def talk() -> ArraySource:
    """Three seconds of a buzz with syllables: speech to the gate without its network."""
    t = np.arange(48_000) / 16_000
    voice = (t * 150 % 1.0 - 0.5) * (0.55 + 0.45 * np.sin(2 * np.pi * 4 * t))
    quiet = 1e-4 * np.random.default_rng(0).standard_normal(16_000)
    smooth = np.convolve(voice, np.ones(24) / 24, "same")
    return ArraySource(np.concatenate([quiet, 0.5 * smooth, quiet]).astype(np.float32), 16_000)


@pytest.fixture(scope="module")
def events() -> list[Event]:
    """A session with such a model."""
    settings = Settings()
    settings = replace(settings, vad=replace(settings.vad, confirm="off"))
    with listen(talk(), model=model_of(OWN), settings=settings) as heard:
        found = list(heard)
    assert any(isinstance(e, EmotionResult) and e.emotion == OWN[0] for e in found)
    return found


def test_results_carry_the_labels_and_undefined_affect(events: list[Event]) -> None:
    """Valence and arousal need a place for every label."""
    for event in events:
        if isinstance(event, EmotionResult) and event.probabilities is not None:
            assert event.labels == OWN
            assert event.best == OWN[0]
            assert tuple(event.probabilities_by_name or ()) == OWN
            assert event.valence is None
            assert event.arousal is None


def test_log_export_and_summary_show_them(events: list[Event], tmp_path: Path) -> None:
    """The log reads back as it was written; its table has their columns in order."""
    path = tmp_path / "log.jsonl"
    with SessionLog.create(path) as log:
        for event in events:
            log.take(event)
    entries = list(read_log(path))
    logged = [event for event in events if event.is_logged]
    assert [e.as_record() for e in entries[1:]] == [e.as_record() for e in logged]
    result = CliRunner().invoke(cli, ["log", "export", str(path)], catch_exceptions=False)
    rows = list(csv.DictReader(io.StringIO(result.output)))
    names = [name for name in rows[0] if name.startswith("probability_")]
    assert names == [f"probability_{label}" for label in OWN]
    assert rows[0]["emotion"] == OWN[0]
    assert sum(float(rows[0][name]) for name in names) == pytest.approx(1.0, abs=1e-3)
    assert any(line.split()[0] == OWN[0] for line in summary_lines(entries))


def test_lines_and_dashboard_show_them(events: list[Event]) -> None:
    """At any size, and before the first result too."""
    state = DashboardState()
    state.apply(events[0])
    assert all(label in render(state, 80, 40).plain for label in OWN)
    for event in events:
        state.apply(event)
        if isinstance(event, EmotionResult) and event.kind is Kind.FINAL:
            assert OWN[0] in text_line(event)
            assert " v+" not in text_line(event)
    shown = render(state, 80, 40).plain
    assert all(label in shown for label in OWN)
    assert "calm" not in shown
    for width, height in ((20, 5), (60, 24), (120, 60)):
        lines = render(state, width, height, ascii_only=True, few_colors=True).plain
        assert lines.isascii()
        assert len(lines.split("\n")) == height


def test_recordings_show_them() -> None:
    """The table, the summary and the page; labels that HTML would obey are escaped."""
    result = EmotionResult(
        stream=StreamId(number=1, source="x"), id=1, kind=Kind.FINAL, start_sample=0,
        end_sample=16_000,
        emotion="<b>", state=Verdict.OK, probabilities=(0.0, 0.1, 0.1, 0.1, 0.7, 0.0), labels=OWN,
        speech_s=1.0, level_dbfs=-20.0, snr_db=30.0,
    )  # fmt: skip
    recording = Recording(
        file="x.wav", model="own", min_confidence=0.3, labels=OWN, utterances=(result,)
    )
    assert recording.summary["emotion"] == "<b>"
    page = recording._repr_html_()
    assert ">&lt;b&gt;<" in page
    assert "<b>" not in page
    assert file_fields(OWN)[5:11] == tuple(f"probability_{label}" for label in OWN)
    frame = pytest.importorskip("pandas") and recording.to_pandas()
    assert list(frame.filter(like="probability_").columns) == [f"probability_{x}" for x in OWN]


def test_places_on_the_card_give_valence_and_arousal() -> None:
    """Known labels have theirs already; one label without any leaves both undefined."""
    assert model_of(("neutral", "happy")).card.coordinates == ((0.0, 0.0), (0.8, 0.5))
    assert model_of(("neutral", "bored")).card.coordinates is None
    told = model_of(("neutral", "bored"), affect={"bored": (-0.4, -0.6)})
    assert told.card.coordinates == ((0.0, 0.0), (-0.4, -0.6))


def test_colours_are_stable_and_apart() -> None:
    """Ours keep theirs; others go by their position."""
    labels = [f"label {n}" for n in range(len(PALETTE))]
    assert [color_of(label, labels) for label in labels] == list(PALETTE)
    assert [color_of(x, labels, few_colors=True) for x in labels] == list(ANSI_PALETTE)
    assert color_of("happy", ["bored", "happy"]) == COLORS["happy"]
    assert color_of("bored", ["happy", "bored"]) == PALETTE[1]
    assert color_of("not among them", labels) == PALETTE[0]


def test_labels_are_short_printable_words() -> None:
    """Two to 32, all different."""
    assert all(map(is_label, (*OWN, *LABELS, "__proto__", "x" * 40)))
    bad = ("", " x", "x ", "x" * 41, "a\nb", "\x1b[31m", "\u202ex", "a\u200db", "\ud800", 3, None)
    assert not any(map(is_label, bad))
    assert are_labels(OWN)
    assert not are_labels(["a"])
    assert not are_labels(["a", "a"])
    assert not are_labels([str(n) for n in range(33)])
