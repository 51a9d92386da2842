"""CREMA-D: American English, 91 actors of all ages and accents, six emotions.

Cao et al. 2014, https://doi.org/10.1109/TAFFC.2014.2336244: 7442 clips, twelve sentences. A name
is actor, sentence, emotion, level: ``1001_DFA_ANG_XX.wav``. The label is what the actor was
asked for; listeners hear it in 41 % of the clips from the voice alone.

A folder with ``index.csv`` is a sample drawn for happy and sad. The few clips of other emotions
in such a sample come from a handful of actors, so that a classifier would learn those actors:
they are left out. The corpus as published is taken whole.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

from ser_live.datasets.indexed import Declaration, Spoken
from ser_live.emotions import Emotion

CORPUS = "crema_d"
LICENCE = "ODbL 1.0"
CITATION = (
    "Cao H, Cooper DG, Keutmann MK, Gur RC, Nenkova A, Verma R (2014) CREMA-D: Crowd-sourced "
    "Emotional Multimodal Actors Dataset. IEEE Transactions on Affective Computing 5(4): 377-390. "
    "https://doi.org/10.1109/TAFFC.2014.2336244"
)
LANGUAGE = "en-US"

_EMOTIONS = {
    "ANG": Emotion.ANGRY,
    "DIS": Emotion.DISGUST,
    "FEA": Emotion.FEARFUL,
    "HAP": Emotion.HAPPY,
    "NEU": Emotion.NEUTRAL,
    "SAD": Emotion.SAD,
}
EMOTIONS = frozenset(_EMOTIONS.values())
"""Neither calm nor surprised."""
INDEX_EMOTIONS = frozenset((Emotion.HAPPY, Emotion.SAD))

_INTENSITIES = {"LO": "weak", "MD": "normal", "HI": "strong", "XX": "", "X": ""}
_NAME = re.compile(
    rf"(1\d{{3}})_([A-Z]{{3}})_({'|'.join(_EMOTIONS)})_({'|'.join(_INTENSITIES)})", re.ASCII
)
_DEMOGRAPHICS = "VideoDemographics.csv"


def parse(stem: str) -> Spoken | None:
    """Speaker, emotion and level of a file name; None for any other name."""
    match = _NAME.fullmatch(stem)
    if match is None:
        return None
    return Spoken(_EMOTIONS[match[3]], match[1], intensity=_INTENSITIES[match[4]])


def sexes(folder: Path) -> dict[str, str]:
    """Sex by actor from the publisher's table in `folder` or the one above, if it is there."""
    for path in (folder / _DEMOGRAPHICS, folder.parent / _DEMOGRAPHICS):
        if path.is_file():
            with path.open(encoding="utf-8-sig", newline="") as file:
                return {
                    row.get("ActorID", ""): row.get("Sex", "").lower()
                    for row in csv.DictReader(file, restval="")
                }
    return {}


DECLARATION = Declaration(
    CORPUS,
    LICENCE,
    CITATION,
    LANGUAGE,
    EMOTIONS,
    parse,
    speaker_prefix="crema",
    index_emotions=INDEX_EMOTIONS,
    sexes=sexes,
)
