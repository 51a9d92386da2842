"""Which fields of a log's records the program reads, and what each may hold.

A log may have been altered, or made up, by anybody. What its records hold is looked at
once, when they are read; whoever gets a record may rely on these fields. Other fields, and
records of other types, may hold anything.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from ser_live.emotions import LABELS, State

MAX_NUMBER = 1e12
"""No time, level or count comes near this."""

_STATES = frozenset(state.value for state in State)


def has_sound_fields(record: Mapping[str, Any]) -> bool:
    """Whether the fields that are read are there and hold what belongs there."""
    kinds = _KINDS.get(record["type"], {})
    return all(
        (name in record or name in _NEWER) and is_of_kind(record.get(name))
        for name, is_of_kind in kinds.items()
    )


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) if isinstance(value, float) else abs(value) <= MAX_NUMBER


def _is_amount(value: Any) -> bool:
    return _is_number(value) and 0 <= value <= MAX_NUMBER


def _or_none(is_of_kind: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or is_of_kind(value)


def _is_affect(value: Any) -> bool:
    return value is None or (_is_number(value) and -1 <= value <= 1)


def _is_state(value: Any) -> bool:
    return isinstance(value, str) and value in _STATES


def _is_label(value: Any) -> bool:
    return value is None or (isinstance(value, str) and value in LABELS)


def _are_reasons(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(reason, dict) and isinstance(reason.get("text"), str) for reason in value
    )


_KINDS: dict[str, dict[str, Callable[[Any], bool]]] = {
    "session_started": {
        "started_at": _is_text,
        "version": _is_text,
        "model": _is_text,
        "model_sha256": _is_text,
        "speaker": _or_none(_is_text),
    },
    "stream_started": {"source": _is_text},
    "emotion": {
        "kind": _is_text,
        "emotion": _is_label,
        "state": _is_state,
        "valence": _is_affect,
        "arousal": _is_affect,
        "speech_s": _is_amount,
        "latency_ms": _or_none(_is_number),
        "reasons": _are_reasons,
    },
    "gap": {"duration_s": _is_amount},
    "source_failed": {"message": _is_text},
    "stream_ended": {"duration_s": _is_amount},
    "log_gap": {"n_events": _is_amount},
    "session_ended": {"reason": _is_text, "duration_s": _is_amount},
}

_NEWER = frozenset(["valence", "arousal", "speaker"])
"""Fields that logs of the first programs lack."""
