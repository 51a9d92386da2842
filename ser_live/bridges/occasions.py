"""Occasions to act: an utterance that was named, or a change of the running emotion."""

from __future__ import annotations

from ser_live.bridges.running import Running
from ser_live.events import AffectState, EmotionResult, Event, Kind, QueueDepth, StreamEnded

Occasion = EmotionResult | AffectState

ACT_ON = ("utterances", "changes")
"""Kinds of occasion: each utterance whose emotion was named, or each new label of the state."""


class Occasions:
    """Finds the occasions among the events of a session.

    Parameters
    ----------
    act_on : str
        One of `ACT_ON`.
    pace : str
        As for `EmotionState`.
    """

    def __init__(self, act_on: str = "utterances", pace: str = "assistant") -> None:
        self._running = Running(pace) if act_on == "changes" else None
        self._labels: dict[int, str] = {}
        """Latest label of the state of each stream."""

    def wants(self, event: Event) -> bool:
        """Whether an event may bring an occasion."""
        if self._running is None:
            return isinstance(event, EmotionResult) and event.kind is Kind.FINAL
        return not isinstance(event, QueueDepth)

    def of(self, event: Event) -> list[Occasion]:
        """Give the occasions that an event brings."""
        if self._running is None:
            is_named = isinstance(event, EmotionResult) and event.emotion is not None
            return [event] if is_named and isinstance(event, EmotionResult) else []
        found: list[Occasion] = []
        for state in self._running.take(event):
            number = state.stream.number
            if self._labels.get(number, "unknown") != state.label:
                found.append(state)
            self._labels[number] = state.label
        if isinstance(event, StreamEnded):
            self._labels.pop(event.stream.number, None)
        return found
