"""Metrics of classification, each with its formula; numpy only.

Labels are integers ``0 .. n_classes - 1`` in the order of ``EMOTIONS``. A metric
that has nothing to measure (no samples; a class that never occurs) is NaN.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ser_live.arrays import Float64, Int64, Str

N_BOOTSTRAP_DRAWS = 10_000
N_ROW_DRAWS = 1_000
"""Draws where no confusion matrix sums a speaker up, so that each costs all rows."""
N_ECE_BINS = 15


def confusion_matrix(y_true: Int64, y_predicted: Int64, n_classes: int) -> Int64:
    """Counts, rows = truth, columns = prediction.

    Parameters
    ----------
    y_true, y_predicted : int array, shape (n_samples,)
    n_classes : int

    Returns
    -------
    int array, shape (n_classes, n_classes)
    """
    flat = np.bincount(
        np.asarray(y_true, dtype=np.int64) * n_classes + np.asarray(y_predicted, dtype=np.int64),
        minlength=n_classes * n_classes,
    )
    return flat.reshape(n_classes, n_classes).astype(np.int64)


def accuracy(matrix: Int64) -> float:
    """Share of correct predictions, trace / sum, in [0, 1]; NaN for an empty matrix."""
    total = int(matrix.sum())
    return float(np.trace(matrix) / total) if total else float("nan")


def recall_per_class(matrix: Int64) -> Float64:
    """Diagonal / row sum, shape (n_classes,); NaN for a class that never occurs."""
    support = matrix.sum(axis=-1)
    with np.errstate(invalid="ignore"):
        recall: Float64 = np.diagonal(matrix, axis1=-2, axis2=-1) / np.where(
            support, support, np.nan
        )
    return recall


def precision_per_class(matrix: Int64) -> Float64:
    """Diagonal / column sum, shape (n_classes,); NaN for a class that is never predicted."""
    return recall_per_class(matrix.T)


def uar(matrix: Int64) -> float:
    """Unweighted average recall: mean of the recalls of the classes that occur.

    Predicting one class always gives ``1 / n_classes`` whatever the class sizes
    (Schuller et al., INTERSPEECH 2009 Emotion Challenge).

    Examples
    --------
    >>> uar(np.array([[8, 0], [1, 1]]))
    0.75
    """
    recall = recall_per_class(matrix)
    return float(np.nanmean(recall)) if np.isfinite(recall).any() else float("nan")


def macro_f1(matrix: Int64) -> float:
    """Mean over classes of ``2 TP / (2 TP + FP + FN)``.

    Classes that neither occur nor are predicted are left out; a class that is
    predicted but never occurs counts as 0.
    """
    true_positives = np.diagonal(matrix)
    denominator = matrix.sum(axis=0) + matrix.sum(axis=1)
    present = denominator > 0
    if not present.any():
        return float("nan")
    return float(np.mean(2.0 * true_positives[present] / denominator[present]))


def expected_calibration_error(
    y_true: Int64, probabilities: Float64, n_bins: int = N_ECE_BINS
) -> float:
    """Expected calibration error of the winning class.

    ``sum_b n_b / n * |accuracy_b - mean confidence_b|`` over `n_bins` bins of equal
    width on (0, 1], a confidence on an edge belonging to the lower bin (Guo et al.
    2017, On Calibration of Modern Neural Networks).

    Parameters
    ----------
    y_true : int array, shape (n_samples,)
    probabilities : float array, shape (n_samples, n_classes)
    n_bins : int

    Returns
    -------
    float in [0, 1], NaN without samples.
    """
    if len(y_true) == 0:
        return float("nan")
    confidence = probabilities.max(axis=1)
    is_right = probabilities.argmax(axis=1) == y_true
    bins = confidence_bins(confidence, n_bins)
    right = np.bincount(bins, weights=is_right, minlength=n_bins)
    claimed = np.bincount(bins, weights=confidence, minlength=n_bins)
    return float(np.abs(right - claimed).sum() / len(y_true))


def confidence_bins(confidence: Float64, n_bins: int) -> Int64:
    """Bin ``0 .. n_bins - 1`` of equal width on (0, 1]; an edge belongs to the lower bin."""
    return np.clip(np.ceil(confidence * n_bins).astype(np.int64) - 1, 0, n_bins - 1)


def chance_uar(n_classes: int) -> float:
    """UAR of any prediction that ignores the input: ``1 / n_classes``."""
    return 1.0 / n_classes


def matrices_per_group(
    y_true: Int64, y_predicted: Int64, groups: Str, n_classes: int
) -> dict[str, Int64]:
    """One confusion matrix per group (speaker), in sorted order of the groups."""
    return {
        str(group): confusion_matrix(
            y_true[groups == group], y_predicted[groups == group], n_classes
        )
        for group in np.unique(groups)
    }


def bootstrap_interval(
    matrices: Int64,
    metric: Callable[[Int64], float] | str = "uar",
    *,
    n_draws: int = N_BOOTSTRAP_DRAWS,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile interval of a metric when *speakers* are drawn with replacement.

    Clips of one speaker resemble each other, so drawing clips would give an interval
    that is too narrow (Efron & Tibshirani 1993, ch. 8).

    Parameters
    ----------
    matrices : int array, shape (n_speakers, n_classes, n_classes)
        One confusion matrix per speaker.
    metric : {"uar", "accuracy"} or callable of one confusion matrix
        The two names are computed for all draws at once.
    n_draws : int
    level : float in (0, 1)
    seed : int

    Returns
    -------
    (low, high) : float
        NaN for fewer than two speakers.
    """
    if len(matrices) < 2:
        return float("nan"), float("nan")
    values = bootstrap_values(matrices, metric, n_draws=n_draws, seed=seed)
    low, high = np.nanquantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def bootstrap_values(
    matrices: Int64,
    metric: Callable[[Int64], float] | str = "uar",
    *,
    n_draws: int = N_BOOTSTRAP_DRAWS,
    seed: int = 0,
) -> Float64:
    """The metric of each draw of speakers, shape (n_draws,); parameters as above.

    Draws that lack a class leave it out of their mean.
    """
    n_speakers = len(matrices)
    if n_speakers == 0:
        return np.full(n_draws, np.nan)
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(n_speakers, np.full(n_speakers, 1.0 / n_speakers), size=n_draws)
    # Counts are exact as floats, and floats multiply much faster.
    drawn = np.tensordot(weights.astype(np.float64), matrices.astype(np.float64), axes=1).astype(
        np.int64
    )
    if metric == "uar":
        recall = recall_per_class(drawn)
        n_present = np.isfinite(recall).sum(axis=1)
        return np.asarray(np.nansum(recall, axis=1) / np.where(n_present, n_present, np.nan))
    if metric == "accuracy":
        return np.asarray(np.trace(drawn, axis1=1, axis2=2) / drawn.sum(axis=(1, 2)))
    if callable(metric):
        return np.array([metric(matrix) for matrix in drawn])
    raise ValueError(f"unknown metric {metric!r}: give 'uar', 'accuracy' or a callable")


def bootstrap_rows_interval(
    statistic: Callable[[Int64], float],
    speakers: Str,
    *,
    n_draws: int = N_ROW_DRAWS,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile interval of what no confusion matrix tells, speakers drawn with replacement.

    Parameters
    ----------
    statistic : callable
        Of row numbers, int array; a speaker drawn twice has their rows in it twice.
    speakers : str array, shape (n_rows,)
    n_draws, level, seed
        As in `bootstrap_interval`.

    Returns
    -------
    (low, high) : float
        NaN for fewer than two speakers.
    """
    rows = [np.flatnonzero(speakers == speaker) for speaker in np.unique(speakers)]
    if len(rows) < 2:
        return float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    values = [
        statistic(np.concatenate([rows[n] for n in rng.integers(len(rows), size=len(rows))]))
        for _ in range(n_draws)
    ]
    low, high = np.nanquantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
