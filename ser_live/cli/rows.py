"""Rows as text: lines of JSON, CSV, or a table whose columns have their widths from the start."""

from __future__ import annotations

import io
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import Protocol

UNLIMITED_CELLS = 1_000_000
"""Width of a line that nobody sees on a terminal."""

_CELLS = {"start_s": 9, "end_s": 9, "confidence": 10, "speech_s": 9, "n_utterances": 12}
"""Widths of columns of numbers; wide enough for a recording of more than a day."""
_LEAST_CELLS = 4
"""Least width of a column on a terminal that is narrower than the table."""
_GAP = "  "


class Form(Protocol):
    """Form of rows: the lines that come before them, and what each record becomes."""

    header: str

    def text(self, records: Sequence[Mapping[str, object]]) -> str:
        """Whole lines for records."""
        ...


class JsonRows:
    """A line of JSON a record."""

    header = ""

    def text(self, records: Sequence[Mapping[str, object]]) -> str:
        from ser_live.records.json_line import json_line

        return "".join(f"{json_line(record)}\n" for record in records)


class CsvRows:
    """A row of CSV a record, with the given columns."""

    def __init__(self, fields: Sequence[str]) -> None:
        self._fields = fields
        self.header = self._lines(None)

    def text(self, records: Sequence[Mapping[str, object]]) -> str:
        return self._lines(records).removeprefix(self.header)

    def _lines(self, records: Sequence[Mapping[str, object]] | None) -> str:
        from ser_live.records.csv_rows import CsvLines

        stream = io.StringIO(newline="")
        rows = CsvLines(stream, self._fields)
        for record in records or ():
            rows.write(record)
        return stream.getvalue()


class TableRows:
    """A row for people a record; what is too long for its column goes on below.

    Parameters
    ----------
    fields : sequence of str
        Columns. The first one is the file.
    files : sequence of path
        All that there will be rows of.
    labels : sequence of str
        What a column of emotions may hold.
    width : int
        Cells of a line.
    """

    def __init__(
        self,
        fields: Sequence[str],
        files: Sequence[os.PathLike[str]],
        labels: Sequence[str],
        width: int,
    ) -> None:
        from rich.cells import cell_len

        from ser_live.events import StreamState, Verdict
        from ser_live.terminal.text import printable

        self._fields = fields
        texts = {
            "file": [printable(str(path)) for path in files],
            "emotion": [printable(label) for label in labels],
            "state": [state.value for kind in (Verdict, StreamState) for state in kind],
        }
        widths = [max(map(cell_len, [field, *texts.get(field, ())]), default=0) for field in fields]
        widths = [max(n, _CELLS.get(field, 0)) for n, field in zip(widths, fields, strict=True)]
        self._widths = _fitting(widths, width - len(_GAP) * (len(fields) - 1))
        self.header = self._row(fields)

    def text(self, records: Sequence[Mapping[str, object]]) -> str:
        return "".join(
            self._row(["" if (v := record.get(f)) is None else str(v) for f in self._fields])
            for record in records
        )

    def _row(self, values: Sequence[str]) -> str:
        from rich.cells import chop_cells

        from ser_live.terminal.text import pad, printable

        cells = [
            chop_cells(printable(value), width) or [""]
            for value, width in zip(values, self._widths, strict=True)
        ]
        lines = []
        for n in range(max(map(len, cells))):
            parts = [
                pad(cell[n] if n < len(cell) else "", width)
                for cell, width in zip(cells, self._widths, strict=True)
            ]
            lines.append(_GAP.join(parts).rstrip() + "\n")
        return "".join(lines)


def _fitting(widths: list[int], room: int) -> list[int]:
    """Widths that fit into `room` cells: the widest columns give first."""
    while sum(widths) > room and max(widths) > _LEAST_CELLS:
        widest = widths.index(max(widths))
        second = max(_LEAST_CELLS, *(n for k, n in enumerate(widths) if k != widest))
        excess = sum(widths) - room
        widths[widest] = max(min(second, widths[widest] - 1), widths[widest] - excess, _LEAST_CELLS)
    return widths


def screen_cells() -> int:
    """Width of a line of standard output: that of the terminal, or of ``COLUMNS``."""
    from ser_live.terminal.streams import is_screen

    if not is_screen(sys.stdout) and "COLUMNS" not in os.environ:
        return UNLIMITED_CELLS
    return max(1, shutil.get_terminal_size().columns)


def make_form(
    format_: str,
    csv_fields: Sequence[str],
    table_fields: Sequence[str] = (),
    files: Sequence[os.PathLike[str]] = (),
    labels: Sequence[str] = (),
) -> Form:
    """Form of the rows that ``--format`` asks for."""
    if format_ == "jsonl":
        return JsonRows()
    if format_ == "csv":
        return CsvRows(csv_fields)
    return TableRows(table_fields, files, labels, screen_cells())
