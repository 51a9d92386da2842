"""Everyday speech: people who read, talk or telephone, and act nothing.

Every recording is ``plain``: neutral or calm, whatever else. Where a source is read aloud its index
says neutral; where nobody labelled the talk it says nothing. Neither is a listener's judgement.

A source is a folder below ``everyday`` with an ``index.csv`` as ``indexed`` reads it; the reading
that belongs to ``etts_ko`` lies beside them. Microphone and room tell the source, so whole sources
are to be held out, not speakers alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ser_live.datasets import etts_ko
from ser_live.datasets.indexed import index_rows
from ser_live.datasets.recording import Recording
from ser_live.emotions import Emotion
from ser_live.errors import DatasetError

FOLDER = "everyday"
PLAIN: Final = "plain"
"""Label of every recording: neutral or calm, whatever else."""

READING, TALK, TELEPHONE, WORDS, DIGITS = "reading", "talk", "telephone", "words", "digits"

CHILD, ADULT, OLDER = "child", "adult", "older"
CHILD_BELOW, OLDER_FROM = 18, 50
"""Years. 50, because the oldest band of one source is 50 to 69."""

_COLUMNS = ("file", "emotion", "speaker", "gender", "language", "notes")
_SEXES = ("male", "female", "")
_UNLABELLED = ("neutral", "")
_AGE = re.compile(r"\bage (\d+)")
_TALK = "YouTube talk"


@dataclass(frozen=True)
class Source:
    """Facts about a source that hold before any of its files is seen."""

    kind: str
    licence: str
    origin: str
    """Work and people to credit."""


ETTS_KO_READ = "etts_ko_read"
SOURCES: Mapping[str, Source] = {
    "gujarati_digits": Source(DIGITS, "not stated", "Spoken digits in Gujarati of five regions"),
    "ktuberling_words": Source(
        WORDS, "GPL, LGPL, CC0, CC BY", "KDE, ktuberling (https://apps.kde.org/ktuberling)"
    ),
    "librispeech_train100": Source(
        READING,
        "CC BY 4.0",
        "Panayotov V, Chen G, Povey D, Khudanpur S (2015) Librispeech: An ASR corpus based on "
        "public domain audio books. ICASSP. https://doi.org/10.1109/ICASSP.2015.7178964",
    ),
    "mandarin_samples": Source(
        READING, "not stated", "Samples of Biaobei (DataBaker) and AISHELL-3 (arXiv:2010.11567)"
    ),
    "mexican_384": Source(READING, "not stated", "Mexican Spanish, probably of Common Voice"),
    "speech_accent_archive": Source(
        READING,
        "CC BY-NC-SA",
        "Weinberger S, Speech Accent Archive. George Mason University. https://accent.gmu.edu",
    ),
    "speechocean762": Source(
        READING,
        "free for any use",
        "Zhang J et al. (2021) speechocean762: An Open-Source Non-native English Speech Corpus "
        "For Pronunciation Assessment. Interspeech. https://arxiv.org/abs/2104.01378",
    ),
    "vctk_samples": Source(
        READING,
        "CC BY 4.0",
        "Yamagishi J, Veaux C, MacDonald K (2019) CSTR VCTK Corpus. University of Edinburgh. "
        "https://doi.org/10.7488/ds/2645",
    ),
    "wuw_telephone": Source(TELEPHONE, "CC BY-SA 4.0", "Wake-Up-Word corpus WUWII"),
    ETTS_KO_READ: Source(READING, etts_ko.LICENCE, etts_ko.CITATION),
}
"""Sources by the name of their folder."""


@dataclass(frozen=True, order=True)
class EverydayRecording:
    """A recording of somebody who acts nothing."""

    source: str
    """One of ``SOURCES``."""
    speaker: str
    """Speaker, unique over all sources and corpora."""
    path: Path
    kind: str
    """``reading``, ``talk``, ``telephone``, ``words`` or ``digits``."""
    sex: str
    """``male``, ``female``, or empty when the source does not say."""
    language: str
    """BCP 47 tag."""
    age: str
    """``child``, ``adult`` or ``older``, or empty when the source does not say."""
    label: str = PLAIN


CORPUS_PREFIX = FOLDER + "/"
"""Beginning of the corpus of an everyday recording that is trained on: each source is one."""
READ_FOR = {etts_ko.CORPUS: CORPUS_PREFIX + ETTS_KO_READ}
"""Sources that were read with the voices and microphones of an acted corpus, by that corpus."""


def is_everyday(corpus: str) -> bool:
    """Whether a recording's corpus is a source of everyday speech."""
    return corpus.startswith(CORPUS_PREFIX)


