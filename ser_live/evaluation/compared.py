"""Two models judging the same recordings: figures of each, and their paired differences."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ser_live.arrays import Float64, Int64
from ser_live.errors import DatasetError, ModelError
from ser_live.evaluation import metrics
from ser_live.evaluation.calibration import accuracy_at_coverage
from ser_live.evaluation.folds import clip_probabilities
from ser_live.evaluation.judge import rounded
from ser_live.evaluation.paired import paired_difference
from ser_live.model.emotion_model import EmotionModel
from ser_live.training.examples import Examples

MIN_COMMON = 2
"""Fewest labels that both models must have."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of both models; NaN where it is undefined."""

    name: str
    label: str
    """Label that it is about; empty for a figure of all."""
    first: float
    second: float
    low: float
    """Of the difference, second less first; 95 % over speakers, or recordings."""
    high: float

    @property
    def difference(self) -> float:
        """Second less first."""
        return self.second - self.first

    def as_record(self) -> dict[str, object]:
        """The figure as JSON values by name; four digits, None where undefined."""
        return {
            "figure": self.name,
            "label": self.label or None,
            "a": rounded(self.first),
            "b": rounded(self.second),
            "difference": rounded(self.difference),
            "low": rounded(self.low),
            "high": rounded(self.high),
        }


@dataclass(frozen=True, slots=True)
class Compared:
    """Everything that a comparison says."""

    labels: tuple[str, ...]
    """Labels that both models have, and that were judged."""
    n: int
    """Recordings judged."""
    n_empty: int
    """Recordings among them without an utterance, for which all labels are equally probable."""
    by: str
    """Unit of the intervals, ``speaker`` or ``recording``."""
    n_groups: int
    """Number of these."""
    chance_uar: float
    majority_accuracy: float
    """Accuracy of always giving the most frequent label."""
    figures: tuple[Figure, ...]


def common_labels(first: EmotionModel, second: EmotionModel) -> tuple[str, ...]:
    """Labels that both models have, in the order of the first.

    Raises
    ------
    ModelError
        Fewer than two.
    """
    theirs = set(second.card.labels)
    found = tuple(label for label in first.card.labels if label in theirs)
    if len(found) < MIN_COMMON:
        raise ModelError(
            f"model {first.card.id} tells apart {', '.join(first.card.labels)}, and "
            f"{second.card.id} {', '.join(second.card.labels)}, but two labels that both have are "
            "needed: compare models of the same labels."
        )
    return found


def answers_of(
    model: EmotionModel, examples: Examples, n_clips: int, labels: Sequence[str], prior: str
) -> tuple[Float64, int]:
    """Answers for whole recordings, each voice unknown, and the recordings without an utterance.

    Parameters
    ----------
    model : EmotionModel
    examples : Examples
        Whole utterances, with the inputs that the model needs or with more.
    n_clips : int
    labels : sequence of str
        Those of the model that answers are wanted for; the others are left out of the answer.
    prior : str
        As for `EmotionModel.shares`.
    """
    judge = _Judge(model, model.shares(prior))
    n_labels = len(model.card.labels)
    every, n_empty = clip_probabilities(
        judge, examples, examples.clips, np.arange(n_clips), n_labels
    )
    wanted = every[:, [model.card.labels.index(label) for label in labels]]
    return wanted / wanted.sum(axis=1, keepdims=True), n_empty


@dataclass(frozen=True)
class _Judge:
    """A model asked under one prior."""

    model: EmotionModel
    shares: Float64 | None

    def predict_proba(self, X: NDArray[np.floating[Any]]) -> Float64:
        """Answers for strangers, shape (n, n_labels)."""
        rows = X[:, : self.model.n_inputs].astype(np.float64)
        return self.model.fitted.predict_proba(rows, None, self.shares)


def compare(
    y: Int64,
    first: Float64,
    second: Float64,
    thresholds: tuple[float, float],
    groups: Int64,
    labels: tuple[str, ...],
    *,
    by: str,
    n_empty: int = 0,
) -> Compared:
    """Compare two models' answers to the same recordings.

    Parameters
    ----------
    y : int array, shape (n,)
        True labels.
    first, second : float64 array, shape (n, n_labels)
    thresholds : pair of float
        Confidence from which on each model names its answer.
    groups : int array, shape (n,)
        Speaker, or recording, of each.
    labels : tuple of str
    by : str
        Name of the groups for people.
    n_empty : int

    Raises
    ------
    DatasetError
        There is nothing to judge.
    """
    if not len(y):
        raise DatasetError(
            f"found no recording with a label that both models have ({', '.join(labels)}), but "
            "some are needed: give others."
        )
    both = (first, second)
    coverages = [
        float((p.max(axis=1) >= threshold).mean())
        for p, threshold in zip(both, thresholds, strict=True)
    ]
    at = min(coverages)
    figures = []
    for name, label, figure in _figures(labels, thresholds, at):

        def gain(rows: Int64, figure: _Of = figure) -> float:
            return figure(1, y[rows], second[rows]) - figure(0, y[rows], first[rows])

        found = paired_difference(gain, groups)
        of_first, of_second = figure(0, y, first), figure(1, y, second)
        figures.append(Figure(name, label, of_first, of_second, found.low, found.high))
    return Compared(
        labels=labels,
        n=len(y),
        n_empty=n_empty,
        by=by,
        n_groups=len(np.unique(groups)),
        chance_uar=metrics.chance_uar(len(np.unique(y))),
        majority_accuracy=float(np.bincount(y).max() / len(y)),
        figures=tuple(figures),
    )


_Of = Callable[[int, Int64, Float64], float]
"""A figure of one of the two models, 0 or 1, from labels and answers."""


def _figures(
    labels: Sequence[str], thresholds: tuple[float, float], at: float
) -> list[tuple[str, str, _Of]]:
    n_labels = len(labels)

    def of_matrix(metric: Callable[[Int64], float]) -> _Of:
        return lambda _, y, p: metric(metrics.confusion_matrix(y, p.argmax(axis=1), n_labels))

    def f1(place: int) -> _Of:
        def value(_: int, y: Int64, p: Float64) -> float:
            said, meant = p.argmax(axis=1) == place, y == place
            n_both = int(said.sum() + meant.sum())
            return 2.0 * float((said & meant).sum()) / n_both if n_both else math.nan

        return value

    return [
        ("uar", "", of_matrix(metrics.uar)),
        ("accuracy", "", of_matrix(metrics.accuracy)),
        ("macro_f1", "", of_matrix(metrics.macro_f1)),
        *(("f1", label, f1(place)) for place, label in enumerate(labels)),
        ("ece", "", lambda _, y, p: metrics.expected_calibration_error(y, p)),
        ("named", "", lambda who, _, p: float((p.max(axis=1) >= thresholds[who]).mean())),
        ("accuracy_of_as_many_named", "", lambda _, y, p: accuracy_at_coverage(y, p, at)),
    ]
