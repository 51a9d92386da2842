"""Talk that is refused: published speech of conversations that a model takes for no speech.

Each conversation is heard as a stream. Of the time in which somebody speaks by its published
turns, the share is told that lies in utterances with an answer, in utterances that were refused,
by reason, and in none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from ser_live.arrays import Bool
from ser_live.batch.recording import analyze
from ser_live.config import SAMPLE_RATE_HZ, Settings
from ser_live.datasets.conversations import Conversation
from ser_live.evaluation.judge import rounded
from ser_live.events import Verdict
from ser_live.model.emotion_model import EmotionModel

MISSED = "in no utterance"
HEARD = "answered"

_STEP = SAMPLE_RATE_HZ // 100
"""Samples between two looks at who speaks: 10 ms."""


def refused_talk_section(
    conversations: Sequence[Conversation], model: EmotionModel, settings: Settings | None = None
) -> dict[str, Any]:
    """Shares of published speech by what became of it, ready for JSON.

    Parameters
    ----------
    conversations : sequence of Conversation
    model : EmotionModel
    settings : Settings or None

    Returns
    -------
    dict
        ``speech_s``, published; ``shares`` of it by what became of it: ``answered``, a reason of
        refusal such as ``not speech``, or ``in no utterance``; ``conversations`` likewise, by name.
    """
    total: Counter[str] = Counter()
    each = {}
    for conversation in conversations:
        found = fates_of(conversation, model, settings)
        total.update(found)
        each[conversation.name] = _shares(found)
    return {**_shares(total), "conversations": each}


def fates_of(
    conversation: Conversation, model: EmotionModel, settings: Settings | None = None
) -> Counter[str]:
    """Looks, 10 ms apart, at published speech, by what became of it."""
    heard = analyze(conversation.path, model=model, settings=settings)
    n = max([end for _, end in conversation.turns] + [round(heard.duration_s * SAMPLE_RATE_HZ)])
    speaks = _mask(conversation.turns, n)
    fates: Counter[str] = Counter()
    is_left = speaks.copy()
    for result in heard.utterances:
        inside = _mask([(result.start_sample, result.end_sample)], n) & is_left
        is_answered = result.state in (Verdict.OK, Verdict.UNCERTAIN)
        fates[HEARD if is_answered else result.state.value] += int(inside.sum())
        is_left &= ~inside
    fates[MISSED] += int(is_left.sum())
    return fates


def _mask(spans: Sequence[tuple[int, int]], n_samples: int) -> Bool:
    mask = np.zeros(-(-n_samples // _STEP), dtype=np.bool_)
    for start, end in spans:
        mask[start // _STEP : -(-end // _STEP)] = True
    return mask


def _shares(fates: Counter[str]) -> dict[str, Any]:
    n = sum(fates.values())
    return {
        "speech_s": round(n * _STEP / SAMPLE_RATE_HZ, 2),
        "shares": {fate: rounded(count / n) for fate, count in sorted(fates.items()) if count},
    }
