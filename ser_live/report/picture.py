"""The report as one picture, drawn by matplotlib (extra ``plots``)."""

from __future__ import annotations

import io
import math
from typing import Any

from ser_live.emotions import color_of
from ser_live.errors import UsageError
from ser_live.events import Verdict
from ser_live.pages.colors import LIGHT, fitted
from ser_live.pages.markup import name_of
from ser_live.report import wording
from ser_live.report.page import Report
from ser_live.report.session_data import Judged

_WIDTH, _DPI = 11.0, 150


def png(report: Report) -> bytes:
    """Timeline, shares and valence with arousal over time, one above the other.

    Raises
    ------
    UsageError
        matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UsageError(
            "Found no matplotlib, but a picture needs it: pip install 'ser-live[plots]', or "
            "choose another --format."
        ) from error
    texts, figures = report.texts, report.figures
    lanes = _lanes(report)
    heights = [0.34 * max(len(lanes), 1) + 0.5, 0.3 * max(len(figures.named), 1) + 0.6, 1.9]
    figure = Figure(figsize=(_WIDTH, sum(heights) + 1.7), dpi=_DPI, layout="constrained")
    title = _plain(wording.heading(report.data, texts))
    # Dollar signs are mathematics to matplotlib, and names come from outside.
    figure.suptitle(title, x=0.01, ha="left", fontsize=15, weight="bold", parse_math=False)
    axes = figure.subplots(3, 1, gridspec_kw={"height_ratios": heights})
    _timeline(axes[0], report, lanes)
    _shares(axes[1], report)
    _affect(axes[2], report)
    figure.text(
        0.01,
        -0.005,
        _plain(texts("how.1")),
        fontsize=8,
        color="#525d6b",
        wrap=True,
        va="top",
        parse_math=False,
    )
    out = io.BytesIO()
    figure.savefig(out, format="png", bbox_inches="tight", metadata={"Software": "ser-live"})
    return out.getvalue()


def _lanes(report: Report) -> list[tuple[str, str | None, list[Judged]]]:
    data, texts = report.data, report.texts
    found: list[tuple[str, str | None, list[Judged]]] = []
    for label in data.labels:
        own = [u for u in data.utterances if u.result.emotion == label]
        if own:
            color = fitted(color_of(label, data.labels), LIGHT)
            found.append((_plain(name_of(texts.label(label))), color, own))
    others = [u for u in data.utterances if u.result.emotion is None]
    for name, wanted in (
        (texts.state(Verdict.UNCERTAIN.value), True),
        (texts("timeline.unjudged"), False),
    ):
        own = [u for u in others if (u.result.state is Verdict.UNCERTAIN) == wanted]
        if own:
            found.append((_plain(name), None, own))
    return found


def _timeline(axes: Any, report: Report, lanes: list[tuple[str, str | None, list[Judged]]]) -> None:
    for row, (_, color, utterances) in enumerate(lanes):
        spans = [(u.start_s / 60, max(u.end_s - u.start_s, 0.05) / 60) for u in utterances]
        alphas = [0.25 + 0.75 * (u.result.confidence or 0.0) for u in utterances]
        faces = "none" if color is None else [(color, alpha) for alpha in alphas]
        edge = color or "#525d6b"
        axes.broken_barh(spans, (row - 0.32, 0.64), facecolors=faces, edgecolors=edge, lw=0.6)
    for stretch in report.data.missing:
        start, end = stretch.start_s / 60, stretch.end_s / 60
        axes.axvspan(start, end, facecolor="none", edgecolor="#525d6b", hatch="///", lw=0.0)
    axes.set_yticks(range(len(lanes)), [name for name, _, _ in lanes])
    axes.set_ylim(len(lanes) - 0.4, -0.6)
    axes.set_xlim(0, max(report.data.length_s / 60, 1e-3))
    axes.set_title(report.texts("section.timeline"), loc="left", fontsize=11)
    axes.set_xlabel("min", fontsize=9)
    _quiet(axes)


def _shares(axes: Any, report: Report) -> None:
    texts, figures = report.texts, report.figures
    shown = [s for s in figures.shares if s.is_label and math.isfinite(s.probability.value)]
    for row, share in enumerate(shown):
        p = share.probability
        color = fitted(color_of(share.name, figures.labels), LIGHT)
        axes.barh(row, p.value, height=0.62, color=color)
        if p.has_interval:
            axes.plot([p.low, p.high], [row, row], color="#1b2430", lw=1.2)
    axes.set_yticks(range(len(shown)), [_plain(name_of(texts.label(s.name))) for s in shown])
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.set_title(_plain(texts("shares.column.probability")), loc="left", fontsize=11)
    axes.xaxis.set_major_formatter(lambda value, _: texts.percent(value))
    axes.set_xlim(left=0)
    _quiet(axes)


def _affect(axes: Any, report: Report) -> None:
    from ser_live.report.bins import bin_length_s, means

    data, texts = report.data, report.texts
    bin_s = bin_length_s(data.length_s, 60)
    for name, style, color in (("valence", "-", "#17566a"), ("arousal", "--", "#b5541c")):
        points = means(data.utterances, _value_of(name), bin_s)
        x = [p.x / 60 for p in points]
        axes.plot(
            x, [p.y for p in points], style, color=color, lw=1.6, label=texts(f"affect.{name}")
        )
        low, high = [p.low for p in points], [p.high for p in points]
        axes.fill_between(x, low, high, color=color, alpha=0.13, lw=0)
    axes.axhline(0, color="#d8dbe0", lw=1)
    axes.set_xlim(0, max(data.length_s / 60, 1e-3))
    axes.set_ylim(-1, 1)
    axes.set_title(texts("section.affect"), loc="left", fontsize=11)
    axes.set_xlabel("min", fontsize=9)
    if axes.has_data():
        axes.legend(frameon=False, fontsize=9, ncols=2, loc="upper right")
    _quiet(axes)


def _value_of(name: str) -> Any:
    return lambda judged: getattr(judged.result, name)


def _quiet(axes: Any) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=9, length=0)
    for label in (*axes.get_yticklabels(), *axes.get_xticklabels()):
        label.set_parse_math(False)


def _plain(text: str) -> str:
    """A text without characters that the fonts of a picture lack."""
    return text.replace("\N{REPLACEMENT CHARACTER}", "?")
