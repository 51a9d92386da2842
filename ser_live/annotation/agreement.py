"""Agreement of a person's labels with the model's, by chance taken off, with intervals."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

MIN_LABELS = 10
"""Fewest labels for an agreement: fewer say next to nothing."""

_Z = 1.959964
_N_DRAWS = 2000
_SEED = 20


@dataclass(frozen=True, slots=True)
class Agreement:
    """Share of utterances with the same label, and Cohen's kappa, with 95 % intervals."""

    n: int
    share: float
    share_low: float
    share_high: float
    kappa: float
    """NaN where both always give one and the same label."""
    kappa_low: float
    kappa_high: float


def agreement(pairs: Sequence[tuple[str, str]]) -> Agreement | None:
    """Agreement over pairs of a person's label and the model's; ``None`` for too few.

    The share has Wilson's interval, kappa one over resampled utterances. Utterances of one
    session are not independent, so the truth may lie further out.
    """
    n = len(pairs)
    if n < MIN_LABELS:
        return None
    share = sum(own == other for own, other in pairs) / n
    centre = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
    low, high = _resampled(pairs)
    return Agreement(n, share, centre - half, centre + half, kappa(pairs), low, high)


def kappa(pairs: Sequence[tuple[str, str]]) -> float:
    """Cohen's kappa: 0 for what chance gives, 1 for always the same; NaN where undefined."""
    n = len(pairs)
    own, other = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    by_chance = sum(own[label] * other[label] for label in own) / n**2
    if by_chance >= 1.0:
        return math.nan
    return (sum(a == b for a, b in pairs) / n - by_chance) / (1 - by_chance)


def _resampled(pairs: Sequence[tuple[str, str]]) -> tuple[float, float]:
    """Percentiles of kappa over utterances drawn again."""
    import random

    rng = random.Random(_SEED)  # noqa: S311  a sample, not a secret
    drawn = [kappa(rng.choices(pairs, k=len(pairs))) for _ in range(_N_DRAWS)]
    found = sorted(value for value in drawn if not math.isnan(value))
    if not found:
        return math.nan, math.nan
    return found[int(0.025 * len(found))], found[min(len(found) - 1, int(0.975 * len(found)))]
