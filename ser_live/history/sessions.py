"""Sessions of the index in rows, filtered by day, speaker and tag."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ser_live.history.schema import SCALE
from ser_live.records.private_files import is_in_use
from ser_live.records.session_states import CUT_OFF, RUNNING, UNREADABLE

if TYPE_CHECKING:
    from ser_live.events import Record

_N_FREQUENT = 3
"""Most emotions named in a row."""
_MAX_IDS = 500
"""Most sessions that are asked for one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """A choice of sessions; everything by default."""

    since: str | None = None
    """First local day, ISO 8601."""
    until: str | None = None
    """Last local day."""
    speaker: str | None = None
    """Name of an enrolled speaker."""
    days: Collection[str] | None = None
    """Local days on which a session must have begun, such as those of a tag."""

    def condition(self) -> tuple[str, list[object]]:
        """A condition of SQL on ``log``, and its values."""
        parts: list[tuple[str, list[object]]] = []
        if self.since is not None:
            parts.append(("log.day >= ?", [self.since]))
        if self.until is not None:
            parts.append(("log.day <= ?", [self.until]))
        if self.speaker is not None:
            parts.append(("log.speaker = ?", [self.speaker]))
        if self.days is not None:
            # As one value, for SQLite takes a limited number of them.
            days = ",".join(sorted(self.days))
            parts.append(("log.day <> '' AND instr(?, log.day) > 0", [days]))
        return (
            " AND ".join(text for text, _ in parts) or "1",
            [value for _, values in parts for value in values],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """A session as the index knows it."""

    path: Path
    started_at: str | None
    state: str
    """Reason for its end; ``running``, ``cut off`` or ``unreadable`` where the log has none."""
    speaker: str | None
    sources: tuple[str, ...]
    duration_s: float
    speech_s: float
    n_utterances: int
    valence: float | None
    arousal: float | None
    emotions: dict[str, int] = field(default_factory=dict)
    """Utterances by the emotion they were named, the most frequent first."""
    n_notes: int = 0
    n_bad_lines: int = 0
    problem: str = ""

    @property
    def most_frequent(self) -> str:
        """The most frequent emotions with their counts, for people."""
        return ", ".join(f"{name} {n}" for name, n in list(self.emotions.items())[:_N_FREQUENT])

    def as_record(self) -> Record:
        """The row as JSON values by name."""
        return {
            "started_at": self.started_at,
            "duration_s": round(self.duration_s, 3),
            "speech_s": round(self.speech_s, 3),
            "n_utterances": self.n_utterances,
            "valence": _rounded(self.valence),
            "arousal": _rounded(self.arousal),
            "emotions": dict(self.emotions),
            "speaker": self.speaker,
            "sources": list(self.sources),
            "n_notes": self.n_notes,
            "state": self.state,
            "n_bad_lines": self.n_bad_lines,
            "path": str(self.path),
        }


def n_sessions(database: sqlite3.Connection, chosen: Filter) -> int:
    """Number of sessions that a filter lets through."""
    condition, values = chosen.condition()
    row = database.execute(f"SELECT count(*) FROM log WHERE {condition}", values)  # noqa: S608
    return int(row.fetchone()[0])


def session_rows(
    database: sqlite3.Connection, chosen: Filter, *, limit: int = -1
) -> list[SessionRow]:
    """Sessions that a filter lets through, newest first; at most `limit`, -1 for all."""
    condition, values = chosen.condition()
    logs = database.execute(
        "SELECT id, path, started_at, end_reason, speaker, duration_ms, n_bad_lines, problem "  # noqa: S608
        f"FROM log WHERE {condition} ORDER BY started_ms DESC, path LIMIT ?",
        [*values, limit],
    ).fetchall()
    ids = [log[0] for log in logs]
    sums = _sums(database, ids)
    emotions = _emotions(database, ids)
    notes = dict(
        database.execute(
            "SELECT log_id, count(*) FROM moment "  # noqa: S608  own names
            f"WHERE kind = 'note' AND {_among(ids)} GROUP BY log_id"
        ).fetchall()
    )
    return [_row(log, sums, emotions, notes) for log in logs]


def _row(
    log: tuple[int, str, str | None, str | None, str | None, int, int, str],
    sums: dict[int, tuple[list[str], list[int]]],
    emotions: dict[int, dict[str, int]],
    notes: dict[int, int],
) -> SessionRow:
    log_id, name, started_at, end_reason, speaker, duration_ms, n_bad_lines, problem = log
    path = Path(name)
    state = UNREADABLE if problem else end_reason or (RUNNING if is_in_use(path) else CUT_OFF)
    sources, (n_finals, speech_ms, affect_ms, valence, arousal) = sums.get(log_id, ([], [0] * 5))
    return SessionRow(
        path=path,
        started_at=started_at,
        state=state,
        speaker=speaker,
        sources=tuple(sources),
        duration_s=duration_ms / 1000,
        speech_s=speech_ms / 1000,
        n_utterances=n_finals,
        valence=valence / affect_ms / SCALE if affect_ms else None,
        arousal=arousal / affect_ms / SCALE if affect_ms else None,
        emotions=emotions.get(log_id, {}),
        n_notes=notes.get(log_id, 0),
        n_bad_lines=n_bad_lines,
        problem=problem,
    )


def _among(ids: list[int]) -> str:
    """A condition on ``log_id`` that holds for these, and may hold for more where they are many."""
    return f"log_id IN ({', '.join(map(str, ids))})" if len(ids) <= _MAX_IDS else "1"


def _sums(database: sqlite3.Connection, ids: list[int]) -> dict[int, tuple[list[str], list[int]]]:
    found: dict[int, tuple[list[str], list[int]]] = {}
    for log_id, source, *values in database.execute(
        "SELECT log_id, source, n_finals, speech_ms, affect_ms, valence_sum, arousal_sum "  # noqa: S608
        f"FROM part WHERE {_among(ids)} ORDER BY log_id, id"
    ):
        sources, sums = found.setdefault(log_id, ([], [0] * 5))
        if source not in sources:
            sources.append(source)
        for n, value in enumerate(values):
            sums[n] += value
    return found


def _emotions(database: sqlite3.Connection, ids: list[int]) -> dict[int, dict[str, int]]:
    found: dict[int, dict[str, int]] = {}
    for log_id, label, n in database.execute(
        "SELECT log_id, label, sum(label.n_named) AS n FROM part "  # noqa: S608  own names
        f"JOIN label ON label.part_id = part.id WHERE {_among(ids)} "
        "GROUP BY log_id, label HAVING n > 0 ORDER BY n DESC, label"
    ):
        found.setdefault(log_id, {})[label] = n
    return found


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
