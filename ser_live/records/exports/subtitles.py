"""Text of a cue, which SubRip and WebVTT share."""

from __future__ import annotations

from collections.abc import Iterator

from ser_live.records.exports.timeline import Part, Stretch, Timeline

MARK_MS = 1000
"""Time that a mark is shown."""
MOST_SHOWN = 0.99
"""Highest probability that is written out; nothing is ever certain."""


def cues(timeline: Timeline) -> Iterator[tuple[int, int, str, str]]:
    """Start and end in milliseconds, speaker (may be empty) and text of every cue, by time."""
    for stream, piece in timeline.in_order():
        end_ms = piece.start_ms + MARK_MS if piece.part is Part.MARK else piece.end_ms
        yield piece.start_ms, end_ms, timeline.speaker(stream), _text(piece)


def _text(piece: Stretch) -> str:
    if piece.confidence is None:
        return f"mark: {piece.label}" if piece.part is Part.MARK else piece.label
    if piece.guess is not None:
        return f"{piece.label} (best guess {piece.guess} {_share(piece.confidence)})"
    return f"{piece.label} {_share(piece.confidence)}"


def _share(confidence: float) -> str:
    return f"over {MOST_SHOWN:.0%}" if confidence > MOST_SHOWN else f"{confidence:.0%}"


def clock_ms(position_ms: int, decimal: str) -> str:
    """A position as ``hh:mm:ss.mmm``, with the given sign before the milliseconds."""
    seconds, ms = divmod(position_ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{decimal}{ms:03d}"
