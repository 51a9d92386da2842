"""Records as lines of JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping


def json_line(record: Mapping[str, object]) -> str:
    """`record` as one line of JSON without its line end: never NaN, never a raw line break.

    NaN and infinity become ``null``. Characters are written as they are, so that names
    stay readable, except in a record with one that a terminal would obey or that cannot be
    written (a file name in another encoding): there everything beyond ASCII is escaped.
    """
    text = json.dumps(
        _finite(record), ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain
    )
    if not text.isprintable():
        return json.dumps(json.loads(text), allow_nan=False, separators=(",", ":"))
    return text


def _finite(value: object) -> object:
    """`value` with every NaN and infinity in it replaced by ``None``."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value


def _plain(value: object) -> object:
    """A value that JSON can hold for a numpy scalar or a path."""
    item = getattr(value, "item", None)
    return str(value) if item is None else _finite(item())
