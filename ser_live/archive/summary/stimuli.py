"""Valence and arousal while people watch or hear something, second by second.

People use a scale differently, so each value is taken against that person's own mean and spread
over all they said in the archive. The band holds for the whole curve at once: what leaves zero
within it is marked, and nothing else.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ser_live.archive.summary.results import MEASURES, TIMES, Results, Rows, rows_of
from ser_live.archive.summary.statistics import FEWEST_PEOPLE
from ser_live.arrays import Bool, Float64
from ser_live.errors import UsageError
from ser_live.events import Record

_FIELDS = ("file", "person", "ad", "start_s", "end_s")
_N_DRAWS = 2_000
_MOST_S = 3_600

CURVE_FIELDS = ("ad", "measure", "second", "n", "mean", "low", "high", "leaves_zero")
"""Columns of the curves as CSV."""


@dataclass(frozen=True)
class Shown:
    """One stimulus that one person met in one recording."""

    file: str
    person: str
    ad: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Curve:
    """Mean over people for each second of a stimulus; NaN where fewer than eight spoke."""

    ad: str
    measure: str
    n: Float64
    """People who spoke in each second, shape (n_seconds,)."""
    mean: Float64
    low: Float64
    high: Float64
    n_people: int

    @property
    def leaves_zero(self) -> Bool:
        """Seconds in which the band of the whole curve lies off zero, shape (n_seconds,)."""
        return np.asarray((self.low > 0) | (self.high < 0))

    @property
    def spans(self) -> list[tuple[int, int]]:
        """First and last second of each stretch that leaves zero to one side."""
        side = np.where(self.leaves_zero, np.sign(self.mean), 0.0)
        begins = np.flatnonzero(np.diff(side, prepend=0.0))
        ends = [*begins[1:], len(side)]
        return [(int(a), int(b) - 1) for a, b in zip(begins, ends, strict=True) if side[a]]


def read_stimuli(path: Path) -> list[Shown]:
    """Read a table of who met what, when.

    Raises
    ------
    UsageError
        It cannot be read, or lacks a column or a number.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream))
        return [_shown(row) for row in rows]
    except (OSError, KeyError, TypeError, ValueError, csv.Error) as error:
        cause = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
        raise UsageError(
            f"{path} cannot be read as stimuli ({cause}), but a CSV with the columns "
            f"{', '.join(_FIELDS)} is needed, times in seconds of the recording: check it."
        ) from error


def _shown(row: Mapping[str, str]) -> Shown:
    start_s, end_s = float(row["start_s"]), float(row["end_s"])
    if not 0 <= start_s < end_s <= start_s + _MOST_S:
        raise ValueError(f"{start_s} to {end_s} s is no span of at most an hour")
    return Shown(row["file"], row["person"], row["ad"], start_s, end_s)


def curves(results: Results, shown: Sequence[Shown], seed: int = 0) -> list[Curve]:
    """Curves of each stimulus and measure; only rows of the recordings named there are held.

    Raises
    ------
    UsageError
        None of the recordings is in the archive.
    """
    rows = rows_of(results, (one.file for one in shown), TIMES)
    of_file: dict[str, list[int]] = {}
    for row, file in enumerate(rows.files):
        of_file.setdefault(file, []).append(row)
    if not any(one.file in of_file for one in shown):
        raise UsageError(
            "The table of stimuli names no recording of the results, but its column file has "
            f"their paths (such as {_example(results)}): check it."
        )
    people: dict[str, set[str]] = {}
    for one in shown:
        people.setdefault(one.person, set()).add(one.file)
    found: list[Curve] = []
    for ad in dict.fromkeys(one.ad for one in shown):
        own = [one for one in shown if one.ad == ad and one.file in of_file]
        found.extend(_curve(rows, of_file, people, own, ad, measure, seed) for measure in MEASURES)
    return found


def _example(results: Results) -> str:
    return next((rows.files[0] for rows in results.chunks() if rows.files), "talk.wav")


