"""Charts of a trend: one a measure, every series on one line of time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta

from markupsafe import Markup

from ser_live.history.trend import MeasureTrend, SeriesTrend, Trend
from ser_live.pages.charts import (
    Banded,
    Scale,
    band_path,
    bar,
    chart,
    dot,
    layer,
    line_path,
    ticks,
    x_axis,
    y_axis,
)
from ser_live.pages.markup import element, number

_HEIGHT = 190.0
_AXIS = 20.0
_RATING_HEIGHT = 70.0
_MIDDLE_OF_WEEK = timedelta(days=3)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def measure_chart(trend: Trend, place: int, name: str) -> Markup:
    """Days as dots, weeks as a line with their band, baseline and change behind them."""
    assert trend.first is not None and trend.last is not None  # noqa: S101, PT018  it has days
    x = _time(trend.first, trend.last)
    measures = [series.measures[place] for series in trend.series]
    y = _values(trend.series, measures, name)
    behind: list[str] = []
    front: list[str] = []
    for series, measure in zip(trend.series, measures, strict=True):
        behind += _behind(measure, x, y)
        weeks = _weeks(measure)
        front.append(
            layer(band_path(weeks, x, y, _HEIGHT), line_path(weeks, x, y, _HEIGHT), height=_HEIGHT)
        )
        front += _dots(series, name, x, y)
    return chart(
        x_axis(x, _month_ticks(trend.first, trend.last), _HEIGHT),
        y_axis(y, [(value, f"{value:+.2g}" if value else "0") for value in ticks(y.low, y.high, 4)],
               _HEIGHT),
        *behind,
        *_breaks(trend, x),
        *front,
        height=_HEIGHT + _AXIS,
        title=f"{name.capitalize()} from {trend.first} to {trend.last}",
        description=_said(measures),
    )  # fmt: skip


def rating_chart(trend: Trend) -> Markup:
    """Ratings of one's own, by day."""
    assert trend.first is not None and trend.last is not None  # noqa: S101, PT018  it has days
    x, y = _time(trend.first, trend.last), Scale(0.5, 5.5)
    dots = [
        dot(
            x, y, Banded(rated.day.toordinal(), rated.rating), _RATING_HEIGHT,
            class_="dot", said=f"{rated.day}: {rated.rating:g} of 5",
        )
        for rated in trend.rated
    ]  # fmt: skip
    return chart(
        x_axis(x, _month_ticks(trend.first, trend.last), _RATING_HEIGHT),
        y_axis(y, [(1.0, "1"), (3.0, "3"), (5.0, "5")], _RATING_HEIGHT),
        *dots,
        height=_RATING_HEIGHT + _AXIS,
        title="Ratings of your own by day, from 1 to 5",
        description=f"{len(trend.rated)} days are rated.",
    )


def _time(first: date, last: date) -> Scale:
    return Scale(first.toordinal() - 0.5, max(last.toordinal(), first.toordinal() + 6) + 0.5)


def _values(series: Sequence[SeriesTrend], measures: Sequence[MeasureTrend], name: str) -> Scale:
    """A scale around 0 that holds every day and band, and is not finer than a tenth."""
    found = [0.1]
    for one in series:
        found += [abs(v) for day in one.days if (v := getattr(day, name)) is not None]
    for measure in measures:
        bands = [week.band for week in measure.weeks]
        bands += [measure.baseline] if measure.baseline is not None else []
        found += [abs(v) for b in bands for v in (b.low, b.high) if math.isfinite(v)]
    largest = min(1.0, math.ceil(max(found) * 10 + 0.3) / 10)
    return Scale(-largest, largest)


def _weeks(measure: MeasureTrend) -> list[Banded]:
    """Weeks in their order, with a break where one is missing."""
    points: list[Banded] = []
    before = None
    for week in measure.weeks:
        at = (week.monday + _MIDDLE_OF_WEEK).toordinal()
        if before is not None and week.monday - before > timedelta(days=7):
            points.append(Banded(at - 3.5, math.nan))
        points.append(Banded(at, week.band.mean, week.band.low, week.band.high))
        before = week.monday
    return points


