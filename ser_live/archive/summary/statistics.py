"""Intervals and differences of means over people.

One value a person: utterances of one person resemble each other, and intervals that take them for
independent cover 72 to 83 % where 95 are promised (docs/archives.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ser_live.arrays import Float64, Int64

FEWEST_PEOPLE = 8
"""People from which on an interval is given."""

_N_PERMUTATIONS = 9_999
_EXACT_UP_TO = 13
"""People of a paired comparison whose signs are all tried."""
_MOST_PEOPLE_PERMUTED = 20_000
"""People above which chance is told by the normal distribution, which permutations of so many
follow closely: they would take hours."""
_MOST_SIGNS = 2_000_000
"""Signs of permutations that are held at a time."""
_NAN = float("nan")


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % interval; NaN where there are too few values."""

    mean: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Difference:
    """Difference of two groups in one measure."""

    mean: Interval
    """Of the differences; `n` counts people who met both, or the smaller group's."""
    delta: Interval
    """Cliff's delta, -1 to 1: how much oftener a person of the first group has more than one of
    the second than less. For the same people, share of those with more minus share with less."""
    p: float
    """By permutation; not corrected for others."""
    is_paired: bool


def mean_interval(values: Float64, level: float = 0.95) -> Interval:
    """t-interval of a mean over people (Student 1908).

    Parameters
    ----------
    values : float array, shape (n_people,)
        NaN is left out.
    level : float in (0, 1)
    """
    from scipy.stats import t

    values = values[np.isfinite(values)]
    n = len(values)
    mean = float(values.mean()) if n else _NAN
    if n < FEWEST_PEOPLE:
        return Interval(mean, _NAN, _NAN, n)
    half = float(t.ppf((1 + level) / 2, n - 1)) * float(values.std(ddof=1)) / np.sqrt(n)
    return Interval(mean, mean - half, mean + half, n)


def paired_difference(first: Float64, second: Float64, seed: int = 0) -> Difference:
    """Difference within the same people, `first` minus `second`.

    The p-value turns the sign of each person's difference, in all ways for up to 13 people, else
    in 9,999 random ones; for more than 20,000 people it comes from the normal distribution.
    """
    differences = first - second
    differences = differences[np.isfinite(differences)]
    signs: Float64 = np.sign(differences)
    n = len(differences)
    if n < 2:
        nothing = Interval(_NAN, _NAN, _NAN, n)
        return Difference(nothing, nothing, _NAN, True)
    if n <= _EXACT_UP_TO:
        bits = (np.arange(1 << n)[:, None] >> np.arange(n)) & 1
        turned = (1.0 - 2.0 * bits) @ differences
        n_more = float(np.sum(np.abs(turned) >= abs(differences.sum()) - 1e-12))
        p = n_more / len(turned)
    elif n > _MOST_PEOPLE_PERMUTED:
        p = _by_chance(float(differences.sum()), float(differences @ differences) ** 0.5)
    else:
        n_more = _n_turned_beyond(differences, seed)
        p = (1 + n_more) / (1 + _N_PERMUTATIONS)
    delta = mean_interval(signs)
    if n >= FEWEST_PEOPLE and delta.low == delta.high:
        delta = _unanimous(delta.mean, n)
    delta = Interval(delta.mean, max(-1.0, delta.low), min(1.0, delta.high), n)
    return Difference(mean_interval(differences), delta, p, True)


