"""EmoTale: Danish and English, 18 speakers, three of them children, four emotions.

Hjuler et al. 2025, https://arxiv.org/abs/2508.14548: five sentences in each language, enacted in
neutral, anger, happiness, sadness and boredom, which is no label here. A name is language, speaker,
emotion, sentence: ``DK_001_A_1.wav``. Three listeners agree with the label in 77 % of the clips.

**Kept for measuring:** no recipe trains on it, so that one corpus stays unheard for good.
"""

from __future__ import annotations

import re

from ser_live.datasets.indexed import Declaration, Spoken
from ser_live.emotions import Emotion

CORPUS = "emotale"
LICENCE = "not stated"
CITATION = (
    "Hjuler MJ, Skat-Rørdam HV, Clemmensen LH, Das S (2025) EmoTale: An Enacted Speech-emotion "
    "Dataset in Danish. https://arxiv.org/abs/2508.14548"
)
LANGUAGE = "da"

_LANGUAGES = {"DK": "da", "EN": "en"}
_EMOTIONS = {
    "A": Emotion.ANGRY,
    "H": Emotion.HAPPY,
    "N": Emotion.NEUTRAL,
    "S": Emotion.SAD,
}
EMOTIONS = frozenset(_EMOTIONS.values())
"""Neither calm, fearful, disgust nor surprised."""

CHILDREN = frozenset(f"{CORPUS}-{number}" for number in ("008", "009", "014"))
"""Speakers of 12, 12 and 9 years; all others are grown up, 21 to 39."""

_MALE = ("004", "005", "006", "015", "018", "019")
_NAME = re.compile(
    rf"({'|'.join(_LANGUAGES)})_(0(?:0[1-9]|1\d))_({'|'.join(_EMOTIONS)})_\d+", re.ASCII
)


def parse(stem: str) -> Spoken | None:
    """Language, speaker, sex and emotion of a file name; None for any other name."""
    match = _NAME.fullmatch(stem)
    if match is None:
        return None
    sex = "male" if match[2] in _MALE else "female"
    return Spoken(_EMOTIONS[match[3]], match[2], sex, language=_LANGUAGES[match[1]])


DECLARATION = Declaration(
    CORPUS, LICENCE, CITATION, LANGUAGE, EMOTIONS, parse, speaker_prefix="emotale"
)
