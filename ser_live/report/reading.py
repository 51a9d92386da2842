"""A session read for a report: its log, the ones that this continues, and what lies beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

from ser_live.errors import LogError
from ser_live.events import Recorded, SessionEnded, SessionStarted
from ser_live.records.corrections import read_corrections
from ser_live.records.log_entries import LogContinued
from ser_live.records.log_reading import is_session_log, read_log
from ser_live.report.redaction import Redaction
from ser_live.report.session_data import Collector, SessionData

_MAX_LOGS = 1000
"""Most logs that one session goes on in; each took a failure of its disk."""
_HEAD_BYTES = 60
_EMOTION, _PARTIAL = b'{"type":"emotion",', b'"kind":"partial"'
"""As the log writes the beginnings of results, the number of the utterance between them."""
_N_TO_BEGIN = 5
"""Entries of a log until it says how its session began, that one included."""


def read_session(path: Path, *, redaction: Redaction | None = None) -> SessionData:
    """The session of a log, from all the logs that it is spread over.

    Parameters
    ----------
    path : Path
    redaction : Redaction, optional
        Takes names, paths, devices and notes out.

    Raises
    ------
    LogError
        A log cannot be read, or its session never began.
    """
    logs, absent = _chain(path)
    collector = Collector(path)
    sentences = collector.data.sentences
    for log in logs:
        entries = _entries(log, sentences.append)
        collector.add_all(entries if redaction is None else redaction.of_entries(entries))
    data = _begun(collector)
    if absent is not None:
        sentences.append(
            f"The session began in {_shown(absent)}, which is not there any more: this report "
            "tells of what came after it."
        )
    for log in logs:
        _add_corrections(data, log)
    data.remarks.sort(key=lambda remark: remark.start_s)
    if redaction is not None:
        redaction.of_session(data)
    return data


def session_of(entries: Iterable[Recorded], name: str) -> SessionData:
    """The session of entries that are in memory; nothing is read from the disk.

    Parameters
    ----------
    entries : iterable of Recorded
    name : str
        What stands in the place of the log's name.

    Raises
    ------
    LogError
        The session never began.
    """
    collector = Collector(Path(name))
    collector.add_all(entries)
    data = _begun(collector)
    data.remarks.sort(key=lambda remark: remark.start_s)
    return data


def _begun(collector: Collector) -> SessionData:
    data = collector.finished()
    if data.started is None:
        raise LogError(
            f"{_shown(data.path)} holds no session that began, but a report is about one: run a "
            "session with `ser-live` first, or name another log."
        )
    return data


def _add_corrections(data: SessionData, log: Path) -> None:
    """Add the labels of people's own that lie beside a log."""
    try:
        found = read_corrections(log)
    except LogError as error:
        data.sentences.append(str(error))
        return
    data.corrections += found.given
    data.n_unread += found.n_passed_over


def _entries(log: Path, on_cut: Callable[[str], None]) -> Iterator[Recorded]:
    for entry in read_log(log, on_cut=on_cut, passes_over=_is_partial):
        if not isinstance(entry, LogContinued):
            yield entry


def _is_partial(line: bytes) -> bool:
    """Whether a whole line is a partial result, as most of a long log are; none is told of."""
    head = line[:_HEAD_BYTES]
    return head.startswith(_EMOTION) and _PARTIAL in head and line.endswith(b"}\n")


def _chain(path: Path) -> tuple[list[Path], Path | None]:
    """The logs of one session, the first one first, and one that should stand before them."""
    logs, known = [path], {path.resolve()}
    began, before = _beginning(path)
    while before is not None and len(logs) < _MAX_LOGS:
        if before.resolve() in known or not is_session_log(before):
            return logs, before
        earlier, still_before = _beginning(before)
        if began is not None and earlier is not None and earlier.started_at != began.started_at:
            return logs, before  # another session took that name since
        logs.insert(0, before)
        known.add(before.resolve())
        before = still_before
    return logs, before


def _beginning(path: Path) -> tuple[SessionStarted | None, Path | None]:
    """Beginning of the session of a log, and the log before it if there is one."""
    started, before = None, None
    for entry in islice(read_log(path), _N_TO_BEGIN):
        if isinstance(entry, LogContinued) and "\0" not in entry.path:
            before = Path(entry.path)
        elif isinstance(entry, SessionStarted):
            started = entry
            break
        elif isinstance(entry, SessionEnded):
            break
    return started, before


def _shown(path: Path) -> str:
    from ser_live.terminal.text import printable

    return printable(str(path))
