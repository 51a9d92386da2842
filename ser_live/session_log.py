"""The session log: JSON Lines, one event a line, on disk before it is shown.

The schema is described in ``docs/session_log.md``. A line is handed to the operating
system whole, with one write, before the call returns: a killed process loses nothing
that was shown, and at most the line being written is cut. (A power cut may lose what
the system had not yet brought to the disk.)
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from ser_live.errors import LogError
from ser_live.private_files import create_private_file, make_private_folder
from ser_live.result_lines import json_line
from ser_live.terminal_text import printable

SCHEMA = "ser-live-session"
SCHEMA_VERSION = 1
"""Raised by one whenever a reader of the old schema would misread a new log."""

_MAX_HEADER_BYTES = 4096
_DATED_NAME = re.compile(r"\d{4}-\d\d-\d\dT\d{6}(-\d+)?\.jsonl", re.ASCII)


class Recordable(Protocol):
    """An event that has a form for the log."""

    def as_record(self) -> dict[str, Any]: ...


def default_folder() -> Path:
    """Where session logs are kept when nobody says otherwise."""
    from platformdirs import user_state_dir

    return Path(user_state_dir("ser-live", appauthor=False)) / "sessions"


class SessionLog:
    """Writer of one session log.

    A write that fails (full disk, lost network share) never ends the session: it is
    counted, said in `failure`, and the next event is tried again. A half-written line is
    taken back, and the first line that succeeds afterwards is preceded by a ``log_gap``
    record with the number of events lost.

    Parameters
    ----------
    path : Path
        Where the log lies; for messages.
    descriptor : int
        Open file descriptor, owned by the log from now on. Use `create`.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self.failure: str | None = None
        """One sentence about the last failed write; stays after writing works again."""
        self.n_failed = 0
        """Events that did not reach the log."""
        self._descriptor = descriptor
        self._n_unreported = 0
        self._is_broken = False
        self._is_closed = False

    @classmethod
    def create(cls, path: Path | None = None, *, folder: Path | None = None) -> SessionLog:
        """Start a new log, readable by its owner alone; an existing file is never touched.

        Parameters
        ----------
        path : Path, optional
            The log's file; must not exist. Default: a new name made of the local time in
            `folder`.
        folder : Path, optional
            Default: `default_folder`; made when missing.

        Raises
        ------
        LogError
            The file exists, or cannot be created or written.
        """
        log = cls._create_named(Path(path)) if path is not None else cls._create_dated(folder)
        if not log._write_line({"type": "log", "schema": SCHEMA, "schema_version": SCHEMA_VERSION}):
            log.close()
            with suppress(OSError):
                log.path.unlink()
            raise LogError(log.failure)
        return log

    @classmethod
    def _create_named(cls, path: Path) -> SessionLog:
        try:
            return cls(path, create_private_file(path, appends=True))
        except FileExistsError:
            raise LogError(
                f"the log {_name(path)} exists and is never overwritten: "
                "give --log another name, or move the file away."
            ) from None
        except (OSError, ValueError) as error:
            raise LogError(
                f"the log {_name(path)} cannot be created ({_cause(error)}): "
                "give --log a file in a folder that exists and is writable, or use --no-log."
            ) from error

    @classmethod
    def _create_dated(cls, folder: Path | None) -> SessionLog:
        folder = default_folder() if folder is None else folder
        stem = f"{datetime.now().astimezone():%Y-%m-%dT%H%M%S}"
        try:
            make_private_folder(folder)
            for number in count(1):
                path = folder / (f"{stem}.jsonl" if number == 1 else f"{stem}-{number}.jsonl")
                with suppress(FileExistsError):
                    return cls(path, create_private_file(path, appends=True))
        except OSError as error:
            raise LogError(
                f"no session log can be created in {_name(folder)} ({_cause(error)}): "
                "name a writable place with --log PATH, or use --no-log."
            ) from error
        raise AssertionError("unreachable: count() has no end")

    def write(self, event: Recordable) -> bool:
        """Append one event; False where it did not reach the log (see `failure`)."""
        return self._write_line(event.as_record())

    def _write_line(self, record: Mapping[str, Any]) -> bool:
        if self._is_closed or self._is_broken:
            self.n_failed += 1
            return False
        lines = [record]
        if self._n_unreported:
            lines.insert(0, {"type": "log_gap", "n_events": self._n_unreported})
        data = "".join(json_line(line) + "\n" for line in lines).encode()
        try:
            self._append(data)
        except OSError as error:
            self.n_failed += 1
            self._n_unreported += 1
            self.failure = (
                f"the session log {_name(self.path)} cannot be written ({_cause(error)}): "
                "results go on unlogged until there is room again."
            )
            if self._is_broken:
                self.failure = (
                    f"the session log {_name(self.path)} broke off in the middle of a line "
                    f"({_cause(error)}): results go on unlogged."
                )
            return False
        self._n_unreported = 0
        return True

    def _append(self, data: bytes) -> None:
        """Write all of `data` or, where that fails, nothing."""
        n_written = 0
        try:
            while n_written < len(data):
                n_written += os.write(self._descriptor, data[n_written:])
        except OSError:
            if n_written:
                self._take_back(n_written)
            raise

    def _take_back(self, n_bytes: int) -> None:
        try:
            size = os.lseek(self._descriptor, 0, os.SEEK_END)
            os.ftruncate(self._descriptor, size - n_bytes)
        except OSError:
            # Half a line stays at the end, where a reader can recognize it; a line written
            # behind it would be lost with it.
            self._is_broken = True

    def close(self) -> None:
        """Bring everything to the disk and close; harmless when repeated."""
        if self._is_closed:
            return
        self._is_closed = True
        with suppress(OSError):
            os.fsync(self._descriptor)
        with suppress(OSError):
            os.close(self._descriptor)

    def __enter__(self) -> SessionLog:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def is_session_log(path: Path) -> bool:
    """Whether a file begins as session logs do; an empty one does, if it is named like one.

    A program that is killed between making its log and writing the first line leaves an
    empty file behind.
    """
    try:
        with path.open("rb") as file:
            line = file.readline(_MAX_HEADER_BYTES)
    except OSError:
        return False
    if not line:
        return _DATED_NAME.fullmatch(path.name) is not None
    record = _parse(line)
    return record is not None and record["type"] == "log" and record.get("schema") == SCHEMA


