"""Rows of an archive as Parquet: one an utterance, with what they hang on in the file itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ser_live.records.csv_rows import emotion_fields
from ser_live.records.exports.parquet_table import arrow_type, pyarrow

METADATA = b"ser_live"
"""Key under which a Parquet file tells model, settings and limits."""

FILE_FIELDS = (
    "file",
    "changed_at",
    "n_bytes",
    "duration_s",
    "speech_s",
    "n_utterances",
    "emotion",
    "state",
    "confidence",
    "note",
    "error",
)
"""Columns of the table of recordings; `changed_at` in UTC."""

_FILE_TYPES = {
    "n_bytes": "int64",
    "n_utterances": "int64",
    "duration_s": "float64",
    "speech_s": "float64",
    "confidence": "float64",
}
_NOT_OF_ARCHIVES = frozenset(["type", "kind", "latency_ms"])
"""Columns that would hold the same in every row."""

_LIMITS = (
    "Trained on acted speech; strangers' plain talk is named less truly than actors'. No "
    "diagnosis, not for judging workers or students."
)


@dataclass(frozen=True)
class Form:
    """Columns of an archive and what its rows hang on."""

    labels: tuple[str, ...]
    hangs_on: Mapping[str, object]
    """Model, settings, version: rows of others do not belong here."""

    @property
    def fields(self) -> tuple[str, ...]:
        """Columns of the table of utterances."""
        return tuple(name for name in emotion_fields(self.labels) if name not in _NOT_OF_ARCHIVES)

    @property
    def told(self) -> dict[str, object]:
        """All that a file of rows says about itself."""
        return {"format": 1, "labels": self.labels, **self.hangs_on, "limits": _LIMITS}


def schema_of(form: Form, extra: Mapping[bytes, bytes] | None = None) -> Any:
    """Arrow schema of the utterances."""
    pa = pyarrow()
    fields = [(name, arrow_type(pa, name)) for name in form.fields]
    return pa.schema(fields, metadata={METADATA: as_bytes(form.told), **(extra or {})})


def file_schema_of(form: Form) -> Any:
    """Arrow schema of the recordings."""
    pa = pyarrow()
    fields = [
        (
            name,
            pa.timestamp("us", tz="UTC")
            if name == "changed_at"
            else getattr(pa, _FILE_TYPES.get(name, "string"))(),
        )
        for name in FILE_FIELDS
    ]
    return pa.schema(fields, metadata={METADATA: as_bytes(form.told)})


def as_bytes(value: object) -> bytes:
    """JSON, the same bytes for the same content."""
    return json.dumps(value, sort_keys=True, default=str).encode()
