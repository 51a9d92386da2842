"""The index brought up to date with the logs: what is new, what grew, what is gone."""

from __future__ import annotations

import os
import sqlite3
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from ser_live.history.index import HistoryIndex, transaction
from ser_live.history.log_state import LogState
from ser_live.history.schema import LABEL_SUMS, PART_SUMS
from ser_live.records.folders import sessions_folder, temporary_folders

if TYPE_CHECKING:
    from ser_live.errors import LogError
    from ser_live.history.log_sums import LogSums

_BATCH_S = 0.3
"""Longest stretch for which other processes wait; what it read is kept by a kill after it."""

_Seen = tuple[int, int, int]
"""Inode, size and time of change, by which a log that did not change is known."""

_LOG_COLUMNS = tuple(f.name for f in fields(LogState))


@dataclass
class Refreshed:
    """Changes that a refresh found."""

    n_new: int = 0
    n_grown: int = 0
    n_gone: int = 0
    n_bytes: int = 0
    """Bytes read of new logs and of what others grew by."""
    duration_s: float = 0.0


def refresh(index: HistoryIndex, *, on_read: Callable[[int, int], None] | None = None) -> Refreshed:
    """Bring the index up to date with the logs on this machine.

    Each log is taken whole or not at all, so that a process that is killed leaves an index
    that the next one goes on with. Two at once do not read the same log twice.

    Parameters
    ----------
    index : HistoryIndex
        Changed in place.
    on_read : callable, optional
        Called with the logs read so far, and with all that are to be read.
    """
    began_s = time.monotonic()
    found = Refreshed()
    database = index.database
    known = _known(database)
    changed = _changed_logs(known)
    _remove_gone(database, list(known), found)
    changed.sort()  # by date, as they are named
    n_read = 0
    while n_read < len(changed):
        batch_began_s = time.monotonic()
        with transaction(database):
            while n_read < len(changed) and time.monotonic() - batch_began_s < _BATCH_S:
                _take(database, changed[n_read], found)
                n_read += 1
        if on_read is not None:
            on_read(n_read, len(changed))
    found.duration_s = time.monotonic() - began_s
    return found


def forget(index: HistoryIndex, paths: list[Path]) -> None:
    """Remove all that is known of logs, so that nothing of it stays in the file either."""
    _remove_gone(index.database, [str(path) for path in paths], Refreshed())
    index.database.execute("VACUUM")


def _known(database: sqlite3.Connection) -> dict[str, _Seen]:
    rows = database.execute("SELECT path, inode, size, mtime_ns FROM log")
    return {path: (inode, size, mtime_ns) for path, inode, size, mtime_ns in rows}


def _changed_logs(known: dict[str, _Seen]) -> list[Path]:
    """Session logs that are new or changed, where `find_session_logs` looks.

    Those that did not change are not opened. All that are there are taken out of `known`, so
    that what stays in it is gone.
    """
    changed = []
    own = sessions_folder()
    folders = [own] if _is_folder(own.parent) else []
    for folder in (*folders, *temporary_folders()):
        if not _is_folder(folder) or (folder != own and not _is_own(folder)):
            continue
        with suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                try:
                    info = entry.stat(follow_symlinks=False)
                except OSError:
                    continue
                name = entry.path
                # What the system lists under Windows has no inode.
                inode = info.st_ino or os.lstat(name).st_ino
                state = (inode, info.st_size, info.st_mtime_ns)
                if known.get(name) == state:  # it was a log when these were noted, and is the same
                    del known[name]
                elif _is_regular(info) and _is_session_log(name):
                    known.pop(name, None)
                    changed.append(Path(name))
    return changed


def _is_regular(info: os.stat_result) -> bool:
    return stat.S_ISREG(info.st_mode) and not getattr(info, "st_reparse_tag", False)


def _is_session_log(name: str) -> bool:
    from ser_live.records.log_reading import is_session_log  # slow to load, and seldom needed

    return is_session_log(Path(name))


def _is_folder(path: Path) -> bool:
    with suppress(OSError):
        info = path.lstat()
        return stat.S_ISDIR(info.st_mode) and not getattr(info, "st_reparse_tag", False)
    return False


def _is_own(folder: Path) -> bool:
    with suppress(OSError):
        return os.name == "nt" or folder.lstat().st_uid == os.geteuid()
    return False


