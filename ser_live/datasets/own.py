"""Recordings of one's own: any folder or table of files with labels, in one's own words.

Three forms are understood, looked for in this order:

- a table: a CSV file, or a folder with one, with the columns ``file``, ``label`` and, where it
  is known, ``speaker``;
- the file names of a well-known corpus (``known_names``), unless they lie in folders that are
  named otherwise;
- one folder for each label, with the files in it, or a folder for each speaker.

Nothing disappears silently: `OwnRecordings` counts what was left out, by reason.
"""

from __future__ import annotations

import csv
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from ser_live.datasets.indexed import leads_out
from ser_live.datasets.known_names import NAMINGS, Named
from ser_live.datasets.recording import Recording, byte_identical
from ser_live.emotions import LABELS, MAX_LABEL, MAX_LABELS, is_label
from ser_live.errors import AudioError, DatasetError
from ser_live.sources import AUDIO_SUFFIXES, FileSource

CORPUS = "own"
MIN_CLIPS, MIN_SPEAKERS = 30, 2
"""Recordings and speakers that each label needs."""
MIN_CLIPS_OF_FEW = 2
"""Recordings that a label needs even where few are asked to do."""

MAX_TABLE_BYTES = 64 << 20
"""Largest table that is read."""
_TABLES = (".csv", ".tsv")
_DELIMITERS = ",;\t|"
_MAX_SHOWN = 100
"""Most characters of a name from outside that are shown."""
_NEEDED = (
    "give a folder with one folder for each label, or a CSV file with the columns file, label and, "
    "where it is known, speaker."
)


class _Labelled(NamedTuple):
    """One file as it was found."""

    path: Path
    label: str
    speaker: str
    """Empty where it is not known."""


@dataclass(frozen=True)
class OwnRecordings:
    """The recordings of a folder or table."""

    recordings: list[Recording]
    """Sorted. A recording without a speaker has one of its own."""
    form: str
    """Where the labels were read, for people: ``folders``, ``table labels.csv``."""
    left_out: Mapping[str, int]
    """Number of files or lines not among them, by reason."""
    by_speaker: bool
    """Whether every recording names its speaker, and there are several."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels that occur: the known ones in their order, then the others by the alphabet."""
        found = {recording.label for recording in self.recordings}
        known = tuple(label for label in LABELS if label in found)
        return known + tuple(sorted(found.difference(known)))

    @property
    def n_speakers(self) -> int:
        """Number of speakers; of recordings where these are not known."""
        return len({recording.speaker for recording in self.recordings})

    def __str__(self) -> str:
        counts = Counter(recording.label for recording in self.recordings)
        labels = ", ".join(f"{counts[label]} {label}" for label in self.labels)
        of = f" of {self.n_speakers} speakers" if self.by_speaker else ""
        said = f"{len(self.recordings)} recordings{of} by {self.form}: {labels}"
        if self.left_out:
            reasons = ", ".join(f"{n} {reason}" for reason, n in sorted(self.left_out.items()))
            said += f"; left out: {reasons}"
        return said


def find_own(data: Path) -> OwnRecordings:
    """Every labelled recording of a folder or table.

    Parameters
    ----------
    data : Path
        A folder, or a CSV file; files that it lists lie in its folder or below.

    Raises
    ------
    DatasetError
        There is none, a table cannot be read or leads out of its folder, or a label cannot be
        used.
    """
    left_out: Counter[str] = Counter()
    if data.is_file():
        rows = _table(data)
        if rows is None:
            raise DatasetError(f"{data} has no columns file and label: {_NEEDED}")
        found, form = _listed(data, rows, left_out), f"table {data.name}"
    elif data.is_dir():
        found, form = _in_folder(data, left_out)
    else:
        raise DatasetError(f"{data} is not a folder and not a CSV file: {_NEEDED}")
    readable = [one for one in found if _is_readable(one.path, left_out)]
    recordings = _each_once(_recordings(readable), left_out)
    if not recordings:
        reasons = ", ".join(f"{n} {reason}" for reason, n in sorted(left_out.items()))
        raise DatasetError(f"{data} holds no labelled recording ({reasons or 'empty'}): {_NEEDED}")
    knows_all = all(one.speaker for one in readable)
    by_speaker = knows_all and len({recording.speaker for recording in recordings}) > 1
    if knows_all and not by_speaker:
        # One voice alone: its recordings are held out one by one.
        recordings = [replace(r, speaker=_of_file(r.path)) for r in recordings]
    return OwnRecordings(sorted(recordings), form, dict(left_out), by_speaker)


