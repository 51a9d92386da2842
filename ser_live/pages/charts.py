"""Charts as SVG: axes, lanes, lines with bands, bars with intervals, hatching.

Places along a chart are percentages of its width, so that it fills whatever room the page gives
it while its texts keep their size; heights are pixels. Paths know no percentages: they stand in a
`layer` of its own that is stretched.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from ser_live.pages.colors import N_PATTERNS
from ser_live.pages.markup import element, number

LAYER_WIDTH = 1000.0
"""Width of a layer in its own units."""

_TIME_STEPS_S = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14_400, 43_200)
_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Scale:
    """A range of values along one side of a chart."""

    low: float
    high: float

    def share(self, value: float) -> float:
        """Place of a value between the ends, 0 to 1; what lies outside is at the end."""
        span = self.high - self.low
        return min(max((value - self.low) / span, 0.0), 1.0) if span > 0 else 0.0

    def percent(self, value: float) -> float:
        """The same from 0 to 100."""
        return 100.0 * self.share(value)


@dataclass(frozen=True, slots=True)
class Banded:
    """A point of a line with the interval around it; the interval may be missing (NaN)."""

    x: float
    y: float
    """NaN where there is none: the line breaks there."""
    low: float = math.nan
    high: float = math.nan


def chart(
    *parts: str, height: float, title: str, description: str = "", class_: str = "chart"
) -> Markup:
    """A drawing as wide as its place, with a title that is read aloud."""
    texts = [element("title", title)]
    if description:
        texts.append(element("desc", description))
    return element(
        "svg",
        *texts,
        *parts,
        xmlns="http://www.w3.org/2000/svg",
        role="img",
        aria_label=f"{title}. {description}" if description else title,
        class_=class_,
        width="100%",
        height=float(height),
    )


def layer(*parts: str, top: float = 0.0, height: float, class_: str = "layer") -> Markup:
    """A part of a chart that is stretched to its width: `LAYER_WIDTH` units of x."""
    return element(
        "svg",
        *parts,
        class_=class_,
        x="0",
        y=float(top),
        width="100%",
        height=float(height),
        viewBox=f"0 0 {LAYER_WIDTH:g} {number(height)}",
        preserveAspectRatio="none",
    )


def ticks(low: float, high: float, n_most: int = 6) -> list[float]:
    """Round values between two ends, at most `n_most` and a few."""
    span = high - low
    if not (math.isfinite(span) and span > 0):
        return [low] if math.isfinite(low) else []
    step = 10 ** math.floor(math.log10(span / n_most))
    step *= next(factor for factor in (1, 2, 5, 10) if span / (step * factor) <= n_most)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [n * step for n in range(first, last + 1)]


def time_ticks(length_s: float, n_most: int = 8) -> list[tuple[float, str]]:
    """Round times from 0 to a length, with their names: ``2:30``, ``1:05:00``."""
    days = math.ceil(length_s / n_most / _DAY_S)
    step_s = next((s for s in _TIME_STEPS_S if length_s / s <= n_most), days * _DAY_S)
    has_hours = length_s >= 3600
    return [(float(s), time_name(s, has_hours)) for s in range(0, int(length_s) + 1, step_s)]


def time_name(position_s: float, has_hours: bool = False) -> str:
    """A position as ``2:30`` or ``1:02:30``."""
    minutes, seconds = divmod(int(position_s), 60)
    hours, minutes = divmod(minutes, 60)
    if has_hours or hours:
        return f"{hours}:{minutes:02d}:{seconds:02d}"
    return f"{minutes}:{seconds:02d}"


def x_axis(scale: Scale, marks: Iterable[tuple[float, str]], height: float) -> Markup:
    """Lines across a chart at some values, with names below them; `height` is that of the lines."""
    parts = []
    for value, name in marks:
        x = scale.percent(value)
        anchor = "start" if x < 3 else "end" if x > 97 else "middle"
        place = f"{number(x)}%"
        parts.append(element("line", x1=place, x2=place, y1=0, y2=height, class_="grid"))
        parts.append(
            element("text", name, x=place, y=height + 14.0, text_anchor=anchor, class_="tick")
        )
    return element("g", *parts, class_="axis")


def y_axis(scale: Scale, marks: Iterable[tuple[float, str]], height: float) -> Markup:
    """Lines along a chart at some values, with names above their left ends."""
    parts = []
    for value, name in marks:
        y = height * (1.0 - scale.share(value))
        parts.append(element("line", x1="0", x2="100%", y1=y, y2=y, class_="grid"))
        parts.append(element("text", name, x="0", y=max(y - 3.0, 9.0), class_="tick"))
    return element("g", *parts, class_="axis")


def bar(
    x: Scale,
    start: float,
    end: float,
    *,
    top: float,
    height: float,
    class_: str,
    opacity: float | None = None,
    said: str = "",
    **attributes: object,
) -> Markup:
    """A bar from `start` to `end` along a lane, with a text for a pointer that rests on it."""
    left, right = x.percent(start), x.percent(end)
    return element(
        "rect",
        *([element("title", said)] if said else []),
        x=f"{number(left)}%",
        width=f"{max(right - left, 0.12):.3g}%",
        y=float(top),
        height=float(height),
        class_=class_,
        fill_opacity=None if opacity is None else float(round(opacity, 2)),
        **attributes,
    )


def line_path(points: Sequence[Banded], x: Scale, y: Scale, height: float) -> Markup:
    """A line through points, in units of a `layer`; it breaks where a point is missing."""
    commands = []
    is_drawn = False
    for point in points:
        if not math.isfinite(point.y):
            is_drawn = False
            continue
        place = _place(point.x, point.y, x, y, height)
        # A point between two gaps is a line without length, which round ends make a dot.
        commands.append(f"L{place}" if is_drawn else f"M{place}h0")
        is_drawn = True
    return element("path", d="".join(commands), class_="line")


def band_path(points: Sequence[Banded], x: Scale, y: Scale, height: float) -> Markup:
    """The area of the intervals around a line, in units of a `layer`."""
    commands = []
    for stretch in _defined(points):
        above = [_place(p.x, p.high, x, y, height) for p in stretch]
        below = [_place(p.x, p.low, x, y, height) for p in reversed(stretch)]
        commands.append("M" + "L".join([*above, *below]) + "Z")
    return element("path", d="".join(commands), class_="band")


def _defined(points: Sequence[Banded]) -> list[list[Banded]]:
    stretches: list[list[Banded]] = [[]]
    for point in points:
        if math.isfinite(point.low) and math.isfinite(point.high) and math.isfinite(point.y):
            stretches[-1].append(point)
        elif stretches[-1]:
            stretches.append([])
    return [stretch for stretch in stretches if stretch]


def _place(at: float, value: float, x: Scale, y: Scale, height: float) -> str:
    return f"{number(LAYER_WIDTH * x.share(at))} {number(height * (1.0 - y.share(value)))}"


def dot(x: Scale, y: Scale, point: Banded, height: float, *, class_: str, said: str = "") -> Markup:
    """A point of a chart, with a text for a pointer that rests on it."""
    return element(
        "circle",
        *([element("title", said)] if said else []),
        cx=f"{number(x.percent(point.x))}%",
        cy=height * (1.0 - y.share(point.y)),
        r=3.5,
        class_=class_,
    )


def interval_bar(
    share: float, low: float = math.nan, high: float = math.nan, *, place: int | None, most: float
) -> Markup:
    """A share as a bar, with its interval as a line; for a cell of a table that names the number.

    Parameters
    ----------
    share, low, high : float
        0 to 1; NaN where there is none.
    place : int or None
        Place of its label; ``None`` for what is no label.
    most : float
        Share that fills the cell.
    """
    scale = Scale(0.0, max(most, 1e-9))
    parts = []
    if math.isfinite(share):
        width = f"{number(scale.percent(share))}%"
        own = "plain" if place is None else f"e{place}"
        parts.append(element("rect", width=width, y=2.0, height=12.0, class_=f"share {own}"))
        if place is not None and place % N_PATTERNS:
            fill = f"url(#p{place % N_PATTERNS})"
            parts.append(element("rect", width=width, y=2.0, height=12.0, fill=fill))
    if math.isfinite(low) and math.isfinite(high):
        left, right = f"{number(scale.percent(low))}%", f"{number(scale.percent(high))}%"
        parts.append(element("line", x1=left, x2=right, y1=8, y2=8, class_="interval"))
        parts += [
            element("line", x1=end, x2=end, y1=4, y2=12, class_="interval") for end in (left, right)
        ]
    return element(
        "svg", *parts, class_="cell", width="100%", height=16.0, aria_hidden="true", focusable=False
    )


def swatch(place: int) -> Markup:
    """Colour and pattern of a label beside its name."""
    parts = [element("rect", width=14.0, height=14.0, rx=3.0, class_=f"share e{place}")]
    if place % N_PATTERNS:
        fill = f"url(#p{place % N_PATTERNS})"
        parts.append(element("rect", width=14.0, height=14.0, rx=3.0, fill=fill))
    return element("svg", *parts, class_="swatch", width=14.0, height=14.0, aria_hidden="true")


def patterns(n_labels: int) -> Markup:
    """Definitions of the patterns ``p1`` to ``p7`` of labels, and of ``hatch`` for gaps."""
    drawn = _PATTERNS[: min(n_labels, N_PATTERNS)]
    found = [
        element(
            "pattern",
            element("path", d=path, class_="stroke"),
            id=name,
            width=6,
            height=6,
            patternUnits="userSpaceOnUse",
        )
        for name, path in [(f"p{n}", path) for n, path in enumerate(drawn) if path]
    ]
    hatch = element(
        "pattern",
        element("path", d="M-2 2L2 -2M0 8L8 0M6 10L10 6", class_="hatch"),
        id="hatch",
        width=8,
        height=8,
        patternUnits="userSpaceOnUse",
    )
    return element(
        "svg",
        element("defs", *found, hatch),
        class_="defs",
        width=0,
        height=0,
        aria_hidden="true",
        focusable="false",
    )


_PATTERNS = (
    "",
    "M-1 1L1 -1M0 6L6 0M5 7L7 5",
    "M1.5 3h1.5M4.5 0h1.5M4.5 6h1.5",
    "M0 1.5h6M0 4.5h6",
    "M0 0L6 6M6 0L0 6",
    "M-1 5L1 7M0 0L6 6M5 -1L7 1",
    "M1.5 0v6M4.5 0v6",
    "M0 3h6M3 0v6",
)
"""Paths in the colour of the ground, drawn over that of a label: a tile of 6 by 6 each."""
