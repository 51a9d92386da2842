"""Audacity's label track (``.txt``): start, end and text of a label, a line each."""

from __future__ import annotations

from collections.abc import Iterator

from ser_live.records.exports.timeline import Timeline


def audacity(timeline: Timeline) -> Iterator[str]:
    """Labels in order of time; of several streams each says whose it is."""
    for stream, piece in timeline.in_order():
        speaker = timeline.speaker(stream)
        said = f"{speaker}: {piece.label}" if speaker else piece.label
        yield f"{piece.start_ms / 1000:.3f}\t{piece.end_ms / 1000:.3f}\t{said}\n"
