"""Shares and means of a session, with intervals over blocks of time.

Utterances of one session are not independent: a mood lasts, a topic too. So the session is cut into
blocks of time, each is left out once, and the spread of what the others give is the uncertainty
(delete-one-block jackknife of a ratio, t quantiles with one degree of freedom less than blocks).
The interval says how far another hour of the same kind might differ. It knows nothing of errors
that the model makes in every hour alike.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ser_live.arrays import Float64
from ser_live.report.session_data import Judged

LEVEL = 0.95
"""Coverage that the intervals aim at."""
MIN_BLOCKS = 5
"""Blocks with speech below which there is no interval."""
MAX_BLOCKS = 15
"""More of them would be shorter, and moods reach from one into the next."""
_LENGTHS_S = (15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0, 7200.0)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its interval; NaN where there is none."""

    value: float
    low: float = math.nan
    high: float = math.nan

    @property
    def has_interval(self) -> bool:
        return math.isfinite(self.low) and math.isfinite(self.high)


NOTHING = Estimate(math.nan)


@dataclass(frozen=True, slots=True)
class Blocks:
    """The blocks of time that a session is cut into."""

    length_s: float
    """Length of each."""
    places: tuple[int, ...]
    """Block of each utterance, in their order."""
    n_with_speech: int

    @classmethod
    def of(cls, utterances: Sequence[Judged], session_s: float) -> Blocks:
        """Cut a session into at most `MAX_BLOCKS` blocks; an utterance is where its middle is."""
        longest = _LENGTHS_S[-1]
        length_s = next(
            (s for s in _LENGTHS_S if session_s <= s * MAX_BLOCKS),
            math.ceil(session_s / MAX_BLOCKS / longest) * longest,
        )
        places = tuple(int((u.start_s + u.end_s) / 2 // length_s) for u in utterances)
        return cls(length_s=length_s, places=places, n_with_speech=len(set(places)))

    def ratio(
        self,
        amounts: Sequence[float],
        weights: Sequence[float],
        *,
        lowest: float = -math.inf,
        highest: float = math.inf,
    ) -> Estimate:
        """Sum of `amounts` over the sum of `weights`, both by utterance, with its interval.

        Without an interval where there are too few blocks with weight, or where every block gives
        the same: that nothing happened in so little time is not known to a hair's breadth.
        """
        total, weight, se, n = self.with_error(amounts, weights)
        if weight <= 0:
            return NOTHING
        value = total / weight
        if n < MIN_BLOCKS or not se > 0:
            return Estimate(value)
        reach = t_quantile(n - 1) * se
        return Estimate(value, max(value - reach, lowest), min(value + reach, highest))

    def with_error(
        self, amounts: Sequence[float], weights: Sequence[float]
    ) -> tuple[float, float, float, int]:
        """Sum of amounts, sum of weights, standard error of their ratio, blocks with weight."""
        places, inverse = np.unique(np.array(self.places, dtype=np.int64), return_inverse=True)
        a = np.bincount(inverse, np.asarray(amounts, dtype=np.float64), len(places))
        w = np.bincount(inverse, np.asarray(weights, dtype=np.float64), len(places))
        a, w = a[w > 0], w[w > 0]
        n = len(w)
        total, weight = float(a.sum()), float(w.sum())
        if n < 2:
            return total, weight, math.nan, n
        without: Float64 = (total - a) / (weight - w)
        spread = float(np.square(without - without.mean()).sum())
        return total, weight, math.sqrt((n - 1) / n * spread), n


@lru_cache(maxsize=1024)
def t_quantile(degrees: float, level: float = LEVEL) -> float:
    """Distance in standard errors that an interval reaches to either side."""
    from scipy.special import stdtrit

    return float(stdtrit(degrees, 0.5 + level / 2))


def difference(
    one: tuple[float, float, float, int], other: tuple[float, float, float, int]
) -> Estimate:
    """Ratio of `other` less that of `one`, two results of `Blocks.with_error`.

    Both are uncertain; the degrees of freedom are Welch's.
    """
    (total, weight, se, n), (total2, weight2, se2, n2) = one, other
    if weight <= 0 or weight2 <= 0:
        return NOTHING
    value = total2 / weight2 - total / weight
    variance = se * se + se2 * se2
    if min(n, n2) < MIN_BLOCKS or not variance > 0:
        return Estimate(value)
    degrees = variance**2 / (se**4 / (n - 1) + se2**4 / (n2 - 1))
    reach = t_quantile(degrees) * math.sqrt(variance)
    return Estimate(value, value - reach, value + reach)


def weighted_mean(
    values: Sequence[Judged], weight: Callable[[Judged], float], value: Callable[[Judged], float]
) -> float:
    """Mean over utterances by weight; NaN without any."""
    total = sum(weight(u) for u in values)
    return sum(weight(u) * value(u) for u in values) / total if total > 0 else math.nan


def wilson(n_right: int, n: int, level: float = LEVEL) -> Estimate:
    """A share of independent cases with its interval (Wilson 1927)."""
    if n == 0:
        return NOTHING
    from scipy.special import ndtri

    z = float(ndtri(0.5 + level / 2))
    p = n_right / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    reach = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return Estimate(p, max(centre - reach, 0.0), min(centre + reach, 1.0))
