"""A session in bins of time, for charts that are too long for single utterances."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ser_live.pages.charts import Banded
from ser_live.report.session_data import Judged
from ser_live.report.shares import t_quantile

MAX_SINGLE = 2000
"""Utterances that are drawn one by one; more are drawn by bins."""
MAX_BINS = 480
_LENGTHS_S = (5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)
_MIN_FOR_BAND = 3


@dataclass(frozen=True, slots=True)
class Bin:
    """The part that a label had of one bin of time."""

    start_s: float
    fill: float
    """Share of the bin that was speech of it, 0 to 1."""
    confidence: float
    """Mean probability, weighted by speech time; NaN without any."""


def bin_length_s(length_s: float, n_most: int, *, least_s: float = _LENGTHS_S[0]) -> float:
    """Shortest round length of bins of which at most `n_most` cover a session."""
    return next(
        (s for s in _LENGTHS_S if s >= least_s and length_s / s <= n_most),
        math.ceil(length_s / n_most / 3600.0) * 3600.0,
    )


def lane_length_s(n: int, length_s: float) -> float | None:
    """Length of the bins that lanes are drawn by; ``None`` where each utterance is drawn."""
    return None if n <= MAX_SINGLE else bin_length_s(length_s, MAX_BINS, least_s=60.0)


def lane_bins(utterances: Sequence[Judged], bin_s: float) -> list[Bin]:
    """Bins of one lane; an utterance is where it starts."""
    speech_s: dict[int, float] = {}
    sure: dict[int, float] = {}
    for u in utterances:
        place = int(u.start_s // bin_s)
        speech_s[place] = speech_s.get(place, 0.0) + u.result.speech_s
        sure[place] = sure.get(place, 0.0) + u.result.speech_s * (u.result.confidence or 0.0)
    return [
        Bin(
            start_s=place * bin_s,
            fill=min(total / bin_s, 1.0),
            confidence=sure[place] / total if total > 0 else math.nan,
        )
        for place, total in sorted(speech_s.items())
    ]


def means(
    utterances: Sequence[Judged], value: Callable[[Judged], float | None], bin_s: float
) -> list[Banded]:
    """Mean of a value in each bin by speech time, with an interval from three utterances on.

    Bins without a value between the first and the last have none: the line breaks there.
    """
    found: dict[int, list[tuple[float, float]]] = {}
    for u in utterances:
        at = value(u)
        if at is not None and math.isfinite(at) and u.result.speech_s > 0:
            place = int((u.start_s + u.end_s) / 2 // bin_s)
            found.setdefault(place, []).append((u.result.speech_s, at))
    if not found:
        return []
    return [
        _mean((place + 0.5) * bin_s, found.get(place, []))
        for place in range(min(found), max(found) + 1)
    ]


def _mean(at_s: float, pairs: Sequence[tuple[float, float]]) -> Banded:
    if not pairs:
        return Banded(at_s, math.nan)
    weight = sum(w for w, _ in pairs)
    mean = sum(w * v for w, v in pairs) / weight
    n = len(pairs)
    if n < _MIN_FOR_BAND:
        return Banded(at_s, mean)
    # The error of a weighted mean of values that are taken as independent within so short a time.
    variance = sum((w / weight) ** 2 * (v - mean) ** 2 for w, v in pairs) * n / (n - 1)
    reach = t_quantile(n - 1) * math.sqrt(variance)
    return Banded(at_s, mean, mean - reach, mean + reach)
