"""Dates after which what was kept is to be removed, and the list of files that lie elsewhere.

A log says its date in its head, a recording in its tags, so both are told by themselves. What
lies where nobody would look for it, or cannot say a date (rows, reports), stands in a list in the
user's own folder: path, date, and how to know the file again.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path

from ser_live.errors import LogError, UsageError
from ser_live.records.folders import expiry_file
from ser_live.records.json_line import json_line
from ser_live.records.log_reading import MAX_LINE_BYTES, parsed_line
from ser_live.records.private_files import (
    create_private_file,
    make_private_folder,
    wait_for_turn,
)
from ser_live.terminal.text import printable

HEADER: dict[str, object] = {"type": "expiring", "schema": "ser-live-expiring", "schema_version": 1}
_SPAN = re.compile(r"([0-9]{1,6})([hdw])")
_LONGEST = timedelta(days=36_525)
_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
_COMMENT = "expires "
"""Beginning of the tag ``comment`` of a recording that says its date."""


class Expiring(str, Enum):
    """Kind of what an entry of the list names."""

    LOG = "log"
    """A session log outside the user's own folder."""
    AUDIO = "audio"
    """A folder in which sessions keep audio."""
    FILE = "file"
    """Rows or a report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the list."""

    path: Path
    kind: Expiring
    expires_at: str
    """Wall time, ISO 8601 with offset."""
    identity: tuple[int, ...] = ()
    """Device, inode, size and time of change of a file that is whole; empty while it is written."""


def expires_at(span: str, now: datetime | None = None) -> str:
    """Wall time at which a span from now on is over, ISO 8601 with offset.

    Days and weeks are those of the calendar here: the same time of day, also where clocks are set
    forward or back in between. Hours are hours.

    Parameters
    ----------
    span : str
        A number with ``h``, ``d`` or ``w``: ``12h``, ``30d``, ``8w``.
    now : datetime, optional
        Local wall time, for tests.

    Raises
    ------
    UsageError
        It is none, or longer than a hundred years.
    """
    found = _SPAN.fullmatch(span.strip().lower())
    n = int(found[1]) if found else 0
    unit = {"h": "hours", "d": "days", "w": "weeks"}[found[2]] if found else ""
    if found is None or n == 0 or timedelta(**{unit: n}) > _LONGEST:
        raise UsageError(
            f"Found --expire {printable(span)!r}, but a time of at most 100 years is needed, a "
            "number with h, d or w: write 30d for thirty days."
        )
    local = datetime.now().astimezone() if now is None else now
    if unit == "hours":
        return (local + timedelta(hours=n)).astimezone().isoformat(timespec="seconds")
    # Without its offset, so that the offset of that day is taken.
    wall = local.replace(tzinfo=None) + timedelta(**{unit: n})
    return wall.astimezone().isoformat(timespec="seconds")


def moment(text: str | None) -> datetime | None:
    """Moment of a date of expiry; ``None`` where it has none that can be read."""
    with suppress(ValueError, TypeError, OverflowError):
        found = datetime.fromisoformat(text or "")
        if found.tzinfo is not None:
            found.timestamp()
            return found
    return None


def expires_in_tag(text: str) -> str:
    """Value of the tag ``comment`` for a recording that expires."""
    return _COMMENT + text


def expiry_of_tag(comment: str) -> str | None:
    """Date in the tag ``comment`` of a recording; ``None`` where it says none."""
    return comment.removeprefix(_COMMENT) if comment.startswith(_COMMENT) else None


def identity(info: os.stat_result) -> tuple[int, ...]:
    """Numbers by which a file that nobody wrote to since is known."""
    return info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns


def remember(path: Path, kind: Expiring, date: str, *, is_whole: bool = True) -> None:
    """Add a file or folder to the list.

    Parameters
    ----------
    path : Path
    kind : Expiring
    date : str
        As of `expires_at`.
    is_whole : bool
        Whether the file is written; one that is not is never removed, only named.

    Raises
    ------
    LogError
        The list cannot be written.
    """
    record: dict[str, object] = {
        "type": "entry",
        "path": str(path.absolute()),
        "kind": kind.value,
        "expires_at": date,
    }
    try:
        if kind is Expiring.FILE and is_whole:
            record["identity"] = list(identity(path.lstat()))
        _append(record)
    except OSError as error:
        raise LogError(
            f"that {printable(str(path))} expires cannot be written to "
            f"{printable(str(expiry_file()))} ({(error.strerror or str(error)).lower()}): make "
            "that place writable, or leave out --expire."
        ) from error


def _append(record: dict[str, object]) -> None:
    path = expiry_file()
    make_private_folder(path.parent)
    while True:
        head = ""
        try:
            descriptor = create_private_file(path, appends=True)
            head = json_line(HEADER)
        except FileExistsError:
            try:
                descriptor = os.open(path, os.O_RDWR | os.O_APPEND | _FLAGS)
            except FileNotFoundError:  # removed in between
                continue
        try:
            # One that `keep_only` removed while this waited is nobody's any more.
            if wait_for_turn(descriptor):
                # Behind an end of line: where the last line was cut off, this one stays readable.
                os.write(descriptor, f"{head}\n{json_line(record)}\n".encode())
                with suppress(OSError):
                    os.fsync(descriptor)
                return
        finally:
            os.close(descriptor)


def entries() -> list[Entry]:
    """Entries of the list; of several about one path the last."""
    found: dict[Path, Entry] = {}
    with suppress(OSError), expiry_file().open("rb") as file:
        while line := file.readline(MAX_LINE_BYTES):
            entry = _entry(line)
            if entry is not None:
                found.pop(entry.path, None)
                found[entry.path] = entry
    return list(found.values())


def _entry(line: bytes) -> Entry | None:
    record = parsed_line(line) or {}
    path, date = record.get("path"), record.get("expires_at")
    if record.get("type") != "entry" or not isinstance(path, str) or "\0" in path:
        return None
    if not isinstance(date, str) or not Path(path).is_absolute():
        return None
    known = record.get("identity", [])
    if not isinstance(known, list) or not all(isinstance(n, int) for n in known):
        return None
    with suppress(ValueError):
        kind = Expiring(record.get("kind"))
        return Entry(path=Path(path), kind=kind, expires_at=date, identity=tuple(known))
    return None


def keep_only(is_kept: Callable[[Entry], bool]) -> None:
    """Write the list anew with some of its entries; without any it is removed.

    Raises
    ------
    OSError
        It cannot be written.
    """
    path = expiry_file()
    try:
        descriptor = os.open(path, os.O_RDWR | _FLAGS)
    except FileNotFoundError:
        return
    try:
        if not wait_for_turn(descriptor):
            return
        before = entries()
        kept = [entry for entry in before if is_kept(entry)]
        if not kept and os.name != "nt":  # Windows refuses while it is open
            path.unlink()
        elif len(kept) < len(before):
            # In place, for somebody may wait to add to this very file.
            text = "".join(json_line(record) + "\n" for record in _records(kept)).encode()
            os.write(descriptor, text)
            os.ftruncate(descriptor, len(text))
    finally:
        os.close(descriptor)
    if not kept and os.name == "nt":
        path.unlink(missing_ok=True)


def _records(kept: list[Entry]) -> Iterator[dict[str, object]]:
    yield HEADER
    for entry in kept:
        record: dict[str, object] = {
            "type": "entry",
            "path": str(entry.path),
            "kind": entry.kind.value,
            "expires_at": entry.expires_at,
        }
        yield {**record, "identity": list(entry.identity)} if entry.identity else record
