"""ASED: Amharic, 65 speakers of four dialects, five emotions.

Retta et al. 2023, https://doi.org/10.1145/3529759: 2474 clips, each accepted by at least five of
eight judges. A name is emotion, sentence, repetition, sex, speaker: ``a5-01-01-02-07.wav``; a few
begin with a capital letter.
"""

from __future__ import annotations

import re

from ser_live.datasets.indexed import Declaration, Spoken
from ser_live.emotions import Emotion

CORPUS = "ased"
LICENCE = "not stated"
CITATION = (
    "Retta EA, Almekhlafi E, Sutcliffe R, Mhamed M, Ali H, Feng J (2023) A New Amharic Speech "
    "Emotion Dataset and Classification Benchmark. ACM Transactions on Asian and Low-Resource "
    "Language Information Processing 22(1). https://doi.org/10.1145/3529759"
)
LANGUAGE = "am"

_EMOTIONS = {
    "n1": Emotion.NEUTRAL,
    "f2": Emotion.FEARFUL,
    "h3": Emotion.HAPPY,
    "s4": Emotion.SAD,
    "a5": Emotion.ANGRY,
}
EMOTIONS = frozenset(_EMOTIONS.values())
"""Neither calm, disgust nor surprised."""

_SEXES = {"01": "female", "02": "male"}
_NAME = re.compile(rf"({'|'.join(_EMOTIONS)})-\d\d-\d\d-(01|02)-(\d\d)", re.ASCII)


def parse(stem: str) -> Spoken | None:
    """Emotion, sex and speaker of a file name; None for any other name."""
    match = _NAME.fullmatch(stem.lower())
    if match is None:
        return None
    return Spoken(_EMOTIONS[match[1]], match[3], _SEXES[match[2]])


DECLARATION = Declaration(
    CORPUS, LICENCE, CITATION, LANGUAGE, EMOTIONS, parse, speaker_prefix="ased"
)
