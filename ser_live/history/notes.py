"""Notes and ratings of one's own, made outside sessions: a file that is only ever added to."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ser_live.errors import LogError
from ser_live.events import Record
from ser_live.history.log_sums import moment_of
from ser_live.records.folders import notes_file
from ser_live.records.json_line import json_line
from ser_live.records.log_reading import MAX_LINE_BYTES, parsed_line
from ser_live.records.private_files import create_private_file, make_private_folder
from ser_live.terminal.text import printable

SCHEMA = "ser-live-notes"
SCHEMA_VERSION = 1
HEADER: Record = {"type": "notes", "schema": SCHEMA, "schema_version": SCHEMA_VERSION}

RATINGS = range(1, 6)
MAX_TEXT = 10_000
"""Characters of a note; a line of the file stays far below `MAX_LINE_BYTES`."""
MAX_TAGS = 20
MAX_TAG = 40
"""Characters of a tag."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A note, with a rating or without."""

    at: datetime
    """The moment it is about, with the offset of the place."""
    text: str
    rating: int | None = None
    """From 1 to 5, in the person's own sense."""
    tags: tuple[str, ...] = ()

    @property
    def day(self) -> str:
        """Local day by the note's own offset."""
        return self.at.date().isoformat()

    def as_record(self) -> Record:
        """The note as it stands in the file."""
        return {
            "type": "note",
            "at": self.at.isoformat(timespec="seconds"),
            "text": self.text,
            "rating": self.rating,
            "tags": list(self.tags),
        }


@dataclass(frozen=True, slots=True)
class Notes:
    """The notes of a file in order of time."""

    notes: Sequence[Note]
    n_passed_over: int
    """Lines that hold no note, such as one that was cut off."""


def add_note(note: Note, path: Path | None = None) -> Path:
    """Add a note to the file, which is made for its owner only where it is missing.

    Raises
    ------
    LogError
        It cannot be written, or is the file of something else.
    """
    return add_notes([note], path)


def add_notes(notes: Sequence[Note], path: Path | None = None) -> Path:
    """Add notes to the file, as `add_note` does one."""
    path = notes_file() if path is None else path
    lines = "".join(json_line(note.as_record()) + "\n" for note in notes)
    try:
        make_private_folder(path.parent)
        try:
            descriptor = create_private_file(path, appends=True)
        except FileExistsError:
            if not is_notes_file(path):
                raise _foreign(path) from None
            descriptor = os.open(path, os.O_RDWR | os.O_APPEND | getattr(os, "O_BINARY", 0))
            size = os.fstat(descriptor).st_size
            if size and not _ends_in_line_end(path, size):
                lines = "\n" + lines  # the last line was cut: what comes now stays readable
        else:
            lines = json_line(HEADER) + "\n" + lines
        try:
            # In one piece, so that notes of two programs cannot mix.
            rest = memoryview(lines.encode())
            while rest:  # a disk may take a part of what is long
                rest = rest[os.write(descriptor, rest) :]
            with suppress(OSError):
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise LogError(
            f"the note cannot be written to {printable(str(path))} "
            f"({(error.strerror or str(error)).lower()}): make its folder writable and its disk "
            "roomy, then note it again."
        ) from error
    return path


def _ends_in_line_end(path: Path, size: int) -> bool:
    with path.open("rb") as file:
        file.seek(size - 1)
        return file.read(1) == b"\n"


def is_notes_file(path: Path) -> bool:
    """Whether a file begins as the notes do, or is empty as after a kill."""
    try:
        if path.is_symlink():
            return False
        with path.open("rb") as file:
            line = file.readline(MAX_LINE_BYTES)
    except OSError:
        return False
    record = parsed_line(line)
    return not line or (record is not None and record["type"] in ("notes", "note"))


def read_notes(path: Path | None = None) -> Notes:
    """Read the notes, whatever else is in the file; none where there is no file.

    Raises
    ------
    LogError
        The file cannot be read, is something else's, or a newer ser-live wrote it.
    """
    path = notes_file() if path is None else path
    if not path.exists():
        return Notes([], 0)
    if not is_notes_file(path):
        raise _foreign(path)
    found: list[Note] = []
    n_passed_over = 0
    try:
        with path.open("rb") as file:
            for line in file:
                note = None
                record = parsed_line(line)
                if record is not None and record["type"] == "notes":
                    _check_version(record, path)
                    continue
                if record is not None:
                    note = _note(record)
                if note is None:
                    n_passed_over += bool(line.strip())
                else:
                    found.append(note)
    except OSError as error:
        raise LogError(
            f"the notes in {printable(str(path))} cannot be read "
            f"({(error.strerror or str(error)).lower()}): make that file readable."
        ) from error
    return Notes(sorted(found, key=lambda note: note.at), n_passed_over)


def _check_version(record: Record, path: Path) -> None:
    version = record.get("schema_version")
    if not isinstance(version, int) or version > SCHEMA_VERSION:
        raise LogError(
            f"{printable(str(path))} has notes of schema version {str(version)[:20]}, this "
            f"ser-live reads up to {SCHEMA_VERSION}: update ser-live to read them."
        )


def _note(record: Record) -> Note | None:
    """The note on a line; ``None`` where it holds something else."""
    at, text, rating, tags = (record.get(name) for name in ("at", "text", "rating", "tags"))
    moment = moment_of(at) if isinstance(at, str) else None
    if record["type"] != "note" or moment is None or not isinstance(text, str):
        return None
    if rating is not None and (isinstance(rating, bool) or rating not in RATINGS):
        return None
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        return None
    whole = int(rating) if isinstance(rating, int | float) else None
    return Note(at=moment, text=text, rating=whole, tags=tuple(tags))


def _foreign(path: Path) -> LogError:
    return LogError(
        f"{printable(str(path))} does not hold notes of ser-live, and that place is needed for "
        "them: move it away."
    )
