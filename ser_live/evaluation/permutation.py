"""A check of the measurement itself: with labels that mean nothing it must find nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ser_live.arrays import Bool
from ser_live.datasets.recording import Recording
from ser_live.emotions import LABELS
from ser_live.evaluation import metrics
from ser_live.evaluation.folds import clip_probabilities, fit_folds
from ser_live.evaluation.judge import rounded, rounded_pair
from ser_live.training.augmentation import PLAIN
from ser_live.training.examples import Examples
from ser_live.training.recipe import Recipe


def permuted_labels(examples: Examples, seed: int | Sequence[int] = 0) -> Examples:
    """The same rows with the labels of each speaker's clips shuffled among them.

    All rows of a clip stay together, and every speaker keeps as many clips of each label.
    """
    rng = np.random.default_rng(seed)
    y = examples.y.copy()
    for speaker in np.unique(examples.speakers):
        mine = examples.speakers == speaker
        clips, first = np.unique(examples.clips[mine], return_index=True)
        shuffled = rng.permutation(examples.y[mine][first])
        y[mine] = shuffled[np.searchsorted(clips, examples.clips[mine])]
    return replace(examples, y=y)


def permutation_check(
    recipe: Recipe,
    examples: Examples,
    recordings: Sequence[Recording],
    masks: Sequence[tuple[str, Bool]],
    *,
    seed: int = 0,
    n_jobs: int = 1,
    fits_dir: Path | None = None,
    on_fold: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """UAR on true labels after training on shuffled ones; more than chance is a leak.

    Trained on unchanged recordings only, which is quicker and leaves every way open by
    which an answer could leak. Each fold shuffles again: a model trained on meaningless
    labels answers all clips that sound alike the same, so folds, not clips or speakers, are
    what the interval counts (Student's t over folds).

    Returns
    -------
    dict
        ``uar`` (mean over folds), ``interval``, ``chance_uar``, ``chance_is_in_interval``,
        ``n``, ``n_folds``.
    """
    from scipy import stats

    plain = examples.where(examples.variants == PLAIN)
    labels = np.array([LABELS.index(recording.label) for recording in recordings])
    scores, n = [], 0
    for number, mask in enumerate(masks):
        shuffled = permuted_labels(plain, seed=[seed, number])
        (fit,) = fit_folds(
            recipe, shuffled, [mask], seed=seed, n_jobs=n_jobs, fits_dir=fits_dir, on_fold=on_fold
        )
        tested, wanted = fit.tested(plain), np.flatnonzero(fit.is_test)
        answers, _ = clip_probabilities(fit.fitted, tested, tested.clips, wanted)
        matrix = metrics.confusion_matrix(labels[wanted], answers.argmax(axis=1), len(LABELS))
        scores.append(metrics.uar(matrix))
        n += len(wanted)
    chance = metrics.chance_uar(len(LABELS))
    mean = float(np.mean(scores))
    if len(scores) < 2:
        low = high = float("nan")
    else:
        half = float(stats.t.ppf(0.975, len(scores) - 1) * stats.sem(scores))
        low, high = mean - half, mean + half
    return {
        "n": n,
        "n_folds": len(scores),
        "uar": rounded(mean),
        "interval": rounded_pair((low, high)),
        "chance_uar": chance,
        "chance_is_in_interval": low <= chance <= high if len(scores) > 1 else None,
    }
