"""The state of a log that the index keeps; by itself, so that a list loads no reader of logs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class LogState:
    """A log as far as it was read: enough to read on where it grew."""

    inode: int = 0
    size: int = 0
    mtime_ns: int = 0
    n_head_bytes: int = 0
    head_sha256: str = ""
    tail_sha256: str = ""
    offset: int = 0
    began: str = ""
    """Lines on how session and streams began, which later lines refer to."""
    started_at: str | None = None
    started_ms: int = 0
    """The same since the epoch; that of the file's last change where the log does not tell."""
    day: str | None = None
    speaker: str | None = None
    model: str = ""
    model_sha256: str = ""
    settings_sha256: str = ""
    continues: str | None = None
    end_reason: str | None = None
    duration_ms: int = 0
    reached: str = "{}"
    """Latest position told of each stream, milliseconds by number."""
    n_bad_lines: int = 0
    problem: str = ""
