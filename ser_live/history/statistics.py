"""Statistics of values of days that hang on the day before: bands, changes, rank correlation.

The bars that they are held to, and what simulations of them gave, are in ``docs/history.md``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.95
"""Share of intervals that cover the true value."""

MIN_SIDE_DAYS = 7
"""Fewest days on each side of a change."""

BLOCK_DAYS = 4
"""Days that stay together when days are shuffled: shuffled one by one, days that hang on the
day before would look like a change."""

N_PERMUTATIONS = 2000
MAX_P = 0.01
"""Largest p of a change that is shown, after `holm`."""

MIN_RATINGS = 14
"""Fewest ratings for a correlation."""

_MIN_STEP_DAYS = 42
_MAX_RHO = 0.9
_SPAN_DROP = 7.0
"""Twice the fall of the log-likelihood within which a day may be that of the change; chosen by
simulation, so that the span holds the true day in nine of ten cases."""
_N_AT_ONCE = 200_000
"""Values of shuffles that are looked at in one go."""
_SEED = 20
"""Seed of the shuffles: the same days always give the same answer."""

Values = NDArray[np.float64]
Days = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Band:
    """A mean with its interval."""

    mean: float
    low: float
    high: float
    n_days: int
    n_effective: float
    """Independent days that would tell as much."""

    def within(self, lowest: float, highest: float) -> Band:
        """The part of the band that the scale allows; it covers the mean as often."""
        low, high = within((self.low, self.high), lowest, highest)
        return replace(self, low=low, high=high)


def within(interval: tuple[float, float], lowest: float, highest: float) -> tuple[float, float]:
    """The part of an interval that the scale allows; NaN stays."""
    low, high = (min(max(bound, lowest), highest) for bound in interval)
    return low, high


@dataclass(frozen=True, slots=True)
class Change:
    """A change of level that is statistically there."""

    first: int
    """Place of the first day that may be the first after the change, in the series."""
    last: int
    """Place of the last such day."""
    size: float
    """Mean after minus mean before."""
    low: float
    high: float
    size_sd: float
    """Size in deviations from day to day."""
    p: float


@dataclass(frozen=True, slots=True)
class Correlation:
    """A rank correlation with its interval."""

    rho: float
    low: float
    high: float
    n: int


def autocorrelation(values: Values, days: Days, *, n_fitted: int = 1) -> float:
    """Correlation of a day with the day before it, corrected for its bias; 0 to 0.9.

    From neighbours in the calendar where there are enough; else from days one after another,
    which may be further apart. `n_fitted` is the number of means that were taken off; each
    makes the correlation look smaller than it is.
    """
    n = len(values)
    if n < 4:
        return 0.0
    centred = values - values.mean()
    variance = float(centred @ centred) / n
    if variance <= 1e-18:
        return 0.0
    is_next = np.diff(days) == 1
    products = centred[1:] * centred[:-1]
    if is_next.sum() >= max(4, n // 3):
        products = products[is_next]
    found = float(products.mean()) / variance
    n_pairs = len(products)
    corrected = (found * n_pairs + n_fitted) / max(1.0, n_pairs - 3.0 * n_fitted)
    return min(max(corrected, 0.0), _MAX_RHO)


def autocorrelation_around_step(values: Values, days: Days) -> float:
    """The same around a level that may have changed once.

    A change of level is no memory from day to day: taken for it, every band would widen. The
    place of the step is looked for, which counts like a further mean (by simulation). In few
    days a step and memory cannot be told apart.
    """
    if len(values) < _MIN_STEP_DAYS:
        return autocorrelation(values, days)
    return autocorrelation(residuals(values), days, n_fitted=3)


def inflation(days: Days, rho: float) -> float:
    """Number of days that tell as much as one independent day.

    For many days in a row this is (1 + ρ) / (1 - ρ).
    """
    if rho <= 0.0:
        return 1.0
    distances = np.abs(days[:, None] - days[None, :])
    return float((rho**distances).sum()) / len(days)


def deviation(groups: Sequence[tuple[Values, Days]], rho: float) -> tuple[float, float]:
    """Deviation from day to day within groups, with its degrees of freedom.

    NaN where no group has two days that tell anything apart.
    """
    squares = expected = freedom = 0.0
    for values, days in groups:
        centred = values - values.mean()
        squares += float(centred @ centred)
        factor = inflation(days, rho)
        expected += max(0.0, len(values) - factor)
        freedom += max(0.0, len(values) / factor - 1.0)
    if freedom < 0.5:
        return math.nan, 0.0
    return math.sqrt(squares / expected), freedom


def mean_band(values: Values, days: Days, rho: float, sd: float, freedom: float) -> Band:
    """A t-interval for the mean of days, each of which hangs on the day before."""
    factor = inflation(days, rho)
    n_effective = len(values) / factor
    half = _t(freedom) * sd / math.sqrt(n_effective)
    mean = float(values.mean())
    return Band(mean, mean - half, mean + half, len(values), n_effective)


def difference_band(after: Band, before: Band, sd: float, freedom: float) -> tuple[float, float]:
    """Interval for the mean of some days minus that of others."""
    half = _t(freedom) * sd * math.sqrt(1.0 / after.n_effective + 1.0 / before.n_effective)
    size = after.mean - before.mean
    return size - half, size + half


def difference_p(first: Band, second: Band, sd: float, freedom: float) -> float:
    """Probability of means of two kinds of days this far apart, were they alike."""
    from scipy.special import stdtr

    if not freedom >= 0.5:
        return math.nan
    spread = sd * math.sqrt(1.0 / first.n_effective + 1.0 / second.n_effective)
    return float(2.0 * stdtr(freedom, -abs(first.mean - second.mean) / spread))


def _t(freedom: float) -> float:
    if not freedom >= 0.5:
        return math.nan
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 0.5 + LEVEL / 2))


def change_p(values: Values) -> float:
    """Probability of a difference this large between two parts, were there no change.

    The largest standardised difference over all splits with `MIN_SIDE_DAYS` on each side,
    among those of shuffles of blocks of days. NaN for too few days.
    """
    n = len(values)
    if n < 2 * MIN_SIDE_DAYS or float(np.ptp(values)) <= 1e-12:
        return math.nan
    centred = values - values.mean()
    found = float(_largest_differences(centred[None, :])[0])
    rows = _shuffled_blocks(n)
    # In parts that stay in the processor's cache.
    n_larger = sum(
        int((_largest_differences(centred[part]) >= found * (1 - 1e-12)).sum())
        for part in np.array_split(rows, -(-rows.size // _N_AT_ONCE))
    )
    return (1 + n_larger) / (N_PERMUTATIONS + 1)


@lru_cache(maxsize=1)  # the measures of a series have the same days
def _shuffled_blocks(n: int) -> NDArray[np.int64]:
    """Places of days in shuffles, one a row; the series is a ring, so blocks begin anywhere."""
    rng = np.random.default_rng(_SEED)
    n_blocks = -(-n // BLOCK_DAYS)
    orders = rng.permuted(np.tile(np.arange(n_blocks), (N_PERMUTATIONS, 1)), axis=1)
    places = (orders[:, :, None] * BLOCK_DAYS + np.arange(BLOCK_DAYS)).reshape(N_PERMUTATIONS, -1)
    rows = places[places < n].reshape(N_PERMUTATIONS, n)  # the last block may be shorter
    found: NDArray[np.int64] = (rows + rng.integers(BLOCK_DAYS, size=(N_PERMUTATIONS, 1))) % n
    found.flags.writeable = False
    return found


def _splits(n: int) -> NDArray[np.int64]:
    """Days before each of the splits of `n` days."""
    return np.arange(MIN_SIDE_DAYS, n - MIN_SIDE_DAYS + 1)


def _largest_differences(centred: Values) -> Values:
    """Largest difference over the splits of each row, in the order of the standardised ones.

    Rows have the same values in another order, and a mean of 0. So what lies between the parts
    of a split says how much lies within them.
    """
    n = centred.shape[1]
    n_before = _splits(n)
    sums = np.cumsum(centred, axis=1)[:, n_before - 1]
    largest: Values = np.abs(sums / np.sqrt(n_before * (n - n_before) / n)).max(axis=1)
    return largest


def _within(values: Values) -> Values:
    """Squares around the means of both parts, for every split."""
    n = len(values)
    n_before = _splits(n)
    centred = values - values.mean()
    between = np.cumsum(centred)[n_before - 1] ** 2 * n / (n_before * (n - n_before))
    found: Values = np.maximum(float(centred @ centred) - between, 1e-12)
    return found


def residuals(values: Values) -> Values:
    """Values around the means of the two parts into which they fall apart most."""
    place = int(_splits(len(values))[_within(values).argmin()])
    sides = values[:place], values[place:]
    return np.concatenate([side - side.mean() for side in sides])


def change_of(values: Values, days: Days, p: float) -> Change:
    """Size and span of a change that `change_p` found."""
    n = len(values)
    within = _within(values)
    best = int(within.argmin())
    place = int(_splits(n)[best])
    sides = [(values[:place], days[:place]), (values[place:], days[place:])]
    rho = autocorrelation_around_step(values, days)
    sd, freedom = deviation(sides, rho)
    bands = [mean_band(side, when, rho, sd, freedom) for side, when in sides]
    low, high = difference_band(bands[1], bands[0], sd, freedom)
    n_effective = n * (1 - rho) / (1 + rho)
    drop = n_effective * np.log(within / within[best])
    possible = _splits(n)[drop <= _SPAN_DROP]
    size = bands[1].mean - bands[0].mean
    return Change(int(possible[0]), int(possible[-1]), size, low, high, size / sd, p)


def rank_correlation(x: Values, y: Values, days: Days) -> Correlation | None:
    """Spearman's correlation of values of the same days; ``None`` where it is undefined.

    The interval is Fisher's with the variance of Bonett and Wright, for as many independent
    pairs as the days are worth.
    """
    n = len(x)
    if n < MIN_RATINGS:
        return None
    rank_x, rank_y = _ranks(x), _ranks(y)
    if float(np.ptp(rank_x)) == 0.0 or float(np.ptp(rank_y)) == 0.0:
        return None
    rho = float(np.corrcoef(rank_x, rank_y)[0, 1])
    both = autocorrelation(rank_x, days) * autocorrelation(rank_y, days)
    n_effective = n * (1 - both) / (1 + both)
    bounded = min(max(rho, -0.999999), 0.999999)
    half = 1.959964 * math.sqrt((1 + bounded**2 / 2) / max(1.0, n_effective - 3))
    centre = math.atanh(bounded)
    return Correlation(rho, math.tanh(centre - half), math.tanh(centre + half), n)


def _ranks(values: Values) -> Values:
    """Ranks from 1; equal values share the mean of theirs."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: Values = ((last - counts + 1 + last) / 2.0)[place]
    return ranks
