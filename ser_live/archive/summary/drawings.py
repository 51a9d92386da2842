"""Drawings of summaries: values with intervals, days on a line, curves by the second."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from typing import Final

import numpy as np
from markupsafe import Markup

from ser_live.archive.summary.statistics import FEWEST_PEOPLE, Interval
from ser_live.archive.summary.stimuli import Curve
from ser_live.pages import charts
from ser_live.pages.charts import Banded, Scale
from ser_live.pages.markup import element, name_of, number

_HEIGHT: Final = 170.0
_AXIS: Final = 20.0
_MARKED: Final = 5.0
"""Height of the bar along the foot of a curve where it leaves zero."""

BAND = "The band around the line holds for the whole curve at once (95 %)"
UNIT = "in standard deviations of each person's own values"

_SVG_WIDTH: Final = 900.0
_SVG_LEFT: Final = 20.0
_SVG_STYLE = (
    "svg{--ink:#1b2430;--soft:#525d6b;--line:#d8dbe0;--accent:#17566a;--card:#ffffff}"
    "@media (prefers-color-scheme:dark){svg{--ink:#e9ecf0;--soft:#a9b3bf;--line:#39424d;"
    "--accent:#86cbdc;--card:#1b2128}}"
    "text{font:12px/1 system-ui,'Segoe UI',Roboto,'Noto Sans',sans-serif;fill:var(--ink)}"
    ".head{font-size:15px;font-weight:650}.tick{fill:var(--soft);font-size:11px}"
    ".ground{fill:var(--card)}.grid{stroke:var(--line)}.zero{stroke:var(--soft)}"
    ".line{fill:none;stroke:var(--accent);stroke-width:2;stroke-linecap:round;"
    "vector-effect:non-scaling-stroke}.band{fill:var(--accent);fill-opacity:.17}"
    ".leaves{fill:var(--accent)}"
)


def value_cell(interval: Interval, most: float) -> Markup:
    """A value between -`most` and +`most` as a dot with its interval, for a cell of a table."""
    scale = Scale(-most, most)
    parts = [element("line", x1="50%", x2="50%", y1=1, y2=15, class_="zero")]
    if math.isfinite(interval.low):
        left, right = (f"{number(scale.percent(v))}%" for v in (interval.low, interval.high))
        parts.append(element("line", x1=left, x2=right, y1=8, y2=8, class_="interval"))
    if math.isfinite(interval.mean):
        place = f"{number(scale.percent(interval.mean))}%"
        parts.append(element("circle", cx=place, cy=8, r=4, class_="value"))
    return element(
        "svg", *parts, class_="cell", width="100%", height=16.0, aria_hidden="true", focusable=False
    )


def day_chart(name: str, days: Sequence[tuple[date, Interval]]) -> Markup:
    """Means of days on a line of time, with the band of their intervals."""
    first, last = days[0][0].toordinal(), days[-1][0].toordinal()
    x = Scale(first - 0.5, max(last, first + 1) + 0.5)
    known = [v for _, i in days for v in (i.mean, i.low, i.high) if math.isfinite(v)]
    most = min(1.0, math.ceil(10 * max(map(abs, known), default=0.1) + 0.3) / 10)
    y = Scale(-most, most)
    points: list[Banded] = []
    for day, interval in days:
        at = day.toordinal()
        if points and at - points[-1].x > 1:
            points.append(Banded(at - 0.5, math.nan))
        points.append(Banded(at, interval.mean, interval.low, interval.high))
    step = max(1, -(-len(days) // 4))  # dates are long on a phone
    return charts.chart(
        charts.x_axis(x, [(d.toordinal(), str(d)) for d, _ in days[::step]], _HEIGHT),
        _y_axis(y, ""),
        _drawn(points, x, y),
        height=_HEIGHT + _AXIS,
        title=f"{name.capitalize()} from {days[0][0]} to {days[-1][0]}",
        description=f"{len(days)} days. The numbers stand in the table of {name}.",
    )


def curve_chart(curve: Curve) -> Markup:
    """A curve by the second with its band; what leaves zero is marked along its foot."""
    name = name_of(curve.ad)
    return charts.chart(
        *_curve(curve),
        height=_HEIGHT + _AXIS,
        title=f"{curve.measure.capitalize()} during {name}",
        description=f"Seconds since it began from left to right, {UNIT} upwards. The numbers stand "
        "in the table below.",
    )


def curves_svg(found: Sequence[Curve], limits: Sequence[str]) -> Markup:
    """All curves below each other as one picture that stands by itself, with units and caption."""
    parts: list[str] = [element("style", Markup(_SVG_STYLE))]  # noqa: S704  a text of this file
    top = 30.0
    drawn: list[str] = []
    for curve in found:
        head = f"{name_of(curve.ad)}: {curve.measure}, {people(curve)}"
        drawn.append(element("text", head, x=_SVG_LEFT, y=top, class_="head"))
        if np.isfinite(curve.mean).any():
            drawn.append(
                element("text", f"{curve.measure}, {UNIT}", x=_SVG_LEFT, y=top + 20, class_="tick")
            )
            drawn.append(
                element(
                    "svg", *_curve(curve), x=_SVG_LEFT, y=top + 30, overflow="visible",
                    width=_SVG_WIDTH - 2 * _SVG_LEFT, height=_HEIGHT + _AXIS,
                )
            )  # fmt: skip
            top += 30 + _HEIGHT + _AXIS
            drawn.append(
                element(
                    "text", "seconds since it began (s)", x=_SVG_WIDTH / 2, y=top + 12,
                    class_="tick", text_anchor="middle",
                )
            )  # fmt: skip
        else:
            top += 20
            few = f"under {FEWEST_PEOPLE} spoke in any second: too few people"
            drawn.append(element("text", few, x=_SVG_LEFT, y=top, class_="tick"))
        top += 42
    for line in limits:
        drawn.append(element("text", line, x=_SVG_LEFT, y=top, class_="tick"))
        top += 16
    ground = element("rect", width="100%", height="100%", class_="ground")
    return element(
        "svg",
        element("title", "Curves by the second"),
        element("desc", " ".join(limits)),
        *parts,
        ground,
        *drawn,
        xmlns="http://www.w3.org/2000/svg",
        role="img",
        aria_label="Curves by the second",
        width=_SVG_WIDTH,
        height=float(math.ceil(top)),
        viewBox=f"0 0 {number(_SVG_WIDTH)} {math.ceil(top)}",
    )


def people(curve: Curve) -> str:
    """Number of people that a curve is made of, in words."""
    return "1 person" if curve.n_people == 1 else f"{curve.n_people} people"


def _curve(curve: Curve) -> list[Markup]:
    n_seconds = len(curve.mean)
    x = Scale(0.0, max(1.0, float(n_seconds)))
    values = np.concatenate([curve.low, curve.high, curve.mean])
    known = values[np.isfinite(values)]
    most = max(0.5, math.ceil(float(np.abs(known).max()) * 2) / 2) if len(known) else 0.5
    y = Scale(-most, most)
    points = [
        Banded(second + 0.5, float(m), float(low), float(high))
        for second, (m, low, high) in enumerate(zip(curve.mean, curve.low, curve.high, strict=True))
    ]
    marked = [
        charts.bar(
            x, first, last + 1, top=_HEIGHT - _MARKED, height=_MARKED, class_="leaves",
            said=f"{first}-{last + 1} s: off their own mean",
        )
        for first, last in curve.spans
    ]  # fmt: skip
    marks = [(at, f"{name} s") for at, name in _second_marks(n_seconds)]
    return [charts.x_axis(x, marks, _HEIGHT), _y_axis(y, " SD"), _drawn(points, x, y), *marked]


def _second_marks(n_seconds: int) -> list[tuple[float, str]]:
    return [(at, f"{at:g}") for at in charts.ticks(0.0, float(n_seconds), 8) if at == int(at)]


def _y_axis(y: Scale, unit: str) -> Markup:
    marks = [(v, f"{v:+.2g}{unit}" if v else "0") for v in charts.ticks(y.low, y.high, 4)]
    middle = _HEIGHT * (1 - y.share(0.0))
    zero = element("line", x1="0", x2="100%", y1=middle, y2=middle, class_="zero")
    return element("g", charts.y_axis(y, marks, _HEIGHT), zero)


def _drawn(points: Sequence[Banded], x: Scale, y: Scale) -> Markup:
    return charts.layer(
        charts.band_path(points, x, y, _HEIGHT),
        charts.line_path(points, x, y, _HEIGHT),
        height=_HEIGHT,
    )
