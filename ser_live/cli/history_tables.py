"""Tables of the history for people."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ser_live.history.statistics import Band
    from ser_live.history.trend import SeriesTrend, Trend

_CHART_CELLS = 21
"""Cells of a picture of an interval."""


def columns_text(rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> str:
    """Rows in columns as wide as they need, cut where the terminal is narrow."""
    from rich.cells import cell_len

    from ser_live.cli.rows import screen_cells
    from ser_live.terminal.text import fit, pad, printable

    safe = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*safe, strict=True)]
    width = screen_cells()
    lines = [
        "  ".join(
            pad(cell, cells, right=n in right)
            for n, (cell, cells) in enumerate(zip(row, widths, strict=True))
        )
        for row in safe
    ]
    return "".join(f"{fit(line.rstrip(), width)}\n" for line in lines)


def trend_text(trend: Trend) -> str:
    """A trend as tables and sentences."""
    from ser_live.cli.rows import screen_cells
    from ser_live.history import sentences
    from ser_live.terminal.text import fold, printable

    width = min(screen_cells(), 100)

    def said(*texts: str) -> str:
        lines = [line for text in texts for line in fold(printable(text), width, indent=2)]
        return "".join(f"{line}\n" for line in lines)

    when = "no session yet" if trend.first is None else f"{trend.first} to {trend.last}"
    parts = [said(f"{sentences.voice_name(trend.speaker)}: {when}")]
    for series, name in zip(trend.series, sentences.setup_names(trend.series), strict=True):
        parts += ["\n", said(name), _weeks_text(series)]
        parts.append(said(*sentences.change_sentences(series)))
    parts += ["\n", said(*sentences.agreement_sentences(trend))]
    left_out = sentences.left_out_sentences(trend)
    if left_out:
        parts += ["\n", said(*left_out)]
    parts += ["\n", said(*sentences.HOW_TO_READ, sentences.DISCLAIMER)]
    return "".join(parts)


def _weeks_text(series: SeriesTrend) -> str:
    """Weeks of a series: each measure with its band, drawn and in numbers."""
    days: dict[str, list[str]] = {}
    measures = {m.name: {str(week.monday): week for week in m.weeks} for m in series.measures}
    has_baseline = any(m.baseline is not None for m in series.measures)
    mondays = sorted({monday for weeks in measures.values() for monday in weeks})
    if not mondays:
        return "No day has enough speech to count.\n"
    header = ["week of", "days"]
    limit = _limit(series)
    for name in measures:
        middle = "0".center(_CHART_CELLS - 8)
        header += [name, f"{-limit:+.1f}{middle}{limit:+.1f}", "beside the baseline"]
    for monday in mondays:
        row = [monday, ""]
        for weeks in measures.values():
            week = weeks.get(monday)
            if week is None:
                row += ["", "", ""]
                continue
            row[1] = str(week.band.n_days)
            row += [
                f"{week.band.mean:+.2f}",
                _interval(week.band, limit),
                _difference(week.difference) if has_baseline else "none yet",
            ]
        days[monday] = row
    return columns_text([header, *days.values()], right=(1, 2, 5))


def _difference(interval: tuple[float, float] | None) -> str:
    if interval is None:
        return "baseline"
    low, high = interval
    if math.isnan(low):
        return "?"
    sign = "higher" if low > 0 else "lower" if high < 0 else "as before"
    return f"{sign} {low:+.2f} to {high:+.2f}"


def _limit(series: SeriesTrend) -> float:
    """End of a scale around 0 that holds every band; not finer than two tenths."""
    bands = [week.band for measure in series.measures for week in measure.weeks]
    found = [abs(v) for b in bands for v in (b.mean, b.low, b.high) if math.isfinite(v)]
    return min(1.0, math.ceil(max([0.2, *found]) * 10) / 10)


def _interval(band: Band, limit: float) -> str:
    """A picture of a mean and its interval between two limits around 0."""

    def cell(value: float) -> int:
        place = round((value / limit + 1) / 2 * (_CHART_CELLS - 1))
        return min(max(place, 0), _CHART_CELLS - 1)

    line = [" "] * _CHART_CELLS
    line[_CHART_CELLS // 2] = "│"
    if math.isfinite(band.low):
        for n in range(cell(band.low), cell(band.high) + 1):
            line[n] = "─"
    line[cell(band.mean)] = "●"
    return "".join(line)
