"""Stretches of a call in which a voice sounds worse and more excited than it does on the whole.

The baseline is the voice itself over the whole call: mean and standard deviation of valence and
of arousal over its utterances, weighted with their speech time. An escalation begins with an
utterance that is at least one standard deviation below it in valence and above it in arousal,
and goes on until one comes back within half a standard deviation of either (hysteresis: what
lies between belongs to it). It is told where its mean stays beyond one standard deviation, for
`MIN_SPEECH_S` of speech in `MIN_UTTERANCES` utterances or more. A recovery is the first time
after it that valence and arousal are back within half a standard deviation for as long.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ser_live.calls.voice import Voice, voice_of, weighted_mean
from ser_live.emotions import COORDINATES
from ser_live.events import EmotionResult

BEGINS_SD: Final = 1.0
GOES_ON_SD: Final = 0.5
MIN_SPEECH_S: Final = 10.0
MIN_UTTERANCES: Final = 2

MIN_BASELINE_S: Final = 30.0
"""Judged speech that a baseline needs, in seconds."""

MIN_BASELINE_UTTERANCES: Final = 6

LEAST_SD: Final = 0.1
"""Spread of a voice that hardly varies; smaller changes are the model's own."""


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """A voice over a whole call, valence and arousal."""

    valence: float
    arousal: float
    valence_sd: float
    arousal_sd: float
    n_utterances: int
    speech_s: float


@dataclass(frozen=True, kw_only=True)
class Change:
    """An escalation or a recovery, with what it rests on."""

    start_s: float
    end_s: float
    speech_s: float
    ids: tuple[int, ...]
    """Utterances that it rests on."""
    valence: float
    arousal: float
    valence_z: float
    """Against the baseline, in its standard deviations."""
    arousal_z: float
    louder_db: float
    confidence: float
    """Mean probability of labels that are unpleasant and excited, such as angry, in an
    escalation; of all others in a recovery."""


@dataclass(frozen=True, kw_only=True)
class Escalation:
    """An escalation, and how it went on."""

    change: Change
    recovery: Change | None
    """``None`` where the voice did not come back before the end, or not for long enough."""


def baseline_of(results: Sequence[EmotionResult]) -> Baseline | None:
    """Baseline of a voice; ``None`` where too little of it was judged."""
    judged = _judged(results)
    speech_s = sum(r.speech_s for r in judged)
    if len(judged) < MIN_BASELINE_UTTERANCES or speech_s < MIN_BASELINE_S:
        return None
    valence, valence_sd = _spread([(r.valence or 0.0, r.speech_s) for r in judged])
    arousal, arousal_sd = _spread([(r.arousal or 0.0, r.speech_s) for r in judged])
    return Baseline(
        valence=valence,
        arousal=arousal,
        valence_sd=valence_sd,
        arousal_sd=arousal_sd,
        n_utterances=len(judged),
        speech_s=speech_s,
    )


def escalations_of(results: Sequence[EmotionResult], baseline: Baseline) -> tuple[Escalation, ...]:
    """Escalations of a voice in their order, each with its recovery."""
    judged = _judged(results)
    zs = [_z(result, baseline) for result in judged]
    found: list[Escalation] = []
    at = 0
    while at < len(judged):
        if not _begins(zs[at]):
            at += 1
            continue
        end = at
        while end < len(judged) and _goes_on(zs[end]):
            end += 1
        change = _change(judged[at:end], results, baseline, is_escalation=True)
        if (
            change.speech_s >= MIN_SPEECH_S
            and end - at >= MIN_UTTERANCES
            and change.valence_z <= -BEGINS_SD
            and change.arousal_z >= BEGINS_SD
        ):
            recovery = _recovery(judged[end:], zs[end:], results, baseline)
            found.append(Escalation(change=change, recovery=recovery))
        at = end
    return tuple(found)


def _recovery(
    judged: Sequence[EmotionResult],
    zs: Sequence[tuple[float, float]],
    results: Sequence[EmotionResult],
    baseline: Baseline,
) -> Change | None:
    at = 0
    while at < len(judged):
        end = at
        while end < len(judged) and zs[end][0] > -GOES_ON_SD and zs[end][1] < GOES_ON_SD:
            end += 1
        speech_s = sum(r.speech_s for r in judged[at:end])
        if end - at >= MIN_UTTERANCES and speech_s >= MIN_SPEECH_S:
            return _change(judged[at:end], results, baseline, is_escalation=False)
        if end < len(judged) and _begins(zs[end]):
            return None  # the next escalation comes first
        at = end + 1
    return None


def _change(
    part: Sequence[EmotionResult],
    whole: Sequence[EmotionResult],
    baseline: Baseline,
    *,
    is_escalation: bool,
) -> Change:
    voice: Voice = voice_of(part, whole)
    heated = weighted_mean((_heated(r.probabilities_by_name or {}), r.speech_s) for r in part)
    return Change(
        start_s=part[0].start_s,
        end_s=part[-1].end_s,
        speech_s=voice.speech_s,
        ids=tuple(r.id for r in part),
        valence=voice.valence,
        arousal=voice.arousal,
        valence_z=(voice.valence - baseline.valence) / baseline.valence_sd,
        arousal_z=(voice.arousal - baseline.arousal) / baseline.arousal_sd,
        louder_db=voice.louder_db,
        confidence=heated if is_escalation else 1.0 - heated,
    )


def _heated(probabilities: Mapping[str, float]) -> float:
    """Probability of what is unpleasant and excited; NaN for labels without a place."""
    places = {label: COORDINATES[label] for label in probabilities if label in COORDINATES}
    if not places:
        return math.nan
    return sum(probabilities[label] for label, (v, a) in places.items() if v < 0.0 < a)


def _judged(results: Sequence[EmotionResult]) -> list[EmotionResult]:
    return [r for r in results if r.valence is not None and r.arousal is not None]


def _spread(values: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Mean and standard deviation, weighted."""
    mean = weighted_mean(values)
    variance = weighted_mean([((value - mean) ** 2, weight) for value, weight in values])
    return mean, max(LEAST_SD, math.sqrt(variance))


def _z(result: EmotionResult, baseline: Baseline) -> tuple[float, float]:
    return (
        ((result.valence or 0.0) - baseline.valence) / baseline.valence_sd,
        ((result.arousal or 0.0) - baseline.arousal) / baseline.arousal_sd,
    )


def _begins(z: tuple[float, float]) -> bool:
    return z[0] <= -BEGINS_SD and z[1] >= BEGINS_SD


def _goes_on(z: tuple[float, float]) -> bool:
    return z[0] <= -GOES_ON_SD and z[1] >= GOES_ON_SD
