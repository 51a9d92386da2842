"""A summary as a page of HTML: whole in one file, readable without scripts.

Of people only their number stands there; names are those of groups, stimuli and labels.
"""

from __future__ import annotations

import os.path
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import PurePath
from typing import Any

import numpy as np
from markupsafe import Markup

from ser_live.archive.summary.drawings import (
    BAND,
    UNIT,
    curve_chart,
    curves_svg,
    day_chart,
    people,
    value_cell,
)
from ser_live.archive.summary.people import DAY
from ser_live.archive.summary.report import MOST_GROUPS_COMPARED, Compared, Summary
from ser_live.archive.summary.results import MEASURES
from ser_live.archive.summary.statistics import FEWEST_PEOPLE, Interval
from ser_live.archive.summary.stimuli import Curve, in_words
from ser_live.pages.charts import interval_bar, swatch
from ser_live.pages.markup import name_of
from ser_live.pages.rendering import render

MOST_GROUPS = 200
"""Groups on a page; the rest is counted, and in the rows for programs."""
_MOST_SENTENCES = 8
_CLEAR_P = 0.05

LIMITS = (
    "The model learned from acted speech. About strangers in plain talk it is often wrong, and no "
    "interval here tells how often. This is no diagnosis, and not for judging workers or students."
)
_MEANINGS = {
    "valence": "From unpleasant (-1) to pleasant (+1), as the voice sounds to the model.",
    "arousal": "From sleepy (-1) to excited (+1), as the voice sounds to the model.",
}
_ENDS = {"valence": "from unpleasant to pleasant", "arousal": "from sleepy to excited"}
_HOW = (
    "A person's share of a label is the mean of its calibrated probability over what they said, "
    "weighted by speech time; it says how the voice sounds to the model, not how somebody felt.",
    "A group's number is the mean over its people, so that nobody counts more for talking more.",
    "The 95 % interval (Student's t over people) tells how much hangs on who was heard. What the "
    "model hears wrongly is not in it.",
    f"Under {FEWEST_PEOPLE} people there is no interval, and no difference: too few people.",
    "P-values hold for all differences on this page together (Holm). Cliff's delta tells how much "
    "oftener a person of the first group has more than one of the second than less, -1 to +1.",
)
_HOW_CURVES = (
    "Each value is taken against the same person's own mean and spread over all they said, for "
    "people use a scale differently; then averaged over people.",
    f"{BAND}; only what lies off zero within it is marked. Under {FEWEST_PEOPLE} people in a "
    "second there is no line: too few people.",
    "An utterance counts for all of its seconds, and people speak a moment after what moves them: "
    "the curve shows that delay and does not correct it.",
)


@dataclass(frozen=True)
class _Part:
    """One measure of all groups."""

    name: str
    meaning: str
    rows: list[tuple[object, ...]]
    swatch: Markup | None


def summary_page(summary: Summary, told: Mapping[str, Any]) -> str:
    """The page of groups as text.

    Parameters
    ----------
    summary : Summary
    told : mapping
        What the archive says of itself.
    """
    groups = summary.grouped.groups
    shown = groups[:MOST_GROUPS]
    names, within = _names(summary)
    labels = [name_of(label) for label in summary.labels]
    n_people = summary.grouped.n_people
    unit = summary.grouped.unit
    most = max((abs(v) for label in summary.labels for v in _known(summary, label)), default=0.0)
    minutes = sum(group.speech_s for group in groups) / 60
    n_groups = f"{len(groups)} group{'s' * (len(groups) != 1)}"
    return render(
        "archive/summary.html",
        title=f"Emotions by {name_of(summary.by)}",
        labels=labels,
        styles=["archive/summary.css"],
        lead=f"{n_groups} with {n_people} {unit}{'s' * (n_people != 1)}, "
        f"{sum(group.n_utterances for group in groups):,} utterances, {_long(minutes)} of "
        f"speech.{within}",
        short=list(_in_short(summary, names)),
        limits=LIMITS,
        units=f"{unit}s",
        groups=[
            (names[g.name], str(g.n_people), f"{g.n_utterances:,}", _long(g.speech_s / 60))
            for g in shown
        ],
        days=_day_charts(summary),
        ends=_ENDS,
        shares=[_share_part(summary, names, place, most) for place in range(len(labels))],
        scale=f"0 to {100 * most:.0f} %",
        values=[_value_part(summary, names, measure) for measure in MEASURES],
        differences=[_difference_row(one, names) for one in summary.compared],
        how=[*_HOW, *(f"{remark[:1].upper()}{remark[1:]}." for remark in summary.grouped.remarks)],
        told=_told(told),
    )