def read_log(
    path: Path | str, *, on_cut: Callable[[str], None] | None = None
) -> Iterator[dict[str, Any]]:
    """Records of a session log in order, its first line (``type`` = ``log``) included.

    Parameters
    ----------
    path : Path or str
        A log written by `SessionLog`, finished or not.
    on_cut : callable, optional
        Told in one sentence when the last line is cut off, as after ``kill -9``. The lines
        before it are good.

    Raises
    ------
    LogError
        The file cannot be read, is no session log, has a newer schema, or holds a line
        that is not JSON anywhere but at its end.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            yield from _records(file, path, on_cut)
    except OSError as error:
        raise LogError(
            f"the session log {_name(path)} cannot be read ({_cause(error)}): "
            "name an existing log file."
        ) from error


def _records(
    lines: Iterator[bytes], path: Path, on_cut: Callable[[str], None] | None
) -> Iterator[dict[str, Any]]:
    number = 0
    for number, line in enumerate(lines, start=1):
        record = _parse(line)
        if number == 1:
            _check_header(record, path)
        if record is not None:
            yield record
        elif line.endswith(b"\n"):
            raise LogError(
                f"line {number} of {_name(path)} is not a record of a session log: "
                "the file was altered after it was written; remove that line to read the rest."
            )
        elif on_cut is not None:
            on_cut(
                f"{_name(path)} breaks off in line {number} ({len(line)} bytes of it are there): "
                "the program was ended while writing; everything before it was read."
            )
    if number == 0:
        _check_header(None, path)


def _parse(line: bytes) -> dict[str, Any] | None:
    """The record on `line`, or ``None`` where it holds none."""
    try:
        record = json.loads(line, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) and isinstance(record.get("type"), str) else None


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _check_header(record: dict[str, Any] | None, path: Path) -> None:
    if record is None or record.get("type") != "log" or record.get("schema") != SCHEMA:
        raise LogError(
            f"{_name(path)} is not a session log of ser-live: its first line should be "
            f'{{"type":"log","schema":"{SCHEMA}",...}}; name a log file.'
        )
    version = record.get("schema_version")
    if not isinstance(version, int) or version > SCHEMA_VERSION:
        raise LogError(
            f"{_name(path)} has schema version {json.dumps(version)}, this ser-live reads up to "
            f"{SCHEMA_VERSION}: update ser-live to read it."
        )


def _name(path: Path) -> str:
    return printable(str(path))


def _cause(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()
