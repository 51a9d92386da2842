"""The report of one session as a page of HTML, or as Markdown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from ser_live import __version__
from ser_live.pages.charts import interval_bar, swatch
from ser_live.pages.colors import letters
from ser_live.pages.markup import name_of
from ser_live.pages.rendering import render
from ser_live.report import drawings, tables, wording
from ser_live.report.bins import lane_length_s
from ser_live.report.data_files import csv_address
from ser_live.report.figures import Figures, Share, compute, quantile
from ser_live.report.model_facts import ModelFacts, model_facts
from ser_live.report.moments import sounds_of
from ser_live.report.session_data import Judged, SessionData
from ser_live.report.shares import weighted_mean
from ser_live.report.texts import Texts
from ser_live.report.timeline_chart import MAX_TRACKS, panels

_PITCH = "f0_semitones_p50"
_RATE = "articulation_rate_per_s"
_N_SHADES = 6
"""Shades of the table of transitions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A session with all that is told of it."""

    data: SessionData
    figures: Figures
    facts: ModelFacts
    texts: Texts
    is_redacted: bool = False

    @classmethod
    def of(cls, data: SessionData, texts: Texts, *, is_redacted: bool = False) -> Report:
        """Compute the figures of a session."""
        sha256 = data.started.model_sha256 if data.started else ""
        return cls(
            data=data,
            figures=compute(data),
            facts=model_facts(sha256),
            texts=texts,
            is_redacted=is_redacted,
        )


def html(report: Report, *, with_audio: bool = False) -> str:
    """The page, whole in one text."""
    data, figures, texts = report.data, report.figures, report.texts
    address, is_packed = csv_address(data)
    labels = figures.labels
    return render(
        "report/session.html",
        title=wording.heading(data, texts),
        language=texts.language,
        labels=labels,
        styles=["report/report.css"],
        scripts=["report/report.js"],
        t=texts,
        ser_live=__version__,
        is_redacted=report.is_redacted,
        about=wording.about(data, figures, report.facts, texts),
        trust=wording.trust(report.facts, len(labels), texts),
        happened=wording.happened(figures, texts),
        panels=panels(data, texts),
        legend=legend(figures, texts),
        timeline_caption=_timeline_caption(data, texts),
        share_table=tables.shares(figures, texts),
        share_rows=_share_rows(figures, texts),
        affect=_affect(report),
        transitions=tables.transitions(figures, texts),
        shades=_shades(figures),
        voice=tables.voice(figures, texts),
        voice_charts=_voice_charts(report),
        moments=_moments(report, with_audio),
        remarks=tables.remarks(data, texts),
        corrections=tables.corrections(data, figures, texts),
        n_unread=data.n_unread,
        n_utterances=figures.n_utterances,
        quality=wording.quality(data, figures, texts),
        lacks=wording.lacks(figures, texts),
        said=wording.said(data, texts),
        about_log=[name_of(sentence) for sentence in data.sentences],
        how=wording.how_to_read(report.facts, texts),
        never=wording.never(texts),
        utterances=tables.utterances(data, texts),
        csv_address=Markup(address),  # noqa: S704  base64
        csv_is_packed=is_packed,
        csv_name=f"utterances.csv{'.gz' if is_packed else ''}",
    )


def legend(figures: Figures, texts: Texts) -> list[tuple[int, Markup, str]]:
    """Colour, letters and name of each label that was named."""
    short = letters([texts.label(label) for label in figures.labels])
    named = {share.name for share in figures.named}
    return [
        (n, swatch(n), f"{name_of(texts.label(label))} ({short[n]})")
        for n, label in enumerate(figures.labels)
        if label in named
    ]


def _timeline_caption(data: SessionData, texts: Texts) -> list[str]:
    bin_s = lane_length_s(len(data.utterances), data.length_s)
    if bin_s is None:
        sentences = [texts("timeline.caption")]
    else:
        sentences = [texts("timeline.caption.binned", bin=texts.duration(bin_s))]
    if any(remark.start_s is not None for remark in data.remarks):
        sentences.append(texts("timeline.marks"))
    if data.n_tracks > MAX_TRACKS:
        sentences.append(texts("timeline.tracks_left_out", n=MAX_TRACKS))
    return sentences


def _share_rows(figures: Figures, texts: Texts) -> list[tuple[Markup, tuple[str, ...], Markup]]:
    """Rows of the table of shares: name with its swatch, the cells, and the bar."""
    most = max((_reach(share) for share in figures.shares), default=1.0)
    rows = []
    for share, cells in zip(figures.shares, tables.shares(figures, texts).rows, strict=True):
        place = figures.labels.index(share.name) if share.is_label else None
        name = Markup("{}{}").format(swatch(place) if place is not None else "", cells[0])
        p = share.probability
        drawn = interval_bar(p.value, p.low, p.high, place=place, most=most)
        rows.append((name, cells[1:], drawn))
    return rows


def _reach(share: Share) -> float:
    p = share.probability
    return max((v for v in (p.value, p.high) if math.isfinite(v)), default=0.0)


def _affect(report: Report) -> dict[str, object] | None:
    data, figures, texts = report.data, report.figures, report.texts
    path = drawings.affect_path(data, texts)
    if path is None:
        return None
    facts = []
    for name, estimate in (("valence", figures.valence), ("arousal", figures.arousal)):
        value = texts.number(estimate.value, 2, signed=True)
        interval = f" ({texts.interval(estimate, percent=False)})"
        facts.append(
            (
                texts(f"affect.facts.{name}"),
                value + (interval if estimate.has_interval else ""),
            )
        )
    lines = [drawings.over_time(data, name, texts) for name in ("valence", "arousal")]
    names = [
        texts("affect.over_time", measure=texts(f"affect.{n}")) for n in ("valence", "arousal")
    ]
    return {
        "facts": facts,
        "path": path,
        "lines": [(name, line) for name, line in zip(names, lines, strict=True) if line],
    }


def _shades(figures: Figures) -> list[list[int]]:
    """Shade of each cell of the table of transitions, by its share of the row."""
    counts = figures.transitions
    named = [label for label in figures.labels if any(label in pair for pair in counts)]
    rows = []
    for one in named:
        total = sum(counts[one, other] for other in named)
        rows.append(
            [
                math.ceil((_N_SHADES - 1) * counts[one, other] / total) if total else 0
                for other in named
            ]
        )
    return rows


def _voice_charts(report: Report) -> list[tuple[str, str, Markup]]:
    """Loudness, pitch and rate over time against the own baseline, as far as the log has them."""
    data, figures, texts = report.data, report.figures, report.texts
    judged = [
        u
        for u in data.utterances
        if u.result.probabilities is not None and math.isfinite(u.result.level_dbfs)
    ]
    charts: list[tuple[str, str, Markup | None]] = []
    mean = weighted_mean(judged, lambda u: u.result.speech_s, lambda u: u.result.level_dbfs)
    if math.isfinite(mean):
        around = [u.result.level_dbfs - mean for u in judged]
        about = texts(
            "voice.loudness.about",
            mean=texts.number(mean, 0),
            low=texts.number(quantile(around, 0.25), 1, signed=True),
            high=texts.number(quantile(around, 0.75), 1, signed=True),
        )
        drawn = drawings.loudness(data, mean, about, texts)
        charts.append((_titled(texts, "loudness"), about, drawn))
    for name, feature in (("pitch", _PITCH), ("rate", _RATE)):
        found = next((f for f in figures.features if f.name == feature), None)
        if found is None:
            continue
        about = texts(
            "voice.stood_out.about",
            n=found.n_higher + found.n_lower,
            higher=found.n_higher,
            lower=found.n_lower,
        )
        drawn = drawings.stood_out(data, feature, texts(f"voice.{name}"), about, texts)
        charts.append((_titled(texts, name), about, drawn))
    return [(title, about, drawn) for title, about, drawn in charts if drawn is not None]


def _titled(texts: Texts, name: str) -> str:
    return f"{texts(f'voice.{name}')} ({texts(f'voice.{name}.unit')})"


def _moments(report: Report, with_audio: bool) -> dict[str, object]:
    data, figures, texts = report.data, report.figures, report.texts
    several = len(data.parts) > 1
    groups = (
        (texts("moments.strongest"), figures.strongest),
        (texts("moments.least"), figures.least_certain),
    )
    sounds: dict[tuple[int, int], str] = {}
    n_left_out = 0
    if with_audio:
        every = [u for _, found in groups for u in found]
        sounds, n_left_out = sounds_of(data, every)
    return {
        "groups": [
            (tables.moments(found, caption, several, texts), _players(found, sounds, texts))
            for caption, found in groups
            if found
        ],
        "with_audio": with_audio,
        "n_left_out": n_left_out,
    }


def _players(
    found: Sequence[Judged], sounds: dict[tuple[int, int], str], texts: Texts
) -> list[tuple[str, Markup]]:
    """Address of the sound of each moment, empty without one, and what the player is called."""
    players = []
    for u, row in zip(found, tables.moments(found, "", False, texts).rows, strict=True):
        address = sounds.get((u.result.stream.number, u.result.id), "")
        players.append((texts("moments.listen", at=row[0]), Markup(address)))  # noqa: S704  base64
    return players
