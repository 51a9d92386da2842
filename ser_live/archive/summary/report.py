"""A summary of groups of people: what is told, as records and as text for 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from ser_live.archive.summary.results import MEASURES
from ser_live.archive.summary.statistics import (
    FEWEST_PEOPLE,
    Difference,
    Interval,
    mean_interval,
    paired_difference,
    unpaired_difference,
)
from ser_live.archive.summary.sums import Group, Grouped
from ser_live.events import Record
from ser_live.holm import holm
from ser_live.terminal.text import printable

if TYPE_CHECKING:
    from rich.console import RenderableType

MOST_GROUPS_COMPARED = 6
"""Groups up to which each is compared with each other."""


HOW_TO_READ = (
    "Means are over people, shares those of calibrated probabilities. Intervals tell how much "
    "hangs on who was heard; what the model hears wrongly is not in them. P-values hold for all "
    "differences together (Holm). Trained on acted speech; not for judging workers or students."
)
"""Sentences below every summary for people."""


@dataclass(frozen=True)
class Compared:
    """One measure of two groups beside each other."""

    first: str
    second: str
    measure: str
    difference: Difference
    p_holm: float
    """P-value corrected for all that is compared."""


@dataclass(frozen=True)
class Summary:
    """Shares of groups and how they differ."""

    grouped: Grouped
    by: str
    labels: tuple[str, ...]
    shares: dict[str, dict[str, Interval]]
    """By group and measure."""
    compared: list[Compared]

    @property
    def measures(self) -> tuple[str, ...]:
        """Labels, then valence and arousal."""
        return (*self.labels, *MEASURES)


def summarized(grouped: Grouped, by: str, labels: Sequence[str]) -> Summary:
    """Work out shares of groups, and for up to six groups how they differ."""
    measures = (*labels, *MEASURES)
    shares = {
        group.name: {measure: mean_interval(group.values[measure]) for measure in measures}
        for group in grouped.groups
    }
    pairs = list(combinations(grouped.groups, 2))
    if len(grouped.groups) > MOST_GROUPS_COMPARED:
        pairs = []
    found = [
        (first.name, second.name, measure, difference)
        for first, second in pairs
        if min(first.n_people, second.n_people) >= FEWEST_PEOPLE
        for measure, difference in _differences(grouped, first, second, measures)
    ]
    corrected = holm([difference.p for *_, difference in found])
    compared = [Compared(*one, p) for one, p in zip(found, corrected, strict=True)]
    return Summary(grouped, by, tuple(labels), shares, compared)


def _differences(
    grouped: Grouped, first: Group, second: Group, measures: Sequence[str]
) -> Iterator[tuple[str, Difference]]:
    """Within the same people where at least eight met both, else between groups."""
    places, others = grouped.both(first, second)
    for measure in measures:
        ours, theirs = first.values[measure], second.values[measure]
        if len(places) >= FEWEST_PEOPLE:
            yield measure, paired_difference(ours[places], theirs[others])
        else:
            yield measure, unpaired_difference(ours, theirs)


def records(summary: Summary) -> Iterator[Record]:
    """Rows for programs: of each group and measure, then of each comparison."""
    for group in summary.grouped.groups:
        for measure in summary.measures:
            interval = summary.shares[group.name][measure]
            yield {
                "type": "share",
                "by": summary.by,
                "group": group.name,
                "measure": measure,
                "unit": summary.grouped.unit,
                "n": interval.n,
                "mean": _number(interval.mean),
                "low": _number(interval.low),
                "high": _number(interval.high),
            }
    for one in summary.compared:
        difference = one.difference
        yield {
            "type": "difference",
            "by": summary.by,
            "group": one.first,
            "other": one.second,
            "measure": one.measure,
            "unit": summary.grouped.unit,
            "n": difference.mean.n,
            "is_paired": difference.is_paired,
            "mean": _number(difference.mean.mean),
            "low": _number(difference.mean.low),
            "high": _number(difference.mean.high),
            "cliffs_delta": _number(difference.delta.mean),
            "delta_low": _number(difference.delta.low),
            "delta_high": _number(difference.delta.high),
            "p_holm": _number(one.p_holm),
        }


RECORD_FIELDS = (
    "type",
    "by",
    "group",
    "other",
    "measure",
    "unit",
    "n",
    "is_paired",
    "mean",
    "low",
    "high",
    "cliffs_delta",
    "delta_low",
    "delta_high",
    "p_holm",
)
"""Columns of the records as CSV."""


def tables(summary: Summary) -> Iterator[tuple[str, RenderableType]]:
    """A heading and a table for each group, then for each two groups, for people."""
    for group in summary.grouped.groups:
        yield _heading(summary, group), _group_table(summary, group)
    pairs = dict.fromkeys((one.first, one.second) for one in summary.compared)
    for first, second in pairs:
        own = [one for one in summary.compared if (one.first, one.second) == (first, second)]
        of = f"the same {own[0].difference.mean.n} people" if own[0].difference.is_paired else ""
        heading = f"{first} − {second}{f' ({of})' if of else ''}: differences"
        yield printable(heading), _differences_table(own)


def _heading(summary: Summary, group: Group) -> str:
    unit = f"{summary.grouped.unit}{'s' * (group.n_people != 1)}"
    return printable(
        f"{summary.by}: {group.name} · {group.n_people} {unit}, {group.n_utterances} "
        f"utterances, {group.speech_s / 60:.1f} min of speech"
    )


def _group_table(summary: Summary, group: Group) -> RenderableType:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("measure", min_width=10)
    table.add_column("mean", justify="right")
    table.add_column("95 % interval", justify="right", min_width=16)
    table.add_column("", min_width=24)
    for measure in summary.measures:
        interval = summary.shares[group.name][measure]
        is_share = measure not in MEASURES
        bar = "█" * round(24 * interval.mean) if is_share and np.isfinite(interval.mean) else ""
        table.add_row(measure, _said(interval.mean), _range(interval), bar)
    return table


def _differences_table(compared: Sequence[Compared]) -> RenderableType:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("measure", min_width=10)
    for name in ("difference", "95 % interval", "Cliff's delta", "95 % interval", "p"):
        table.add_column(name, justify="right")
    for one in compared:
        table.add_row(
            one.measure,
            _said(one.difference.mean.mean),
            _range(one.difference.mean),
            _said(one.difference.delta.mean),
            _range(one.difference.delta),
            "-" if not np.isfinite(one.p_holm) else _p(one.p_holm),
        )
    return table


def _said(value: float) -> str:
    if not np.isfinite(value):
        return "-"
    text = f"{value:.2f}"
    return "0.00" if text == "-0.00" else text


def _p(value: float) -> str:
    return "< .001" if value < 0.001 else f"{value:.3f}"


def _range(interval: Interval) -> str:
    if interval.n < FEWEST_PEOPLE:
        return "too few people"
    if not np.isfinite(interval.low):
        return "-"
    return f"[{_said(interval.low)}, {_said(interval.high)}]"


def _number(value: float) -> float | None:
    return round(value, 4) + 0.0 if np.isfinite(value) else None
