"""CSV: a row an utterance, each cell safe in a spreadsheet."""

from __future__ import annotations

from itertools import chain
from typing import TextIO

from ser_live.records.csv_rows import CsvLines
from ser_live.records.exports.tables import WALL_TIME, Rows, peeked
from ser_live.records.exports.wall_clock import rfc_3339


def write_csv(rows: Rows, stream: TextIO) -> None:
    """Write header and rows as they are read; a log of any length takes little memory."""
    first, rest = peeked(rows)
    lines = CsvLines(stream, rows.fields)
    for row in chain(first, rest):
        lines.write({**row, WALL_TIME: rfc_3339(row[WALL_TIME])})  # type: ignore[arg-type]
