"""The running emotion of a stream, for games, assistants and lights: steady, and the same again.

Results jump: one utterance in some is heard wrongly, and nobody wants a light that flickers. The
state is a mean over the latest speech, and its label changes only on evidence that lasts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ser_live.config import SAMPLE_RATE_HZ
from ser_live.errors import UsageError
from ser_live.events import (
    UNKNOWN,
    AffectState,
    EmotionResult,
    Kind,
    Level,
    StateChanged,
    StreamEnded,
    StreamEvent,
    StreamId,
    StreamState,
    Verdict,
)

N_UTTERANCES_TO_CHANGE = 2
"""Utterances that must say so before a known label gives way: one may be heard wrongly."""

N_UTTERANCES_ASKED = 3
"""Latest utterances among which these must be."""

FULL_WEIGHT_S = 0.5
"""Confident speech on which a certainty is 63 % of its probability."""

BACKDATED_S = 2.0
"""An utterance is known to have begun at most this much later, so silence is judged only then."""


@dataclass(frozen=True)
class Pace:
    """Times and limits by which a state follows the results."""

    attack_s: float = 1.5
    """Speech after which what was heard before counts 37 % (half after 0.69 times this)."""
    release_s: float = 8.0
    """Silence after which what was heard before counts 37 % (half after 0.69 times this)."""
    forget_s: float = 20.0
    """Silence after which the state is unknown."""
    min_lead: float = 0.15
    """Least lead in mean probability of a label that takes over."""
    hold_s: float = 1.0
    """Least time on the stream's clock for which it must lead."""

    def __post_init__(self) -> None:
        for name in ("attack_s", "release_s", "forget_s"):
            if not 0.0 < getattr(self, name) < math.inf:
                raise UsageError(
                    f"the pace has {name} {getattr(self, name)!r}, but a time above 0 is needed."
                )
        if not (0.0 <= self.min_lead < 1.0 and 0.0 <= self.hold_s < math.inf):
            raise UsageError(
                f"the pace has a lead of {self.min_lead!r} for {self.hold_s!r} s, but a lead from "
                "0 to 1 and a time from 0 are needed."
            )


PACES: Mapping[str, Pace] = {
    "assistant": Pace(),
    "game": Pace(attack_s=1.0, release_s=5.0, forget_s=12.0, min_lead=0.10, hold_s=0.5),
    "lighting": Pace(attack_s=4.0, release_s=25.0, forget_s=60.0, min_lead=0.20, hold_s=3.0),
}
"""Paces by name: for a talk, quick for a game, slow for the light of a room."""


@dataclass(frozen=True, slots=True)
class _Evidence:
    """Sums over speech; each sum is of weight times value."""

    weight: float
    probabilities: Mapping[str, float]
    affect_weight: float = 0.0
    valence: float = 0.0
    arousal: float = 0.0

    def faded(self, factor: float) -> _Evidence:
        return _Evidence(
            self.weight * factor,
            {label: p * factor for label, p in self.probabilities.items()},
            self.affect_weight * factor,
            self.valence * factor,
            self.arousal * factor,
        )

    def plus(self, other: _Evidence) -> _Evidence:
        labels = {**self.probabilities, **other.probabilities}
        return _Evidence(
            self.weight + other.weight,
            {
                label: self.probabilities.get(label, 0.0) + other.probabilities.get(label, 0.0)
                for label in labels
            },
            self.affect_weight + other.affect_weight,
            self.valence + other.valence,
            self.arousal + other.arousal,
        )


_NOTHING = _Evidence(0.0, {})


@dataclass(frozen=True, slots=True)
class _Heard:
    """The utterance heard last, so far."""

    id: int
    before: _Evidence
    """Evidence from before it, as it was at its beginning."""
    own: _Evidence
    speech_s: float


