"""nEMO: Polish, nine actors at home, six emotions.

Christop 2024, https://arxiv.org/abs/2404.06292: 4481 clips, 90 sentences, ordinary rooms and
microphones. A name is speaker, emotion, sentence: ``EB0_anger_17.wav``.
"""

from __future__ import annotations

import re

from ser_live.datasets.indexed import Declaration, Spoken
from ser_live.emotions import Emotion

CORPUS = "nemo"
LICENCE = "CC BY-NC-SA 4.0"
CITATION = (
    "Christop I (2024) nEMO: Dataset of Emotional Speech in Polish. LREC-COLING 2024. "
    "https://arxiv.org/abs/2404.06292"
)
LANGUAGE = "pl"

_EMOTIONS = {
    "anger": Emotion.ANGRY,
    "fear": Emotion.FEARFUL,
    "happiness": Emotion.HAPPY,
    "neutral": Emotion.NEUTRAL,
    "sadness": Emotion.SAD,
    "surprised": Emotion.SURPRISED,
}
EMOTIONS = frozenset(_EMOTIONS.values())
"""Neither calm nor disgust."""

_SEXES = {
    **dict.fromkeys(("EB0", "IC0", "KD0", "MK0"), "female"),
    **dict.fromkeys(("KS0", "MP0", "SM0", "TP0", "WR0"), "male"),
}
_NAME = re.compile(rf"([A-Z]{{2}}\d)_({'|'.join(_EMOTIONS)})_(\d+)", re.ASCII)


def parse(stem: str) -> Spoken | None:
    """Speaker and emotion of a file name; None for any other name."""
    match = _NAME.fullmatch(stem)
    if match is None:
        return None
    return Spoken(_EMOTIONS[match[2]], match[1], _SEXES.get(match[1], ""))


DECLARATION = Declaration(CORPUS, LICENCE, CITATION, LANGUAGE, EMOTIONS, parse)
