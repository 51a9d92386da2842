"""Tiers of annotations, which Praat and ELAN share: in one tier nothing overlaps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ser_live.records.exports.timeline import Part, Stretch, TimedStream, Timeline

_SUFFIXES = {Part.SPEECH: "", Part.MISSING: " gaps", Part.MARK: " marks"}
"""Kinds of tiers in their order, with what follows the name of the stream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """Stretches of one stream, in order."""

    name: str
    """Unique in the timeline."""
    speaker: str
    has_marks: bool
    """Whether it holds moments instead of stretches."""
    pieces: Sequence[Stretch]


def tiers(timeline: Timeline) -> list[Tier]:
    """Tiers of a timeline: for each stream its utterances, and gaps and marks where there are any.

    Stretches that overlap go into further tiers, so that every time stays what it is. There is
    always one tier at least.
    """
    found: list[Tier] = []
    taken: set[str] = set()
    for stream in timeline.streams:
        for part, suffix in _SUFFIXES.items():
            for number, lane in enumerate(_lanes(stream, part), start=1):
                name = stream.name + suffix + (f" {number}" if number > 1 else "")
                while name in taken:
                    name += "'"
                taken.add(name)
                found.append(
                    Tier(name=name, speaker=stream.name, has_marks=part is Part.MARK, pieces=lane)
                )
    return found or [Tier(name="speech", speaker="", has_marks=False, pieces=[])]


def _lanes(stream: TimedStream, part: Part) -> Iterator[list[Stretch]]:
    """The stretches of one kind, in as few lists without overlap as they need."""
    lanes: list[list[Stretch]] = []
    ends_ms: list[int] = []
    for piece in stream.stretches:
        if (Part.SPEECH if piece.part is Part.OTHER_SOUND else piece.part) is not part:
            continue
        # Two marks at one moment overlap too.
        least_ms = piece.start_ms - (part is Part.MARK)
        lane = next((n for n, end_ms in enumerate(ends_ms) if end_ms <= least_ms), None)
        if lane is None:
            lanes.append([piece])
            ends_ms.append(piece.end_ms)
        else:
            lanes[lane].append(piece)
            ends_ms[lane] = piece.end_ms
    if not lanes and part is Part.SPEECH:
        lanes.append([])
    yield from lanes