def _n_turned_beyond(differences: Float64, seed: int) -> float:
    """Count random ways to turn signs in which the sum is as far from zero as it is."""
    rng = np.random.default_rng(seed)
    n, n_more = len(differences), 0.0
    most = max(1, _MOST_SIGNS // n)
    for begin in range(0, _N_PERMUTATIONS, most):
        n_ways = min(most, _N_PERMUTATIONS - begin)
        turned = rng.choice([-1.0, 1.0], (n_ways, n)) @ differences
        n_more += float(np.sum(np.abs(turned) >= abs(differences.sum()) - 1e-12))
    return n_more


def _by_chance(seen: float, spread: float) -> float:
    """P-value of a sum whose permutations are normal, as 9,999 of them would have it."""
    from scipy.stats import norm

    beyond = 2 * float(norm.sf(abs(seen) / spread)) if spread > 0 else 1.0
    return (1 + _N_PERMUTATIONS * beyond) / (1 + _N_PERMUTATIONS)


def _unanimous(delta: float, n: int) -> Interval:
    """Interval where all `n` people differ in the same way, which spread cannot tell.

    Its far end is where so many of one mind would come in one of 40 samples (Clopper & Pearson
    1934).
    """
    far = 2 * 0.025 ** (1 / n) - 1
    if delta == 0:  # nobody differs at all
        return Interval(0.0, 0.0, 0.0, n)
    return Interval(
        delta, min(delta, far) if delta > 0 else delta, max(delta, -far) if delta < 0 else delta, n
    )


def unpaired_difference(first: Float64, second: Float64, seed: int = 0) -> Difference:
    """Difference between two groups of other people, `first` minus `second`.

    The interval is Welch's (1947), that of Cliff's delta by its consistent variance (Cliff 1993).
    For more than 20,000 people the p-value comes from the normal distribution.
    """
    from scipy.stats import t

    first, second = first[np.isfinite(first)], second[np.isfinite(second)]
    n1, n2 = len(first), len(second)
    n = min(n1, n2)
    if n < 2:
        nothing = Interval(_NAN, _NAN, _NAN, n)
        return Difference(nothing, nothing, _NAN, False)
    mean = float(first.mean() - second.mean())
    delta = Interval(float(_dominance(first, second).sum()) / (n1 * n2), _NAN, _NAN, n)
    interval = Interval(mean, _NAN, _NAN, n)
    if n >= FEWEST_PEOPLE:
        v1, v2 = first.var(ddof=1) / n1, second.var(ddof=1) / n2
        spread = float(v1 + v2)
        if spread > 0:
            freedom = spread**2 / (v1**2 / (n1 - 1) + v2**2 / (n2 - 1))
            half = float(t.ppf(0.975, freedom)) * spread**0.5
        else:
            half = 0.0
        interval = Interval(mean, mean - half, mean + half, n)
        delta = _delta_interval(first, second)
    return Difference(interval, delta, _permuted(first, second, seed), False)


def _permuted(first: Float64, second: Float64, seed: int) -> float:
    both = np.concatenate([first, second])
    n1, n2 = len(first), len(second)
    if n1 + n2 > _MOST_PEOPLE_PERMUTED:
        spread = float(both.var(ddof=1) * (1 / n1 + 1 / n2)) ** 0.5
        return _by_chance(float(first.mean() - second.mean()), spread)
    rng = np.random.default_rng(seed)
    seen = abs(first.mean() - second.mean()) - 1e-12
    n_more = 0
    for _ in range(_N_PERMUTATIONS):
        rng.shuffle(both)
        n_more += abs(both[:n1].mean() - both[n1:].mean()) >= seen
    return float(1 + n_more) / (1 + _N_PERMUTATIONS)


def _dominance(first: Float64, second: Float64) -> Int64:
    """Count whom each of the first has more than in the second group, less those with more.

    Counted in the sorted group: a table of everybody by everybody would not fit.
    """
    there = np.sort(second)
    n_more = np.searchsorted(there, first, "left")
    n_less = len(there) - np.searchsorted(there, first, "right")
    return np.asarray(n_more - n_less, np.int64)


def _n_equal(first: Float64, second: Float64) -> int:
    there = np.sort(second)
    n_equal = np.searchsorted(there, first, "right") - np.searchsorted(there, first, "left")
    return int(n_equal.sum())


def _delta_interval(first: Float64, second: Float64) -> Interval:
    """Cliff's delta with an interval that stays within [-1, 1] (Cliff 1993, eq. 10)."""
    from scipy.stats import norm

    n1, n2 = len(first), len(second)
    of_rows, of_columns = _dominance(first, second), -_dominance(second, first)
    delta = float(of_rows.sum()) / (n1 * n2)
    rows, columns = of_rows / n2 - delta, of_columns / n1 - delta
    s_rows, s_columns = float(rows @ rows) / (n1 - 1), float(columns @ columns) / (n2 - 1)
    n_equal = _n_equal(first, second)
    n_more = (n1 * n2 - n_equal + int(of_rows.sum())) // 2
    n_less = n1 * n2 - n_equal - n_more
    squares = n_more * (1 - delta) ** 2 + n_less * (1 + delta) ** 2 + n_equal * delta**2
    s_all = squares / ((n1 - 1) * (n2 - 1))
    variance = ((n2 - 1) * s_rows + (n1 - 1) * s_columns + s_all) / (n1 * n2)
    z = float(norm.ppf(0.975))
    centre = delta - delta**3
    half = z * variance**0.5 * ((1 - delta**2) ** 2 + z**2 * variance) ** 0.5
    below = 1 - delta**2 + z**2 * variance
    if variance == 0:
        return _unanimous(delta, min(n1, n2))
    low, high = (centre - half) / below, (centre + half) / below
    return Interval(delta, max(-1.0, low), min(1.0, high), min(n1, n2))
