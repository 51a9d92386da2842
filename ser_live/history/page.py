"""The page of a trend: one file, readable without scripts."""

from __future__ import annotations

import math
from datetime import timedelta

from ser_live.history import sentences
from ser_live.history.charts import measure_chart, rating_chart
from ser_live.history.days import MEASURES, DayValue
from ser_live.history.trend import MeasureTrend, SeriesTrend, Trend, WeekValue
from ser_live.pages.charts import interval_bar
from ser_live.pages.markup import name_of
from ser_live.pages.rendering import render

_MEANINGS = {
    "valence": "From unpleasant (-1) to pleasant (+1), as the voice sounds to the model.",
    "arousal": "From sleepy (-1) to excited (+1), as the voice sounds to the model.",
}
_RECENT = timedelta(days=28)
_N_NOTES = 200
"""Most notes on a page."""
_N_TAGS = 20
_MAX_NOTE = 500
"""Characters shown of a note."""

_WEEK_COLUMNS = (
    "week of", "days", "valence", "95 %", "minus baseline", "arousal", "95 %", "minus baseline",
)  # fmt: skip


def trend_page(trend: Trend) -> str:
    """The whole page as text."""
    names = [name_of(name) for name in sentences.setup_names(trend.series)]
    voice = name_of(sentences.voice_name(trend.speaker))
    has_days = bool(trend.series)
    labels = sorted({label for s in trend.series for day in s.counted for label in day.shares})
    return render(
        "history/trend.html",
        title=f"Trend of {voice}",
        subtitle=f"{trend.first} to {trend.last}" if has_days else "",
        labels=labels,
        styles=["history/trend.css"],
        trend=trend,
        summary=[
            (name, sentences.change_sentences(series))
            for name, series in zip(names, trend.series, strict=True)
        ],
        charts=[(name, measure_chart(trend, n, name)) for n, name in enumerate(MEASURES)]
        if has_days
        else [],
        has_change={
            name: any(s.measures[n].change is not None for s in trend.series)
            for n, name in enumerate(MEASURES)
        },
        meanings=_MEANINGS,
        agreement=sentences.agreement_sentences(trend),
        ratings=rating_chart(trend) if has_days and trend.rated else "",
        notes=_note_rows(trend),
        shares=_share_rows(trend, labels),
        week_columns=_WEEK_COLUMNS,
        weeks=[(n, _week_rows(s)) for n, s in zip(names, trend.series, strict=True)],
        days=[(n, _day_rows(s)) for n, s in zip(names, trend.series, strict=True)],
        n_days=sum(len(series.days) for series in trend.series),
        how=sentences.HOW_TO_READ,
        left_out=sentences.left_out_sentences(trend),
        disclaimer=sentences.DISCLAIMER,
    )


def _note_rows(trend: Trend) -> list[tuple[str, ...]]:
    return [
        (
            f"{note.at:%Y-%m-%d %H:%M}",
            "" if note.rating is None else str(note.rating),
            note.text[:_MAX_NOTE] + ("…" if len(note.text) > _MAX_NOTE else ""),
            ", ".join(map(name_of, note.tags[:_N_TAGS])),
        )
        for note in list(reversed(trend.notes))[:_N_NOTES]
    ]


def _share_rows(trend: Trend, labels: list[str]) -> list[tuple[object, ...]]:
    """Emotions by their mean probability, the largest first."""
    if trend.last is None:
        return []
    counted = [day for series in trend.series for day in series.counted]
    recent = [day for day in counted if day.day > trend.last - _RECENT]
    every = {label: _share(counted, label) for label in labels}
    most = max(every.values(), default=0.0)
    return [
        (
            label,
            f"{every[label]:.1%}",
            interval_bar(every[label], place=labels.index(label), most=most),
            f"{_share(recent, label):.1%}" if recent else "",
        )
        for label in sorted(labels, key=lambda label: -every[label])
    ]


def _share(days: list[DayValue], label: str) -> float:
    """Mean over days, so that a long day weighs no more than a short one."""
    found = [day.shares.get(label, 0.0) for day in days if day.shares]
    return sum(found) / len(found) if found else 0.0


def _week_rows(series: SeriesTrend) -> list[list[str]]:
    weeks = [{week.monday: week for week in m.weeks} for m in series.measures]
    rows = []
    for monday in sorted({monday for by_week in weeks for monday in by_week}):
        row = [str(monday), str(weeks[0][monday].band.n_days)]
        for by_week, measure in zip(weeks, series.measures, strict=True):
            row += _week_cells(by_week[monday], measure)
        rows.append(row)
    return rows


def _week_cells(week: WeekValue, measure: MeasureTrend) -> list[str]:
    band = week.band
    cells = [f"{band.mean:+.2f}", _interval(band.low, band.high)]
    if week.difference is not None:
        return [*cells, _interval(*week.difference)]
    return [*cells, "baseline" if measure.baseline is not None else ""]


def _interval(low: float, high: float) -> str:
    return f"{low:+.2f} to {high:+.2f}" if math.isfinite(low) else "unknown"


def _day_rows(series: SeriesTrend) -> list[tuple[str, ...]]:
    return [
        (
            str(day.day),
            "yes" if day.counts else "no",
            str(day.n_sessions),
            str(day.n_finals),
            f"{day.speech_s / 60:.1f} min",
            "" if day.valence is None else f"{day.valence:+.2f}",
            "" if day.arousal is None else f"{day.arousal:+.2f}",
        )
        for day in series.days
    ]
