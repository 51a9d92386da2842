"""Corpora whose recordings are listed in an ``index.csv`` or named by their publisher.

A corpus declares itself once (`Declaration`); both forms of it are read here:

- a folder with ``index.csv`` (columns ``file, emotion, speaker, gender, language, notes``):
  what is listed counts, and files that are not listed are left out;
- the corpus as published, where the file names say everything.

A corpus may lie in two folders, each in either form: `merged` makes one of them.

Nothing disappears silently: `Found` counts what was left out, by reason.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath

from ser_live.datasets.recording import Recording
from ser_live.emotions import LABELS, Emotion
from ser_live.errors import DatasetError

INDEX = "index.csv"
SUFFIXES = (".flac", ".wav", ".opus", ".ogg")
"""Extensions of recordings, lower case."""

_COLUMNS = ("file", "emotion", "speaker", "gender")
_SEXES = ("male", "female", "")
_MAX_SHOWN = 100
"""Most characters of a listed path that are shown."""


@dataclass(frozen=True)
class Spoken:
    """Facts about a recording that its published file name tells."""

    emotion: Emotion
    speaker: str
    """Speaker as the corpus calls them, ``1001``."""
    sex: str = ""
    """``male``, ``female``, or empty when the name does not say."""
    intensity: str = ""
    language: str = ""
    """BCP 47 tag where the corpus has several languages, else empty."""


@dataclass(frozen=True)
class Declaration:
    """Facts about a corpus that hold before any of its files is seen."""

    corpus: str
    """Short name, also that of its folder."""
    licence: str
    citation: str
    language: str
    """BCP 47 tag; that of a recording whose name tells none."""
    emotions: frozenset[Emotion]
    """Labels the published corpus has; about the others it teaches nothing."""
    parse: Callable[[str], Spoken | None]
    """Reader of a file's stem; None for a name that is not of this corpus."""
    speaker_prefix: str = ""
    """Prefix in ``index.csv`` before the corpus's own name of a speaker."""
    index_emotions: frozenset[Emotion] | None = None
    """Labels taken from a folder with ``index.csv``; None for all of `emotions`."""
    sexes: Callable[[Path], Mapping[str, str]] = field(default=lambda folder: {})
    """Sex by speaker for a published folder whose names do not say it."""

    def speaker_id(self, speaker: str) -> str:
        """Speaker id that is unique over corpora, ``crema_d-1001``."""
        return f"{self.corpus}-{speaker.removeprefix(self.speaker_prefix)}"


@dataclass(frozen=True)
class Found:
    """Content of a corpus folder."""

    recordings: list[Recording]
    """Sorted."""
    left_out: Mapping[str, int] = field(default_factory=dict)
    """Number of files or lines not among them, by reason."""

    def __str__(self) -> str:
        kept = f"{len(self.recordings)} recordings"
        if not self.left_out:
            return kept
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(self.left_out.items()))
        return f"{kept}; left out: {reasons}"


def is_folder_of(folder: Path, declaration: Declaration) -> bool:
    """Whether any sound file below `folder` carries a name of this corpus."""
    return any(declaration.parse(path.stem) is not None for path in sounds_in(folder))


def find_recordings(folder: Path, declaration: Declaration) -> Found:
    """Every recording of a corpus below `folder`.

    Raises
    ------
    DatasetError
        No such folder, an index that cannot be read, or no recording.
    """
    if not folder.is_dir():
        raise DatasetError(
            f"{folder} is not a folder: give the folder with the {declaration.corpus} recordings."
        )
    read = _read_index if (folder / INDEX).is_file() else _read_names
    found = read(folder, declaration)
    if not found.recordings:
        raise DatasetError(
            f"{folder} holds no recording of {declaration.corpus} ({found}): give the folder with "
            f"{INDEX} or with the files as published."
        )
    return found


def merged(parts: Sequence[Found]) -> Found:
    """Parts of one corpus as a whole: a clip that an earlier part has is taken from there."""
    recordings: list[Recording] = []
    left_out: Counter[str] = Counter()
    for part in parts:
        known = {recording.path.stem for recording in recordings}
        new = [recording for recording in part.recordings if recording.path.stem not in known]
        recordings += new
        left_out.update(part.left_out)
        if n_twice := len(part.recordings) - len(new):
            left_out["there twice"] += n_twice
    return Found(sorted(recordings), dict(left_out))


