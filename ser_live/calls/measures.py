"""Talk time, turns, interruptions, reply gaps and silence, from who spoke when and nothing else.

All times are seconds since the start of the recording. The definitions:

- **Talk time** is the time of one's own stretches; its share is that of all talk time.
- **Silence** and **overlap** are counted between the first and the last speech of the call.
- An **interruption** begins to speak while another still speaks, and both then speak for
  longer than `GRACE_S`. What is shorter and ends within the other's speech is a
  **backchannel**, such as *mm-hm*.
- A **turn** is held by one until another takes it, or for as long as no pause is longer than
  `LONGEST_PAUSE_S`. What lies within another's speech takes no turn. The longest one is the
  longest **monologue**.
- A **reply gap** is the silence between one's turn and the turn of another before it; 0 where
  the reply came early. The median is given.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Final, TypeAlias

Span: TypeAlias = tuple[float, float]
"""Start and end of a stretch, in seconds."""

GRACE_S: Final = 0.5
"""Longest overlap that is no interruption."""

LONGEST_PAUSE_S: Final = 3.0
"""Longest pause within a turn."""

LONG_SILENCE_S: Final = 10.0
"""Silence from which on a stretch is listed."""

_JOINED_S: Final = 0.25
"""Pauses shorter than this do not stop somebody from still speaking."""

_EDGE_S: Final = 0.1
"""Speech that ends so soon after the other's still lies within it."""

_EPS: Final = 1e-9


@dataclass(frozen=True, kw_only=True)
class Interruption:
    """One who begins to speak while another does, and goes on."""

    start_s: float
    overlap_s: float
    by: str
    of: str


@dataclass(frozen=True, kw_only=True)
class Turn:
    """A stretch in which one holds the floor."""

    speaker: str
    start_s: float
    end_s: float


@dataclass(frozen=True, kw_only=True)
class Share:
    """The part of one speaker in a call."""

    talk_s: float = 0.0
    talk_share: float = 0.0
    """Of all talk time, 0 to 1."""
    n_turns: int = 0
    longest_turn_s: float = 0.0
    """Longest monologue."""
    n_interruptions: int = 0
    """Times that they interrupted another."""
    n_interrupted: int = 0
    """Times that another interrupted them."""
    n_backchannels: int = 0
    reply_gap_s: float | None = None
    """Median; ``None`` where they never replied."""
    n_replies: int = 0


@dataclass(frozen=True, kw_only=True)
class Measures:
    """A call in numbers."""

    shares: Mapping[str, Share]
    """By speaker, in the order given."""
    speech_start_s: float = 0.0
    speech_end_s: float = 0.0
    silence_s: float = 0.0
    silence_share: float = 0.0
    """Of the time from the first to the last speech."""
    overlap_s: float = 0.0
    overlap_share: float = 0.0
    silences: tuple[Span, ...] = ()
    """Every stretch in which nobody speaks, between the first and the last speech."""
    reply_gap_s: float | None = None
    """Median over all replies."""
    turns: tuple[Turn, ...] = ()
    interruptions: tuple[Interruption, ...] = ()

    @property
    def longest_silence(self) -> Span | None:
        """Longest stretch in which nobody speaks; ``None`` where there is none."""
        return max(self.silences, key=lambda span: span[1] - span[0], default=None)

    @property
    def long_silences(self) -> tuple[Span, ...]:
        """Those of `LONG_SILENCE_S` and more."""
        return tuple(span for span in self.silences if span[1] - span[0] >= LONG_SILENCE_S)


def measure(spans: Mapping[str, Sequence[Span]]) -> Measures:
    """Measure a call.

    Parameters
    ----------
    spans : mapping of str to sequence of Span
        Stretches of speech by speaker, in any order; those that overlap count once.
    """
    own = {name: merged(stretches) for name, stretches in spans.items()}
    talk_s = {name: sum(end - start for start, end in own[name]) for name in own}
    total_s = sum(talk_s.values())
    if not any(own.values()):
        return Measures(shares={name: Share() for name in own})
    start_s, end_s, silences, overlap_s = _swept(own)
    interruptions, n_backchannels, floor = _taken(own)
    turns = _turns(floor)
    gaps = _reply_gaps(turns)
    silence_s = sum(end - start for start, end in silences)
    length_s = end_s - start_s
    every_gap = [gap for _, gap in gaps]
    shares = {}
    for name in own:
        lengths = [turn.end_s - turn.start_s for turn in turns if turn.speaker == name]
        own_gaps = [gap for who, gap in gaps if who == name]
        shares[name] = Share(
            talk_s=talk_s[name],
            talk_share=talk_s[name] / total_s if total_s > _EPS else 0.0,
            n_turns=len(lengths),
            longest_turn_s=max(lengths, default=0.0),
            n_interruptions=sum(found.by == name for found in interruptions),
            n_interrupted=sum(found.of == name for found in interruptions),
            n_backchannels=n_backchannels[name],
            reply_gap_s=median(own_gaps) if own_gaps else None,
            n_replies=len(own_gaps),
        )
    return Measures(
        shares=shares,
        speech_start_s=start_s,
        speech_end_s=end_s,
        silence_s=silence_s,
        silence_share=silence_s / length_s if length_s > _EPS else 0.0,
        overlap_s=overlap_s,
        overlap_share=overlap_s / length_s if length_s > _EPS else 0.0,
        silences=silences,
        reply_gap_s=median(every_gap) if every_gap else None,
        turns=turns,
        interruptions=interruptions,
    )