def as_recordings(found: Iterable[EverydayRecording]) -> list[Recording]:
    """Everyday speech for training; what the label says there is read as neutral or calm."""
    return [
        Recording(
            corpus=CORPUS_PREFIX + one.source,
            speaker=one.speaker,
            path=one.path,
            label=Emotion.NEUTRAL.value,
            sex=one.sex,
            language=one.language,
        )
        for one in found
    ]


def has_everyday(root: Path) -> bool:
    """Whether a folder of corpora holds everyday speech."""
    return (root / FOLDER).is_dir() or (root / ETTS_KO_READ).is_dir()


def find_everyday(root: Path) -> list[EverydayRecording]:
    """Every recording of the everyday sources in a folder of corpora, sorted.

    Parameters
    ----------
    root : Path
        A folder with ``everyday``, ``etts_ko_read`` or both.

    Raises
    ------
    DatasetError
        Neither folder, a source that is not among ``SOURCES``, an index that cannot be read, or a
        line of it that gives no recording: a measurement would miss it.
    """
    below = root / FOLDER
    folders = sorted(path for path in below.iterdir() if path.is_dir()) if below.is_dir() else []
    if (root / ETTS_KO_READ).is_dir():
        folders.append(root / ETTS_KO_READ)
    if not folders:
        raise DatasetError(
            f"{root} holds no everyday speech: give a folder with {FOLDER} or {ETTS_KO_READ}."
        )
    return sorted(recording for folder in folders for recording in _read(folder))


def _read(folder: Path) -> list[EverydayRecording]:
    """Recordings of one source."""
    if folder.name not in SOURCES:
        raise DatasetError(
            f"{folder} is no known source of everyday speech, but one of {', '.join(SOURCES)} is "
            "needed: move it away, or declare it."
        )
    rows = index_rows(folder, _COLUMNS)
    wrong = [row["file"] for row in rows if not _is_sound(folder, row)]
    if wrong or not rows:
        raise DatasetError(
            f"{folder} has an index of {len(rows)} lines, {len(wrong)} of them with an emotion, an "
            "unknown sex, no speaker or no file, but one at least and none such is needed: "
            f"restore the folder{f' ({wrong[0]!r} is the first)' if wrong else ''}."
        )
    return [_recording(folder, row) for row in rows]


def _is_sound(folder: Path, row: Mapping[str, str]) -> bool:
    return (
        row["emotion"] in _UNLABELLED
        and row["gender"] in _SEXES
        and bool(row["speaker"])
        and (folder / row["file"]).is_file()
    )


def _recording(folder: Path, row: Mapping[str, str]) -> EverydayRecording:
    source, notes = folder.name, row["notes"]
    if source == ETTS_KO_READ:
        speaker = etts_ko.DECLARATION.speaker_id(row["speaker"])
    else:
        speaker = f"{source}-{row['speaker']}"
    return EverydayRecording(
        source=source,
        speaker=speaker,
        path=folder / row["file"],
        kind=TALK if _TALK in notes else SOURCES[source].kind,
        sex=row["gender"],
        language=row["language"],
        age=_age_band(notes),
    )


def _age_band(notes: str) -> str:
    """Band of the age that the notes tell; 0 years, or none, is unknown."""
    match = _AGE.search(notes)
    years = int(match[1]) if match else 0
    if not years:
        return ""
    if years < CHILD_BELOW:
        return CHILD
    return OLDER if years >= OLDER_FROM else ADULT
