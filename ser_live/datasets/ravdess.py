"""RAVDESS: file names, and the recordings in a folder.

The Ryerson Audio-Visual Database of Emotional Speech and Song (Livingstone &
Russo 2018, https://doi.org/10.1371/journal.pone.0196391): 24 actors, two
statements, CC BY-NC-SA 4.0. Seven two-digit fields make a name::

    03-01-06-01-02-01-12.wav
    │  │  │  │  │  │  └── actor 01-24, odd male, even female
    │  │  │  │  │  └───── repetition 01, 02
    │  │  │  │  └──────── statement 01 "Kids ...", 02 "Dogs are sitting by the door"
    │  │  │  └─────────── intensity 01 normal, 02 strong (never with neutral)
    │  │  └────────────── emotion 01-08, the order of ``EMOTIONS`` (song: 01-06)
    │  └───────────────── vocal channel 01 speech, 02 song
    └──────────────────── modality 01 audio and video, 02 video only, 03 audio only

Speech and song are two corpora of the same actors, and an actor is one speaker in both. 23 actors
sing. A copy of the song in which every clip ends after 2.39 s is about; of a performance that is
there whole as well, the whole is taken (``corpora``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from ser_live.datasets.recording import Recording
from ser_live.emotions import EMOTIONS, Emotion
from ser_live.errors import DatasetError

CORPUS = "ravdess"
SONG_CORPUS = "ravdess_song"
LICENCE = "CC BY-NC-SA 4.0"
CITATION = (
    "Livingstone SR, Russo FA (2018) The Ryerson Audio-Visual Database of Emotional Speech "
    "and Song (RAVDESS). PLoS ONE 13(5): e0196391. https://doi.org/10.1371/journal.pone.0196391"
)
N_ACTORS = 24
EXTENSIONS = (".wav", ".flac", ".opus", ".ogg", ".mp4")
"""Extensions of published and re-encoded RAVDESS files, lower case."""

_NAME = re.compile(r"(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)", re.ASCII)
_FIELDS = (
    ("modality", 3),
    ("vocal channel", 2),
    ("emotion", 8),
    ("intensity", 2),
    ("statement", 2),
    ("repetition", 2),
    ("actor", N_ACTORS),
)
_SONG_EMOTIONS = EMOTIONS[:6]


class Modality(Enum):
    """Content of the file: sound, picture or both."""

    AUDIO_VIDEO = 1
    VIDEO_ONLY = 2
    AUDIO_ONLY = 3


class VocalChannel(Enum):
    """Spoken or sung."""

    SPEECH = 1
    SONG = 2


@dataclass(frozen=True)
class RavdessName:
    """Everything a RAVDESS file name says."""

    modality: Modality
    vocal_channel: VocalChannel
    emotion: Emotion
    is_strong: bool
    statement: int
    """1: "Kids are talking by the door"; 2: "Dogs are sitting by the door"."""
    repetition: int
    """1 or 2."""
    actor: int
    """1 to 24."""

    @property
    def sex(self) -> str:
        return "male" if self.actor % 2 else "female"

    @property
    def speaker(self) -> str:
        return f"{CORPUS}-{self.actor:02d}"

    def __str__(self) -> str:
        fields = (
            self.modality.value,
            self.vocal_channel.value,
            EMOTIONS.index(self.emotion) + 1,
            1 + self.is_strong,
            self.statement,
            self.repetition,
            self.actor,
        )
        return "-".join(f"{field:02d}" for field in fields)


def is_ravdess_name(name: str) -> bool:
    """Whether `name` (with or without extension) has the shape of a RAVDESS name."""
    return _NAME.fullmatch(Path(name).stem) is not None


def parse_name(name: str | Path) -> RavdessName:
    """Read the seven fields of a RAVDESS file name.

    Parameters
    ----------
    name : str or Path
        File name or path, with any extension or none.

    Raises
    ------
    DatasetError
        The name has another shape, a field is out of range, or the combination
        does not exist: neutral is never strong, disgust and surprised are never sung.
    """
    stem = Path(name).stem
    match = _NAME.fullmatch(stem)
    if match is None:
        raise DatasetError(
            f"{str(name)!r} is not a RAVDESS name: seven two-digit fields joined by "
            "hyphens are needed, such as 03-01-06-01-02-01-12.wav."
        )
    numbers = [int(group) for group in match.groups()]
    for (field, highest), number in zip(_FIELDS, numbers, strict=True):
        if not 1 <= number <= highest:
            raise DatasetError(
                f"{stem!r} has {field} {number:02d}, but RAVDESS knows 01 to {highest:02d}: "
                "rename or remove the file."
            )
    parsed = RavdessName(
        modality=Modality(numbers[0]),
        vocal_channel=VocalChannel(numbers[1]),
        emotion=EMOTIONS[numbers[2] - 1],
        is_strong=numbers[3] == 2,
        statement=numbers[4],
        repetition=numbers[5],
        actor=numbers[6],
    )
    if parsed.emotion is Emotion.NEUTRAL and parsed.is_strong:
        raise DatasetError(
            f"{stem!r} is strong and neutral, but RAVDESS has no strong neutral: "
            "rename or remove the file."
        )
    if parsed.vocal_channel is VocalChannel.SONG and parsed.emotion not in _SONG_EMOTIONS:
        raise DatasetError(
            f"{stem!r} is sung with the emotion {parsed.emotion}, but RAVDESS sings only "
            f"{', '.join(_SONG_EMOTIONS)}: rename or remove the file."
        )
    return parsed


def recording_of(path: Path) -> Recording:
    """The record of one RAVDESS file; raises ``DatasetError`` for an illegal name."""
    name = parse_name(path)
    return Recording(
        corpus=SONG_CORPUS if name.vocal_channel is VocalChannel.SONG else CORPUS,
        speaker=name.speaker,
        path=path,
        label=name.emotion.value,
        sex=name.sex,
        language="en-US",
        intensity="strong" if name.is_strong else "normal",
    )


def actor_of(recording: Recording) -> int:
    """Actor number 1 to 24 of a RAVDESS recording, spoken or sung."""
    return parse_name(recording.path).actor


def find_recordings(
    folder: Path, vocal_channel: VocalChannel | None = VocalChannel.SPEECH
) -> list[Recording]:
    """Every recording with sound under `folder`, sorted, each performance once.

    Files of other kinds and hidden files are passed over; video-only files carry no
    sound and are left out. A performance that is there twice (the same fields in two
    folders, as in a widespread copy of the corpus, or audio-only next to audio-video)
    is taken once, audio-only first. Copies under *different* names are kept, because
    published results include them: ``byte_identical`` lists them.

    Parameters
    ----------
    folder : Path
        Searched with all its subfolders.
    vocal_channel : VocalChannel or None
        Which recordings to return; None for speech and song.

    Raises
    ------
    DatasetError
        No such folder, a sound file with an illegal name, or nothing to return.
    """
    if not folder.is_dir():
        raise DatasetError(f"{folder} is not a folder: give the folder with Actor_01 to Actor_24.")
    taken: dict[str, tuple[Modality, Recording]] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in EXTENSIONS or path.name.startswith("."):
            continue
        name = parse_name(path)
        if name.modality is Modality.VIDEO_ONLY:
            continue
        if vocal_channel is not None and name.vocal_channel is not vocal_channel:
            continue
        performance = str(name)[3:]
        known = taken.get(performance)
        if known is None or (
            known[0] is Modality.AUDIO_VIDEO and name.modality is Modality.AUDIO_ONLY
        ):
            taken[performance] = (name.modality, recording_of(path))
    if not taken:
        wanted = "RAVDESS" if vocal_channel is None else f"RAVDESS {vocal_channel.name.lower()}"
        raise DatasetError(
            f"{folder} holds no {wanted} recordings: give the folder with Actor_01 to Actor_24, "
            "or fetch the corpus with scripts/fetch_ravdess.py."
        )
    return sorted(recording for _, recording in taken.values())
