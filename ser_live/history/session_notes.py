"""Notes that were made inside sessions, with those made outside."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import timedelta

from ser_live.history.log_sums import moment_of
from ser_live.history.notes import Note


def all_notes(database: sqlite3.Connection, speaker: str | None, own: Sequence[Note]) -> list[Note]:
    """Notes of sessions of a speaker, and `own`, in order of time."""
    found = list(own)
    for started_at, start_ms, text, rating in database.execute(
        "SELECT started_at, start_ms, text, rating FROM moment JOIN log ON log.id = moment.log_id "
        "WHERE kind = 'note' AND speaker IS ? AND started_at IS NOT NULL",
        (speaker,),
    ):
        began_at = moment_of(started_at)
        if began_at is not None:
            at = began_at + timedelta(milliseconds=start_ms)
            found.append(Note(at=at, text=text, rating=rating))
    return sorted(found, key=lambda note: note.at)
