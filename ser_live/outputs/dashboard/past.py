"""The session so far: utterances, gaps and marks on one clock.

Streams that follow each other follow each other here, too; those side by side begin together.
"""

from __future__ import annotations

from collections import deque
from copy import copy
from dataclasses import dataclass, replace

from ser_live.events import Drop, EmotionResult, Mark, Note, StreamGap, seconds

N_KEPT = 2000
"""Utterances, gaps and marks kept, of each the latest: hours of talk."""


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One past utterance."""

    start_s: float
    duration_s: float
    """Speech time; for a dropped utterance its whole length."""
    label: str
    """The emotion's name, the state's, or ``dropped``."""
    emotion: str | None = None
    best: str | None = None
    confidence: float | None = None
    stream: int = 0
    """Number of its stream in the session."""
    begin_s: float = 0.0
    """Position on the session's clock."""
    end_s: float = 0.0
    """End on the session's clock."""
    result: EmotionResult | None = None
    """All that was said about it, without its audio."""


@dataclass(frozen=True, slots=True)
class Missing:
    """A stretch of the session that was not heard."""

    begin_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Marked:
    """A moment that somebody marked or noted something at."""

    at_s: float
    text: str


class Past:
    """The latest of a session, on its own clock in seconds."""

    def __init__(self) -> None:
        self.entries: deque[TimelineEntry] = deque(maxlen=N_KEPT)
        """Utterances, the newest last."""
        self.gaps: deque[Missing] = deque(maxlen=N_KEPT)
        self.marks: deque[Marked] = deque(maxlen=N_KEPT)
        self.version = 0
        """Grows with all that is added."""
        self._offsets: dict[int, float] = {}
        """Position at which each stream that is not over began, by its number."""
        self._front_s = 0.0
        """Latest position that a stream reached before those that run began."""

    def copied(self) -> Past:
        """The same, which does not grow with this."""
        kept = copy(self)
        kept.entries, kept.gaps = self.entries.copy(), self.gaps.copy()
        kept.marks, kept._offsets = self.marks.copy(), dict(self._offsets)
        return kept

    def begin(self, number: int) -> None:
        """A stream begins."""
        self._offsets[number] = next(iter(self._offsets.values()), self._front_s)

    def end(self, number: int, length_s: float) -> None:
        """A stream is over."""
        self._front_s = max(self._front_s, self._offsets.pop(number, 0.0) + length_s)

    def at(self, number: int, position_s: float) -> float:
        """A position in a stream as one of the session; the end for a stream that is over."""
        offset_s = self._offsets.get(number)
        return self._front_s if offset_s is None else offset_s + position_s

    def add_result(self, result: EmotionResult) -> None:
        """A final result."""
        label = result.state.value if result.emotion is None else result.emotion
        self.version += 1
        self.entries.append(
            TimelineEntry(
                start_s=result.start_s,
                duration_s=result.speech_s,
                label=label,
                emotion=result.emotion,
                best=result.best,
                confidence=result.confidence,
                stream=result.stream.number,
                begin_s=self.at(result.stream.number, result.start_s),
                end_s=self.at(result.stream.number, result.end_s),
                result=result if result.samples is None else replace(result, samples=None),
            )
        )

    def add_drop(self, drop: Drop) -> None:
        """An utterance that was not analyzed."""
        self.version += 1
        self.entries.append(
            TimelineEntry(
                start_s=drop.start_s,
                duration_s=seconds(drop.end_sample - drop.start_sample),
                label="dropped",
                stream=drop.stream.number,
                begin_s=self.at(drop.stream.number, drop.start_s),
                end_s=self.at(drop.stream.number, drop.end_s),
            )
        )

    def add_gap(self, gap: StreamGap) -> None:
        """A stretch that was not heard."""
        begin_s = self.at(gap.stream.number, gap.start_s)
        self.version += 1
        self.gaps.append(Missing(begin_s, begin_s + gap.duration_s))

    def add_mark(self, event: Mark | Note) -> None:
        """A moment that somebody marked."""
        text = event.label if isinstance(event, Mark) else event.words
        self.version += 1
        self.marks.append(Marked(self.at(event.stream.number, event.start_s), text))
