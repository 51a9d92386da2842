"""Two judges of the same things: how much better the one is, with an interval.

What belongs together, such as a session or a speaker, is left out together. The interval is
Student's over the pseudo-values of leaving each of these out once (the jackknife; Efron and
Tibshirani 1993, ch. 11), which holds for few of them where drawing them again and again is too
narrow.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ser_live.arrays import Float64, Int64

LEVEL = 0.95
MAX_GROUPS = 100
"""Most groups that are left out one by one; more are put together by chance."""
_SEED = 0


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference with its interval; NaN where it is undefined."""

    value: float
    low: float
    high: float
    n_groups: int


def paired_difference(statistic: Callable[[Int64], float], groups: Int64) -> Difference:
    """A statistic of all rows, with its interval over groups of rows.

    Parameters
    ----------
    statistic : callable
        Of row numbers, int array; the one judge's figure less the other's on these rows.
    groups : int array, shape (n_rows,)
    """
    from scipy.special import stdtrit

    value = statistic(np.arange(len(groups)))
    blocks = _blocks(groups)
    n = int(blocks.max()) + 1 if len(blocks) else 0
    if n < 2 or math.isnan(value):
        return Difference(value, math.nan, math.nan, n)
    without = np.array([statistic(np.flatnonzero(blocks != block)) for block in range(n)])
    pseudo = n * value - (n - 1) * without
    if not np.isfinite(pseudo).all():
        return Difference(value, math.nan, math.nan, n)
    half = float(stdtrit(n - 1, 0.5 + LEVEL / 2) * pseudo.std(ddof=1) / math.sqrt(n))
    return Difference(value, value - half, value + half, n)


def _blocks(groups: Int64) -> Int64:
    """Numbers from 0 of groups, or of blocks of them where they are many."""
    _, places = np.unique(groups, return_inverse=True)
    n = int(places.max()) + 1 if len(places) else 0
    if n <= MAX_GROUPS:
        return np.asarray(places, dtype=np.int64)
    order = np.random.default_rng(_SEED).permutation(n) % MAX_GROUPS
    return np.asarray(order[places], dtype=np.int64)


def agreement_of(y: Int64, answers: Float64) -> float:
    """Share of answers whose most probable label is the one that was given; NaN without any."""
    return float((answers.argmax(axis=1) == y).mean()) if len(y) else math.nan


def kappa_of(y: Int64, answers: Float64) -> float:
    """Cohen's kappa: agreement beyond what chance gives, 0 for always one label."""
    if not len(y):
        return math.nan
    n_labels = answers.shape[1]
    said = np.bincount(answers.argmax(axis=1), minlength=n_labels) / len(y)
    meant = np.bincount(y, minlength=n_labels) / len(y)
    by_chance = float(said @ meant)
    return (
        math.nan if by_chance >= 1.0 else (agreement_of(y, answers) - by_chance) / (1 - by_chance)
    )
