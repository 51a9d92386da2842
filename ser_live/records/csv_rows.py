"""Records as rows of CSV.

Field names are those of ``as_record``. CSV has no nested values, so ``probabilities`` becomes
``probability_neutral`` and so on, a column for each of the model's labels, ``reasons`` becomes
their texts joined with ``; `` and undefined becomes an empty cell.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TextIO

from ser_live.emotions import LABELS
from ser_live.events import EmotionResult, columns


def emotion_fields(labels: Sequence[str] = LABELS) -> tuple[str, ...]:
    """Columns of a CSV file with one emotion record a row."""
    return ("type", *flat_names([column.key for column in columns(EmotionResult)], labels))


def flat_names(names: Sequence[str], labels: Sequence[str]) -> Iterator[str]:
    """Names of a record's values in a row of CSV."""
    for name in names:
        if name == "probabilities":
            yield from (f"probability_{label}" for label in labels)
        else:
            yield name


_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Characters a terminal obeys: controls, line ends, and those that turn direction round."""
_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def flat(record: Mapping[str, object]) -> dict[str, object]:
    """Flatten nested values, under the names of the columns of a CSV file."""
    row: dict[str, object] = {}
    for name, value in record.items():
        if name == "probabilities":
            known = value if isinstance(value, Mapping) else {}
            row.update({f"probability_{label}": share for label, share in known.items()})
        elif name == "reasons" and isinstance(value, list):
            row[name] = "; ".join(_texts(value))
        elif not isinstance(value, Mapping):
            row[name] = value
    return row


def flatten(record: Mapping[str, object]) -> dict[str, object]:
    """Flatten as `flat` does, and make each cell safe in a spreadsheet and on a terminal.

    A text that begins like a formula (``=``, ``+``, ``-``, ``@``, tab, line end) gets an
    apostrophe in front; numbers stay numbers. Control characters but tab and line feed are
    written as ``\\x1b``, bytes that are not text as ``\\udce9``.
    """
    return {name: _cell(value) for name, value in flat(record).items()}


def _texts(reasons: Sequence[object]) -> Iterator[str]:
    return (str(reason["text"]) for reason in reasons if isinstance(reason, Mapping))


def _cell(value: object) -> object:
    if type(value) is int or (type(value) is float and math.isfinite(value)):
        return value
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, str):
        if value.isascii() and value.isprintable():  # nothing in it is to be replaced
            return f"'{value}" if value.startswith(_FORMULA_SIGNS) else value
        value = _CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode(), value)
        value = value.encode("utf-8", "backslashreplace").decode()
        return f"'{value}" if value.startswith(_FORMULA_SIGNS) else value
    return value


class CsvText:
    """Gives records as text of CSV, for who writes it; the header goes before the first.

    Parameters
    ----------
    fields : sequence of str
        Columns, as those of `CsvLines`.
    """

    def __init__(self, fields: Sequence[str]) -> None:
        self._text = io.StringIO(newline="")
        self._rows = CsvLines(self._text, fields)

    def text(self, record: Mapping[str, object]) -> str:
        """Whole lines for a record."""
        self._rows.write(record)
        text = self._text.getvalue()
        self._text.seek(0)
        self._text.truncate()
        return text


class CsvLines:
    """Writes records as CSV rows, the header first.

    Parameters
    ----------
    stream : text stream
        Where rows go; opened with ``newline=""`` where it is a file.
    fields : sequence of str
        Columns, flattened names as `emotion_fields` gives. A record's other fields are
        left out, a column that a record lacks stays empty.
    """

    def __init__(self, stream: TextIO, fields: Sequence[str]) -> None:
        self._fields = tuple(fields)
        self._writer = csv.writer(stream, lineterminator="\n")
        self._writer.writerow(self._fields)

    def write(self, record: Mapping[str, object]) -> None:
        row = flat(record)
        self._writer.writerow([_cell(row.get(name)) for name in self._fields])
