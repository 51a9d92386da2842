"""Code that ``analyze`` and ``features`` share: rows out, progress, files that failed."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TypeVar

import click

from ser_live.cli.options import Command
from ser_live.terminal.printing import echo

T = TypeVar("T")


class Rows(Protocol):
    """Takes one record after the other."""

    def write(self, record: Mapping[str, object]) -> None: ...


class _JsonRows:
    def write(self, record: Mapping[str, object]) -> None:
        from ser_live.records.json_line import json_line

        click.echo(json_line(record))


class _TableRows:
    """Collects a table, as its columns can only be aligned at the end."""

    def __init__(self, fields: Sequence[str]) -> None:
        self._fields = fields
        self._rows: list[list[str]] = []

    def write(self, record: Mapping[str, object]) -> None:
        from ser_live.terminal.text import printable

        values = [record.get(field) for field in self._fields]
        self._rows.append(["" if value is None else printable(str(value)) for value in values])

    def print(self) -> None:
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False)
        for field in self._fields:
            table.add_column(field, overflow="fold")
        for row in self._rows:
            table.add_row(*map(Text, row))
        Console(highlight=False, markup=False).print(table)


@contextmanager
def open_rows(
    format_: str, csv_fields: Sequence[str], table_fields: Sequence[str]
) -> Iterator[Rows]:
    """Rows on standard output in the format asked for."""
    if format_ == "jsonl":
        yield _JsonRows()
    elif format_ == "csv":
        from ser_live.records.csv_rows import CsvLines

        yield CsvLines(sys.stdout, csv_fields)
    else:
        table = _TableRows(table_fields)
        yield table
        table.print()


def with_progress(results: Iterable[T], total: int, what: str) -> Iterator[T]:
    """Pass results on under a progress bar on standard error, where that is a terminal."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    if not console.is_terminal:
        return iter(results)
    return iter(track(results, what, total=total, console=console, transient=True))


def report_notes(file: str, notes: Sequence[str]) -> None:
    """Say at once what people should know about a recording that was read."""
    for note in notes:
        echo(f"ser-live: {file}: {note}", err=True)


def report_bad_files(n_files: int, failures: Sequence[tuple[str, str]]) -> int:
    """List the files that could not be read; returns the exit code."""
    if not failures:
        return 0
    echo(f"ser-live: {len(failures)} of {n_files} files could not be analyzed:", err=True)
    for file, message in failures:
        echo(f"  {file}: {message}", err=True)
    return 1


def paths_argument(command: Command) -> Command:
    """Add ``PATH...``."""
    return click.argument(
        "paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH..."
    )(command)
