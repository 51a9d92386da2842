"""A log that tries to command the terminal."""

from __future__ import annotations

import json
from pathlib import Path

from fuzz_targets import documented_logs
from terminal_run import HOSTILE

WORDS = ("type", "state", "emotion", "kind", "cause", "reason")
"""Fields that hold one of a few words; with any other, the log is refused."""


def hostile_log(path: Path) -> Path:
    """A log with the hostile text in every field that may hold text."""
    records = [json.loads(line) for line in documented_logs()[0].splitlines()]
    for record in records[1:]:
        for name, value in record.items():
            if isinstance(value, str) and name not in WORDS:
                record[name] = HOSTILE
        for reason in record.get("reasons", []):
            reason["text"] = HOSTILE
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path
