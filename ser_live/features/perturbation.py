"""Jitter and shimmer: how much periods and amplitudes change from cycle to cycle.

Definitions and limits are Praat's: periods between 0.1 and 20 ms count, neighbours
that differ by more than a factor of 1.3 in length or 1.6 in amplitude do not.
Neighbours are taken inside a voiced segment only.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ser_live.arrays import Bool, Float64
from ser_live.config import SAMPLE_RATE_HZ
from ser_live.features.contour_statistics import mean
from ser_live.features.description import Description
from ser_live.features.period_marks import PeriodMarks

_SHORTEST_PERIOD: Final = 1e-4 * SAMPLE_RATE_HZ
_LONGEST_PERIOD: Final = 0.02 * SAMPLE_RATE_HZ
_PERIOD_FACTOR: Final = 1.3
_AMPLITUDE_FACTOR: Final = 1.6
_FEWEST: Final = 5  # differences, below which a mean says nothing

_PRAAT: Final = "Praat manual, Voice 2 (jitter) and 3 (shimmer); Boersma & Weenink"

DESCRIPTIONS: dict[str, Description] = {
    "jitter_local": Description(
        "1",
        "mean |T(i) - T(i-1)| / mean T over glottal periods T; NaN below 5 differences",
        _PRAAT,
    ),
    "jitter_rap": Description(
        "1", "mean |T(i) - mean of T(i-1...i+1)| / mean T; NaN below 5 differences", _PRAAT
    ),
    "jitter_ppq5": Description(
        "1", "mean |T(i) - mean of T(i-2...i+2)| / mean T; NaN below 5 differences", _PRAAT
    ),
    "shimmer_local": Description(
        "1",
        "mean |A(i) - A(i-1)| / mean A over amplitudes A of periods; NaN below 5 differences",
        _PRAAT,
    ),
    "shimmer_apq3": Description(
        "1", "mean |A(i) - mean of A(i-1...i+1)| / mean A; NaN below 5 differences", _PRAAT
    ),
    "shimmer_apq5": Description(
        "1", "mean |A(i) - mean of A(i-2...i+2)| / mean A; NaN below 5 differences", _PRAAT
    ),
    "shimmer_db": Description(
        "dB", "mean |20 log10(A(i) / A(i-1))|; NaN below 5 differences", _PRAAT
    ),
    "period_correlation": Description(
        "1",
        "mean correlation of each glottal period with the next; NaN below 5 periods",
        "own definition",
    ),
}


def perturbation(segments: list[PeriodMarks]) -> dict[str, float]:
    """Jitter and shimmer over all voiced segments; the keys are those of ``DESCRIPTIONS``."""
    gap = np.array([np.nan])
    empty = np.zeros(0)
    periods = np.concatenate([empty, *(part for s in segments for part in (s.periods, gap))])
    amplitudes = np.concatenate([empty, *(part for s in segments for part in (s.amplitudes, gap))])
    correlations = np.concatenate([empty, *(s.correlations for s in segments)])
    periods[~((periods >= _SHORTEST_PERIOD) & (periods <= _LONGEST_PERIOD))] = np.nan
    period_steps = _steps(periods, _PERIOD_FACTOR)
    amplitude_steps = _steps(amplitudes, _AMPLITUDE_FACTOR)
    decibels = 20.0 * np.log10(amplitudes[1:] / amplitudes[:-1])
    return {
        "jitter_local": _relative(np.diff(periods), period_steps, periods, 2),
        "jitter_rap": _relative(_from_mean(periods, 3), period_steps, periods, 3),
        "jitter_ppq5": _relative(_from_mean(periods, 5), period_steps, periods, 5),
        "shimmer_local": _relative(np.diff(amplitudes), amplitude_steps, amplitudes, 2),
        "shimmer_apq3": _relative(_from_mean(amplitudes, 3), amplitude_steps, amplitudes, 3),
        "shimmer_apq5": _relative(_from_mean(amplitudes, 5), amplitude_steps, amplitudes, 5),
        "shimmer_db": (
            mean(np.abs(decibels[amplitude_steps]))
            if np.count_nonzero(amplitude_steps) >= _FEWEST
            else np.nan
        ),
        "period_correlation": mean(correlations) if len(correlations) >= _FEWEST else np.nan,
    }


def _steps(values: Float64, factor: float) -> Bool:
    """Mask of neighbours that are defined, above zero and within a factor of each other."""
    smaller, larger = np.minimum(values[1:], values[:-1]), np.maximum(values[1:], values[:-1])
    return np.asarray((smaller > 0.0) & (larger <= factor * smaller))


def _from_mean(values: Float64, n: int) -> Float64:
    """Distance of each value from the mean of the ``n`` (odd) values around it."""
    if len(values) < n:
        return np.zeros(0)
    around = sum(values[i : len(values) - n + 1 + i] for i in range(n)) / n
    return np.asarray(values[n // 2 : len(values) - n // 2] - around)


def _relative(
    differences: Float64,
    steps: Bool,
    values: Float64,
    n: int,
) -> float:
    """Mean magnitude of the differences, whose ``n`` values all step well, over the mean value."""
    if len(steps) < n - 1:
        return np.nan
    good = steps[: len(steps) - n + 2].copy()
    for i in range(1, n - 1):
        good &= steps[i : len(steps) - n + 2 + i]
    if np.count_nonzero(good) < _FEWEST:
        return np.nan
    neighboured = np.zeros(len(values), dtype=np.bool_)
    neighboured[1:] |= steps
    neighboured[:-1] |= steps
    return mean(np.abs(differences[good])) / mean(values[neighboured])
