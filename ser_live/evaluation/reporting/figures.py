"""Plots of an evaluation, as SVG; matplotlib is imported when one is drawn.

Curves differ by line style and marker, areas by lightness, so that all can be read in grey.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ser_live.errors import UsageError

Json = Mapping[str, Any]

INK, MUTED, PALE = "#1f2933", "#7b8794", "#d9dee3"
BLUE, ORANGE = "#1f5fa8", "#d1761c"
WIDTH, HEIGHT = 5.6, 3.9
"""Size of a figure, inches."""
LEAST_IN_BIN = 10
"""Answers below which a point about a corpus left out is not drawn."""

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "ser-live",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 10,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": PALE,
    "grid.linewidth": 0.6,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "lines.markersize": 5,
    "figure.constrained_layout.use": True,
}


@contextmanager
def _figure(
    path: Path, title: str, *, size: tuple[float, float] = (WIDTH, HEIGHT)
) -> Iterator[Any]:
    """Axes to draw on; the figure is written when the block ends."""
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UsageError(
            "plots need matplotlib, which is not installed: install ser-live with the extra "
            "'plots'."
        ) from error
    # Not through pyplot: no window, no state, and the same file every time.
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=size)
        axes = figure.add_subplot()
        axes.set_title(title)
        yield axes
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": "ser-live"})


def reliability(path: Path, scores: Json) -> None:
    """Share of right answers, by the probability they were given."""
    bins = scores["calibration"]["reliability"]
    confidence = [one["confidence"] for one in bins]
    accuracy = [one["accuracy"] for one in bins]
    share = np.array([one["n"] for one in bins]) / sum(one["n"] for one in bins)
    with _figure(path, f"Reliability, calibration error {scores['ece']:.3f}") as axes:
        centre = [(one["low"] + one["high"]) / 2 for one in bins]
        width = bins[0]["high"] - bins[0]["low"]
        axes.bar(centre, share, 0.86 * width, color=PALE, label="share of the answers")
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1.0, linestyle="--", label="honest")
        axes.plot(confidence, accuracy, color=BLUE, marker="o", label="measured")
        axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="probability of the answer", ylabel="share right")
        axes.legend(loc="upper left")


def strangers(path: Path, left_out: Json) -> None:
    """Share of right answers about each corpus left out, by the probability they were given."""
    error = left_out["mean_ece"]
    with _figure(path, f"Reliability with strangers, mean calibration error {error:.3f}") as axes:
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1.0, linestyle="--", label="honest")
        markers, styles = "osD^vPX*", ("-", "--", ":", "-.")
        for number, (name, one) in enumerate(left_out["corpora"].items()):
            bins = [part for part in one["reliability"] if part["n"] >= LEAST_IN_BIN]
            axes.plot(
                [part["confidence"] for part in bins],
                [part["accuracy"] for part in bins],
                color=(BLUE, ORANGE, INK)[number % 3],
                marker=markers[number % len(markers)],
                linestyle=styles[number % len(styles)],
                label=name,
            )
        axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="probability of the answer", ylabel="share right")
        axes.legend(loc="upper left", title=f"points of {LEAST_IN_BIN} answers or more")


def coverage(path: Path, scores: Json) -> None:
    """Accuracy when the least sure answers are left out."""
    points = scores["calibration"]["coverage"]
    threshold = scores["calibration"]["threshold"]
    with _figure(path, "Accuracy when the least sure answers are withheld") as axes:
        axes.plot(
            [100 * point["coverage"] for point in points],
            [100 * point["accuracy"] for point in points],
            color=BLUE,
            marker="o",
        )
        if threshold["error"] is not None:
            x, y = 100 * threshold["coverage"], 100 * (1 - threshold["error"])
            axes.plot([x], [y], color=ORANGE, marker="D", markersize=8, linestyle="none")
            axes.annotate(
                f"threshold for {100 * threshold['max_error']:.0f} % error, chosen on other\n"
                f"speakers: {100 * threshold['error']:.0f} % error, {x:.0f} % answered",
                (x, y),
                xytext=(0.04, 0.06),
                textcoords="axes fraction",
                arrowprops={"arrowstyle": "-", "color": ORANGE, "shrinkB": 6},
            )
        lowest = min(point["accuracy"] for point in points)
        axes.set(
            xlim=(0, 102),
            ylim=(max(0, 10 * np.floor(10 * lowest - 1)), 101),
            xlabel="answered, % of the clips",
            ylabel="right, % of the answers",
        )


def onset(path: Path, scores: Json) -> None:
    """UAR by seconds heard since speech began."""
    section = scores["onset"]
    curve = section["curve"]
    with _figure(path, "How much must be heard") as axes:
        _curve(axes, [point["seconds"] for point in curve], curve, BLUE, "o", "-", "beginning only")
        _level(axes, scores["uar"], "whole clips")
        _level(axes, scores["chance_uar"], "chance")
        axes.set(
            xlim=(0, curve[-1]["seconds"] + 0.2),
            ylim=(0, 1),
            xlabel="heard since the first speech frame, s",
            ylabel="UAR",
        )


def by_past(path: Path, scores: Json) -> None:
    """UAR by how many utterances of the speaker came before."""
    curve = scores["adapted"]["by_past"]
    places = np.arange(len(curve))
    with _figure(path, "Learning the voice while listening") as axes:
        _curve(axes, places, curve, BLUE, "o", "-", "adapted")
        _level(axes, scores["uar"], "not adapted", is_below=True)
        _level(axes, scores["chance_uar"], "chance")
        axes.set_xticks(places, [_span(point["from"], point["to"]) for point in curve])
        axes.set(ylim=(0, 1), xlabel="utterances of the speaker heard before", ylabel="UAR")


def confusion(path: Path, scores: Json) -> None:
    """Confusion matrix in percent of the truth."""
    labels, counts = scores["labels"], np.array(scores["confusion_matrix"], dtype=np.float64)
    percent = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    title = f"What is taken for what, % of each row ({counts.sum():.0f} clips)"
    with _figure(path, title, size=(WIDTH, 4.6)) as axes:
        axes.imshow(percent, cmap="Blues", vmin=0, vmax=100, aspect="auto")
        for row, column in np.ndindex(percent.shape):
            value = percent[row, column]
            if value >= 0.5:
                color = "white" if value > 55 else INK
                axes.text(column, row, f"{value:.0f}", ha="center", va="center", color=color)
        places = np.arange(len(labels))
        axes.set_xticks(places, labels, rotation=35, ha="right", rotation_mode="anchor")
        axes.set_yticks(places, labels)
        axes.set(xlabel="answer", ylabel="acted")
        axes.grid(visible=False)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)


def robustness(path: Path, section: Json) -> None:
    """Share of labels that stay when the sound is spoilt, with the mark to pass."""
    items = section["items"]
    places = np.arange(len(items))[::-1]
    size = (WIDTH + 0.9, 1.1 + 0.235 * len(items))
    with _figure(path, "Labels that stay when the sound is spoilt", size=size) as axes:
        values = [100 * item["unchanged"] for item in items]
        kinds = [_verdict(item) for item in items]
        for kind, style in _VERDICTS.items():
            chosen = [n for n, one in enumerate(kinds) if one == kind]
            if chosen:
                axes.barh(places[chosen], [values[n] for n in chosen], 0.68, label=kind, **style)
        marked = [n for n, item in enumerate(items) if item["pass_mark"] is not None]
        axes.plot(
            [100 * items[n]["pass_mark"] for n in marked],
            places[marked],
            color=INK,
            marker="|",
            markersize=10,
            markeredgewidth=2,
            linestyle="none",
            label="mark to pass",
        )
        for place, value, kind in zip(places, values, kinds, strict=True):
            is_full = kind != _SHORT
            axes.annotate(
                f"{value:.0f}",
                (0, place),
                xytext=(4, 0),
                textcoords="offset points",
                va="center",
                color="white" if is_full and value > 6 else INK,
                fontsize=8,
                bbox=None if is_full else {"facecolor": "white", "edgecolor": "none", "pad": 1},
            )
        axes.set_yticks(places, [item["name"] for item in items])
        axes.set(
            xlim=(0, 103), ylim=(-0.7, len(items) - 0.3), xlabel="labels unchanged, % of clips"
        )
        axes.grid(axis="y", visible=False)
        axes.tick_params(axis="y", length=0)
        axes.figure.legend(loc="outside lower center", ncols=4)


_SHORT = "falls short"
_VERDICTS: dict[str, dict[str, Any]] = {
    "passes": {"color": BLUE},
    _SHORT: {"color": "white", "edgecolor": ORANGE, "hatch": "////"},
    "no mark set": {"color": MUTED},
}


def _verdict(item: Json) -> str:
    if item["pass_mark"] is None:
        return "no mark set"
    return "passes" if item["passes"] else _SHORT


def draw_all(folder: Path, scores: Json, spoilt: Json | None = None) -> list[str]:
    """Every plot for which there are numbers; returns the names of the files."""
    drawn = []
    for name, draw, is_there in (
        ("reliability", reliability, "calibration" in scores),
        ("coverage", coverage, "calibration" in scores),
        ("confusion", confusion, "confusion_matrix" in scores),
        ("onset", onset, "onset" in scores),
        ("by_past", by_past, bool(scores.get("adapted"))),
    ):
        if is_there:
            draw(folder / f"{name}.svg", scores)
            drawn.append(f"{name}.svg")
    if spoilt:
        robustness(folder / "robustness.svg", spoilt)
        drawn.append("robustness.svg")
    return drawn


def _curve(
    axes: Any, x: Any, curve: Sequence[Json], color: str, marker: str, line: str, label: str
) -> None:
    """UAR with its 95 % interval over speakers."""
    values = [point["uar"] for point in curve]
    low = [_or(point["interval"][0], point["uar"]) for point in curve]
    high = [_or(point["interval"][1], point["uar"]) for point in curve]
    axes.fill_between(x, low, high, color=color, alpha=0.16, linewidth=0)
    axes.plot(x, values, color=color, marker=marker, linestyle=line)
    for place, value in zip(x, values, strict=True):
        axes.annotate(
            f"{value:.2f}",
            (place, value),
            xytext=(0, 6),
            textcoords="offset points",
            ha="center",
            fontsize=8,
        )
    axes.annotate(
        f"{label} (shaded: 95 % over speakers)",
        (0.98, 0.24),
        xycoords="axes fraction",
        ha="right",
        color=color,
    )


def _level(axes: Any, value: float, label: str, *, is_below: bool = False) -> None:
    """A horizontal line with its name and value."""
    axes.axhline(value, color=MUTED, linewidth=1.0, linestyle="--")
    axes.annotate(
        f"{label} {value:.3f}",
        (0.01, value),
        xycoords=("axes fraction", "data"),
        xytext=(0, -24 if is_below else 3),
        textcoords="offset points",
        color=MUTED,
        fontsize=8,
    )


def _span(low: int, high: int) -> str:
    return str(low) if low == high else f"{low}–{high}"


def _or(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value
