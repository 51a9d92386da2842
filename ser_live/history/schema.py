"""Tables of the history's index, and the steps that lead from one version to the next.

Sums are integers (milliseconds, ten-thousandths), so that they are the same to the bit in
whatever pieces a log was read.
"""

from __future__ import annotations

APPLICATION_ID = 0x5345524C
"""Number in the header of the file that says whose database it is: ``SERL``."""

SCALE = 10_000
"""Parts of a unit in which valence, arousal and probabilities are summed; logs have no more."""

PART_SUMS = (
    "n_finals",
    "n_named",
    "speech_ms",
    "affect_ms",
    "valence_sum",
    "valence_square_sum",
    "arousal_sum",
    "arousal_square_sum",
)
"""Columns of ``part`` that add up; the last four are weighted by milliseconds of speech."""

LABEL_SUMS = ("n_named", "named_ms", "weight_ms", "probability_sum", "probability_square_sum")
"""Columns of ``label`` that add up; the last two are weighted by milliseconds of speech."""

_FIRST = f"""
CREATE TABLE log (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE,
    inode INTEGER NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    n_head_bytes INTEGER NOT NULL,
    head_sha256 TEXT NOT NULL,
    tail_sha256 TEXT NOT NULL,
    offset INTEGER NOT NULL,
    began TEXT NOT NULL,
    started_at TEXT,
    started_ms INTEGER NOT NULL,
    day TEXT,
    speaker TEXT,
    model TEXT NOT NULL,
    model_sha256 TEXT NOT NULL,
    settings_sha256 TEXT NOT NULL,
    continues TEXT,
    end_reason TEXT,
    duration_ms INTEGER NOT NULL,
    reached TEXT NOT NULL,
    n_bad_lines INTEGER NOT NULL,
    problem TEXT NOT NULL
);
CREATE INDEX log_by_start ON log (started_ms);
CREATE INDEX log_by_day ON log (day);
CREATE TABLE part (
    id INTEGER PRIMARY KEY,
    log_id INTEGER NOT NULL REFERENCES log (id) ON DELETE CASCADE,
    stream INTEGER NOT NULL,
    role TEXT NOT NULL,
    source TEXT NOT NULL,
    is_recording INTEGER NOT NULL,
    sample_rate INTEGER NOT NULL,
    local_day TEXT NOT NULL,
    hour INTEGER NOT NULL,
    {", ".join(f"{name} INTEGER NOT NULL" for name in PART_SUMS)},
    UNIQUE (log_id, stream, source, sample_rate, local_day, hour)
);
CREATE TABLE label (
    part_id INTEGER NOT NULL REFERENCES part (id) ON DELETE CASCADE,
    label TEXT NOT NULL,
    {", ".join(f"{name} INTEGER NOT NULL" for name in LABEL_SUMS)},
    PRIMARY KEY (part_id, label)
) WITHOUT ROWID;
CREATE TABLE moment (
    id INTEGER PRIMARY KEY,
    log_id INTEGER NOT NULL REFERENCES log (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    stream INTEGER NOT NULL,
    start_ms INTEGER NOT NULL,
    text TEXT NOT NULL,
    rating INTEGER
);
CREATE INDEX moment_by_log ON moment (log_id);
"""

STEPS: tuple[str, ...] = (_FIRST,)
"""Statements that make version n + 1 of version n; the first ones begin with nothing."""
