"""Results as lines: text for people, JSON Lines and CSV for programs.

Field names are those of ``as_record`` everywhere. CSV has no nested values, so
``probabilities`` becomes ``probability_neutral`` ... ``probability_surprised``,
``reasons`` becomes their texts joined with ``; `` and undefined becomes an empty cell.
"""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TextIO

from ser_live.emotions import LABELS
from ser_live.events import (
    DeviceFound,
    Drop,
    EmotionResult,
    Kind,
    SourceFailed,
    StreamGap,
    StreamStarted,
    Verdict,
    columns,
    seconds,
)
from ser_live.events.forms import finite
from ser_live.terminal_text import clock, printable, signed


def _flat_names(names: Iterator[str]) -> Iterator[str]:
    for name in names:
        if name == "probabilities":
            yield from (f"probability_{label}" for label in LABELS)
        else:
            yield name


EMOTION_FIELDS: tuple[str, ...] = (
    "type",
    *_flat_names(column.key for column in columns(EmotionResult)),
)
"""Columns of a CSV file with one emotion record a row."""

_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""What a terminal obeys: control characters, line ends, and what turns direction round."""
_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def text_line(
    event: EmotionResult | Drop | StreamGap | StreamStarted | SourceFailed | DeviceFound,
    *,
    with_file: bool = False,
) -> str:
    """One line for people, safe to print; `with_file` puts the file name at its end.

    ``00:03.2-00:05.9  happy      0.81  v+0.6 a+0.4  [pitch +3.1 st, louder +4 dB]``, with
    ``v`` for valence and ``a`` for arousal. A partial result has ``...`` after its end, a
    rejected one its state in place of the emotion.
    """
    if isinstance(event, StreamStarted):
        return f"== {printable(event.source)}"
    if isinstance(event, DeviceFound):
        return f"== {printable(found_again(event))}"
    if isinstance(event, SourceFailed):
        return f"!! {printable(event.message)}"
    if isinstance(event, StreamGap):
        start_s = event.start_s
        end_s = seconds(event.start_sample + event.n_samples)
        lost_s = event.duration_s
        lost = f"{lost_s:.1f} s" if lost_s >= 10 else f"{lost_s * 1000:.0f} ms"
        rest = f"gap              [{lost} lost: {printable(event.cause)}]"
    else:
        start_s, end_s = event.start_s, event.end_s
        rest = _dropped(event) if isinstance(event, Drop) else _judged(event)
    span = f"{clock(start_s, tenths=True)}-{clock(end_s, tenths=True)}"
    if isinstance(event, EmotionResult) and event.kind is Kind.PARTIAL:
        span += "..."
    line = f"{span:<18} {rest}".rstrip()
    return f"{line}  {printable(event.file)}" if with_file and event.file else line


def found_again(event: DeviceFound) -> str:
    """A sentence about the microphone that is heard again, or the one that stands in."""
    if event.device == event.lost_device:
        return f"{event.device} is back"
    return f"{event.device} is heard instead of {event.lost_device}"


def _dropped(event: Drop) -> str:
    return f"dropped          [{event.kind} not analyzed: analysis fell behind]"


def _judged(result: EmotionResult) -> str:
    label = result.state.value if result.emotion is None else result.emotion.value
    confidence = "    " if result.confidence is None else f"{result.confidence:.2f}"
    notes = [printable(reason.text) for reason in result.reasons]
    if result.state is Verdict.UNCERTAIN and result.best is not None:
        notes.insert(0, f"best guess {result.best.value}")
    affect = ""
    if result.valence is not None and result.arousal is not None:
        affect = f"  v{signed(result.valence, 1)} a{signed(result.arousal, 1)}"
    return f"{label:<10} {confidence}{affect}" + (f"  [{', '.join(notes)}]" if notes else "")


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


def flatten(record: Mapping[str, object]) -> dict[str, object]:
    """`record` without nested values, each cell safe in a spreadsheet and on a terminal.

    A text that begins like a formula (``=``, ``+``, ``-``, ``@``, tab, line end) gets an
    apostrophe in front; numbers stay numbers. Control characters but tab and line feed are
    written as ``\\x1b``, bytes that are no text as ``\\udce9``.
    """
    row: dict[str, object] = {}
    for name, value in record.items():
        if name == "probabilities":
            known = value if isinstance(value, Mapping) else {}
            row.update({f"probability_{label}": _cell(known.get(label)) for label in LABELS})
        elif name == "reasons" and isinstance(value, list):
            row[name] = _cell("; ".join(_texts(value)))
        elif not isinstance(value, Mapping):
            row[name] = _cell(value)
    return row


def _texts(reasons: Sequence[object]) -> Iterator[str]:
    return (str(reason["text"]) for reason in reasons if isinstance(reason, Mapping))


def _cell(value: object) -> object:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, str):
        value = _CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode(), value)
        value = value.encode("utf-8", "backslashreplace").decode()
        return f"'{value}" if value.startswith(_FORMULA_SIGNS) else value
    return value


class CsvLines:
    """Writes records as CSV rows, the header first.

    Parameters
    ----------
    stream : text stream
        Where rows go; opened with ``newline=""`` where it is a file.
    fields : sequence of str
        Columns, flattened names as in `EMOTION_FIELDS`. A record's other fields are
        left out, a column that a record lacks stays empty.
    """

    def __init__(self, stream: TextIO, fields: Sequence[str] = EMOTION_FIELDS) -> None:
        self._writer = csv.DictWriter(
            stream, fieldnames=list(fields), restval="", extrasaction="ignore", lineterminator="\n"
        )
        self._writer.writeheader()

    def write(self, record: Mapping[str, object]) -> None:
        self._writer.writerow(flatten(record))