def merged(stretches: Iterable[Span]) -> tuple[Span, ...]:
    """Stretches in order, those that overlap or touch as one, without empty ones."""
    found: list[Span] = []
    for start, end in sorted(stretches):
        if end - start <= _EPS:
            continue
        if found and start <= found[-1][1] + _EPS:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return tuple(found)


def clipped(stretches: Iterable[Span], start_s: float, end_s: float) -> tuple[Span, ...]:
    """The part of stretches that lies between two moments."""
    found = ((max(start, start_s), min(end, end_s)) for start, end in stretches)
    return tuple((start, end) for start, end in found if end > start)


def _swept(own: Mapping[str, Sequence[Span]]) -> tuple[float, float, tuple[Span, ...], float]:
    """First and last moment of speech, silences between them, and the time of overlap."""
    edges = sorted(
        edge for spans in own.values() for start, end in spans for edge in ((start, 1), (end, -1))
    )
    silences: list[Span] = []
    overlap_s, n_speaking, previous = 0.0, 0, edges[0][0]
    for moment, change in edges:
        if moment - previous > _EPS:
            if n_speaking == 0:
                silences.append((previous, moment))
            elif n_speaking > 1:
                overlap_s += moment - previous
        n_speaking += change
        previous = moment
    return edges[0][0], edges[-1][0], tuple(silences), overlap_s


def _bridged(spans: Iterable[Span]) -> list[Span]:
    joined: list[Span] = []
    for start, end in spans:
        if joined and start - joined[-1][1] < _JOINED_S:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def _under_way(spans: Sequence[Span], moment: float) -> Span | None:
    """Stretch that began before a moment and has not ended."""
    place = bisect_right(spans, (moment, float("inf"))) - 1
    if place < 0:
        return None
    start, end = spans[place]
    return spans[place] if start < moment - _EPS and moment < end - _EPS else None


def _taken(
    own: Mapping[str, Sequence[Span]],
) -> tuple[tuple[Interruption, ...], dict[str, int], list[tuple[float, float, str]]]:
    """Interruptions, backchannels by speaker, and the stretches that take the floor."""
    bridged = {name: _bridged(spans) for name, spans in own.items()}
    others = {
        name: _bridged(merged(span for other in own if other != name for span in own[other]))
        for name in own
    }
    ranked = sorted(
        (start, end, rank, name)
        for rank, (name, spans) in enumerate(own.items())
        for start, end in spans
    )
    interruptions: list[Interruption] = []
    n_backchannels = dict.fromkeys(own, 0)
    floor: list[tuple[float, float, str]] = []
    for start, end, _, name in ranked:
        other_span = _under_way(others[name], start)
        if other_span is None:
            floor.append((start, end, name))
            continue
        overlap_s = min(end, other_span[1]) - start
        is_interruption = overlap_s > GRACE_S + _EPS
        if is_interruption:
            of = _speaking(bridged, name, start)
            interruptions.append(Interruption(start_s=start, overlap_s=overlap_s, by=name, of=of))
        if end > other_span[1] + _EDGE_S:
            floor.append((start, end, name))
        elif not is_interruption:
            n_backchannels[name] += 1
    return tuple(interruptions), n_backchannels, floor


def _speaking(bridged: Mapping[str, Sequence[Span]], name: str, moment: float) -> str:
    """Name of the other one who began first of those who speak at a moment."""
    found = [
        (span[0], other)
        for other, spans in bridged.items()
        if other != name and (span := _under_way(spans, moment)) is not None
    ]
    return min(found)[1] if found else next(other for other in bridged if other != name)


def _turns(floor: Iterable[tuple[float, float, str]]) -> tuple[Turn, ...]:
    turns: list[Turn] = []
    for start, end, name in floor:
        last = turns[-1] if turns else None
        if (
            last is not None
            and last.speaker == name
            and start - last.end_s <= LONGEST_PAUSE_S + _EPS
        ):
            turns[-1] = Turn(speaker=name, start_s=last.start_s, end_s=max(last.end_s, end))
        else:
            turns.append(Turn(speaker=name, start_s=start, end_s=end))
    return tuple(turns)


def _reply_gaps(turns: Sequence[Turn]) -> list[tuple[str, float]]:
    """Replies in their order: the name of the one who replied, and the silence before."""
    return [
        (after.speaker, max(0.0, after.start_s - before.end_s))
        for before, after in pairwise(turns)
        if before.speaker != after.speaker
    ]
