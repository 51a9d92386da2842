"""Records as lines of JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping

from ser_live.events.forms import finite


def json_line(record: Mapping[str, object]) -> str:
    """`record` as one line of JSON without its line end: never NaN, never a raw line break.

    NaN and infinity become ``null``. Characters are written as they are, so that names
    stay readable, except in a record with one that a terminal would obey or that cannot be
    written (a file name in another encoding): there everything beyond ASCII is escaped.
    """
    text = json.dumps(
        finite(record), ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain
    )
    if not text.isprintable():
        return json.dumps(json.loads(text), allow_nan=False, separators=(",", ":"))
    return text


def _plain(value: object) -> object:
    """A value that JSON can hold for a numpy scalar or a path."""
    item = getattr(value, "item", None)
    return str(value) if item is None else finite(item())
