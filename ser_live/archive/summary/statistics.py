"""Intervals and differences of means over people.

One value a person: utterances of one person resemble each other, and intervals that take them for
independent cover 72 to 83 % where 95 are promised (docs/archives.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ser_live.arrays import Float64

FEWEST_PEOPLE = 8
"""People from which on an interval is given."""

_N_PERMUTATIONS = 9_999
_EXACT_UP_TO = 13
"""People of a paired comparison whose signs are all tried."""
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
    in 9,999 random ones.
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
    else:
        rng = np.random.default_rng(seed)
        turned = rng.choice([-1.0, 1.0], (_N_PERMUTATIONS, n)) @ differences
        n_more = float(np.sum(np.abs(turned) >= abs(differences.sum()) - 1e-12))
        p = (1 + n_more) / (1 + _N_PERMUTATIONS)
    delta = mean_interval(signs)
    if n >= FEWEST_PEOPLE and delta.low == delta.high:
        delta = _unanimous(delta.mean, n)
    delta = Interval(delta.mean, max(-1.0, delta.low), min(1.0, delta.high), n)
    return Difference(mean_interval(differences), delta, p, True)


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
    """
    from scipy.stats import t

    first, second = first[np.isfinite(first)], second[np.isfinite(second)]
    n1, n2 = len(first), len(second)
    n = min(n1, n2)
    if n < 2:
        nothing = Interval(_NAN, _NAN, _NAN, n)
        return Difference(nothing, nothing, _NAN, False)
    mean = float(first.mean() - second.mean())
    delta = Interval(float(_dominance(first, second).mean()), _NAN, _NAN, n)
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
    rng = np.random.default_rng(seed)
    both = np.concatenate([first, second])
    n1 = len(first)
    seen = abs(first.mean() - second.mean()) - 1e-12
    n_more = 0
    for _ in range(_N_PERMUTATIONS):
        rng.shuffle(both)
        n_more += abs(both[:n1].mean() - both[n1:].mean()) >= seen
    return float(1 + n_more) / (1 + _N_PERMUTATIONS)


def _dominance(first: Float64, second: Float64) -> Float64:
    signs: Float64 = np.sign(first[:, None] - second[None, :])
    return signs


def _delta_interval(first: Float64, second: Float64) -> Interval:
    """Cliff's delta with an interval that stays within [-1, 1] (Cliff 1993, eq. 10)."""
    from scipy.stats import norm

    d = _dominance(first, second)
    n1, n2 = d.shape
    delta = float(d.mean())
    rows, columns = d.mean(axis=1) - delta, d.mean(axis=0) - delta
    s_rows, s_columns = float(rows @ rows) / (n1 - 1), float(columns @ columns) / (n2 - 1)
    s_all = float(((d - delta) ** 2).sum()) / ((n1 - 1) * (n2 - 1))
    variance = ((n2 - 1) * s_rows + (n1 - 1) * s_columns + s_all) / (n1 * n2)
    z = float(norm.ppf(0.975))
    centre = delta - delta**3
    half = z * variance**0.5 * ((1 - delta**2) ** 2 + z**2 * variance) ** 0.5
    below = 1 - delta**2 + z**2 * variance
    if variance == 0:
        return _unanimous(delta, min(n1, n2))
    low, high = (centre - half) / below, (centre + half) / below
    return Interval(delta, max(-1.0, low), min(1.0, high), min(n1, n2))
