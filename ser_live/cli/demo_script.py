"""The script of the demo recording, and what was heard beside what was asked for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from ser_live.cli.ending import say
from ser_live.events import EmotionResult, Event, Kind, SpeechStarted
from ser_live.outputs.dashboard.state import DashboardState
from ser_live.outputs.sink import Sink
from ser_live.terminal.pen import percent
from ser_live.terminal.text import clock

CREDIT = "RAVDESS, Livingstone and Russo 2018, CC BY-NC-SA 4.0"


@dataclass(frozen=True)
class Line:
    """One utterance of the recording."""

    start_s: float
    end_s: float
    asked: str
    """Emotion that the actor was asked for."""


@dataclass(frozen=True)
class Script:
    """The sentence of the recording, and each time that it is said."""

    sentence: str
    lines: tuple[Line, ...]

    def line_at(self, start_s: float) -> Line:
        """The line that is being said, or was said last, at a position."""
        begun = [line for line in self.lines if line.start_s <= start_s + _EARLY_S]
        return begun[-1] if begun else self.lines[0]


_EARLY_S = 0.4
"""Time by which the detector may hear the voice before the script has it."""


def read_script() -> Script:
    """The script that comes with the recording."""
    text = (files("ser_live") / "acted" / "speech.json").read_text(encoding="utf-8")
    raw = json.loads(text)
    lines = (Line(line["start_s"], line["end_s"], line["asked"]) for line in raw["utterances"])
    return Script(raw["sentence"], tuple(lines))


class Compared:
    """A display that says beside each utterance what the actor was asked for.

    Parameters
    ----------
    sink : Sink
        The display itself.
    script : Script
    dashboard : DashboardState, optional
        State of the display where it is a dashboard; others get a line on standard error.
    is_told : bool
        Say it at all while the recording plays.
    """

    def __init__(
        self, sink: Sink, script: Script, *, dashboard: DashboardState | None, is_told: bool
    ) -> None:
        self.name = sink.name
        self.finals: list[EmotionResult] = []
        """Results for whole utterances so far."""
        self._sink = sink
        self._script = script
        self._dashboard = dashboard
        self._is_told = is_told

    @property
    def failure(self) -> str | None:
        return self._sink.failure

    def open(self) -> None:
        self._sink.open()

    def take(self, event: Event) -> None:
        if self._dashboard is not None and isinstance(event, SpeechStarted):
            asked = self._script.line_at(event.start_s).asked
            self._dashboard.caption(event, f"asked for {asked}")
        self._sink.take(event)
        if isinstance(event, EmotionResult) and event.kind is Kind.FINAL:
            self.finals.append(event)
            if self._dashboard is None and self._is_told:
                say(f"{'':<18} asked for {self._script.line_at(event.start_s).asked}")

    def idle(self, now_s: float) -> None:
        self._sink.idle(now_s)

    def close(self) -> None:
        self._sink.close()


def comparison(script: Script, finals: Sequence[EmotionResult]) -> list[str]:
    """Lines for people: each answer beside what was asked for, and what that shows."""
    rows = ["", f'"{script.sentence}" Chosen examples of one actor.', CREDIT]
    if finals:
        rows += ["", f"  {'at':<8}{'asked for':<12}{'heard':<12}{'sure':>5}"]
    for result in finals:
        heard = result.emotion or result.state.value
        sure = "" if result.confidence is None else percent(result.confidence)
        asked = script.line_at(result.start_s).asked
        rows.append(f"  {clock(result.start_s):<8}{asked:<12}{heard:<12}{sure:>5}")
    n_right = sum(script.line_at(result.start_s).asked == result.emotion for result in finals)
    if finals:
        rows += ["", f"{n_right} of {len(finals)} as asked. {_LIMITS[0]}", *_LIMITS[1:]]
    return [*rows, "", "Now speak: ser-live"]


_LIMITS = (
    "That is the easy case: acting, by a voice that",
    "was in training. With people it never heard it is wrong far more often,",
    "and plain talk is mostly neutral: the README has the numbers.",
)
