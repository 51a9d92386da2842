"""The other charts of a report: the path through valence and arousal, lines and dots over time."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from markupsafe import Markup

from ser_live.pages.charts import (
    Banded,
    Scale,
    band_path,
    chart,
    dot,
    layer,
    line_path,
    ticks,
    time_name,
    time_ticks,
    x_axis,
    y_axis,
)
from ser_live.pages.markup import element, number
from ser_live.report.bins import MAX_SINGLE, bin_length_s, means
from ser_live.report.session_data import Judged, SessionData
from ser_live.report.texts import Texts

_N_STEPS = 14
"""Most steps of the path: more are a tangle."""
_N_POINTS = 60
"""Most points of a line over time."""
_MIN_STEPS, _N_A_STEP = 4, 3
"""Least steps, and utterances that a step or point has on average: fewer tear a line to pieces."""
_N_DOTS = 400
"""Most dots of a chart; more are drawn as means."""
_SIDE = 300.0
_MARGIN = 26.0
_LINE_HEIGHT = 110.0


def affect_path(data: SessionData, texts: Texts) -> Markup | None:
    """The path through the plane of valence and arousal; ``None`` where both are undefined."""
    bin_s = _step_s(data, _N_STEPS)
    x = means(data.utterances, lambda u: u.result.valence, bin_s)
    y = means(data.utterances, lambda u: u.result.arousal, bin_s)
    places = [
        (v.x, v.y, a.y)
        for v, a in zip(x, y, strict=False)
        if math.isfinite(v.y) and math.isfinite(a.y)
    ]
    if not places:
        return None
    # The plane is as large as what is in it, so that small moves are seen, and always square.
    reach = max(0.2, 1.15 * max(max(abs(v), abs(a)) for _, v, a in places))
    scale = Scale(-reach, reach)
    inner = _SIDE - 2 * _MARGIN

    def place(v: float, a: float) -> tuple[float, float]:
        return _MARGIN + inner * scale.share(v), _MARGIN + inner * (1 - scale.share(a))

    points = [place(v, a) for _, v, a in places]
    steps = "L".join(f"{number(px)} {number(py)}" for px, py in points)
    ground, words = _cross(reach, inner, texts)
    parts = [*ground, element("path", d=f"M{steps}", class_="line"), *words]
    for n, ((at_s, v, a), (px, py)) in enumerate(zip(places, points, strict=True)):
        is_first, is_last = n == 0, n == len(points) - 1
        said = (
            f"{time_name(at_s)}: {texts('affect.valence')} {texts.number(v, signed=True)}, "
            f"{texts('affect.arousal')} {texts.number(a, signed=True)}"
        )
        parts.append(
            element(
                "circle",
                element("title", said),
                cx=px,
                cy=py,
                r=5.0 if is_first or is_last else 2.5,
                class_="dot hollow" if is_first and not is_last else "dot",
            )
        )
    about = texts("affect.path.about", n=len(places), bin=texts.duration(bin_s))
    return element(
        "svg",
        element("title", texts("affect.path")),
        element("desc", about),
        *parts,
        role="img",
        aria_label=f"{texts('affect.path')}. {about}",
        class_="chart plane",
        viewBox=f"0 0 {_SIDE:g} {_SIDE:g}",
    )


def _step_s(data: SessionData, n_most: int) -> float:
    n = sum(u.result.probabilities is not None for u in data.utterances)
    return bin_length_s(data.length_s, min(n_most, max(n // _N_A_STEP, _MIN_STEPS)))


def _cross(reach: float, inner: float, texts: Texts) -> tuple[list[Markup], list[Markup]]:
    """The ground with its two axes, and the words at their ends: how far the plane reaches."""
    middle, low, high = _SIDE / 2, _MARGIN, _MARGIN + inner
    edge = texts.number(reach, 1 if reach >= 0.95 else 2)
    ground = [
        element("rect", x=low, y=low, width=inner, height=inner, class_="plane-ground"),
        element("line", x1=middle, x2=middle, y1=low, y2=high, class_="grid"),
        element("line", x1=low, x2=high, y1=middle, y2=middle, class_="grid"),
    ]
    places = (
        ("affect.excited", "+", middle, low - 8, "middle"),
        ("affect.sleepy", "−", middle, high + 17, "middle"),
        ("affect.unpleasant", "−", low + 4, middle - 6, "start"),
        ("affect.pleasant", "+", high - 4, middle - 6, "end"),
    )
    words = [
        element("text", f"{texts(name)} {sign}{edge}", x=x, y=y, text_anchor=anchor, class_="tick")
        for name, sign, x, y, anchor in places
    ]
    return ground, words


def over_time(data: SessionData, name: str, texts: Texts) -> Markup | None:
    """Valence or arousal over time as a line with its band; ``None`` where undefined."""
    bin_s = _step_s(data, _N_POINTS)
    points = means(data.utterances, lambda u: getattr(u.result, name), bin_s)
    if not points:
        return None
    title = texts("affect.over_time", measure=texts(f"affect.{name}"))
    about = texts("affect.over_time.about", bin=texts.duration(bin_s))
    # The scale is that of the means; a band that leaves it is cut at its edge.
    y = Scale(*_around([p.y for p in points], least=0.2))
    return _line_chart(points, data.length_s, y, title, about, texts)


def loudness(data: SessionData, mean_dbfs: float, about: str, texts: Texts) -> Markup | None:
    """Loudness of each utterance against the mean of its voice."""

    def value(judged: Judged) -> float | None:
        return judged.result.level_dbfs - mean_dbfs

    judged = [u for u in data.utterances if u.result.probabilities is not None]
    return _dots_or_line(data, judged, value, texts("voice.loudness"), about, texts)


def stood_out(
    data: SessionData, feature: str, title: str, about: str, texts: Texts
) -> Markup | None:
    """Differences of one feature where it stood out."""

    def value(judged: Judged) -> float | None:
        reasons = (r for r in judged.result.reasons if r.feature == feature)
        found = next(reasons, None)
        return None if found is None else found.difference

    judged = [u for u in data.utterances if value(u) is not None]
    return _dots_or_line(data, judged, value, title, about, texts)


def _dots_or_line(
    data: SessionData,
    judged: Sequence[Judged],
    value: Callable[[Judged], float | None],
    title: str,
    about: str,
    texts: Texts,
) -> Markup | None:
    found = [Banded((u.start_s + u.end_s) / 2, v) for u in judged if (v := value(u)) is not None]
    found = [point for point in found if math.isfinite(point.y)]
    if not found:
        return None
    if len(found) > _N_DOTS or len(data.utterances) > MAX_SINGLE:
        points = means(judged, value, bin_length_s(data.length_s, _N_POINTS))
        y = Scale(*_around([0.0, *(p.y for p in points)], least=1.0))
        return _line_chart(points, data.length_s, y, title, about, texts)
    x, y = Scale(0.0, data.length_s), Scale(*_around([0.0, *(p.y for p in found)], least=1.0))
    dots = [
        dot(
            x,
            y,
            point,
            _LINE_HEIGHT,
            class_="dot",
            said=f"{time_name(point.x)}: {texts.number(point.y, 1, signed=True)}",
        )
        for point in found
    ]
    return chart(
        x_axis(x, time_ticks(data.length_s, 6), _LINE_HEIGHT),
        y_axis(y, _named(y, texts), _LINE_HEIGHT),
        *dots,
        height=_LINE_HEIGHT + 22.0,
        title=title,
        description=about,
    )


def _line_chart(
    points: Sequence[Banded], length_s: float, y: Scale, title: str, about: str, texts: Texts
) -> Markup:
    x = Scale(0.0, length_s)
    # A point between two gaps has no line that it is seen by.
    alone = [
        dot(x, y, point, _LINE_HEIGHT, class_="dot")
        for before, point, after in zip(
            [None, *points[:-1]], points, [*points[1:], None], strict=True
        )
        if math.isfinite(point.y) and not _is_there(before) and not _is_there(after)
    ]
    return chart(
        x_axis(x, time_ticks(length_s, 6), _LINE_HEIGHT),
        y_axis(y, _named(y, texts), _LINE_HEIGHT),
        *alone,
        layer(
            band_path(points, x, y, _LINE_HEIGHT),
            line_path(points, x, y, _LINE_HEIGHT),
            height=_LINE_HEIGHT,
        ),
        height=_LINE_HEIGHT + 22.0,
        title=title,
        description=about,
    )


def _is_there(point: Banded | None) -> bool:
    return point is not None and math.isfinite(point.y)


def _named(y: Scale, texts: Texts) -> list[tuple[float, str]]:
    found = ticks(y.low, y.high, 4)
    step = found[1] - found[0] if len(found) > 1 else 1.0
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    return [(value, texts.number(value, digits, signed=abs(value) > step / 2)) for value in found]


def _around(values: Sequence[float], *, least: float) -> tuple[float, float]:
    """Ends of a scale around values, at least so far apart."""
    finite = [v for v in values if math.isfinite(v)]
    low, high = min(finite), max(finite)
    margin = max(0.12 * (high - low), (least - (high - low)) / 2, 0.0)
    return low - margin, high + margin
