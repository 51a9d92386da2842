"""A session log with a hostile text wherever a text may stand."""

from __future__ import annotations

import json
from pathlib import Path

from fuzz_targets import documented_logs
from terminal_run import HOSTILE

from ser_live.events import FormError, columns
from ser_live.events.forms import Form
from ser_live.records.log_entries import ENTRY_CLASSES


def hostile_log(path: Path) -> Path:
    """A log with the hostile text in every field that may hold text."""
    records = [json.loads(line) for line in documented_logs()[0].splitlines()]
    n_hostile = 0
    for record in records[1:]:
        for column in columns(ENTRY_CLASSES[record["type"]]):
            if _takes_text(column.form):
                record[column.key] = HOSTILE
                n_hostile += 1
        for reason in record.get("reasons", []):
            reason.update(feature=HOSTILE, text=HOSTILE)
        if "settings" in record:
            record["settings"] = {HOSTILE: {HOSTILE: HOSTILE}}
    assert n_hostile > 2 * len(records)
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def _takes_text(form: Form) -> bool:
    """Whether a field may hold any text, not only one of a few words."""
    try:
        form.read(HOSTILE)
    except FormError:
        return False
    return True
