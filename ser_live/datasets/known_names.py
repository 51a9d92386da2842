"""File names of well-known corpora, from which label and speaker can be read.

RAVDESS and CREMA-D have modules of their own. The others:

- EMO-DB (Burkhardt et al. 2005): speaker, sentence, emotion by its German initial, version:
  ``03a01Wa.wav``;
- TESS (Pichora-Fuller & Dupuis 2020): speaker, word, emotion: ``OAF_back_angry.wav``;
- SAVEE (Jackson & Haq 2014): speaker, emotion, sentence: ``DC_a01.wav``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from ser_live.datasets import crema_d, ravdess
from ser_live.errors import DatasetError


class Named(NamedTuple):
    """Facts that a file name tells."""

    label: str
    speaker: str


@dataclass(frozen=True)
class Naming:
    """The file names of one corpus."""

    name: str
    """Name of the corpus for people."""
    parse: Callable[[str], Named | None]
    """Reader of a file's stem; None for another name."""


_EMO_DB = re.compile(r"(\d\d)([ab]\d\d)([WLEAFTN])([a-z])", re.ASCII)
_EMO_DB_LABELS = {
    "W": "angry",
    "L": "bored",
    "E": "disgust",
    "A": "fearful",
    "F": "happy",
    "T": "sad",
    "N": "neutral",
}
_TESS_LABELS = {
    "angry": "angry",
    "disgust": "disgust",
    "fear": "fearful",
    "happy": "happy",
    "neutral": "neutral",
    "ps": "surprised",
    "sad": "sad",
}
# Some files are published as OA_..., without the F.
_TESS = re.compile(rf"(OA|YA)F?_([a-z]+)_({'|'.join(_TESS_LABELS)})", re.ASCII)
_SAVEE_LABELS = {
    "a": "angry",
    "d": "disgust",
    "f": "fearful",
    "h": "happy",
    "n": "neutral",
    "sa": "sad",
    "su": "surprised",
}
_SAVEE = re.compile(rf"(DC|JE|JK|KL)_({'|'.join(_SAVEE_LABELS)})(\d\d)", re.ASCII)


def _ravdess(stem: str) -> Named | None:
    try:
        name = ravdess.parse_name(f"{stem}.wav")
    except DatasetError:
        return None
    return Named(name.emotion.value, f"{name.actor:02d}")


def _crema_d(stem: str) -> Named | None:
    spoken = crema_d.parse(stem)
    return None if spoken is None else Named(spoken.emotion.value, spoken.speaker)


def _emo_db(stem: str) -> Named | None:
    match = _EMO_DB.fullmatch(stem)
    return None if match is None else Named(_EMO_DB_LABELS[match[3]], match[1])


def _tess(stem: str) -> Named | None:
    match = _TESS.fullmatch(stem)
    return None if match is None else Named(_TESS_LABELS[match[3]], f"{match[1]}F")


def _savee(stem: str) -> Named | None:
    match = _SAVEE.fullmatch(stem)
    return None if match is None else Named(_SAVEE_LABELS[match[2]], match[1])


NAMINGS = (
    Naming("RAVDESS", _ravdess),
    Naming("CREMA-D", _crema_d),
    Naming("EMO-DB", _emo_db),
    Naming("TESS", _tess),
    Naming("SAVEE", _savee),
)