class EmotionState:
    """The running emotion of one stream, made of its events.

    Every accepted result counts by its confidence and its speech time. A result about an
    utterance takes the place of the earlier ones about the same; rejected ones count nothing.
    A label gives way to another only when that one has led by ``min_lead`` for ``hold_s`` and
    two of the latest three utterances say so; where it is unknown, the first that is named is
    taken. So a single utterance that was heard wrongly never changes it, and a true change is
    followed with the utterance after its first.

    Only positions on the stream's clock enter, so the same events give the same states,
    however the sound was cut into blocks and however fast it was heard.

    Parameters
    ----------
    pace : str or Pace
        ``assistant``, ``game``, ``lighting``, or times and limits of your own.

    Raises
    ------
    UsageError
        The name is not known.

    Examples
    --------
    >>> state = EmotionState("game")                              # doctest: +SKIP
    >>> for event in analyzer.push(block):                        # doctest: +SKIP
    ...     for change in state.take(event):
    ...         print(change.label, change.certainty)
    """

    def __init__(self, pace: str | Pace = "assistant") -> None:
        if isinstance(pace, str) and pace not in PACES:
            raise UsageError(f"the pace is {pace[:40]!r}, but {', '.join(PACES)} is needed.")
        self.pace = PACES[pace] if isinstance(pace, str) else pace
        self._stream: StreamId | None = None
        self._sample = 0
        """Position of the latest record."""
        self._speech_end = 0
        """End of the latest accepted result."""
        self._speaking_since: int | None = None
        self._heard = _Heard(0, _NOTHING, _NOTHING, 0.0)
        self._label = UNKNOWN
        self._since = 0
        self._candidate: str | None = None
        self._candidate_since = 0
        self._said: dict[int, str | None] = {}
        """Labels that the latest utterances named, by their number."""

    def take(self, event: StreamEvent) -> list[AffectState]:
        """Take one event of the stream, and give the states that it brings.

        Results and changes of the stream's state move it. Levels, where they are given, tell
        the time in silence: without them it is known to be forgotten with the next event.

        Raises
        ------
        ValueError
            The event belongs to another stream.
        """
        if self._stream is not None and event.stream.number != self._stream.number:
            raise ValueError(f"{event.stream} was given to the state of {self._stream}")
        self._stream = event.stream
        if isinstance(event, Level):
            return self._forgotten(event.sample - round(BACKDATED_S * SAMPLE_RATE_HZ))
        if isinstance(event, StateChanged):
            return self._turn(event)
        if isinstance(event, EmotionResult):
            return self._hear(event)
        if isinstance(event, StreamEnded):
            return self._forgotten(event.n_samples)
        return []

    def at(self, sample: int) -> AffectState:
        """Give the state as it is at a position, which changes nothing.

        Between the records of `take` it fades; a loop that runs ten times a second asks here.

        Parameters
        ----------
        sample : int
            Position on the stream's clock, not before the latest record.

        Raises
        ------
        UsageError
            No event was taken yet.
        """
        if self._stream is None:
            raise UsageError("the state was asked for before any event: give it events with take.")
        is_known = self._heard.own.weight + self._heard.before.weight > 0.0
        quiet_until = sample if self._speaking_since is None else self._speaking_since
        quiet_s = max(0, quiet_until - self._speech_end) / SAMPLE_RATE_HZ
        evidence = self._evidence().faded(math.exp(-quiet_s / self.pace.release_s))
        mean = _mean(evidence) if is_known else None
        certainty = 0.0
        if mean is not None and self._label in mean:
            certainty = mean[self._label] * -math.expm1(-evidence.weight / FULL_WEIGHT_S)
        has_affect = evidence.affect_weight > 0.0
        return AffectState(
            stream=self._stream,
            sample=sample,
            label=self._label,
            since_sample=self._since,
            valence=evidence.valence / evidence.affect_weight if has_affect else None,
            arousal=evidence.arousal / evidence.affect_weight if has_affect else None,
            probabilities=mean,
            certainty=certainty,
            speaking=self._speaking_since is not None,
        )

    def _record(self, sample: int) -> AffectState:
        self._sample = max(self._sample, sample)
        return self.at(self._sample)

    def _evidence(self) -> _Evidence:
        """Evidence at the end of the latest result."""
        heard = self._heard
        return heard.before.faded(math.exp(-heard.speech_s / self.pace.attack_s)).plus(heard.own)

    def _forgotten(self, sample: int) -> list[AffectState]:
        """Give the state that silence up to a position brings, if it brings one."""
        due = self._speech_end + round(self.pace.forget_s * SAMPLE_RATE_HZ)
        is_empty = self._label == UNKNOWN and self._evidence().weight == 0.0
        if self._speaking_since is not None or sample < due or is_empty:
            return []
        due = max(due, self._sample)
        self._heard = _Heard(self._heard.id, _NOTHING, _NOTHING, 0.0)
        self._label, self._since = UNKNOWN, due
        self._candidate = None
        return [self._record(due)]

    def _turn(self, event: StateChanged) -> list[AffectState]:
        is_speaking = event.state is StreamState.LISTENING
        found = self._forgotten(event.sample)
        if is_speaking != (self._speaking_since is not None):
            self._speaking_since = event.sample if is_speaking else None
            found.append(self._record(event.sample))
        return found + self._forgotten(event.sample)

    def _hear(self, result: EmotionResult) -> list[AffectState]:
        found = self._forgotten(result.start_sample)
        is_open = result.id == self._heard.id
        if result.probabilities is None or result.confidence is None:
            if result.kind is Kind.FINAL and is_open and self._heard.own.weight:
                # Its partial results had been accepted: they are taken back.
                self._heard = _Heard(result.id, self._heard.before, _NOTHING, 0.0)
                self._said.pop(result.id, None)
                found.append(self._record(result.end_sample))
            return found
        before = self._heard.before if is_open else self._faded_until(result.start_sample)
        earlier = self._evidence() if is_open else before
        new_s = result.speech_s - (self._heard.speech_s if is_open else 0.0)
        gained_s = self.pace.attack_s * -math.expm1(-result.speech_s / self.pace.attack_s)
        own = _of_result(result, result.confidence * gained_s)
        self._heard = _Heard(result.id, before, own, result.speech_s)
        self._speech_end = max(self._speech_end, result.end_sample)
        self._decide(result, earlier, max(0.0, new_s))
        return [*found, self._record(result.end_sample)]

    def _faded_until(self, sample: int) -> _Evidence:
        quiet_s = max(0, sample - self._speech_end) / SAMPLE_RATE_HZ
        return self._evidence().faded(math.exp(-quiet_s / self.pace.release_s))

    def _decide(self, result: EmotionResult, earlier: _Evidence, new_s: float) -> None:
        """Change the label if another one has led for long enough, by more than one utterance.

        `new_s` seconds of speech made the present evidence of the `earlier` one.
        """
        self._said[result.id] = result.best if result.state is Verdict.OK else None
        if len(self._said) > N_UTTERANCES_ASKED:
            del self._said[next(iter(self._said))]
        mean = _mean(self._evidence())
        leader = max(mean, key=mean.__getitem__)
        if self._label == UNKNOWN:
            # Nothing stands against it, so whatever is sure enough to be named will do.
            if result.state is Verdict.OK:
                self._label, self._since = leader, result.end_sample
            return
        lead = self._lead(mean, leader)
        if leader == self._label or lead < self.pace.min_lead:
            self._candidate = None
            return
        if leader != self._candidate:
            self._candidate = leader
            # The lead grew during the new speech, so it was long enough from a part of it on.
            led_before = self._lead(_mean(earlier), leader)
            short = self.pace.min_lead - led_before
            led_s = new_s if short <= 0.0 else new_s * (1.0 - short / (lead - led_before))
            self._candidate_since = result.end_sample - round(led_s * SAMPLE_RATE_HZ)
        led_s = (result.end_sample - self._candidate_since) / SAMPLE_RATE_HZ
        n_saying = sum(label == leader for label in self._said.values())
        if led_s >= self.pace.hold_s and n_saying >= N_UTTERANCES_TO_CHANGE:
            self._label, self._since = leader, result.end_sample
            self._candidate = None

    def _lead(self, mean: Mapping[str, float], leader: str) -> float:
        """Lead of a label over the present one."""
        return mean.get(leader, 0.0) - mean.get(self._label, 0.0)


def _mean(evidence: _Evidence) -> dict[str, float]:
    if evidence.weight == 0.0:
        return {}
    return {label: p / evidence.weight for label, p in evidence.probabilities.items()}


def _of_result(result: EmotionResult, weight: float) -> _Evidence:
    by_name = result.probabilities_by_name or {}
    has_affect = result.valence is not None and result.arousal is not None
    return _Evidence(
        weight,
        {label: weight * p for label, p in by_name.items()},
        weight if has_affect else 0.0,
        weight * (result.valence or 0.0) if has_affect else 0.0,
        weight * (result.arousal or 0.0) if has_affect else 0.0,
    )
