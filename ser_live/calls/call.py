"""A call as it was heard: who spoke when, and what was judged of whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ser_live.calls.measures import Measures, Span, measure
from ser_live.events import EmotionResult, Hearing


@dataclass(frozen=True, kw_only=True)
class Side:
    """One who speaks in a call."""

    name: str
    level: Hearing
    channel: int | None = None
    """Channel that they speak on, counted from 0; ``None`` where a list of times names them."""
    spans: tuple[Span, ...] = ()
    """Stretches of their speech, in seconds."""
    results: tuple[EmotionResult, ...] = ()
    """Final results in order; none where they are not analyzed."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call and all that was heard in it."""

    file: str
    """Path as given."""
    model: str
    """Model identifier."""
    model_sha256: str
    """Hash of the model's weights."""
    sides: tuple[Side, ...] = ()
    """Those who were heard, in the order of their channels."""
    skipped: tuple[str, ...] = ()
    """Names of those whose samples were dropped."""
    roles: str = ""
    """Role and level of each channel or speaker."""
    has_legal_ground: bool = False
    """Whether a legal ground was claimed for analyzing somebody at work or at school."""
    leaks_db: Mapping[tuple[str, str], float] = field(default_factory=dict)
    """Level at which the first was found in the channel of the second, in dB, where it was."""
    knows_leaks: bool = True
    """Whether leaks could be looked for: not where the other side is skipped."""
    duration_s: float = 0.0
    """Length in seconds, as far as it could be read."""
    sample_rate: int = 0
    """Native sample rate in hertz; 0 where it could not be opened."""
    n_channels: int = 0
    notes: tuple[str, ...] = ()
    """Sentences about how it was read that are no errors."""
    error: str | None = None
    """One sentence where it could not be heard, or not to its end."""

    @property
    def was_heard(self) -> bool:
        """Whether anything is known of it."""
        return bool(self.sides)

    @property
    def measures(self) -> Measures:
        """Talk times, turns, interruptions, reply gaps and silence."""
        return measure({side.name: side.spans for side in self.sides})

    @property
    def analyzed(self) -> tuple[Side, ...]:
        """Those whose emotions were looked for."""
        return tuple(side for side in self.sides if side.level is Hearing.ANALYZE)
