"""A session log that is read while it is being written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from ser_live.errors import LogError
from ser_live.events import Recorded, SessionEnded, SessionStarted, StreamStarted
from ser_live.records.log_entries import LogContinued, LogHeader
from ser_live.records.log_reading import (
    MAX_LINE_BYTES,
    LineReader,
    read_log,
    unreadable,
)
from ser_live.records.private_files import is_being_written
from ser_live.records.session_files import find_session_logs


class LogFollower:
    """Gives the entries of a log as its session writes them.

    It keeps to the file that the session writes, also where that gets another name, and goes on
    in the next one where the log had to go on elsewhere. A file that is emptied, as by
    ``copytruncate`` of logrotate, is read on from its beginning. A line counts once it is whole.

    Use as a context manager.

    Parameters
    ----------
    path : Path
        A log, running or not.

    Raises
    ------
    LogError
        The file cannot be read; `poll` also for one that is no session log or was altered.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        """The file that is read."""
        self.has_ended = False
        """The session said that it ended."""
        self.is_over = False
        """Nothing will come any more."""
        self._file = _opened(path)
        self._reader = LineReader(path)
        self._n_read = 0
        """Bytes of whole lines that were read."""
        self._begun: set[int | None] = set()
        """Streams whose beginning was given, and ``None`` for that of the session: a log that
        goes on elsewhere repeats them."""

    def __enter__(self) -> LogFollower:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def poll(self) -> Iterator[Recorded]:
        """Give the entries that were added since the last call; `is_over` holds afterwards."""
        # Asked first: what a session writes before it ends is then seen below.
        is_written = is_being_written(self._file.fileno())
        for line in self._new_lines():
            entry = self._reader.read(line)
            if entry is None or self._was_given(entry):
                continue
            self.has_ended = self.has_ended or isinstance(entry, SessionEnded)
            yield entry
        if self.has_ended or (is_written is False and not self._go_on_elsewhere()):
            self.is_over = True

    def _new_lines(self) -> Iterator[bytes]:
        if os.fstat(self._file.fileno()).st_size < self._n_read:
            self._n_read = 0
        # Half a line is read again, not kept: the session may take it back and write another.
        self._file.seek(self._n_read)
        while (line := self._file.readline(MAX_LINE_BYTES + 1)).endswith(b"\n"):
            self._n_read += len(line)
            yield line
        if len(line) > MAX_LINE_BYTES:
            yield line  # which is refused

    def _was_given(self, entry: Recorded) -> bool:
        """Whether an entry repeats one that was given, or tells of the file alone."""
        if isinstance(entry, LogHeader):
            return True
        if not isinstance(entry, SessionStarted | StreamStarted):
            return False
        what = entry.stream.number if isinstance(entry, StreamStarted) else None
        was_given = what in self._begun
        self._begun.add(what)
        return was_given

    def _go_on_elsewhere(self) -> bool:
        """Whether the log went on in another file, which is read from now on."""
        for path in _continuing(self.path):
            with suppress(LogError):
                file = _opened(path)
                self._file.close()
                self._file, self.path = file, path
                self._reader, self._n_read = LineReader(path), 0
                return True
        return False


def _continuing(path: Path) -> Iterator[Path]:
    """Logs that say they continue `path`, beside it, in the user's folder and elsewhere."""
    names = {str(path.absolute()), str(path.resolve())}
    for file in find_session_logs([]):
        with suppress(LogError):
            if any(
                isinstance(entry, LogContinued) and entry.path in names
                for entry in islice(read_log(file.path), 2)
            ):
                yield file.path


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error
