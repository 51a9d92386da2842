"""Scores of predictions: every number of one table row, with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ser_live.arrays import Float64, Int64, Str
from ser_live.emotions import LABELS
from ser_live.evaluation import metrics
from ser_live.evaluation.calibration import accuracy_of_confident_half


def judged(
    y_true: Int64,
    probabilities: Float64,
    speakers: Str,
    labels: Sequence[str] = LABELS,
) -> dict[str, Any]:
    """Scores of predictions, ready for JSON: rounded to 4 digits, NaN as None.

    Parameters
    ----------
    y_true : int array, shape (n,)
        Index into `labels`.
    probabilities : float64 array, shape (n, n_labels)
    speakers : str array, shape (n,)
    labels : sequence of str

    Returns
    -------
    dict
        ``n``, ``accuracy``, ``uar``, ``macro_f1``, ``ece``, ``chance_uar``, ``interval``
        (95 %, speakers drawn with replacement), ``confident_half_accuracy``,
        ``per_class_recall``, ``per_class_precision``.
    """
    predicted = probabilities.argmax(axis=1)
    matrix = metrics.confusion_matrix(y_true, predicted, len(labels))
    per_speaker = speaker_matrices(y_true, predicted, speakers, len(labels))
    return {
        "n": len(y_true),
        "accuracy": rounded(metrics.accuracy(matrix)),
        "uar": rounded(metrics.uar(matrix)),
        "macro_f1": rounded(metrics.macro_f1(matrix)),
        "ece": rounded(metrics.expected_calibration_error(y_true, probabilities)),
        "chance_uar": rounded(metrics.chance_uar(len(labels))),
        "confident_half_accuracy": rounded(accuracy_of_confident_half(y_true, probabilities)),
        "interval": {
            "level": 0.95,
            "method": f"bootstrap over actors, {metrics.N_BOOTSTRAP_DRAWS} draws",
            "uar": rounded_pair(metrics.bootstrap_interval(per_speaker, "uar")),
            "accuracy": rounded_pair(metrics.bootstrap_interval(per_speaker, "accuracy")),
            **{
                name: rounded_pair(
                    metrics.bootstrap_rows_interval(
                        lambda rows, score=score: score(y_true[rows], probabilities[rows]),  # type: ignore[misc]
                        speakers,
                    )
                )
                for name, score in (
                    ("ece", metrics.expected_calibration_error),
                    ("confident_half_accuracy", accuracy_of_confident_half),
                )
            },
        },
        "per_class_recall": _by_label(labels, metrics.recall_per_class(matrix)),
        "per_class_precision": _by_label(labels, metrics.precision_per_class(matrix)),
    }


def uar_with_interval(
    y_true: Int64, probabilities: Float64, speakers: Str, n_classes: int = len(LABELS)
) -> dict[str, Any]:
    """``n``, ``uar`` and its ``interval`` over speakers, for one point of a curve."""
    predicted = probabilities.argmax(axis=1)
    per_speaker = speaker_matrices(y_true, predicted, speakers, n_classes)
    return {
        "n": len(y_true),
        "uar": rounded(metrics.uar(per_speaker.sum(axis=0))),
        "interval": rounded_pair(metrics.bootstrap_interval(per_speaker, "uar")),
    }


def sexes_compared(
    y_true: Int64, probabilities: Float64, speakers: Str, sexes: Str
) -> dict[str, Any]:
    """Men and women side by side: ``male``, ``female`` and ``gap`` (female less male).

    The gap's interval draws men and women separately, as two groups are compared.
    """
    predicted = probabilities.argmax(axis=1)
    result: dict[str, Any] = {}
    draws = []
    for seed, sex in enumerate(("male", "female")):
        mask = sexes == sex
        result[sex] = uar_with_interval(y_true[mask], probabilities[mask], speakers[mask])
        matrices = speaker_matrices(y_true[mask], predicted[mask], speakers[mask], len(LABELS))
        draws.append(metrics.bootstrap_values(matrices, "uar", seed=seed))
    male, female = result["male"]["uar"], result["female"]["uar"]
    both = male is not None and female is not None
    low_high = np.quantile(draws[1] - draws[0], [0.025, 0.975]) if both else (np.nan, np.nan)
    result["gap"] = {
        "uar": rounded(female - male) if both else None,
        "interval": rounded_pair((float(low_high[0]), float(low_high[1]))),
    }
    return result


def speaker_matrices(y_true: Int64, predicted: Int64, speakers: Str, n_classes: int) -> Int64:
    """Confusion matrices, shape (n_speakers, n_classes, n_classes)."""
    groups = metrics.matrices_per_group(y_true, predicted, speakers, n_classes)
    empty = np.zeros((0, n_classes, n_classes), dtype=np.int64)
    return np.stack(list(groups.values())) if groups else empty


def rounded(value: float) -> float | None:
    """Four digits; None where nothing was measured."""
    return round(float(value), 4) if np.isfinite(value) else None


def rounded_pair(pair: tuple[float, float]) -> list[float | None]:
    """Both ends of an interval."""
    return [rounded(pair[0]), rounded(pair[1])]


def _by_label(labels: Sequence[str], values: Float64) -> dict[str, float | None]:
    return {label: rounded(value) for label, value in zip(labels, values, strict=True)}
