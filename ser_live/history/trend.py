"""A trend: days and weeks of a voice beside its own earlier ones, and what may be said of them."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np

from ser_live.events import Record
from ser_live.history import statistics
from ser_live.history.days import HIGHEST, LOWEST, MEASURES, DayValue, Setup, VoiceDays
from ser_live.history.notes import Note
from ser_live.history.statistics import Band, Change, Correlation, Values
from ser_live.holm import holm

BASELINE_DAYS = 14
"""Counted days at the beginning of a series that later weeks are compared with."""
EARLIER_DAYS = 28
"""Calendar days before the window that its weeks are compared with, where there are such."""
MIN_BASELINE_DAYS = 5
"""Fewest counted days of anything that weeks are compared with."""


@dataclass(frozen=True, slots=True)
class WeekValue:
    """A measure in one calendar week, beside the baseline."""

    monday: date
    band: Band
    difference: tuple[float, float] | None
    """Interval for the week minus the baseline; ``None`` for weeks of the baseline itself."""


@dataclass(frozen=True, slots=True)
class MeasureTrend:
    """One measure of a series."""

    name: str
    weeks: list[WeekValue]
    baseline: Band | None
    baseline_days: tuple[date, date] | None
    """First and last day of the baseline."""
    change: Change | None
    change_days: tuple[date, date] | None
    """Span of days in which the change lies."""
    p: float
    """Probability of such a difference without a change, after `holm`; NaN for too few days."""
    autocorrelation: float


@dataclass(frozen=True, slots=True)
class SeriesTrend:
    """Days under one setup."""

    setup: Setup
    days: list[DayValue]
    measures: list[MeasureTrend]

    @property
    def counted(self) -> list[DayValue]:
        """The days that count."""
        return [day for day in self.days if day.counts]


@dataclass(frozen=True, slots=True)
class RatedDay:
    """A day with ratings of one's own."""

    day: date
    rating: float
    """Mean of the day's ratings."""


@dataclass(slots=True)
class Trend:
    """All that a trend page or table shows."""

    speaker: str | None
    first: date | None
    last: date | None
    """The window; ``None`` where there are no days."""
    series: list[SeriesTrend] = field(default_factory=list)
    rated: list[RatedDay] = field(default_factory=list)
    agreement: dict[str, Correlation | None] = field(default_factory=dict)
    """Rank correlation of ratings and each measure on the same days."""
    n_rated_with_voice: int = 0
    """Rated days of the longest series that count."""
    notes: list[Note] = field(default_factory=list)
    left_out: VoiceDays = field(default_factory=VoiceDays)

    @property
    def n_tests(self) -> int:
        """Measures that were looked through for a change."""
        return sum(not math.isnan(m.p) for series in self.series for m in series.measures)


def make_trend(
    found: VoiceDays,
    speaker: str | None,
    notes: Sequence[Note],
    *,
    n_weeks: int | None = None,
    today: date | None = None,
) -> Trend:
    """Make the trend of a voice.

    Parameters
    ----------
    found : VoiceDays
        Its days, all of them: what lies before the window may be what it is compared with.
    speaker : str or None
        Its name.
    notes : sequence of Note
        Notes, of any time.
    n_weeks : int, optional
        Length of the window that ends with `today`; everything by default.
    today : date, optional
        Last day of the window; the last day with a session by default.
    """
    every = [day.day for days in found.series.values() for day in days]
    if not every:
        return Trend(speaker, None, None, notes=list(notes), left_out=found)
    last = max(every) if today is None else today
    first = min(every) if n_weeks is None else last - timedelta(days=7 * n_weeks - 1)
    trend = Trend(speaker, first, last, left_out=found)
    for setup, days in found.series.items():
        window = [day for day in days if first <= day.day <= last]
        if window:
            earlier = [day for day in days if day.day < first]
            measures = [_measure(name, window, earlier) for name in MEASURES]
            trend.series.append(SeriesTrend(setup, window, measures))
    _judge_changes(trend)
    trend.notes = [note for note in notes if first <= note.at.date() <= last]
    _add_ratings(trend)
    return trend


def _values(days: Sequence[DayValue], name: str) -> tuple[Values, statistics.Days]:
    values = np.array([getattr(day, name) for day in days], dtype=np.float64)
    return values, np.array([day.day.toordinal() for day in days], dtype=np.int64)


def _measure(name: str, window: list[DayValue], earlier: list[DayValue]) -> MeasureTrend:
    """Weeks beside their baseline; changes are judged when all measures are known."""
    counted = [day for day in window if day.counts]
    if not counted:
        return MeasureTrend(name, [], None, None, None, None, math.nan, 0.0)
    before, is_inside = _baseline(counted, [day for day in earlier if day.counts])
    weeks: dict[date, list[DayValue]] = defaultdict(list)
    for day in counted:
        weeks[day.day - timedelta(days=day.day.weekday())].append(day)
    own, when = _values(counted, name)
    p = statistics.change_p(own)
    rho = statistics.autocorrelation_around_step(own, when)
    groups = [_values(days, name) for days in weeks.values()]
    sd, freedom = statistics.deviation(groups, rho)
    baseline = None
    if before:
        baseline = statistics.mean_band(*_values(before, name), rho, sd, freedom)
    values = []
    for (monday, days), group in zip(weeks.items(), groups, strict=True):
        band = statistics.mean_band(*group, rho, sd, freedom)
        difference = None
        if baseline is not None and not (is_inside and days[0].day <= before[-1].day):
            difference = statistics.difference_band(band, baseline, sd, freedom)
            difference = statistics.within(difference, 2 * LOWEST, 2 * HIGHEST)
        values.append(WeekValue(monday, band.within(LOWEST, HIGHEST), difference))
    if baseline is not None:
        baseline = baseline.within(LOWEST, HIGHEST)
    span = (before[0].day, before[-1].day) if before else None
    return MeasureTrend(name, values, baseline, span, None, None, p, rho)


