"""Day values of a voice: by microphone, model and settings, each a series of its own."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from datetime import date

from ser_live.events import Record
from ser_live.history.schema import SCALE

MIN_SPEECH_S = 180.0
"""Speech from which on a day counts."""
MIN_FINALS = 10
"""Utterances from which on a day counts too."""

MEASURES = ("valence", "arousal")
"""Day values that are compared and tested."""

LOWEST, HIGHEST = -1.0, 1.0
"""Ends of the measures' scales."""


@dataclass(frozen=True, slots=True, order=True)
class Setup:
    """Conditions under which values can be compared with each other."""

    source: str
    """Name of the microphone; empty for recordings, whatever they are called."""
    sample_rate: int
    """Native rate in hertz: a headset that switches to telephone sound is another microphone."""
    model: str
    model_sha256: str
    settings_sha256: str


@dataclass(slots=True)
class DayValue:
    """A day of one series."""

    day: date
    """Local day on which its sessions began, by the offset of each."""
    n_sessions: int = 0
    n_finals: int = 0
    n_named: int = 0
    speech_s: float = 0.0
    valence: float | None = None
    """Mean over speech time; ``None`` where nothing was judged."""
    arousal: float | None = None
    shares: dict[str, float] = field(default_factory=dict)
    """Mean calibrated probability of each label over speech time."""

    @property
    def counts(self) -> bool:
        """Whether there is enough speech for the day to count."""
        enough = self.speech_s >= MIN_SPEECH_S or self.n_finals >= MIN_FINALS
        return enough and self.valence is not None

    def as_record(self) -> Record:
        """The day as JSON values by name."""
        return {
            "day": self.day.isoformat(),
            "counts": self.counts,
            "n_sessions": self.n_sessions,
            "n_finals": self.n_finals,
            "n_named": self.n_named,
            "speech_s": round(self.speech_s, 3),
            "valence": None if self.valence is None else round(self.valence, 4),
            "arousal": None if self.arousal is None else round(self.arousal, 4),
            "shares": {label: round(share, 4) for label, share in self.shares.items()},
        }


@dataclass(slots=True)
class VoiceDays:
    """Days of one voice."""

    series: dict[Setup, list[DayValue]] = field(default_factory=dict)
    """By setup, in the order in which they were first used; days in their order."""
    n_recordings: int = 0
    """Sessions left out because they are of recordings, not of a microphone."""
    n_roles: int = 0
    """Sessions with streams left out because they have a role, such as those of calls."""
    n_undated: int = 0
    """Sessions left out because their logs do not tell when they began."""
    n_unreadable: int = 0
    """Logs that cannot be read."""
    n_bad_lines: int = 0
    """Lines of logs that are no records, and were passed over."""


def voices(database: sqlite3.Connection) -> list[tuple[str | None, int, float]]:
    """Speakers, with their sessions and seconds of speech; most speech first."""
    return [
        (speaker, n, ms / 1000)
        for speaker, n, ms in database.execute(
            "SELECT speaker, count(DISTINCT log.id), coalesce(sum(speech_ms), 0) AS ms FROM log "
            "JOIN part ON part.log_id = log.id GROUP BY speaker ORDER BY ms DESC, speaker"
        )
    ]


def voice_days(
    database: sqlite3.Connection, speaker: str | None, *, recordings: bool = False
) -> VoiceDays:
    """Day values of a speaker; of everybody who was not enrolled for ``None``.

    Parameters
    ----------
    database : sqlite3.Connection
        The index.
    speaker : str or None
        Name of the enrolled speaker.
    recordings : bool
        Take sessions of recordings instead of those of microphones.
    """
    found = VoiceDays()
    _count_left_out(database, speaker, recordings, found)
    # By what the database gives: a setup takes ten times as long to look up as plain texts.
    days: dict[tuple[object, ...], DayValue] = {}
    setups: dict[tuple[object, ...], list[DayValue]] = {}
    chosen = "log.speaker IS ? AND part.role = '' AND log.day IS NOT NULL AND is_recording = ?"
    source = "CASE WHEN is_recording THEN '' ELSE part.source END"
    # Recordings have the rates of their files, which say nothing about one microphone.
    rate = "CASE WHEN is_recording THEN 0 ELSE part.sample_rate END"
    setup = f"{source} AS setup_source, {rate} AS setup_rate, model, model_sha256, settings_sha256"
    groups = "setup_source, setup_rate, model, model_sha256, settings_sha256, log.day"
    for *key, day, n_logs, n_finals, n_named, speech, affect, valence, arousal in database.execute(
        f"SELECT {setup}, log.day, count(DISTINCT log.id), sum(n_finals), sum(n_named), "  # noqa: S608
        "sum(speech_ms), sum(affect_ms), sum(valence_sum), sum(arousal_sum) FROM log "
        f"JOIN part ON part.log_id = log.id WHERE {chosen} GROUP BY {groups} ORDER BY log.day",
        (speaker, int(recordings)),
    ):
        value = DayValue(
            day=date.fromisoformat(day),
            n_sessions=n_logs,
            n_finals=n_finals,
            n_named=n_named,
            speech_s=speech / 1000,
            valence=valence / affect / SCALE if affect else None,
            arousal=arousal / affect / SCALE if affect else None,
        )
        series = setups.get(tuple(key))
        if series is None:
            series = setups[tuple(key)] = found.series.setdefault(Setup(*key), [])
        series.append(value)
        days[(*key, day)] = value
    for *where, label, weight, share in database.execute(
        f"SELECT {setup}, log.day, label, sum(weight_ms), sum(probability_sum) FROM log "  # noqa: S608
        "JOIN part ON part.log_id = log.id JOIN label ON label.part_id = part.id "
        f"WHERE {chosen} GROUP BY {groups}, label",
        (speaker, int(recordings)),
    ):
        if weight:
            days[tuple(where)].shares[label] = share / weight / SCALE
    return found


def _count_left_out(
    database: sqlite3.Connection, speaker: str | None, recordings: bool, found: VoiceDays
) -> None:
    rows = database.execute(
        "SELECT count(DISTINCT CASE WHEN is_recording <> ? THEN log.id END), "
        "count(DISTINCT CASE WHEN is_recording = ? AND role <> '' THEN log.id END), "
        "count(DISTINCT CASE WHEN is_recording = ? AND role = '' AND day IS NULL THEN log.id END) "
        "FROM log JOIN part ON part.log_id = log.id WHERE speaker IS ?",
        (int(recordings), int(recordings), int(recordings), speaker),
    )
    found.n_recordings, found.n_roles, found.n_undated = rows.fetchone()
    found.n_unreadable, found.n_bad_lines = database.execute(
        "SELECT coalesce(sum(problem <> ''), 0), coalesce(sum(n_bad_lines), 0) FROM log"
    ).fetchone()
