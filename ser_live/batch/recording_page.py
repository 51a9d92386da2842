"""A recording as a piece of HTML for notebooks: one inline SVG, no script, no request.

Each label has a line of its own, named at its left, so that nothing hangs on colour.
"""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ser_live.emotions import color_of
from ser_live.events import EmotionResult, Verdict
from ser_live.terminal.text import printable

if TYPE_CHECKING:
    from ser_live.batch.recording import Recording

_WIDTH = 720
_LEFT = 96
"""Place of 0 s; the names of the lines stand before it."""
_RIGHT = 700
_LINE = 22
"""Height of the line of one label; all in the unit of the drawing."""
_STEPS_S = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14_400, 43_200)
_MAX_TICKS = 12


def page(recording: Recording) -> str:
    """A caption and the timeline of a recording."""
    caption = _escaped(_caption(recording))
    return (
        f'<figure style="margin:0"><figcaption>{caption}</figcaption>{_timeline(recording)}'
        "</figure>"
    )


def _caption(recording: Recording) -> str:
    summary = recording.summary
    n, confidence = len(recording.utterances), summary["confidence"]
    parts = [
        f"{recording.file}: {recording.duration_s:.1f} s",
        f"{n} utterance{'' if n == 1 else 's'}",
        f"{summary['emotion'] or summary['state']}"
        + (f" {confidence:.2f}" if isinstance(confidence, float) else ""),
        f"model {recording.model}",
    ]
    return ", ".join(parts) + ("" if recording.error is None else f". {recording.error}")


def _timeline(recording: Recording) -> str:
    labels = _labels(recording)
    # One that broke off has no length, but utterances.
    length_s = max([recording.duration_s, *(u.end_s for u in recording.utterances), 0.1])
    scale = (_RIGHT - _LEFT) / length_s
    bottom = len(labels) * _LINE
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {_WIDTH} {bottom + 34}" '
        f'style="width:100%;max-width:{_WIDTH}px" font-family="sans-serif" font-size="12" '
        'fill="currentColor">',
        "<title>Emotion of each utterance over time in seconds</title>",
    ]
    for index, label in enumerate(labels):
        parts.append(
            f'<text x="{_LEFT - 8}" y="{index * _LINE + 15}" text-anchor="end">'
            f"{_escaped(label)}</text>"
        )
    for tick_s in _ticks(length_s):
        x = f"{_LEFT + tick_s * scale:.1f}"
        parts.append(
            f'<path d="M{x} 0V{bottom + 4}" stroke="currentColor" stroke-opacity=".25"/>'
            f'<text x="{x}" y="{bottom + 17}" text-anchor="middle">{tick_s}</text>'
        )
    parts.append(f'<text x="{_RIGHT}" y="{bottom + 31}" text-anchor="end">time (s)</text>')
    for utterance in recording.utterances:
        emotion = utterance.emotion
        color = "none" if emotion is None else color_of(emotion, recording.labels)
        parts.append(
            f'<rect x="{_LEFT + utterance.start_s * scale:.1f}" '
            f'y="{labels.index(_label(utterance)) * _LINE + 3}" '
            f'width="{max((utterance.end_s - utterance.start_s) * scale, 1.0):.1f}" '
            f'height="{_LINE - 6}" fill="{color}" stroke="currentColor" stroke-opacity=".6">'
            f"<title>{_escaped(_said(utterance))}</title></rect>"
        )
    return "".join([*parts, "</svg>"])


def _labels(recording: Recording) -> list[str]:
    """Labels that occur: the model's in their order, then why there was none."""
    found = {_label(utterance) for utterance in recording.utterances}
    in_order = dict.fromkeys([*recording.labels, *(verdict.value for verdict in Verdict)])
    return [label for label in in_order if label in found]


def _label(utterance: EmotionResult) -> str:
    return utterance.state.value if utterance.emotion is None else utterance.emotion


def _said(utterance: EmotionResult) -> str:
    """Text shown to a pointer that rests on the bar."""
    said = f"{utterance.start_s:.1f}-{utterance.end_s:.1f} s: {_label(utterance)}"
    if utterance.confidence is not None:
        best = "" if utterance.emotion is not None else f", best guess {utterance.best}"
        said += f"{best} {utterance.confidence:.2f}"
    return "; ".join([said, *(reason.text for reason in utterance.reasons)])


def _ticks(length_s: float) -> Iterator[int]:
    step_s = next((s for s in _STEPS_S if length_s / s <= _MAX_TICKS), 86_400)
    yield from range(0, int(length_s) + 1, step_s)


def _escaped(text: str) -> str:
    return html.escape(printable(text))