def check_enough(found: OwnRecordings, *, few: bool) -> None:
    """Refuse what is too little to learn from and to measure with.

    Parameters
    ----------
    found : OwnRecordings
    few : bool
        Whether two recordings of each label are to do.

    Raises
    ------
    DatasetError
        One sentence that names every label that lacks something, and what it lacks.
    """
    labels = found.labels
    if not 1 < len(labels) <= MAX_LABELS:
        raise DatasetError(
            f"found {len(labels)} label{'s' * (len(labels) > 1)} by {found.form} "
            f"({', '.join(labels)[:_MAX_SHOWN]}), but 2 to {MAX_LABELS} are needed: {_NEEDED}"
        )
    min_clips = MIN_CLIPS_OF_FEW if few else MIN_CLIPS
    min_speakers = MIN_SPEAKERS if found.by_speaker and not few else 1
    lacking = []
    for label in labels:
        own = [recording for recording in found.recordings if recording.label == label]
        n_speakers = len({recording.speaker for recording in own})
        missing = []
        if len(own) < min_clips:
            missing.append(f"{min_clips - len(own)} of its {min_clips} recordings")
        if n_speakers < min_speakers:
            missing.append(f"{min_speakers - n_speakers} of its {min_speakers} speakers")
        if missing:
            lacking.append(f"{label} lacks {' and '.join(missing)}")
    if lacking:
        remedy = "add recordings" if few else "add recordings, or go on all the same with --few"
        raise DatasetError(f"found too little to learn from: {'; '.join(lacking)}: {remedy}.")


def _in_folder(folder: Path, left_out: Counter[str]) -> tuple[list[_Labelled], str]:
    tables = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in _TABLES and path.is_file() and not path.name.startswith("."):
            rows = _table(path)
            if rows is not None:
                tables[path] = rows
    if len(tables) > 1:
        names = ", ".join(path.name for path in tables)[:_MAX_SHOWN]
        raise DatasetError(
            f"{folder} holds several tables of files and labels ({names}), but one is needed: "
            "give --data the right one."
        )
    for path, rows in tables.items():
        return _listed(path, rows, left_out), f"table {path.name}"
    files = list(_sound_files(folder, left_out))
    for naming in NAMINGS:
        named = {path: name for path in files if (name := naming.parse(path.stem)) is not None}
        if 2 * len(named) >= len(files) > 0 and not _folders_disagree(folder, named):
            if len(named) < len(files):
                left_out["named otherwise"] += len(files) - len(named)
            found = [_Labelled(path, name.label, name.speaker) for path, name in named.items()]
            return found, f"names of {naming.name}"
    return _by_folder(folder, files, left_out), "folders"


def _sound_files(folder: Path, left_out: Counter[str]) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if any(part.startswith(".") for part in path.relative_to(folder).parts):
            continue
        if path.suffix.lower() in AUDIO_SUFFIXES and path.is_file():
            yield path
        elif path.is_file():
            left_out["not sound"] += 1


def _folders_disagree(folder: Path, named: Mapping[Path, Named]) -> bool:
    """Whether the folders are named after other labels than the files in them.

    A folder agrees that holds several labels, or is named after its label or speaker.
    """
    inside: dict[str, set[Named]] = {}
    for path, name in named.items():
        parts = path.relative_to(folder).parts
        if len(parts) > 1:
            inside.setdefault(parts[0], set()).add(name)
    for folder_name, names in inside.items():
        labels = {name.label for name in names}
        known = [label[:3] for label in labels] + [name.speaker.casefold() for name in names]
        if len(labels) == 1 and not any(word in folder_name.casefold() for word in known):
            return True
    return False


