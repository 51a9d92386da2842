"""Korean emotional speech for speech synthesis: 15 speakers, four emotions.

Selvas AI and KAIST 2020, the emotional part of ``emotiontts_open_db``: the first five sentences
of each emotion are public. A name is speaker and number, ``nea00201.wav``, and the hundreds of
the number are the emotion. Speakers ``em.`` give emotion to a plain text, speakers ``ne.``
speak a text made for the emotion.

**The publisher's list of emotions is doubtful.** It says angry for 201 to 300 and sad for 301 to
400, and that is what is read here. But the scripts of speakers ``ne.`` say the reverse, as far as
they were read: nen00202 is sorrow ("that an actor I liked for so long had such an accident ..."),
nee00301, neb00304, nek00302 and nek00305 are reproaches ("how often must I tell you to give up
drinking?"). The sound agrees for both kinds of speakers: what is listed as angry has the lowest
spectral centroid of the four and the lowest level. `as_scripted` exchanges the two labels.
"""

from __future__ import annotations

import re
from dataclasses import replace

from ser_live.datasets.indexed import Declaration, Spoken
from ser_live.datasets.recording import Recording
from ser_live.emotions import Emotion

CORPUS = "etts_ko"
LICENCE = "CC BY-NC-SA 4.0"
CITATION = (
    "Selvas AI, KAIST (2020) Conversational speech corpus for the emotion and personality of "
    "robots (MOTIE, Industrial Technology Innovation Program, No. 10080667). "
    "https://github.com/emotiontts/emotiontts_open_db"
)
LANGUAGE = "ko"

_BY_HUNDREDS = (Emotion.NEUTRAL, Emotion.HAPPY, Emotion.ANGRY, Emotion.SAD)
EMOTIONS = frozenset(_BY_HUNDREDS)
"""Neither calm, fearful, disgust nor surprised."""

_FEMALE = ("ema", "emb", "nea", "neb", "nec", "ned", "nee")
_MALE = ("emf", "emg", "emh", "nek", "nel", "nem", "nen", "neo")
_NAME = re.compile(rf"({'|'.join(_FEMALE + _MALE)})(\d{{5}})", re.ASCII)
_SCRIPTED = {"angry": "sad", "sad": "angry"}


def parse(stem: str) -> Spoken | None:
    """Speaker and emotion, as listed, of a file name; None for any other name."""
    match = _NAME.fullmatch(stem)
    if match is None or not 1 <= int(match[2]) <= 100 * len(_BY_HUNDREDS):
        return None
    emotion = _BY_HUNDREDS[(int(match[2]) - 1) // 100]
    return Spoken(emotion, match[1], "female" if match[1] in _FEMALE else "male")


def as_scripted(recording: Recording) -> Recording:
    """The recording with the label its script suggests: angry and sad exchanged."""
    return replace(recording, label=_SCRIPTED.get(recording.label, recording.label))


DECLARATION = Declaration(
    CORPUS, LICENCE, CITATION, LANGUAGE, EMOTIONS, parse, speaker_prefix="etts_"
)