def _remove_gone(database: sqlite3.Connection, paths: list[str], found: Refreshed) -> None:
    if paths:
        with transaction(database):
            for path in paths:
                found.n_gone += database.execute("DELETE FROM log WHERE path = ?", (path,)).rowcount


def _take(database: sqlite3.Connection, path: Path, found: Refreshed) -> None:
    """Read one log, unless another process did so since it was found to have changed."""
    from ser_live.history.log_sums import LogSums, read_sums
    from ser_live.records.log_reading import unreadable

    row = database.execute(
        f"SELECT id, {', '.join(_LOG_COLUMNS)} FROM log WHERE path = ?",  # noqa: S608  own names
        (str(path),),
    ).fetchone()
    known = None if row is None else LogState(*row[1:])
    try:
        info = path.stat()
        if known is not None and (info.st_ino, info.st_size, info.st_mtime_ns) == (
            known.inode,
            known.size,
            known.mtime_ns,
        ):
            return
        n_before = 0 if known is None else known.offset
        sums = read_sums(path, known)
    except FileNotFoundError:
        return
    except OSError as error:
        info = path.lstat()
        sums = LogSums(LogState(info.st_ino, info.st_size, info.st_mtime_ns), is_whole=True)
        error_said: LogError = unreadable(path, error)
        sums.state.problem = str(error_said)
        n_before = 0
    found.n_new += sums.is_whole
    found.n_grown += not sums.is_whole
    found.n_bytes += sums.state.offset - (0 if sums.is_whole else n_before)
    _store(database, path, sums, None if row is None else row[0])


def _store(database: sqlite3.Connection, path: Path, sums: LogSums, log_id: int | None) -> None:
    values = [getattr(sums.state, name) for name in _LOG_COLUMNS]
    values = [_storable(value) for value in values]
    if log_id is not None and sums.is_whole:
        database.execute("DELETE FROM log WHERE id = ?", (log_id,))
        log_id = None
    if log_id is None:
        marks = ", ".join("?" * (len(values) + 1))
        names = ", ".join(("path", *_LOG_COLUMNS))
        cursor = database.execute(
            f"INSERT INTO log ({names}) VALUES ({marks})",  # noqa: S608  own names
            [str(path), *values],
        )
        log_id = cursor.lastrowid
    else:
        setting = ", ".join(f"{name} = ?" for name in _LOG_COLUMNS)
        database.execute(
            f"UPDATE log SET {setting} WHERE id = ?",  # noqa: S608  own names
            [*values, log_id],
        )
    assert log_id is not None  # noqa: S101  a row was just put in
    add_rows(database, log_id, sums)


def add_rows(database: sqlite3.Connection, log_id: int, sums: LogSums) -> None:
    """Add new sums of a log to those that the index has of it."""
    for (stream, source, sample_rate, day, hour), part in sums.parts.items():
        key = (log_id, stream, _storable(source), sample_rate, day, hour)
        added = [part.sums.get(name, 0) for name in PART_SUMS]
        part_id = database.execute(
            _ADD_PART, [*key, _storable(part.role), part.is_recording, *added]
        ).fetchone()[0]
        database.executemany(
            _ADD_LABEL,
            [(part_id, _storable(label), *added) for label, added in part.labels.items()],
        )
    database.executemany(
        "INSERT INTO moment (log_id, kind, stream, start_ms, text, rating) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        [(log_id, m.kind, m.stream, m.start_ms, m.text, m.rating) for m in sums.moments],
    )


def _storable(value: object) -> object:
    """A text without the halves of characters that SQLite refuses; anything else as it is."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def _adding(
    table: str, key: tuple[str, ...], others: tuple[str, ...], sums: tuple[str, ...]
) -> str:
    """Statement that puts in a row, or adds to the sums of the one that is there."""
    names = (*key, *others, *sums)
    adding = ", ".join(f"{name} = {name} + excluded.{name}" for name in sums)
    return (
        f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))}) "  # noqa: S608
        f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {adding}"
    )


_PART_KEY = ("log_id", "stream", "source", "sample_rate", "local_day", "hour")
_ADD_PART = _adding("part", _PART_KEY, ("role", "is_recording"), PART_SUMS) + " RETURNING id"
_ADD_LABEL = _adding("label", ("part_id", "label"), (), LABEL_SUMS)