def curves_page(found: Sequence[Curve], told: Mapping[str, Any]) -> str:
    """The page of curves by the second as text."""
    ads: dict[str, list[Curve]] = {}
    for curve in found:
        ads.setdefault(curve.ad, []).append(curve)
    n_people = max((curve.n_people for curve in found), default=0)
    n_stimuli = "1 stimulus" if len(ads) == 1 else f"{len(ads)} stimuli"
    return render(
        "archive/curves.html",
        title="Second by second",
        styles=["archive/summary.css"],
        lead=f"Valence and arousal of the voice during {n_stimuli}, up to {n_people} people each.",
        short=[name_of(in_words(curve)) for curve in found],
        limits=LIMITS,
        ads=[
            {
                "name": name_of(ad),
                "curves": [_curve_part(curve) for curve in own],
                "rows": list(_second_rows(own)),
            }
            for ad, own in ads.items()
        ],
        how=_HOW_CURVES,
        told=_told(told),
    )


def curves_picture(found: Sequence[Curve]) -> str:
    """The curves as one SVG that stands by itself."""
    caption = (
        f"Mean over people, {UNIT}, against their own mean over all they said.",
        f"{BAND}; bars at the foot mark where it lies off zero.",
        f"Under {FEWEST_PEOPLE} people in a second there is no line: too few people.",
        "The model learned from acted speech and is often wrong about strangers in plain talk. No "
        "diagnosis; not for judging workers or students.",
    )
    return str(curves_svg(found, caption))


def _names(summary: Summary) -> tuple[dict[str, str], str]:
    """Names of groups as the page shows them, and a sentence about what they leave out.

    Folders are told apart by their ends, which a long path would be cut off at.
    """
    groups = [group.name for group in summary.grouped.groups]
    if summary.by == "folder" and len(groups) > 1:
        try:
            common = os.path.commonpath(groups)
        except ValueError:  # of two drives, or one from the root and one not
            common = ""
        if common.strip("/\\."):
            own = PurePath(common).name
            ends = {name: str(PurePath(name).relative_to(common)) for name in groups}
            names = {name: name_of(own if end == "." else end) for name, end in ends.items()}
            return names, f" All of them lie in {name_of(common)}."
    return {name: name_of(name) for name in groups}, ""


def _in_short(summary: Summary, names: Mapping[str, str]) -> Iterator[str]:
    groups = summary.grouped.groups
    enough = [group for group in groups if group.n_people >= FEWEST_PEOPLE]
    if not enough:
        yield (
            f"Too few people: no group has {FEWEST_PEOPLE}, so there is no interval and no "
            "difference. The means below describe who was heard, and nobody else."
        )
        return
    if len(enough) < len(groups):
        n_few = len(groups) - len(enough)
        yield f"Too few people in {n_few} of {len(groups)} groups for intervals."
    if len(groups) > MOST_GROUPS:
        yield (
            f"{len(groups) - MOST_GROUPS} more groups are not on this page: --format csv has them."
        )
    if len(groups) > MOST_GROUPS_COMPARED:
        yield (
            f"{len(groups)} groups are described and not compared: more than "
            f"{MOST_GROUPS_COMPARED} would make too many comparisons."
        )
        return
    clear = sorted(
        (one for one in summary.compared if one.p_holm < _CLEAR_P), key=lambda one: one.p_holm
    )
    for one in clear[:_MOST_SENTENCES]:
        yield _difference_in_words(one, names)
    if len(clear) > _MOST_SENTENCES:
        yield f"{len(clear) - _MOST_SENTENCES} more differences stand in the table below."
    if summary.compared and not clear:
        yield "No difference between the groups stands out from who happened to be heard."


def _difference_in_words(one: Compared, names: Mapping[str, str]) -> str:
    mean = one.difference.mean
    first, second = names[one.first], names[one.second]
    how = "higher" if mean.mean > 0 else "lower"
    within = f", within the same {mean.n} people" if one.difference.is_paired else ""
    size = abs(mean.mean)
    by = f"{size:.2f}" if one.measure in MEASURES else f"{100 * size:.1f} points"
    what = one.measure if one.measure in MEASURES else f"the share of {name_of(one.measure)}"
    return f"In {first}, {what} is {how} than in {second} by {by}{within} (p {_p(one.p_holm)})."


def _share_part(summary: Summary, names: Mapping[str, str], place: int, most: float) -> _Part:
    """Shares of one label, on the scale that all labels have."""
    label = summary.labels[place]
    cells = [
        interval_bar(i.mean, i.low, i.high, place=place, most=most)
        for i in _intervals(summary, label)
    ]
    return _Part(name_of(label), "", _rows(summary, names, label, cells), swatch(place))


