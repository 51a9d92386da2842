"""Simulate days of a voice, and measure how often its trend is right; docs/history.md has both.

    python scripts/simulate_trends.py [--series N] [--permutations N] [--write]

Day values come from an AR(1) process with deviation 1. A change is a step in the middle. What
is measured is the code that the trend uses: `ser_live.history.statistics`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ser_live.history import statistics

PAGE = Path(__file__).parents[1] / "docs" / "history.md"
BEGIN, END = "<!-- generated: simulation -->\n", "<!-- end -->"
SHIFT_SD = 1.5
_SEED = 56

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Measured:
    """Shares over the series of one kind."""

    n_days: int
    autocorrelation: float
    false: float
    """Series without a change in which one was marked."""
    found: float
    """Series with a step of `SHIFT_SD` in which one was marked."""
    inside: float
    """Spans, of those that were marked, that hold the day of the step."""
    span_days: float
    """Median length of such a span."""
    covered: float
    """Bands of a whole series that cover the true mean."""
    weeks_covered: float
    """Bands of single weeks that cover it."""


def series_of(n_days: int, autocorrelation: float, rng: np.random.Generator) -> Values:
    """Values of days, each of which hangs on the day before."""
    steps = rng.normal(size=n_days) * np.sqrt(1 - autocorrelation**2)
    values = np.empty(n_days)
    values[0] = rng.normal()
    for n in range(1, n_days):
        values[n] = autocorrelation * values[n - 1] + steps[n]
    return values


def measure(n_days: int, autocorrelation: float, n_series: int) -> Measured:
    """Simulate series of one kind."""
    rng = np.random.default_rng([_SEED, n_days, round(100 * autocorrelation)])
    days = np.arange(n_days, dtype=np.int64)
    middle = n_days // 2
    n_false = n_covered = n_weeks = n_weeks_covered = 0
    spans: list[tuple[int, int]] = []
    for _ in range(n_series):
        values = series_of(n_days, autocorrelation, rng)
        n_false += statistics.change_p(values) < statistics.MAX_P
        bands = bands_of(values, days)
        n_covered += bands[0].low <= 0 <= bands[0].high
        n_weeks += len(bands) - 1
        n_weeks_covered += sum(band.low <= 0 <= band.high for band in bands[1:])
        values[middle:] += SHIFT_SD
        p = statistics.change_p(values)
        if p < statistics.MAX_P:
            change = statistics.change_of(values, days, p)
            spans.append((change.first, change.last))
    return Measured(
        n_days,
        autocorrelation,
        n_false / n_series,
        len(spans) / n_series,
        sum(first <= middle <= last for first, last in spans) / max(1, len(spans)),
        float(np.median([last - first + 1 for first, last in spans])) if spans else np.nan,
        n_covered / n_series,
        n_weeks_covered / n_weeks,
    )


def bands_of(values: Values, days: NDArray[np.int64]) -> list[statistics.Band]:
    """The band of the whole, then those of its weeks, as the trend makes them."""
    rho = statistics.autocorrelation(values, days)
    whole = statistics.deviation([(values, days)], rho)
    weeks = [(values[n : n + 7], days[n : n + 7]) for n in range(0, len(values) - 6, 7)]
    around = statistics.autocorrelation_around_step(values, days)
    within = statistics.deviation(weeks, around)
    return [
        statistics.mean_band(values, days, rho, *whole),
        *(statistics.mean_band(week, when, around, *within) for week, when in weeks),
    ]


def smallest_found(n_days: int, n_series: int) -> float:
    """Size of a step, in steps of a quarter, that is marked in two of three series."""
    for size in np.arange(0.5, 4.1, 0.25):
        rng = np.random.default_rng([_SEED, n_days])
        n_found = 0
        for _ in range(n_series):
            values = series_of(n_days, 0.3, rng)
            values[n_days // 2 :] += size
            n_found += statistics.change_p(values) < statistics.MAX_P
        if n_found >= 2 / 3 * n_series:
            return float(size)
    return float("nan")


def table(rows: Iterable[Measured], smallest: Iterable[tuple[int, float]], n_series: int) -> str:
    """The measured shares for docs/history.md."""
    lines = [
        "| days, autocorrelation | marked without a change | step of 1.5 deviations marked | span "
        "holds its day | length of the span | band covers: whole, weeks |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {m.n_days}, {m.autocorrelation:g} | {m.false:.1%} | {m.found:.0%} | {m.inside:.0%} | "
        f"{m.span_days:.0f} days | {m.covered:.1%}, {m.weeks_covered:.1%} |"
        for m in rows
    ]
    lines += [
        "",
        f"{n_series} series a row, {statistics.N_PERMUTATIONS} shuffles each.",
        "",
        "| days | step marked in two of three series (autocorrelation 0.3) |",
        "| --- | --- |",
        *(f"| {n_days} | {size:g} deviations |" for n_days, size in smallest),
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--series", type=int, default=500)
    parser.add_argument("--permutations", type=int, default=500)
    parser.add_argument("--write", action="store_true", help="put the tables into docs/history.md")
    given = parser.parse_args()
    statistics.N_PERMUTATIONS = given.permutations
    rows = []
    for n_days in (56, 84):
        for autocorrelation in (0.0, 0.3, 0.5):
            rows.append(measure(n_days, autocorrelation, given.series))
            print(rows[-1], flush=True)
    n_fewer = max(40, given.series // 4)
    smallest = [(n_days, smallest_found(n_days, n_fewer)) for n_days in (28, 35, 42, 56, 84, 112)]
    text = table(rows, smallest, given.series)
    print(text)
    if given.write:
        page = PAGE.read_text(encoding="utf-8")
        before, mark, rest = page.partition(BEGIN)
        _, end, after = rest.partition(END)
        if not mark or not end:
            sys.exit(f"{PAGE} lacks the marks of the table: add them.")
        PAGE.write_text(before + BEGIN + text + end + after, encoding="utf-8")


if __name__ == "__main__":
    main()