def _by_folder(folder: Path, files: Sequence[Path], left_out: Counter[str]) -> list[_Labelled]:
    found = []
    for path in files:
        parts = path.relative_to(folder).parts
        if len(parts) == 1:
            left_out["in no folder of a label"] += 1
            continue
        label = _label(parts[0], f"{folder} holds a folder")
        found.append(_Labelled(path, label, parts[1] if len(parts) > 2 else ""))
    return found


def _table(path: Path) -> list[dict[str, str]] | None:
    """Lines of a table by column, values stripped; None where it has no columns file and label.

    Raises
    ------
    DatasetError
        It is too large, or not a table in UTF-8.
    """
    try:
        if path.stat().st_size > MAX_TABLE_BYTES:
            raise DatasetError(
                f"{path} is larger than {MAX_TABLE_BYTES >> 20} MB, but a table of files and "
                "labels is needed: give another one."
            )
        with path.open(encoding="utf-8-sig", newline="") as file:
            head = file.readline()
            for delimiter in _DELIMITERS:
                names = next(csv.reader([head], delimiter=delimiter), [])
                columns = [_COLUMNS.get(name.strip().casefold(), "") for name in names]
                if "file" in columns and "label" in columns:
                    rows = list(csv.reader(file, delimiter=delimiter))
                    break
            else:
                return None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(
            f"{path} cannot be read as a table in UTF-8 ({error}): save it again as CSV."
        ) from error
    blank = dict.fromkeys(("file", "label", "speaker"), "")
    return [
        {**blank, **{c: v.strip() for c, v in zip(columns, row, strict=False) if c}}
        for row in rows
        if any(value.strip() for value in row)
    ]


_COLUMNS = {"file": "file", "label": "label", "emotion": "label", "speaker": "speaker"}
"""Names of columns, and what they hold."""


def _listed(
    table: Path, rows: Sequence[Mapping[str, str]], left_out: Counter[str]
) -> list[_Labelled]:
    found: dict[Path, _Labelled] = {}
    for row in rows:
        if leads_out(row["file"]):
            raise DatasetError(
                f"{table} lists {row['file'][:_MAX_SHOWN]!r}, but a path that goes down from its "
                "folder, without '..', is needed: move the recording below the folder and list it "
                "from there."
            )
        path = table.parent / row["file"]
        if not row["file"] or not _is_file(path):
            left_out["listed but absent"] += 1
        elif not row["label"]:
            left_out["without a label"] += 1
        elif path in found:
            left_out["listed twice"] += 1
        else:
            label = _label(row["label"], f"{table} has")
            found[path] = _Labelled(path, label, row["speaker"])
    return list(found.values())


def _label(text: str, where: str) -> str:
    """A label as it is used: ours in our spelling, any other as it is."""
    label = unicodedata.normalize("NFC", text).strip()
    label = label.casefold() if label.casefold() in LABELS else label
    if not is_label(label):
        raise DatasetError(
            f"{where} labelled {text[:_MAX_SHOWN]!r}, but a label of 1 to {MAX_LABEL} printable "
            "characters is needed: rename it."
        )
    return label


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name too long for the file system, or with a NUL
        return False


def _is_readable(path: Path, left_out: Counter[str]) -> bool:
    try:
        with FileSource(path, speed=0):
            return True
    except AudioError:
        left_out["unreadable"] += 1
        return False


def _recordings(found: Sequence[_Labelled]) -> list[Recording]:
    return sorted(
        Recording(
            corpus=CORPUS,
            speaker=f"{CORPUS}-{one.speaker}" if one.speaker else _of_file(one.path),
            path=one.path,
            label=one.label,
            sex="",
            language="",
        )
        for one in found
    )


def _of_file(path: Path) -> str:
    """Name that stands for the unknown speaker of a recording."""
    return f"{CORPUS}: {path}"


def _each_once(recordings: list[Recording], left_out: Counter[str]) -> list[Recording]:
    """The recordings without copies, which would be trained on and tested at once."""
    dropped: set[Path] = set()
    for group in byte_identical(recordings):
        if len({recording.label for recording in group}) > 1:
            left_out["the same sound with two labels"] += len(group)
            dropped.update(recording.path for recording in group)
        else:
            left_out["a copy of another"] += len(group) - 1
            dropped.update(recording.path for recording in group[1:])
    return [recording for recording in recordings if recording.path not in dropped]
