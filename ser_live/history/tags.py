"""Days with a tag beside days without: how the voice sounded, and how the person felt.

Both kinds of days are of one voice under one setup. Each tag has its own comparison for each
measure; a difference is told as such only where it holds for all of them together.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from ser_live.events import Record
from ser_live.history import statistics
from ser_live.history.days import MEASURES, DayValue, Setup, VoiceDays
from ser_live.history.notes import Note
from ser_live.holm import holm

RATING = "rating"
"""Measure of the person's own ratings."""
MIN_DAYS = 5
"""Fewest days with a tag, and without it, that are compared."""
MAX_P = 0.05
"""Largest p, after `holm`, of a difference that is told as one."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One measure on days with a tag and on the others."""

    measure: str
    n_with: int
    n_without: int
    with_tag: float
    """Mean over days; NaN for none."""
    without: float
    low: float
    """Of the difference, with less without; NaN for too few days."""
    high: float
    p: float
    """Probability of such a difference without any, after `holm`; NaN for too few days."""

    @property
    def difference(self) -> float:
        """With less without."""
        return self.with_tag - self.without

    @property
    def is_too_few(self) -> bool:
        """Whether there are too few days with the tag, or without it."""
        return min(self.n_with, self.n_without) < MIN_DAYS

    @property
    def is_there(self) -> bool:
        """Whether the difference holds beside all others that were looked at."""
        return self.p < MAX_P


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag with its comparisons."""

    name: str
    n_days: int
    """Days with a note of it, heard or not."""
    comparisons: tuple[Comparison, ...]


@dataclass(frozen=True, slots=True)
class Tags:
    """All tags of a voice, most days first."""

    setup: Setup | None
    """Setup whose days are compared: that with most days that count; None where none does."""
    n_days: int
    """Days of it that count."""
    n_other_days: int
    """Days of other setups that count, which do not compare with these."""
    tags: tuple[Tag, ...]

    @property
    def n_tests(self) -> int:
        """Comparisons with enough days."""
        return sum(not math.isnan(c.p) for tag in self.tags for c in tag.comparisons)


def compare_tags(found: VoiceDays, notes: Sequence[Note], *, only: Collection[str] = ()) -> Tags:
    """Compare the days of each tag with the others.

    Parameters
    ----------
    found : VoiceDays
        Days of a voice.
    notes : sequence of Note
        Notes with tags and ratings.
    only : collection of str
        Tags to compare; all by default.
    """
    counted = {setup: [d for d in days if d.counts] for setup, days in found.series.items()}
    setup = max(counted, key=lambda s: len(counted[s]), default=None)
    days = [] if setup is None else counted[setup]
    setup = setup if days else None
    tagged: dict[str, set[date]] = defaultdict(set)
    ratings: dict[date, list[int]] = defaultdict(list)
    for note in notes:
        for tag in note.tags:
            if not only or tag in only:
                tagged[tag].add(note.at.date())
        if note.rating is not None:
            ratings[note.at.date()].append(note.rating)
    series = {name: _values(days, name) for name in MEASURES}
    series[RATING] = {day: sum(all_) / len(all_) for day, all_ in sorted(ratings.items())}
    names = sorted(tagged, key=lambda name: (-len(tagged[name]), name))
    memory = {measure: _rho(values) for measure, values in series.items()}
    raw = [
        (name, _compared(measure, values, tagged[name], memory[measure]))
        for name in names
        for measure, values in series.items()
    ]
    together = holm([comparison.p for _, comparison in raw])
    by_tag: dict[str, list[Comparison]] = defaultdict(list)
    for (name, c), p in zip(raw, together, strict=True):
        by_tag[name].append(replace(c, p=p))
    return Tags(
        setup=setup,
        n_days=len(days),
        n_other_days=sum(map(len, counted.values())) - len(days),
        tags=tuple(Tag(name, len(tagged[name]), tuple(by_tag[name])) for name in names),
    )


def _values(days: Iterable[DayValue], name: str) -> dict[date, float]:
    return {day.day: float(getattr(day, name)) for day in days}


def _arrays(values: dict[date, float]) -> tuple[statistics.Values, statistics.Days]:
    return (
        np.array(list(values.values()), dtype=np.float64),
        np.array([day.toordinal() for day in values], dtype=np.int64),
    )


def _rho(values: dict[date, float]) -> float:
    return statistics.autocorrelation_around_step(*_arrays(values)) if values else 0.0


def _compared(measure: str, values: dict[date, float], tagged: set[date], rho: float) -> Comparison:
    """One comparison, its p not yet made to hold beside others."""
    sides = [
        {day: value for day, value in values.items() if (day in tagged) == is_tagged}
        for is_tagged in (True, False)
    ]
    n_with, n_without = map(len, sides)
    mean_with, mean_without = (sum(s.values()) / len(s) if s else math.nan for s in sides)

    def told(low: float, high: float, p: float) -> Comparison:
        return Comparison(measure, n_with, n_without, mean_with, mean_without, low, high, p)

    undefined = told(math.nan, math.nan, math.nan)
    if min(n_with, n_without) < MIN_DAYS:
        return undefined
    groups = [_arrays(side) for side in sides]
    sd, freedom = statistics.deviation(groups, rho)
    if math.isnan(sd) or sd <= 1e-12:
        return undefined
    bands = [statistics.mean_band(*group, rho, sd, freedom) for group in groups]
    low, high = statistics.difference_band(bands[0], bands[1], sd, freedom)
    p = statistics.difference_p(bands[0], bands[1], sd, freedom)
    return told(low, high, p)


def as_record(found: Tags) -> Record:
    """The comparison as JSON values by name."""
    setup = found.setup
    return {
        "source": None if setup is None else setup.source,
        "model": None if setup is None else setup.model,
        "n_days": found.n_days,
        "n_days_of_other_setups": found.n_other_days,
        "n_compared": found.n_tests,
        "tags": [
            {
                "tag": tag.name,
                "n_days": tag.n_days,
                "measures": [comparison_record(c) for c in tag.comparisons],
            }
            for tag in found.tags
        ],
    }


def comparison_record(found: Comparison) -> Record:
    """One comparison as JSON values by name; None where undefined."""
    return {
        "measure": found.measure,
        "n_days_with": found.n_with,
        "n_days_without": found.n_without,
        "with": _number(found.with_tag),
        "without": _number(found.without),
        "difference": _number(found.difference),
        "low": _number(found.low),
        "high": _number(found.high),
        "p": _number(found.p),
    }


def _number(value: float) -> float | None:
    return round(value, 4) if math.isfinite(value) else None