def _value_part(summary: Summary, names: Mapping[str, str], measure: str) -> _Part:
    most = min(1.0, max(0.1, *map(abs, _known(summary, measure)), 0.1))
    cells = [value_cell(interval, most) for interval in _intervals(summary, measure)]
    return _Part(
        measure,
        f"{_MEANINGS[measure]} The drawing goes from -{most:.2f} to +{most:.2f}.",
        _rows(summary, names, measure, cells),
        None,
    )


def _intervals(summary: Summary, measure: str) -> list[Interval]:
    return [summary.shares[g.name][measure] for g in summary.grouped.groups[:MOST_GROUPS]]


def _known(summary: Summary, measure: str) -> list[float]:
    found = _intervals(summary, measure)
    return [v for i in found for v in (i.mean, i.low, i.high) if np.isfinite(v)]


def _rows(
    summary: Summary, names: Mapping[str, str], measure: str, cells: Sequence[Markup]
) -> list[tuple[object, ...]]:
    groups, found = summary.grouped.groups[:MOST_GROUPS], _intervals(summary, measure)
    return [
        (names[group.name], _said(i.mean, measure), _range(i, measure), cell)
        for group, i, cell in zip(groups, found, cells, strict=True)
    ]


def _day_charts(summary: Summary) -> list[tuple[str, Markup]]:
    """Valence and arousal on a line of time, where the groups are days."""
    if summary.by != DAY:
        return []
    try:
        days = [
            (date.fromisoformat(group.name), summary.shares[group.name])
            for group in summary.grouped.groups
        ]
    except ValueError:  # a table of groups may call days as it likes
        return []
    if len(days) < 2:
        return []
    return [(name, day_chart(name, [(day, of[name]) for day, of in days])) for name in MEASURES]


def _difference_row(one: Compared, names: Mapping[str, str]) -> tuple[str, ...]:
    mean, delta = one.difference.mean, one.difference.delta
    of = f"the same {mean.n}" if one.difference.is_paired else f"{mean.n} or more each"
    return (
        f"{names[one.first]} minus {names[one.second]}",
        name_of(one.measure),
        _said(mean.mean, one.measure, signed=True),
        _range(mean, one.measure, signed=True),
        _plain(delta.mean),
        f"{_plain(delta.low)} to {_plain(delta.high)}" if np.isfinite(delta.low) else "unknown",
        _p(one.p_holm).removeprefix("= "),
        of,
    )


def _curve_part(curve: Curve) -> dict[str, object]:
    has_line = bool(np.isfinite(curve.mean).any())
    sentence = in_words(curve).partition(": ")[2] or in_words(curve)
    return {
        "measure": curve.measure,
        "people": people(curve),
        "drawing": curve_chart(curve) if has_line else "",
        "caption": f"Seconds since it began (s); {UNIT}. {BAND}; bars at the foot mark where it "
        "lies off zero.",
        "said": f"{sentence[:1].upper()}{sentence[1:]}",
    }


def _second_rows(own: Sequence[Curve]) -> Iterator[tuple[str, ...]]:
    by_measure = {curve.measure: curve for curve in own}
    for second in range(len(own[0].mean)):
        cells = [f"{second}", f"{int(own[0].n[second])}"]
        for measure in MEASURES:
            curve = by_measure[measure]
            mean, low, high = (float(v[second]) for v in (curve.mean, curve.low, curve.high))
            if np.isfinite(mean):
                cells += [_plain(mean), f"{_plain(low)} to {_plain(high)}"]
            else:
                cells += ["-", "too few people"]
        yield tuple(cells)


def _told(told: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Model and version that the archive was made with, where it says them."""
    names = {"--model": "model", "version": "version of ser-live"}
    return [(name, name_of(str(told[key]))) for key, name in names.items() if told.get(key)]


def _said(value: float, measure: str, *, signed: bool = False) -> str:
    if not np.isfinite(value):
        return "-"
    if measure in MEASURES:
        return _plain(value)
    return f"{100 * value:+.1f} points" if signed else f"{100 * value:.1f} %"


def _range(interval: Interval, measure: str, *, signed: bool = False) -> str:
    if interval.n < FEWEST_PEOPLE:
        return "too few people"
    if not np.isfinite(interval.low):
        return "unknown"
    if measure in MEASURES:
        return f"{_plain(interval.low)} to {_plain(interval.high)}"
    form = "+.1f" if signed else ".1f"
    low, high = (format(100 * v, form) for v in (interval.low, interval.high))
    return f"{low} to {high}" + ("" if signed else " %")


def _plain(value: float) -> str:
    return "unknown" if not np.isfinite(value) else f"{value + 0.0:+.2f}".replace("-0.00", "+0.00")


def _p(value: float) -> str:
    if not np.isfinite(value):
        return "unknown"
    return "< .001" if value < 0.001 else f"= {value:.3f}"


def _long(minutes: float) -> str:
    return f"{minutes:.1f} min" if minutes < 120 else f"{minutes / 60:.1f} h"
