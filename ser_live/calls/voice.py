"""The voice of a side against its own voice over the whole call: louder, faster, and how it felt.

Every number is one of the speaker against themselves; no word is looked at, and no speaker is
compared with another.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from ser_live.calls.measures import Measures, Span, clipped, measure
from ser_live.events import EmotionResult

N_QUARTERS: Final = 4


@dataclass(frozen=True, kw_only=True)
class Voice:
    """Means over utterances, each weighted with its speech time; NaN where undefined."""

    valence: float = math.nan
    arousal: float = math.nan
    louder_db: float = math.nan
    """Level above the mean of the whole call."""
    syllables_per_s: float = math.nan
    faster_per_s: float = math.nan
    """Syllables per second above the mean of the whole call."""
    n_utterances: int = 0
    speech_s: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Quarter:
    """One quarter of a call: who spoke how much, and how the analyzed ones sounded."""

    start_s: float
    end_s: float
    talk_s: dict[str, float]
    silence_s: float
    """Time in which nobody speaks, from the first speech of the call to the last."""
    overlap_s: float
    n_interruptions: dict[str, int]
    """By whoever interrupts, counted where it begins."""
    voices: dict[str, Voice]


def voice_of(results: Iterable[EmotionResult], whole: Sequence[EmotionResult]) -> Voice:
    """The voice in some utterances, against that in all of a call."""
    own = list(results)
    level, rate = (
        weighted_mean((r.level_dbfs, r.speech_s) for r in whole),
        weighted_mean((r.syllables_per_s, r.speech_s) for r in whole),
    )
    syllables = weighted_mean((r.syllables_per_s, r.speech_s) for r in own)
    return Voice(
        valence=weighted_mean((_known(r.valence), r.speech_s) for r in own),
        arousal=weighted_mean((_known(r.arousal), r.speech_s) for r in own),
        louder_db=weighted_mean((r.level_dbfs, r.speech_s) for r in own) - level,
        syllables_per_s=syllables,
        faster_per_s=syllables - rate,
        n_utterances=len(own),
        speech_s=sum(r.speech_s for r in own),
    )


def quarters_of(
    duration_s: float,
    spans: dict[str, tuple[Span, ...]],
    results: dict[str, tuple[EmotionResult, ...]],
    whole: Measures,
) -> tuple[Quarter, ...]:
    """The quarters of a call, each of the same length.

    An utterance belongs to the quarter that its middle lies in.
    """
    found = []
    for number in range(N_QUARTERS):
        start_s = duration_s * number / N_QUARTERS
        end_s = duration_s * (number + 1) / N_QUARTERS
        part = measure({name: clipped(own, start_s, end_s) for name, own in spans.items()})
        is_last = number == N_QUARTERS - 1
        found.append(
            Quarter(
                start_s=start_s,
                end_s=end_s,
                talk_s={name: share.talk_s for name, share in part.shares.items()},
                silence_s=sum(e - s for s, e in clipped(whole.silences, start_s, end_s)),
                overlap_s=part.overlap_s,
                n_interruptions={
                    name: sum(
                        i.by == name and start_s <= i.start_s < end_s for i in whole.interruptions
                    )
                    for name in spans
                },
                voices={
                    name: voice_of(
                        (
                            r
                            for r in own
                            if start_s <= (r.start_s + r.end_s) / 2
                            and ((r.start_s + r.end_s) / 2 < end_s or is_last)
                        ),
                        own,
                    )
                    for name, own in results.items()
                },
            )
        )
    return tuple(found)


def weighted_mean(values: Iterable[tuple[float, float]]) -> float:
    """Mean of values with weights, those left out that are not finite; NaN without any."""
    known = [(value, weight) for value, weight in values if math.isfinite(value) and weight > 0]
    total = sum(weight for _, weight in known)
    return sum(value * weight for value, weight in known) / total if total else math.nan


def _known(value: float | None) -> float:
    return math.nan if value is None else value