def index_rows(folder: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    """Lines of ``index.csv``, values stripped.

    Raises
    ------
    DatasetError
        The file cannot be read, lacks one of `columns`, or lists a path that could lead out
        of `folder`.
    """
    path = folder / INDEX
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="")
            missing = [column for column in columns if column not in (reader.fieldnames or ())]
            rows = [{k: v.strip() for k, v in row.items() if isinstance(v, str)} for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{path} cannot be read as a table ({error}): restore it.") from error
    if missing:
        raise DatasetError(
            f"{path} has no column {', '.join(missing)}, but {', '.join(columns)} are needed: "
            "restore it."
        )
    for row in rows:
        if leads_out(row["file"]):
            raise DatasetError(
                f"{path} lists {row['file'][:_MAX_SHOWN]!r}, but a path that goes down from its "
                "folder, without '..', is needed: move the recording below the folder and list it "
                "from there."
            )
    return rows


def leads_out(file: str) -> bool:
    """Whether a listed path could lead out of the folder that lists it, here or on Windows.

    An index comes from outside: it may not choose which other files are read. A link that
    is in the folder is followed, as it is where names are read instead of an index.
    """
    return any(
        path.anchor or ".." in path.parts for path in (PurePosixPath(file), PureWindowsPath(file))
    )


def _read_index(folder: Path, declaration: Declaration) -> Found:
    recordings: list[Recording] = []
    left_out: Counter[str] = Counter()
    listed: set[Path] = set()
    for row in index_rows(folder, _COLUMNS):
        path = folder / row["file"]
        reason = "listed twice" if path in listed else _reason_to_leave_out(row, path, declaration)
        listed.add(path)
        if reason is not None:
            left_out[reason] += 1
            continue
        spoken = declaration.parse(path.stem)
        recordings.append(
            Recording(
                corpus=declaration.corpus,
                speaker=declaration.speaker_id(row["speaker"]),
                path=path,
                label=row["emotion"],
                sex=row["gender"],
                language=(spoken.language if spoken else "") or declaration.language,
                intensity=spoken.intensity if spoken else "",
            )
        )
    if n_unlisted := sum(path not in listed for path in sounds_in(folder)):
        left_out["not listed"] = n_unlisted
    return Found(sorted(recordings), dict(left_out))


def _reason_to_leave_out(
    row: Mapping[str, str], path: Path, declaration: Declaration
) -> str | None:
    """Reason why a line of an index gives no recording, None if it gives one."""
    if not path.is_file():
        return "listed but absent"
    if row["emotion"] not in LABELS or row["gender"] not in _SEXES or not row["speaker"]:
        return "with an unknown label, sex or speaker"
    wanted = declaration.index_emotions
    if Emotion(row["emotion"]) not in (declaration.emotions if wanted is None else wanted):
        return f"labelled {row['emotion']}"
    spoken = declaration.parse(path.stem)
    if spoken is not None and (
        spoken.emotion != row["emotion"]
        or declaration.speaker_id(spoken.speaker) != declaration.speaker_id(row["speaker"])
    ):
        return "listed otherwise than named"
    return None


def _read_names(folder: Path, declaration: Declaration) -> Found:
    taken: dict[str, Recording] = {}
    left_out: Counter[str] = Counter()
    sexes = declaration.sexes(folder)
    for path in sounds_in(folder):
        spoken = declaration.parse(path.stem)
        if spoken is None:
            left_out["named otherwise"] += 1
        elif path.stem in taken:
            left_out["there twice"] += 1
        else:
            taken[path.stem] = Recording(
                corpus=declaration.corpus,
                speaker=declaration.speaker_id(spoken.speaker),
                path=path,
                label=spoken.emotion.value,
                sex=spoken.sex or sexes.get(spoken.speaker, ""),
                language=spoken.language or declaration.language,
                intensity=spoken.intensity,
            )
    return Found(sorted(taken.values()), dict(left_out))


def sounds_in(folder: Path) -> list[Path]:
    """Visible sound files below a folder, sorted."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
    )
