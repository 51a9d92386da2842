"""Sessions that were logged on this machine, newest first, each in a row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path

from ser_live.errors import LogError
from ser_live.events import (
    EventReader,
    FormError,
    OfStream,
    Record,
    Recorded,
    SessionEnded,
    SessionStarted,
    StreamEnded,
    StreamStarted,
)
from ser_live.records.folders import sessions_folder
from ser_live.records.log_entries import ENTRY_CLASSES
from ser_live.records.log_reading import MAX_LINE_BYTES, parsed_line, read_log
from ser_live.records.private_files import is_in_use
from ser_live.records.session_files import find_session_logs
from ser_live.records.session_states import CUT_OFF as CUT_OFF
from ser_live.records.session_states import RUNNING as RUNNING
from ser_live.records.session_states import UNREADABLE as UNREADABLE
from ser_live.records.tally import Tally
from ser_live.terminal.text import printable

_N_ENTRIES_TO_BEGIN = 5
"""Entries of a log until it says how its session began, that one included."""
_N_FREQUENT = 3
"""Most emotions named in a row."""
_OF_THE_WHOLE = tuple(
    f'{{"type":"{cls.type}"'.encode()
    for cls in (SessionStarted, StreamStarted, StreamEnded, SessionEnded)
)
"""Beginnings of the lines that tell of session and streams as wholes, as they are written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedSession:
    """A session in one row."""

    path: Path
    started_at: str | None = None
    """Wall time of its start, ISO 8601 with offset; ``None`` where the log does not say."""
    state: str
    """Reason for its end; ``running``, ``cut off`` or ``unreadable`` where the log has none."""
    duration_s: float = 0.0
    """Audio heard, in seconds; so far, where it did not end."""
    sources: tuple[str, ...] = ()
    n_utterances: int = 0
    emotions: Mapping[str, int] = field(default_factory=dict)
    """Utterances by the emotion they were named."""
    problem: str = ""
    """Sentence about a log that cannot be read."""

    @property
    def source(self) -> str:
        """The first source, and how many more there were."""
        more = f" and {len(self.sources) - 1} more" if len(self.sources) > 1 else ""
        return self.sources[0] + more if self.sources else ""

    @property
    def most_frequent(self) -> str:
        """The most frequent emotions with their counts, for people."""
        ranked = sorted(self.emotions.items(), key=lambda item: -item[1])
        named = [f"{emotion} {n}" for emotion, n in ranked if n]
        return ", ".join(named[:_N_FREQUENT])

    def as_record(self, number: int) -> Record:
        """The row as JSON values by name; `number` is its place in the list, from 1."""
        return {
            "number": number,
            "started_at": self.started_at,
            "duration_s": round(self.duration_s, 3),
            "source": self.source,
            "n_utterances": self.n_utterances,
            "emotions": self.most_frequent,
            "state": self.state,
            "path": str(self.path),
        }


def logged_sessions() -> list[Path]:
    """Session logs in the user's folder, and those that went on elsewhere, newest first."""
    found = [(_began_at(file.path), file.path) for file in find_session_logs([])]
    return [path for _, path in sorted(found, key=lambda item: (-item[0], str(item[1])))]


def session_log_named(name: str | None) -> Path:
    """Find the log that a person names: a path, or a number of the list; the newest by default.

    A name of digits alone is a number; a file of that name is ``./3``.

    Raises
    ------
    LogError
        There is no log yet, or not as many.
    """
    if name is not None and not (name.isascii() and name.isdigit()):
        return Path(name)
    paths = logged_sessions()
    if not paths:
        raise LogError(
            f"Found no session log in {printable(str(sessions_folder()))}, but one is needed: run "
            "a session with `ser-live` first, or name a log file."
        )
    number = 1 if name is None else int(name[:12])
    if not 1 <= number <= len(paths):
        raise LogError(
            f"Found {len(paths)} session logs, but number {number} was asked for: see "
            "`ser-live log list`, or write ./NAME for a file."
        )
    return paths[number - 1]


def summed_up(path: Path) -> LoggedSession:
    """The session of a log in one row.

    Of a session that ended, only the lines about the whole are looked at: a log of a day is
    long.
    """
    try:
        ended = _summed_up_by_its_end(path)
    except FormError:
        ended = None  # the whole log tells where it is wrong
    return ended if ended is not None else _summed_up_entry_by_entry(path)


def _summed_up_by_its_end(path: Path) -> LoggedSession | None:
    reader = EventReader(ENTRY_CLASSES)
    started: SessionStarted | None = None
    ended: SessionEnded | None = None
    sources: list[str] = []
    for line in _lines_of_the_whole(path):
        entry = reader.read(parsed_line(line) or {})
        if isinstance(entry, SessionStarted):
            started = entry
        elif isinstance(entry, StreamStarted):
            _add_source(sources, entry)
        elif isinstance(entry, SessionEnded):
            ended = entry
    if started is None or ended is None:
        return None
    return LoggedSession(
        path=path,
        started_at=started.started_at,
        state=ended.reason.value,
        duration_s=ended.duration_s,
        sources=tuple(sources),
        n_utterances=ended.n_utterances,
        emotions=ended.emotions,
    )


def _lines_of_the_whole(path: Path) -> Iterator[bytes]:
    with suppress(OSError, ValueError), path.open("rb") as file:
        while line := file.readline(MAX_LINE_BYTES + 1):
            if line.startswith(_OF_THE_WHOLE):
                yield line


def _summed_up_entry_by_entry(path: Path) -> LoggedSession:
    tally = Tally()
    started: SessionStarted | None = None
    ended: SessionEnded | None = None
    sources: list[str] = []
    reached_s: dict[int, float] = {}
    problem = ""
    try:
        for entry in read_log(path):
            tally.add(entry)
            if isinstance(entry, SessionStarted):
                started = entry
            elif isinstance(entry, StreamStarted):
                _add_source(sources, entry)
            elif isinstance(entry, SessionEnded):
                ended = entry
            if isinstance(entry, OfStream):
                number = entry.stream.number
                reached_s[number] = max(reached_s.get(number, 0.0), _position_s(entry))
    except LogError as error:
        problem = str(error)
    if problem:
        state = UNREADABLE
    elif ended is not None:
        state = ended.reason.value
    else:
        state = RUNNING if is_in_use(path) else CUT_OFF
    return LoggedSession(
        path=path,
        started_at=None if started is None else started.started_at,
        state=state,
        duration_s=sum(reached_s.values()) if ended is None else ended.duration_s,
        sources=tuple(sources),
        n_utterances=tally.n_finals,
        emotions=tally.emotions,
        problem=problem,
    )


def _add_source(sources: list[str], started: StreamStarted) -> None:
    """Add a source that is heard for the first time; channels side by side are one."""
    if started.source not in sources:
        sources.append(started.source)


def _position_s(entry: Recorded) -> float:
    """Latest moment that an entry tells of, on the clock of its stream."""
    end_s = getattr(entry, "end_s", None)
    start_s = getattr(entry, "start_s", 0.0)
    duration_s = getattr(entry, "duration_s", 0.0)
    return float(start_s + duration_s if end_s is None else end_s)


def _began_at(path: Path) -> float:
    """Wall time at which a log's session began, in seconds; that of the file if it says none."""
    with suppress(LogError, ValueError, OverflowError):
        for entry in islice(read_log(path), _N_ENTRIES_TO_BEGIN):
            if isinstance(entry, SessionStarted):
                return datetime.fromisoformat(entry.started_at).timestamp()
    with suppress(OSError):
        return path.lstat().st_mtime
    return 0.0