def _baseline(counted: list[DayValue], earlier: list[DayValue]) -> tuple[list[DayValue], bool]:
    """Days that weeks are compared with, and whether they lie in the window."""
    begin = counted[0].day - timedelta(days=EARLIER_DAYS)
    before = [day for day in earlier if day.day >= begin]
    if len(before) >= MIN_BASELINE_DAYS:
        return before, False
    own = counted[:BASELINE_DAYS]
    return (own, True) if len(own) >= MIN_BASELINE_DAYS else ([], True)


def _judge_changes(trend: Trend) -> None:
    """Mark the changes that hold for all the measures that were looked through."""
    flat = [(s, n) for s in trend.series for n in range(len(s.measures))]
    together = holm([s.measures[n].p for s, n in flat])
    for (series, n), p in zip(flat, together, strict=True):
        old = series.measures[n]
        change = span = None
        if p < statistics.MAX_P:
            values, when = _values(series.counted, old.name)
            change = statistics.change_of(values, when, p)
            days = series.counted
            span = (days[change.first].day, days[change.last].day)
        series.measures[n] = MeasureTrend(
            old.name, old.weeks, old.baseline, old.baseline_days, change, span, p,
            old.autocorrelation,
        )  # fmt: skip


def _add_ratings(trend: Trend) -> None:
    """Put ratings beside the days of the longest series: values of two setups do not compare."""
    by_day: dict[date, list[int]] = defaultdict(list)
    for note in trend.notes:
        if note.rating is not None:
            by_day[note.at.date()].append(note.rating)
    trend.rated = [RatedDay(day, sum(r) / len(r)) for day, r in sorted(by_day.items())]
    longest = max(trend.series, key=lambda series: len(series.counted), default=None)
    if longest is None:
        return
    ratings = {rated.day: rated.rating for rated in trend.rated}
    both = [day for day in longest.counted if day.day in ratings]
    trend.n_rated_with_voice = len(both)
    own = np.array([ratings[day.day] for day in both], dtype=np.float64)
    for name in MEASURES:
        values, when = _values(both, name)
        trend.agreement[name] = statistics.rank_correlation(own, values, when)


def as_record(trend: Trend) -> Record:
    """The trend as JSON values by name."""
    return {
        "speaker": trend.speaker,
        "first_day": None if trend.first is None else trend.first.isoformat(),
        "last_day": None if trend.last is None else trend.last.isoformat(),
        "n_measures_tested": trend.n_tests,
        "series": [
            {
                "source": series.setup.source,
                "sample_rate": series.setup.sample_rate,
                "model": series.setup.model,
                "model_sha256": series.setup.model_sha256,
                "settings_sha256": series.setup.settings_sha256,
                "days": [day.as_record() for day in series.days],
                "measures": [_measure_record(measure) for measure in series.measures],
            }
            for series in trend.series
        ],
        "ratings": [{"day": r.day.isoformat(), "rating": r.rating} for r in trend.rated],
        "agreement": {
            name: None
            if found is None
            else {**_numbers(rho=found.rho, low=found.low, high=found.high), "n_days": found.n}
            for name, found in trend.agreement.items()
        },
        "left_out": {
            "n_recordings": trend.left_out.n_recordings,
            "n_roles": trend.left_out.n_roles,
            "n_undated": trend.left_out.n_undated,
            "n_unreadable": trend.left_out.n_unreadable,
            "n_bad_lines": trend.left_out.n_bad_lines,
        },
    }


def _measure_record(measure: MeasureTrend) -> Record:
    change = None
    if measure.change is not None and measure.change_days is not None:
        first, last = measure.change_days
        change = {
            "first_day": first.isoformat(),
            "last_day": last.isoformat(),
            **_numbers(
                size=measure.change.size,
                low=measure.change.low,
                high=measure.change.high,
                p=measure.change.p,
            ),
        }
    return {
        "name": measure.name,
        **_numbers(autocorrelation=measure.autocorrelation, p=measure.p),
        "baseline": None if measure.baseline is None else _band_record(measure.baseline),
        "weeks": [
            {
                "monday": week.monday.isoformat(),
                **_band_record(week.band),
                "difference_low": _number(week.difference[0] if week.difference else math.nan),
                "difference_high": _number(week.difference[1] if week.difference else math.nan),
            }
            for week in measure.weeks
        ],
        "change": change,
    }


def _band_record(band: Band) -> Record:
    return {
        **_numbers(mean=band.mean, low=band.low, high=band.high, n_effective_days=band.n_effective),
        "n_days": band.n_days,
    }


def _numbers(**values: float) -> Record:
    return {name: _number(value) for name, value in values.items()}


def _number(value: float) -> float | None:
    return round(value, 4) if math.isfinite(value) else None
