"""The running emotion of a session: that of the stream in which somebody spoke last."""

from __future__ import annotations

import math

from ser_live.events import AffectState, Event, Level, StreamEnded
from ser_live.events.record import OfStream, Record
from ser_live.stream.emotion_state import EmotionState


class Running:
    """The running emotions of all streams, and which one counts at present.

    Parameters
    ----------
    pace : str
        As for `EmotionState`.
    """

    def __init__(self, pace: str = "assistant") -> None:
        self._pace = pace
        self._states: dict[int, EmotionState] = {}
        self._positions: dict[int, int] = {}
        """Latest position known of each stream."""
        self._levels: dict[int, float] = {}
        self._chosen: int | None = None
        """Number of the stream in which somebody spoke last."""
        self._spoke: dict[int, None] = {}
        """Numbers of the streams that are there; in which somebody spoke last, at the end."""
        self._source = ""

    def take(self, event: Event) -> list[AffectState]:
        """Take one event in, and give the states that it brings."""
        if not isinstance(event, OfStream):
            return []
        number = event.stream.number
        if number not in self._states:
            self._states[number] = EmotionState(self._pace)
            self._positions[number] = 0
            # A recording that begins after another takes over; sides of a call wait for speech.
            is_next = event.stream.source != self._source and event.stream.session is None
            if self._chosen not in self._spoke or is_next:
                self._choose(number)
            self._spoke = {number: None, **self._spoke}
        self._source = event.stream.source
        if isinstance(event, Level):
            self._levels[number] = event.rms_dbfs
            self._positions[number] = max(self._positions[number], event.sample)
        changes = self._states[number].take(event)
        for change in changes:
            self._positions[number] = max(self._positions[number], change.sample)
            if change.speaking:
                self._choose(number)
                self._spoke[number] = self._spoke.pop(number)
        if isinstance(event, StreamEnded) and event.stream.session is not None:
            changes += self._forget(event)
        return changes

    def _choose(self, number: int) -> None:
        """Let a stream count; one that is over and counted so far is forgotten."""
        if self._chosen is not None and self._chosen not in self._spoke:
            self._remove(self._chosen)
        self._chosen = number

    def _forget(self, event: StreamEnded) -> list[AffectState]:
        """Take back what was told of a stream of a server, which goes on without it."""
        number = event.stream.number
        del self._spoke[number]
        state = EmotionState(self._pace)
        state.take(event)
        self._states[number] = state
        if self._chosen != number:
            self._remove(number)
        elif self._spoke:
            self._choose(next(reversed(self._spoke)))
        return [state.at(event.n_samples)]

    def _remove(self, number: int) -> None:
        del self._states[number], self._positions[number]
        self._levels.pop(number, None)

    def now(self) -> AffectState | None:
        """Give the state at the latest position of the stream that counts; ``None`` before any."""
        return None if self._chosen is None else self.at(self._positions[self._chosen])

    def at(self, sample: int) -> AffectState:
        """Give the state of the stream that counts, which there must be, at a position."""
        if self._chosen is None:
            raise LookupError("no stream began")
        return self._states[self._chosen].at(sample)

    @property
    def level_dbfs(self) -> float:
        """Latest level of that stream, dBFS; NaN before any."""
        return math.nan if self._chosen is None else self._levels.get(self._chosen, math.nan)


def evidence(state: AffectState) -> float:
    """Amount of recent speech that a state rests on, 0 to 1; it fades in silence."""
    share = (state.probabilities or {}).get(state.label, 0.0)
    return min(1.0, state.certainty / share) if share > 0.0 else 0.0


def told_record(event: OfStream) -> Record:
    """Give the record of an event, with its session and source where a server has many."""
    stream = event.stream
    named = {} if stream.session is None else {"session": stream.session, "source": stream.source}
    return {**event.as_record(), **named}
