"""The index of the history: one SQLite file that is made of session logs, and again at will.

Logs are the truth. Nothing stands in the index that they do not say, so an index that is
damaged, half written or of another version is thrown away and made again; a file that is
none of this program's is left alone.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

from ser_live.errors import LogError
from ser_live.history import schema
from ser_live.records.folders import history_file
from ser_live.records.private_files import create_private_file, make_private_folder
from ser_live.terminal.text import printable

_BUSY_S = 30.0
"""Longest wait for another process that writes."""
_APPLICATION_ID_AT = 68
_HEADER_BYTES = 100
_SIDE_FILE = "-journal"


class HistoryIndex:
    """The index, open. Use it as a context.

    Parameters
    ----------
    path : Path, optional
        Its file, made for its owner only where it is missing. Default: `history_file`.

    Raises
    ------
    LogError
        The file is none of this program's, or cannot be made or read.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = history_file() if path is None else path
        self.renewed = ""
        """One sentence on why an index that was there is made again; empty where it is not."""
        self.database = self._open()

    def _open(self) -> sqlite3.Connection:
        try:
            return self._opened()
        except sqlite3.OperationalError as error:
            # Locked, full, unwritable: nothing is wrong with what it holds.
            raise self._unusable(error) from error
        except sqlite3.DatabaseError as error:
            self._renew(f"is damaged ({error})")
        try:
            return self._opened()
        except sqlite3.Error as error:
            raise self._unusable(error) from error

    def _opened(self) -> sqlite3.Connection:
        self._make_or_check()
        database = sqlite3.connect(self.path, timeout=_BUSY_S, isolation_level=None)
        try:
            self._prepare(database)
        except BaseException:
            database.close()
            raise
        return database

    def _make_or_check(self) -> None:
        """Make the file where there is none; refuse one of another program."""
        try:
            make_private_folder(self.path.parent)
            with suppress(FileExistsError):
                os.close(create_private_file(self.path))
            if not stat.S_ISREG(self.path.lstat().st_mode):
                raise self._foreign()
            with self.path.open("rb") as file:
                header = file.read(_HEADER_BYTES)
        except OSError as error:
            raise self._unusable(error) from error
        if header and not self._is_own(header):
            raise self._foreign()

    @staticmethod
    def _is_own(header: bytes) -> bool:
        number = header[_APPLICATION_ID_AT : _APPLICATION_ID_AT + 4]
        return number == schema.APPLICATION_ID.to_bytes(4, "big")

    def _prepare(self, database: sqlite3.Connection) -> None:
        database.execute("PRAGMA foreign_keys = ON")
        # Side files would outlive a kill, and tell of logs that are purged.
        database.execute("PRAGMA journal_mode = DELETE")
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute("PRAGMA secure_delete = ON")
        version = self._version(database)
        if version == len(schema.STEPS):
            database.execute("SELECT 1 FROM log LIMIT 1")
            return
        if version > len(schema.STEPS):
            database.close()
            self._renew(f"is of a newer ser-live (version {version})")
            raise sqlite3.DatabaseError("made again")
        with transaction(database):
            for step in schema.STEPS[self._version(database) :]:  # another process may be first
                for statement in step.split(";\n"):
                    if statement.strip():
                        database.execute(statement)
            database.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
            database.execute(f"PRAGMA user_version = {len(schema.STEPS)}")

    @staticmethod
    def _version(database: sqlite3.Connection) -> int:
        return int(database.execute("PRAGMA user_version").fetchone()[0])

    def _renew(self, why: str) -> None:
        """Throw the file away: it is made again of the logs."""
        if not self.renewed:
            self.renewed = (
                f"the history index {printable(str(self.path))} {why}: it is made again from "
                "the session logs, which hold everything."
            )
        self.remove_file(self.path)

    @staticmethod
    def remove_file(path: Path) -> None:
        """Remove an index and what SQLite may have left beside it."""
        for file in (path, path.with_name(path.name + _SIDE_FILE)):
            file.unlink(missing_ok=True)

    def _foreign(self) -> LogError:
        return LogError(
            f"{printable(str(self.path))} is not a history index of ser-live, and that place is "
            "needed for one: move it away."
        )

    def _unusable(self, error: Exception) -> LogError:
        cause = (getattr(error, "strerror", None) or str(error)).lower()
        return LogError(
            f"the history index {printable(str(self.path))} cannot be used ({cause}): make its "
            "folder writable and its disk roomy, or try again when other commands are done."
        )

    def __enter__(self) -> HistoryIndex:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.database.close()
        if isinstance(error, sqlite3.Error):
            raise self._unusable(error) from error


@contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[None]:
    """Everything inside, or nothing; other processes that write wait."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        with suppress(sqlite3.Error):
            database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")
