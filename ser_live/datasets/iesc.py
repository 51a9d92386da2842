"""Indian EmoSpeech commands: Indian English and Hindi, one word in three seconds, four emotions.

Banga et al. 2019, https://arxiv.org/abs/1910.13801: people at home and on the way speak a command
(help, bacho, stop, no, go, yes) into their own telephones. A name is keyword, environment,
emotion, time and a hash of the speaker, ``bacho-safe-angry-1562907046662-d14a028c....wav``; a copy
may have the place before it and only the first digits of the hash.

**Calm is the everyday voice** here: nobody was asked for calm, or for neutral. The loudness of the
corpus tells its emotions, by some 10 dB. One hash stands for everybody whom the collectors did not
know (`UNKNOWN_SPEAKER`).
"""

from __future__ import annotations

import re

from ser_live.datasets.indexed import Declaration, Spoken
from ser_live.emotions import Emotion

CORPUS = "iesc"
LICENCE = "CC BY-NC-SA 4.0"
CITATION = (
    "Banga S, Upadhyay U, Agarwal P, Sharma A, Mukherjee P (2019) Indian EmoSpeech Command "
    "Dataset: A dataset for emotion based speech recognition in the wild. "
    "https://arxiv.org/abs/1910.13801"
)
LANGUAGE = "hi-en"
"""Hindi and English, mixed; not a registered tag."""

_EMOTIONS = {
    "angry": Emotion.ANGRY,
    "calm": Emotion.CALM,
    "fearful": Emotion.FEARFUL,
    "happy": Emotion.HAPPY,
}
EMOTIONS = frozenset(_EMOTIONS.values())
"""Neither neutral, sad, disgust nor surprised."""

UNKNOWN_SPEAKER = f"{CORPUS}-d14a028c"
"""Not one person."""

_HASH_DIGITS = 8
_NAME = re.compile(
    rf"[^-]+-[^-]+-({'|'.join(_EMOTIONS)})-[^-]+-([0-9a-f]{{{_HASH_DIGITS},}})", re.ASCII
)


def parse(stem: str) -> Spoken | None:
    """Emotion and speaker of a file name; None for any other name."""
    match = _NAME.fullmatch(stem)
    if match is None:
        return None
    return Spoken(_EMOTIONS[match[1]], match[2][:_HASH_DIGITS])


DECLARATION = Declaration(
    CORPUS, LICENCE, CITATION, LANGUAGE, EMOTIONS, parse, speaker_prefix="iesc_"
)
