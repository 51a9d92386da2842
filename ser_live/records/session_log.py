"""The session log: JSON Lines, one event a line, on disk before it is shown.

The schema is described in ``docs/session_log.md``. A line is handed to the operating
system whole, with one write, before the call returns: a killed process loses nothing
that was shown, and at most the line being written is cut. (A power cut may lose what
the system had not yet brought to the disk.)
"""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from ser_live.errors import LogError
from ser_live.events import Event, Record, SessionStarted, StreamEnded, StreamStarted
from ser_live.records.folders import TEMPORARY, sessions_folder
from ser_live.records.folders import temporary_folders as temporary_folders
from ser_live.records.log_entries import SCHEMA_VERSION as SCHEMA_VERSION
from ser_live.records.log_entries import LogContinued, LogGap, LogHeader
from ser_live.records.log_file import LogFile
from ser_live.records.log_reading import MAX_LINE_BYTES as MAX_LINE_BYTES
from ser_live.records.log_reading import is_session_log as is_session_log
from ser_live.records.log_reading import read_log as read_log
from ser_live.terminal.text import printable

_HEADER = LogHeader().as_record()


class SessionLog:
    """Writer of one session log; a sink.

    A write that fails (full disk, unplugged drive, lost network share, deleted file) never
    ends the session. The log goes on in a new file: in `sessions_folder`, made again where it
    is gone, or else in a new folder for temporary files. That file says which one it
    continues and why, and repeats how session and stream began, so that it can be read by
    itself. Where no place takes the event it is counted, every place is tried again with the
    next one, and the first line that succeeds afterwards is preceded by a ``log_gap`` record
    with the number of events lost.

    Parameters
    ----------
    file : LogFile
        New and empty, owned by the log from now on. Use `create`.
    """

    name = "log"

    def __init__(self, file: LogFile) -> None:
        self.earlier: list[Path] = []
        """Files that the log began in before it had to go on in `path`."""
        self.failure: str | None = None
        """One sentence about the last failed write; stays after writing works again."""
        self.n_failed = 0
        """Events that did not reach the log."""
        self._file = file
        self._began: Record | None = None
        self._open_streams: dict[int, Record] = {}
        """First record of each stream that is not over, by number."""
        self._n_unreported = 0
        self._is_closed = False

    @property
    def path(self) -> Path:
        """The file being written."""
        return self._file.path

    @classmethod
    def create(cls, path: Path | None = None, *, folder: Path | None = None) -> SessionLog:
        """Start a new log, readable by its owner alone; an existing file is never touched.

        Parameters
        ----------
        path : Path, optional
            The log's file; must not exist. Default: a new name made of the local time in
            `folder`.
        folder : Path, optional
            Default: `sessions_folder`; made when missing.

        Raises
        ------
        LogError
            The file exists, or cannot be created or written.
        """
        file = _create_named(Path(path)) if path is not None else _create_dated(folder)
        try:
            file.append([_HEADER])
        except OSError as error:
            file.discard()
            raise LogError(
                f"the session log {_name(file.path)} cannot be written ({_cause(error)}): "
                "make room, name another place with --log PATH, or use --no-log."
            ) from error
        return cls(file)

    def open(self) -> None:
        """Do nothing: the file was made with the log, so that a bad place is said early."""

    def take(self, event: Event) -> None:
        """Write an event that is to be logged."""
        if event.is_logged:
            self.write(event)

    def idle(self, now_s: float) -> None:
        """Do nothing: every line is written at once."""

    def write(self, event: Event) -> bool:
        """Append one event; False where it did not reach the log (see `failure`)."""
        record = event.as_record()
        if isinstance(event, SessionStarted):
            self._began = record
        elif isinstance(event, StreamStarted):
            self._open_streams[event.stream.number] = record
        is_written = not self._is_closed and self._write_somewhere(record)
        self.n_failed += not is_written
        if isinstance(event, StreamEnded):
            # Only now: a log that goes on elsewhere with this line needs the stream's first one.
            self._open_streams.pop(event.stream.number, None)
        return is_written

    def _write_somewhere(self, record: Record) -> bool:
        lines = [record]
        if self._n_unreported:
            lines.insert(0, LogGap(n_events=self._n_unreported).as_record())
        try:
            self._file.append(lines)
        except OSError as error:
            if not self._go_on_elsewhere(lines, _cause(error)):
                self._n_unreported += 1
                return False
        self._n_unreported = 0
        return True

    def _go_on_elsewhere(self, lines: list[Record], cause: str) -> bool:
        """Write `lines` into the first other place that takes them."""
        failure = f"the session log {_name(self.path)} cannot be written ({cause})"
        began = [] if self._began is None else [self._began]
        begin = [
            _HEADER,
            LogContinued(path=str(self.path), cause=cause).as_record(),
            *(record for record in (*began, *self._open_streams.values()) if record not in lines),
        ]
        for make in (_new_file, _new_temporary_file):
            with suppress(OSError):
                file = make([*begin, *lines])
                self._let_go()
                self.earlier.append(self.path)
                self._file = file
                self.failure = f"{failure}: it goes on in {_name(file.path)}."
                return True
        self.failure = (
            f"{failure}, and no other place takes it: results go on unlogged until there is "
            "room again."
        )
        return False

    def close(self) -> None:
        """Bring everything to the disk and close; harmless when repeated."""
        if not self._is_closed:
            self._is_closed = True
            self._let_go()

    def remove(self) -> None:
        """Delete a log that is closed, for a session that never began."""
        with suppress(OSError):
            self._file.path.unlink()

    def _let_go(self) -> None:
        try:
            self._file.close()
        except OSError as error:
            self.failure = (
                f"the session log {_name(self.path)} did not reach the disk whole "
                f"({_cause(error)}): check that disk, and what the log holds."
            )

    def __enter__(self) -> SessionLog:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _create_named(path: Path) -> LogFile:
    try:
        # Absolute, for another log may name it as the one it continues.
        return LogFile.create(path.absolute())
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


def _create_dated(folder: Path | None) -> LogFile:
    folder = sessions_folder() if folder is None else folder
    try:
        return LogFile.create_dated(folder)
    except OSError as error:
        raise LogError(
            f"no session log can be created in {_name(folder)} ({_cause(error)}): "
            "name a writable place with --log PATH, or use --no-log."
        ) from error


def _new_file(lines: list[Record], folder: Path | None = None) -> LogFile:
    """A file that holds `lines`; none is left where they do not fit."""
    file = LogFile.create_dated(sessions_folder() if folder is None else folder)
    try:
        file.append(lines)
    except OSError:
        file.discard()
        raise
    return file


def _new_temporary_file(lines: list[Record]) -> LogFile:
    folder = Path(tempfile.mkdtemp(prefix=TEMPORARY))
    try:
        return _new_file(lines, folder)
    except OSError:
        folder.rmdir()
        raise


def _name(path: Path) -> str:
    return printable(str(path))


def _cause(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()
