"""Tables of the history for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ser_live.history.trend import SeriesTrend, Trend

_CHART_CELLS = 21
"""Cells of a picture of an interval, from -1 to 1."""


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

    parts = [said(f"{sentences.voice_name(trend.speaker)}: {trend.first} to {trend.last}")]
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
    mondays = sorted({monday for weeks in measures.values() for monday in weeks})
    if not mondays:
        return "No day has enough speech to count.\n"
    header = ["week of", "days"]
    for name in measures:
        header += [name, "-1" + "0".center(_CHART_CELLS - 3) + "1", "beside the baseline"]
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
                _interval(week.band.mean, week.band.low, week.band.high),
                _difference(week.difference),
            ]
        days[monday] = row
    return columns_text([header, *days.values()], right=(1, 2, 5))


def _difference(interval: tuple[float, float] | None) -> str:
    if interval is None:
        return "baseline"
    low, high = interval
    if low != low:  # noqa: PLR0124  NaN
        return "?"
    sign = "higher" if low > 0 else "lower" if high < 0 else "as before"
    return f"{sign} {low:+.2f} to {high:+.2f}"


def _interval(mean: float, low: float, high: float) -> str:
    """A picture of a mean and its interval between -1 and 1."""

    def cell(value: float) -> int:
        return min(max(round((value + 1) / 2 * (_CHART_CELLS - 1)), 0), _CHART_CELLS - 1)

    line = [" "] * _CHART_CELLS
    line[_CHART_CELLS // 2] = "│"
    if low == low:  # noqa: PLR0124  not NaN
        for n in range(cell(low), cell(high) + 1):
            line[n] = "─"
    line[cell(mean)] = "●"
    return "".join(line)
