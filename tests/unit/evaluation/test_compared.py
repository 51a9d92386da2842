"""Two models on the same recordings, with answers known beforehand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ser_live.errors import DatasetError
from ser_live.evaluation.compared import Compared, Figure, compare

LABELS = ("calm", "angry", "happy")


def answers(said: np.ndarray, confidence: float) -> np.ndarray:
    """Answers that give one label this probability."""
    rest = (1.0 - confidence) / (len(LABELS) - 1)
    return np.where(np.eye(len(LABELS))[said] == 1.0, confidence, rest)


def figure(found: Compared, name: str, label: str = "") -> Figure:
    return next(f for f in found.figures if (f.name, f.label) == (name, label))


@pytest.fixture
def found() -> Compared:
    """Eight speakers; the first model is right in two of three, the second always."""
    y = np.tile([0, 1, 0], 8)
    return compare(
        y, answers(np.tile([0, 1, 1], 8), 0.5), answers(y, 0.9), (0.6, 0.6),
        np.repeat(np.arange(8), 3), LABELS, by="speaker",
    )  # fmt: skip


def test_figures_are_those_of_each_model(found: Compared) -> None:
    """UAR, F1, calibration and what is named, by hand."""
    uar = figure(found, "uar")
    assert (uar.first, uar.second) == (0.75, 1.0)
    assert figure(found, "accuracy").first == pytest.approx(2 / 3)
    assert figure(found, "f1", "calm").first == pytest.approx(2 / 3)
    assert math.isnan(figure(found, "f1", "happy").first)
    ece = figure(found, "ece")
    assert (ece.first, ece.second) == (pytest.approx(1 / 6), pytest.approx(0.1))
    named = figure(found, "named")
    assert (named.first, named.second) == (0.0, 1.0)
    assert (found.n, found.n_groups, found.chance_uar) == (24, 8, 0.5)
    assert found.majority_accuracy == pytest.approx(2 / 3)


def test_what_all_speakers_share_is_certain(found: Compared) -> None:
    """Each speaker gives the same difference, so nothing is left to chance."""
    uar = figure(found, "uar")
    assert uar.difference == 0.25
    assert uar.low == pytest.approx(0.25, abs=1e-6)
    assert uar.as_record()["low"] == 0.25


def test_a_model_is_no_better_than_itself() -> None:
    """Every difference is 0, with an interval of nothing."""
    rng = np.random.default_rng(0)
    p, y = rng.dirichlet(np.ones(3), size=60), rng.integers(3, size=60)
    found = compare(y, p, p, (0.35, 0.35), np.repeat(np.arange(6), 10), LABELS, by="speaker")
    assert {f.difference for f in found.figures} == {0.0}
    assert {(f.low, f.high) for f in found.figures} == {(0.0, 0.0)}


def test_speakers_are_the_unit() -> None:
    """Ten clips of a speaker tell no more than one: the interval is that of the speakers."""
    rng = np.random.default_rng(1)
    y = np.repeat(rng.integers(3, size=12), 10)
    said = np.where(np.repeat(rng.random(12) < 0.4, 10), y, (y + 1) % 3)
    by_speaker = compare(
        y, answers(said, 0.6), answers(y, 0.6), (0.35, 0.35),
        np.repeat(np.arange(12), 10), LABELS, by="speaker",
    )  # fmt: skip
    by_clip = compare(
        y, answers(said, 0.6), answers(y, 0.6), (0.35, 0.35), np.arange(120), LABELS,
        by="recording",
    )  # fmt: skip
    wide, narrow = figure(by_speaker, "accuracy"), figure(by_clip, "accuracy")
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)


def test_nothing_to_judge_is_said() -> None:
    """In one sentence."""
    with pytest.raises(DatasetError, match="found no recording"):
        compare(
            np.zeros(0, np.int64), np.zeros((0, 3)), np.zeros((0, 3)), (0.3, 0.3),
            np.zeros(0, np.int64), LABELS, by="speaker",
        )  # fmt: skip
