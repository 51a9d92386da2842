"""The timeline of a session: a lane for each label, gaps hatched, marks as lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from ser_live.events import Verdict
from ser_live.pages.charts import (
    LAYER_WIDTH,
    Scale,
    bar,
    chart,
    layer,
    time_name,
    time_ticks,
    x_axis,
)
from ser_live.pages.markup import element, joined, name_of, number
from ser_live.report.bins import Bin, lane_bins, lane_length_s
from ser_live.report.session_data import Judged, SessionData
from ser_live.report.texts import Texts

LANE = 22.0
"""Height of a lane, as that of the names beside it in the stylesheet."""
_BAR = 14.0
_TOP = (LANE - _BAR) / 2
MAX_TRACKS = 4
"""Streams side by side that get lanes of their own."""
MAX_MARKS = 60
"""Marks that are drawn; the table has more of them."""
_N_FINE = 4
"""Times as many names of the axis where somebody looks closer."""
_N_LEVELS = 4
"""Steps of confidence where bins are drawn: each is one path."""


@dataclass(frozen=True, slots=True)
class Panel:
    """The lanes of one stream: their names, and the drawing beside them."""

    heading: str
    names: tuple[str, ...]
    svg: Markup


@dataclass(frozen=True, slots=True)
class _Lane:
    name: str
    place: int | None
    """Place of its label; ``None`` for what no label was named of."""
    utterances: list[Judged]


def panels(data: SessionData, texts: Texts) -> list[Panel]:
    """The timeline, a panel for each stream that ran side by side with others."""
    if not data.length_s or not (data.utterances or data.missing):
        return []
    n_tracks = data.n_tracks if data.n_tracks <= MAX_TRACKS else 1
    found = []
    for track in range(n_tracks):
        own = [u for u in data.utterances if n_tracks == 1 or u.track == track]
        heading = _heading(data, track, texts) if n_tracks > 1 else ""
        lanes = _lanes(own, data.labels, texts)
        svg = _drawn(data, lanes, track if n_tracks > 1 else None, texts, heading)
        found.append(Panel(heading, tuple(lane.name for lane in lanes), svg))
    return found


def _heading(data: SessionData, track: int, texts: Texts) -> str:
    stream = next(part.stream for part in data.parts if part.track == track)
    name = stream.role or stream.source
    if stream.channel is not None and not stream.role:
        name += f" {stream.channel + 1}"
    return texts("timeline.of_track", n=track + 1, name=name_of(name))


def _lanes(utterances: Sequence[Judged], labels: Sequence[str], texts: Texts) -> list[_Lane]:
    lanes = []
    for place, label in enumerate(labels):
        own = [u for u in utterances if u.result.emotion == label]
        if own:
            lanes.append(_Lane(name_of(texts.label(label)), place, own))
    uncertain = [u for u in utterances if u.result.state is Verdict.UNCERTAIN]
    known = (Verdict.OK, Verdict.UNCERTAIN)
    unjudged = [u for u in utterances if u.result.state not in known]
    if uncertain:
        lanes.append(_Lane(texts.state(Verdict.UNCERTAIN.value), None, uncertain))
    if unjudged:
        lanes.append(_Lane(texts("timeline.unjudged"), None, unjudged))
    return lanes


def _drawn(
    data: SessionData, lanes: Sequence[_Lane], track: int | None, texts: Texts, heading: str
) -> Markup:
    scale = Scale(0.0, data.length_s)
    height = max(len(lanes), 1) * LANE
    fine = time_ticks(data.length_s, 8 * _N_FINE)
    coarse = time_ticks(data.length_s, 6)
    parts = [
        element("g", x_axis(scale, coarse, height), class_="coarse"),
        element("g", x_axis(scale, fine, height), class_="fine"),
        *_missing(data, scale, track, height, texts),
    ]
    bin_s = lane_length_s(len(data.utterances), data.length_s)
    for row, lane in enumerate(lanes):
        drawn = _bars if bin_s is None else _bins
        parts.append(drawn(lane, scale, row * LANE, texts, bin_s or 0.0))
    parts += _marks(data, scale, height)
    n = sum(len(lane.utterances) for lane in lanes)
    title = f"{texts('timeline.title')}: {heading}" if heading else texts("timeline.title")
    return chart(
        *parts,
        height=height + 22.0,
        title=title,
        description=texts(
            "timeline.about", n=n, lanes=len(lanes), length=texts.duration(data.length_s)
        ),
        class_="chart timeline",
    )


def _bars(lane: _Lane, scale: Scale, top: float, texts: Texts, _: float) -> Markup:
    parts = []
    for u in lane.utterances:
        confidence = u.result.confidence
        is_hollow = lane.place is None and confidence is not None
        label = lane.name if confidence is not None else texts.state(u.result.state.value)
        said = texts(
            "timeline.bar",
            start=time_name(u.start_s),
            end=time_name(u.end_s),
            label=label,
            confidence="" if confidence is None else texts.probability(confidence),
        )
        parts.append(
            bar(
                scale,
                u.start_s,
                u.end_s,
                top=top + _TOP,
                height=_BAR,
                class_="bar" if lane.place is not None else "hollow" if is_hollow else "pale",
                opacity=confidence if lane.place is not None else None,
                said=said.strip(),
            )
        )
    return element("g", *parts, class_=_class(lane))


def _bins(lane: _Lane, scale: Scale, top: float, _: Texts, bin_s: float) -> Markup:
    levels: dict[int, list[str]] = {}
    width = LAYER_WIDTH * scale.share(bin_s)
    for found in lane_bins(lane.utterances, bin_s):
        levels.setdefault(_level(found), []).append(_column(found, scale, width))
    paths = [
        element(
            "path",
            d="".join(columns),
            class_="column" if lane.place is not None else "pale column",
            fill_opacity=(level + 1) / _N_LEVELS if lane.place is not None else None,
        )
        for level, columns in sorted(levels.items())
    ]
    return element("g", layer(*paths, top=top, height=LANE), class_=_class(lane))


def _level(found: Bin) -> int:
    sure = found.confidence if found.confidence == found.confidence else 0.0
    return min(int(sure * _N_LEVELS), _N_LEVELS - 1)


def _column(found: Bin, scale: Scale, width: float) -> str:
    x = number(LAYER_WIDTH * scale.share(found.start_s))
    # As high as its share of the time; what is there at all is seen.
    tall = number(max(found.fill * (LANE - 4.0), 2.0))
    return f"M{x} {number(LANE - 2.0)}v-{tall}h{number(width)}v{tall}z"


def _class(lane: _Lane) -> str:
    return "lanes none" if lane.place is None else f"lanes e{lane.place}"


def _missing(
    data: SessionData, scale: Scale, track: int | None, height: float, texts: Texts
) -> list[Markup]:
    return [
        bar(
            scale,
            stretch.start_s,
            stretch.end_s,
            top=0.0,
            height=height,
            class_="gap",
            said=texts(
                "timeline.bar",
                start=time_name(stretch.start_s),
                end=time_name(stretch.end_s),
                label=texts.word("cause", stretch.cause),
                confidence="",
            ).strip(),
        )
        for stretch in data.missing[: 10 * MAX_MARKS]
        if track is None or stretch.track == track
    ]


def _marks(data: SessionData, scale: Scale, height: float) -> list[Markup]:
    parts = []
    for n, remark in enumerate(data.remarks[:MAX_MARKS], start=1):
        x = scale.percent(remark.start_s)
        place = f"{number(x)}%"
        parts.append(
            joined(
                element("line", x1=place, x2=place, y1=-8, y2=height, class_="mark"),
                element(
                    "text",
                    str(n),
                    x=place,
                    y=-11,
                    text_anchor="end" if x > 97 else "middle" if x > 2 else "start",
                    class_="tick",
                ),
            )
        )
    return parts
