"""Session logs read back: whole, or line by line as they come."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from ser_live.errors import LogError
from ser_live.events import EventReader, FormError, Record, Recorded
from ser_live.records.log_entries import ENTRY_CLASSES, SCHEMA, SCHEMA_VERSION
from ser_live.terminal.text import printable

_MAX_HEADER_BYTES = 4096
_DATED_NAME = re.compile(r"\d{4}-\d\d-\d\dT\d{6}(-\d+)?\.jsonl", re.ASCII)

MAX_LINE_BYTES = 1 << 20
"""Longest line that is read to its end; no record comes near it."""


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
    record = parsed_line(line)
    return record is not None and record["type"] == "log" and record.get("schema") == SCHEMA


def read_log(
    path: Path | str,
    *,
    on_cut: Callable[[str], None] | None = None,
    passes_over: Callable[[bytes], bool] | None = None,
) -> Iterator[Recorded]:
    """Read the entries of a session log in order, its header included.

    Records of a type that this program does not know, as a newer one may write, are passed
    over.

    Parameters
    ----------
    path : Path or str
        A log written by `SessionLog`, finished or not.
    on_cut : callable, optional
        Called with one sentence when the last line is cut off, as after ``kill -9``. The lines
        before it are good.
    passes_over : callable, optional
        Says of a line, as it is written, that it is not wanted: it is not looked at any further.

    Raises
    ------
    LogError
        The file cannot be read, is not a session log, has a newer schema, or holds a line
        that is not a record (anywhere but at its end, where it may be cut off), or a record
        with a field of the wrong kind.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            lines = iter(lambda: file.readline(MAX_LINE_BYTES + 1), b"")
            yield from _entries(lines, path, on_cut, passes_over)
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: Exception) -> LogError:
    """One sentence about a log that the system does not give out."""
    cause = (getattr(error, "strerror", None) or str(error)).lower()
    return LogError(
        f"the session log {_name(path)} cannot be read ({cause}): name an existing log file."
    )


def _entries(
    lines: Iterator[bytes],
    path: Path,
    on_cut: Callable[[str], None] | None,
    passes_over: Callable[[bytes], bool] | None,
) -> Iterator[Recorded]:
    reader = LineReader(path)
    for line in lines:
        if passes_over is not None and reader.n_lines and passes_over(line):
            reader.n_lines += 1
            continue
        if not line.endswith(b"\n") and len(line) <= MAX_LINE_BYTES and parsed_line(line) is None:
            reader.cut_off(line)
            if on_cut is not None:
                on_cut(
                    f"{_name(path)} breaks off in line {reader.n_lines} ({len(line)} bytes of it "
                    "are there): the program was ended while writing; everything before it was "
                    "read."
                )
            continue
        entry = reader.read(line)
        if entry is not None:
            yield entry
    if reader.n_lines == 0:
        check_header(None, path)


class LineReader:
    """Reads the lines of one log in their order, the header first.

    Parameters
    ----------
    path : Path
        The log, for sentences about it.
    """

    def __init__(self, path: Path) -> None:
        self.n_lines = 0
        """Lines read so far."""
        self._path = path
        self._reader = EventReader(ENTRY_CLASSES)

    def read(self, line: bytes) -> Recorded | None:
        """The entry on a whole line; ``None`` for a type that this program does not know.

        Raises
        ------
        LogError
            It holds no record, or one that does not fit; the first one is no header.
        """
        record = self._next(line)
        if record is None:
            raise self._altered()
        try:
            return self._reader.read(record)
        except FormError as error:
            raise self._altered() from error

    def cut_off(self, line: bytes) -> None:
        """Count a line that breaks off; a first line that does is no header."""
        self._next(line)

    def _next(self, line: bytes) -> Record | None:
        self.n_lines += 1
        record = parsed_line(line)
        if self.n_lines == 1:
            check_header(record, self._path)
        return record

    def _altered(self) -> LogError:
        return LogError(
            f"line {self.n_lines} of {_name(self._path)} is not a record of a session log: "
            "the file was altered after it was written; remove that line to read the rest."
        )


def parsed_line(line: bytes) -> Record | None:
    """The record on `line`, or ``None`` where it holds none."""
    try:
        # As `json.loads` does it, which makes a decoder for every line.
        record = _DECODER.decode(line.decode(json.detect_encoding(line), "surrogatepass"))
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) and isinstance(record.get("type"), str) else None


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def check_header(record: Record | None, path: Path) -> None:
    """Look whether the first record of a log says that this program can read it.

    Raises
    ------
    LogError
        It does not.
    """
    if record is None or record.get("type") != "log" or record.get("schema") != SCHEMA:
        raise LogError(
            f"{_name(path)} is not a session log of ser-live: its first line should be "
            f'{{"type":"log","schema":"{SCHEMA}",...}}; name a log file.'
        )
    version = record.get("schema_version")
    if not isinstance(version, int) or version > SCHEMA_VERSION:
        raise LogError(
            f"{_name(path)} has schema version {json.dumps(version)[:40]}, this ser-live reads up "
            f"to {SCHEMA_VERSION}: update ser-live to read it."
        )


def _name(path: Path) -> str:
    return printable(str(path))