def _curve(
    rows: Rows,
    of_file: Mapping[str, list[int]],
    people: Mapping[str, set[str]],
    shown: Sequence[Shown],
    ad: str,
    measure: str,
    seed: int,
) -> Curve:
    n_seconds = max((int(np.ceil(one.end_s - one.start_s)) for one in shown), default=0)
    lines: dict[str, list[Float64]] = {}
    for one in shown:
        every = [row for file in people[one.person] for row in of_file.get(file, ())]
        values = rows.values[measure][every]
        spread = np.nanstd(values) if np.isfinite(values).sum() > 1 else 0.0
        if spread > 0:  # else there is nothing of their own to compare with
            line = _line(rows, of_file[one.file], one, measure, n_seconds)
            lines.setdefault(one.person, []).append((line - np.nanmean(values)) / spread)
    each = np.array([_mean(np.array(own)) for own in lines.values()]).reshape(-1, n_seconds)
    return _banded(ad, measure, each, seed)


def _line(rows: Rows, own: Sequence[int], one: Shown, measure: str, n_seconds: int) -> Float64:
    """Value of the utterance that is heard in each second; NaN where none is."""
    line = np.full(n_seconds, np.nan)
    starts, ends = _times(rows, "start_s"), _times(rows, "end_s")
    for row in own:
        first = int(np.floor(max(starts[row] - one.start_s, 0)))
        last = int(np.ceil(min(ends[row], one.end_s) - one.start_s))
        if last > first and starts[row] < one.end_s:
            line[first:last] = rows.values[measure][row]
    return line


def _times(rows: Rows, name: str) -> Sequence[Any]:
    return rows.columns[name]


def _mean(lines: Float64) -> Float64:
    """Mean over rows that leaves NaN out, NaN where there is nothing."""
    known = np.isfinite(lines)
    n = known.sum(axis=0)
    total = np.where(known, lines, 0.0).sum(axis=0)
    mean: Float64 = np.full(lines.shape[1], np.nan)
    np.divide(total, n, out=mean, where=n > 0)
    return mean


def _banded(ad: str, measure: str, each: Float64, seed: int) -> Curve:
    """Mean of people's curves with a band that holds for all seconds together.

    The largest standardised deviation of curves of people drawn anew says how wide it must be.
    """
    n = np.isfinite(each).sum(axis=0).astype(np.float64)
    mean = _mean(each)
    enough = n >= FEWEST_PEOPLE
    mean = np.where(enough, mean, np.nan)
    low, high = np.full_like(mean, np.nan), np.full_like(mean, np.nan)
    if enough.any():
        used = each[:, enough]
        error = np.nanstd(used, axis=0, ddof=1) / np.sqrt(n[enough])
        rng = np.random.default_rng(seed)
        largest = np.empty(_N_DRAWS)
        for draw in range(_N_DRAWS):
            again = used[rng.integers(0, len(used), len(used))]
            n_again = np.isfinite(again).sum(axis=0)
            spread = np.nanstd(again, axis=0, ddof=1, where=np.isfinite(again))
            own_error = spread / np.sqrt(np.maximum(n_again, 1))
            with np.errstate(divide="ignore", invalid="ignore"):
                deviation = np.abs(_mean(again) - mean[enough]) / own_error
            known = deviation[np.isfinite(deviation) & (n_again >= FEWEST_PEOPLE // 2)]
            largest[draw] = known.max() if len(known) else 0.0
        width = float(np.quantile(largest, 0.95)) * error
        low[enough], high[enough] = mean[enough] - width, mean[enough] + width
    return Curve(ad, measure, n, mean, low, high, len(each))


def records(found: Sequence[Curve]) -> Iterator[Record]:
    """One row a second of each curve."""
    for curve in found:
        for second in range(len(curve.mean)):
            values = (curve.mean[second], curve.low[second], curve.high[second])
            mean, low, high = (round(float(v), 4) if np.isfinite(v) else None for v in values)
            yield {
                "ad": curve.ad,
                "measure": curve.measure,
                "second": second,
                "n": int(curve.n[second]),
                "mean": mean,
                "low": low,
                "high": high,
                "leaves_zero": bool(curve.leaves_zero[second]),
            }


def in_words(curve: Curve) -> str:
    """One sentence about a curve."""
    said = f"{curve.ad}, {curve.measure}: {curve.n_people} people"
    if not np.isfinite(curve.mean).any():
        return f"{said}, but under {FEWEST_PEOPLE} spoke in any second: too few people."
    if not curve.spans:
        return f"{said}, nowhere off their own mean within the band."
    spans = ", ".join(
        f"{a}-{b + 1} s ({'above' if curve.mean[a] > 0 else 'below'})" for a, b in curve.spans
    )
    return f"{said}, off their own mean at {spans}."
