"""Whether probabilities mean what they say, and the accuracy without the unsure answers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ser_live.arrays import Bool, Float64, Int64
from ser_live.evaluation import metrics

MAX_ERROR = 0.2
"""Share of wrong answers that the chosen threshold aims at."""
COVERAGES = tuple(round(0.05 * step, 2) for step in range(1, 21))
"""Shares of answers at which the accuracy is reported."""


def confidence_and_hits(y_true: Int64, probabilities: Float64) -> tuple[Float64, Bool]:
    """Probability of the winning label, and whether it is right."""
    return probabilities.max(axis=1), probabilities.argmax(axis=1) == y_true


def reliability_bins(
    y_true: Int64, probabilities: Float64, n_bins: int = metrics.N_ECE_BINS
) -> list[dict[str, float | int]]:
    """Bins of a reliability diagram: of equal width on (0, 1], empty ones left out.

    Returns
    -------
    list of dict
        ``low`` and ``high`` edge, mean ``confidence``, ``accuracy``, ``n``. The calibration
        error is ``sum n |accuracy - confidence| / sum n``.
    """
    confidence, is_right = confidence_and_hits(y_true, probabilities)
    bins = metrics.confidence_bins(confidence, n_bins)
    return [
        {
            "low": round(b / n_bins, 4),
            "high": round((b + 1) / n_bins, 4),
            "confidence": round(float(confidence[bins == b].mean()), 4),
            "accuracy": round(float(is_right[bins == b].mean()), 4),
            "n": int(np.count_nonzero(bins == b)),
        }
        for b in np.unique(bins)
    ]


def accuracy_at_coverage(y_true: Int64, probabilities: Float64, coverage: float) -> float:
    """Accuracy of the most confident share of the answers; NaN where that is none.

    Of equally confident answers the expected accuracy counts, so that their order does
    not matter.
    """
    confidence, is_right = confidence_and_hits(y_true, probabilities)
    n_kept = round(coverage * len(y_true))
    if n_kept == 0:
        return float("nan")
    last = np.sort(confidence)[::-1][n_kept - 1]
    surely, tied = confidence > last, confidence == last
    n_tied_kept = n_kept - np.count_nonzero(surely)
    n_right = np.count_nonzero(is_right & surely) + n_tied_kept * is_right[tied].mean()
    return float(n_right / n_kept)


def accuracy_of_confident_half(y_true: Int64, probabilities: Float64) -> float:
    """Accuracy of the more confident half of the answers."""
    return accuracy_at_coverage(y_true, probabilities, 0.5)


def threshold_for_error(y_true: Int64, probabilities: Float64, max_error: float) -> float:
    """Least confidence such that answers from there up are wrong at most that often.

    Returns
    -------
    float
        In [0, 1]; above every confidence seen (but at most 1) where no threshold does it.
    """
    confidence, is_right = confidence_and_hits(y_true, probabilities)
    order = np.argsort(-confidence, kind="stable")
    sorted_confidence = confidence[order]
    error = np.cumsum(~is_right[order]) / np.arange(1, len(order) + 1)
    # Equal confidences are kept or rejected together: only the last of them counts.
    is_last = np.append(sorted_confidence[1:] < sorted_confidence[:-1], True)
    good = np.flatnonzero((error <= max_error) & is_last[: len(error)])
    return float(sorted_confidence[good[-1]]) if len(good) else 1.0


def chosen_threshold(
    y_true: Int64, probabilities: Float64, folds: Int64, max_error: float = MAX_ERROR
) -> dict[str, Any]:
    """Effect of a threshold for a stated error on speakers it was not chosen on.

    The answers of a fold are rejected below the threshold chosen on the answers of the
    other folds. Those are answers to unseen speakers too, so the threshold meets in choice
    what it meets in use, and no answer takes part in its own threshold.

    Parameters
    ----------
    y_true : int array, shape (n,)
    probabilities : float64 array, shape (n, n_classes)
    folds : int array, shape (n,)
        Fold in which each answer was given; folds share no speaker.
    max_error : float

    Returns
    -------
    dict
        ``max_error`` aimed at, mean ``threshold``, ``error`` and ``coverage`` reached.
    """
    confidence, is_right = confidence_and_hits(y_true, probabilities)
    kept = np.zeros(len(y_true), dtype=bool)
    thresholds = []
    for fold in np.unique(folds):
        inside = folds == fold
        if inside.all():
            continue
        threshold = threshold_for_error(y_true[~inside], probabilities[~inside], max_error)
        thresholds.append(threshold)
        kept[inside] = confidence[inside] >= threshold
    return {
        "max_error": max_error,
        "chosen_on": "answers to the unseen speakers of the other folds",
        "threshold": round(float(np.mean(thresholds)), 4) if thresholds else None,
        "error": round(float(np.mean(~is_right[kept])), 4) if kept.any() else None,
        "coverage": round(float(kept.mean()), 4) if thresholds else None,
    }


def calibration_section(y_true: Int64, probabilities: Float64, folds: Int64) -> dict[str, Any]:
    """Reliability, accuracy versus coverage and the chosen threshold, ready for JSON."""
    return {
        "reliability": reliability_bins(y_true, probabilities),
        "coverage": [
            {
                "coverage": coverage,
                "accuracy": round(accuracy_at_coverage(y_true, probabilities, coverage), 4),
            }
            for coverage in COVERAGES
            if round(coverage * len(y_true)) > 0
        ],
        "threshold": chosen_threshold(y_true, probabilities, folds),
    }