def _behind(measure: MeasureTrend, x: Scale, y: Scale) -> list[Markup]:
    """The baseline as a bar over its own days and a line onward, and the span of a change."""
    parts = []
    if measure.baseline is not None and measure.baseline_days is not None and measure.weeks:
        first, last = measure.baseline_days
        level = _HEIGHT * (1 - y.share(measure.baseline.mean))
        begin = x.percent(max(x.low, first.toordinal() - 0.5))
        end = x.percent((measure.weeks[-1].monday + timedelta(days=6)).toordinal() + 0.5)
        parts.append(
            element(
                "line",
                element("title", f"baseline, {first} to {last}: {measure.baseline.mean:+.2f}"),
                x1=f"{number(begin)}%", x2=f"{number(end)}%", y1=level, y2=level,
                class_="baseline",
            )
        )  # fmt: skip
    if measure.change is not None and measure.change_days is not None:
        first, last = measure.change_days
        parts.append(
            bar(
                x, first.toordinal() - 0.5, last.toordinal() + 0.5,
                top=0.0, height=_HEIGHT, class_="gap change",
                said=f"a change lies between {first} and {last}",
            )
        )  # fmt: skip
    return parts


def _dots(series: SeriesTrend, name: str, x: Scale, y: Scale) -> list[Markup]:
    parts = []
    for day in series.days:
        value = getattr(day, name)
        if value is None:
            continue
        class_ = "day" if day.counts else "day hollow"
        said = f"{day.day}: {value:+.2f}, {day.speech_s / 60:.1f} min of speech"
        said += "" if day.counts else ", too little to count"
        point = Banded(day.day.toordinal(), value)
        parts.append(dot(x, y, point, _HEIGHT, class_=class_, said=said))
    return parts


def _breaks(trend: Trend, x: Scale) -> list[Markup]:
    """A line where another microphone, model or settings begin."""
    parts = []
    for number_, series in enumerate(trend.series[1:], start=2):
        place = f"{number(x.percent(series.days[0].day.toordinal() - 0.5))}%"
        parts.append(element("line", x1=place, x2=place, y1=0, y2=_HEIGHT, class_="mark"))
        parts.append(element("text", f" {number_}", x=place, y=12.0, dx=4, class_="tick"))
    return parts


def _month_ticks(first: date, last: date) -> list[tuple[float, str]]:
    """Beginnings of months, or of weeks where the window is short; not more than have room."""
    if (last - first).days < 70:
        monday = first + timedelta(days=-first.weekday() % 7)
        days = [monday + timedelta(days=7 * n) for n in range(((last - monday).days // 7) + 1)]
        step = max(1, -(-len(days) // 6))
        return [
            (day.toordinal() - 0.5, f"{day.day} {_MONTHS[day.month - 1]}") for day in days[::step]
        ]
    n_months = (last.year - first.year) * 12 + last.month - first.month
    step = next(s for s in (1, 2, 3, 6, 12, 60, 600) if n_months / s <= 6)
    marks = []
    for n in range(1, n_months + 1):
        year, month = divmod(first.month - 1 + n, 12)
        if month % step == 0 or step > 12:
            day = date(first.year + year, month + 1, 1)
            is_year = month == 0
            name = str(day.year) if is_year else _MONTHS[month]
            marks.append((day.toordinal() - 0.5, name))
    return marks


def _said(measures: Sequence[MeasureTrend]) -> str:
    n_weeks = sum(len(measure.weeks) for measure in measures)
    changes = [m.change_days for m in measures if m.change_days is not None]
    spans = "; ".join(f"a change between {first} and {last}" for first, last in changes)
    return f"{n_weeks} weeks; {spans or 'no change marked'}. The numbers stand in the table below."
