"""Labels of a person's own for the utterances of a session: a file beside its log.

The log itself is never changed. A later label of the same person for the same utterance takes
the place of the earlier one; ``null`` takes it back.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ser_live.emotions import is_label
from ser_live.errors import LogError
from ser_live.events import Record
from ser_live.records.json_line import json_line
from ser_live.records.log_reading import MAX_LINE_BYTES, parsed_line
from ser_live.records.private_files import create_private_file
from ser_live.terminal.text import printable

SUFFIX = ".corrections.jsonl"
SCHEMA = "ser-live-corrections"
HEADER: Record = {"type": "corrections", "schema": SCHEMA, "schema_version": 1}

UtteranceKey = tuple[int, int]
"""Numbers of stream and utterance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """A label of a person's own."""

    stream: int
    id: int
    emotion: str | None
    """``None`` takes back the label given before."""
    by: str
    """Name of the person."""
    at: str
    """Wall time with its offset."""

    def as_record(self) -> Record:
        """The label as it stands in the file."""
        return {
            "type": "correction",
            "id": self.id,
            "stream": self.stream,
            "emotion": self.emotion,
            "by": self.by,
            "at": self.at,
        }


@dataclass(frozen=True, slots=True)
class Corrections:
    """Labels that hold."""

    given: tuple[Correction, ...]
    """The latest of each person for each utterance, those that were taken back left out."""
    n_passed_over: int
    """Lines that hold no label, such as one that was cut off."""

    @property
    def by_person(self) -> Mapping[str, Mapping[UtteranceKey, str]]:
        """Labels by person and utterance."""
        found: dict[str, dict[UtteranceKey, str]] = {}
        for one in self.given:
            found.setdefault(one.by, {})[one.stream, one.id] = str(one.emotion)
        return found


def corrections_file(log: Path) -> Path:
    """The file beside a log that holds labels of people's own, whether it exists or not."""
    return log.with_name(log.name.removesuffix(".jsonl") + SUFFIX)


def is_corrections_file(path: Path) -> bool:
    """Whether a file is one of these by its name and its first line."""
    if not path.name.endswith(SUFFIX) or path.is_symlink():
        return False
    with suppress(OSError), path.open("rb") as file:
        record = parsed_line(file.readline(MAX_LINE_BYTES))
        return record is not None and record.get("schema") == SCHEMA
    return False


def read_corrections(log: Path) -> Corrections:
    """Read the labels for a log; none where nobody gave any.

    Raises
    ------
    LogError
        The file cannot be read, or is something else's.
    """
    path = corrections_file(log)
    if not path.exists():
        return Corrections((), 0)
    if not is_corrections_file(path):
        raise _foreign(path)
    found: dict[tuple[str, int, int], Correction] = {}
    n_passed_over = 0
    try:
        with path.open("rb") as file:
            for line in file:
                record = parsed_line(line)
                if record is not None and record["type"] == "corrections":
                    continue
                correction = None if record is None else _correction(record)
                if correction is None:
                    n_passed_over += bool(line.strip())
                    continue
                key = (correction.by, correction.stream, correction.id)
                found.pop(key, None)
                if correction.emotion is not None:
                    found[key] = correction
    except OSError as error:
        raise _unusable(path, error) from error
    return Corrections(tuple(found.values()), n_passed_over)


def add_correction(log: Path, correction: Correction) -> None:
    """Add a label to the file beside a log, which is made for its owner only where it is missing.

    Raises
    ------
    LogError
        It cannot be written, or is something else's.
    """
    path = corrections_file(log)
    text = json_line(correction.as_record()) + "\n"
    try:
        try:
            descriptor = create_private_file(path, appends=True)
            text = json_line(HEADER) + "\n" + text
        except FileExistsError:
            if not is_corrections_file(path):
                raise _foreign(path) from None
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | getattr(os, "O_BINARY", 0))
            with path.open("rb") as file:
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    text = "\n" + text  # the last line was cut: what comes now stays readable
        try:
            os.write(descriptor, text.encode())
        finally:
            os.close(descriptor)
    except OSError as error:
        raise _unusable(path, error) from error


def _correction(record: Record) -> Correction | None:
    stream, number, emotion = (record.get(name) for name in ("stream", "id", "emotion"))
    by, at = record.get("by"), record.get("at")
    if record["type"] != "correction" or not isinstance(by, str) or not isinstance(at, str):
        return None
    if not _is_count(stream) or not _is_count(number):
        return None
    if emotion is not None and not is_label(emotion):
        return None
    return Correction(
        stream=int(str(stream)),
        id=int(str(number)),
        emotion=None if emotion is None else str(emotion),
        by=by,
        at=at,
    )


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1e12


def _foreign(path: Path) -> LogError:
    return LogError(
        f"{printable(str(path))} does not hold labels of ser-live, and that place is needed for "
        "them: move it away."
    )


def _unusable(path: Path, error: OSError) -> LogError:
    return LogError(
        f"the labels in {printable(str(path))} cannot be read or written "
        f"({(error.strerror or str(error)).lower()}): make the file and its folder writable."
    )
