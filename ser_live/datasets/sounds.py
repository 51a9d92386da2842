"""Sounds without emotional speech: noises, music, and voices without words.

Each folder is listed in an ``index.csv``, as ``indexed`` reads it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ser_live.arrays import Float32
from ser_live.datasets.indexed import index_rows
from ser_live.errors import DatasetError
from ser_live.sources.recording import read_recording

BACKGROUNDS = ("babble", "cafe restaurant", "car", "metro subway", "ac vacuum", "rain")
"""Kinds of noise that go on, as behind a speaker; the others come in single events or vary."""

UNNAMED = "unnamed"
"""Kind of a noise of which the index does not say what is heard."""

_NOISE = re.compile(r"noise(?: class)?: ([^;(]+)")
_BURST = re.compile(r"category ([^;(]+)")
_CUT = re.compile(r"(?:_(?:guitar|song))?_\d+$")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NO_KIND = ("speechbrain test sample",)


@dataclass(frozen=True, order=True)
class Noise:
    """A recording without speech to be understood."""

    kind: str
    """Sound that is heard, lower case: ``metro subway``, ``dog bark``."""
    path: Path


@dataclass(frozen=True, order=True)
class VocalBurst:
    """A laugh, sigh, groan or cry without words."""

    category: str
    """Expression asked of the voice, in the words of its corpus: ``amusement``."""
    speaker: str
    path: Path


@dataclass(frozen=True, order=True)
class Music:
    """A cut from a piece of music in which nobody speaks."""

    piece: str
    """Name that all cuts of a piece share, in every version of it; to be held out whole."""
    path: Path


_Sound = TypeVar("_Sound", Noise, VocalBurst, Music)


def find_noises(folder: Path) -> list[Noise]:
    """Noises listed in ``index.csv``, sorted by kind; raises ``DatasetError``."""
    return _listed(folder, ("file", "notes"), _noise_of)


def read_backgrounds(folder: Path) -> dict[str, list[Float32]]:
    """Samples, 16 kHz, of the noises whose kind is in ``BACKGROUNDS``, by kind.

    Raises
    ------
    DatasetError
        The folder cannot be read, or holds no background.
    """
    noises = find_noises(folder)
    read = {
        kind: [read_recording(noise.path) for noise in noises if noise.kind == kind]
        for kind in BACKGROUNDS
    }
    found = {kind: recordings for kind, recordings in read.items() if recordings}
    if not found:
        raise DatasetError(
            f"{folder} holds no background noise: give one with {', '.join(BACKGROUNDS)}."
        )
    return found


def find_vocal_bursts(folder: Path) -> list[VocalBurst]:
    """Voices listed in ``index.csv``, sorted by category; raises ``DatasetError``."""
    return _listed(folder, ("file", "speaker", "notes"), _burst_of)


def find_music(folder: Path) -> list[Music]:
    """Cuts listed in ``index.csv``, sorted by piece; raises ``DatasetError``."""
    return _listed(folder, ("file",), lambda path, _: Music(_CUT.sub("", path.stem), path))


def _listed(
    folder: Path, columns: tuple[str, ...], sound_of: Callable[[Path, dict[str, str]], _Sound]
) -> list[_Sound]:
    """Every listed sound; one that is absent is an error, for a measurement would miss it."""
    rows = index_rows(folder, columns)
    absent = [row["file"] for row in rows if not (folder / row["file"]).is_file()]
    if absent or not rows:
        raise DatasetError(
            f"{folder} lacks {len(absent)} of the {len(rows)} sounds that its index lists, but "
            "one at least and all that are listed are needed: restore the folder."
        )
    return sorted(sound_of(folder / row["file"], row) for row in rows)


def _noise_of(path: Path, row: dict[str, str]) -> Noise:
    match = _NOISE.match(row["notes"])
    kind = _CAMEL.sub(" ", match[1].strip()).lower() if match else UNNAMED
    return Noise(UNNAMED if kind in _NO_KIND else kind, path)


def _burst_of(path: Path, row: dict[str, str]) -> VocalBurst:
    match = _BURST.search(row["notes"])
    return VocalBurst(match[1].strip() if match else "", f"emogator-{row['speaker'][2:]}", path)
