"""``ser-live log``: read and export session logs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from ser_live.terminal.printing import echo

if TYPE_CHECKING:
    from ser_live.events import Record, Recorded


@click.group("log")
def command() -> None:
    """Read and export session logs."""


_FILE = click.Path(path_type=Path)


@command.command()
@click.argument("file", type=_FILE)
@click.option("--to", "form", type=click.Choice(["csv"]), default="csv", show_default=True)
@click.option(
    "--output", type=_FILE, help="File to write; must not exist.  [default: standard output]"
)
@click.option("--partials", is_flag=True, help="Include partial results, not only final ones.")
def export(file: Path, form: str, output: Path | None, partials: bool) -> None:
    """Write the results in FILE as CSV, one utterance a row."""
    from ser_live.events import EmotionResult, Kind

    rows = (
        entry.as_record()
        for entry in _entries(file)
        if isinstance(entry, EmotionResult) and (partials or entry.kind is Kind.FINAL)
    )
    if output is None:
        _write_csv(rows, sys.stdout)
        return
    from ser_live.errors import LogError

    try:
        with output.open("x", encoding="utf-8", errors="backslashreplace", newline="") as stream:
            _write_csv(rows, stream)
    except FileExistsError:
        raise LogError(
            f"{output} exists and is not overwritten: give --output another name."
        ) from None
    except OSError as error:
        raise LogError(
            f"{output} cannot be written ({error.strerror}): give --output a writable place."
        ) from error


@command.command()
@click.argument("file", type=_FILE)
def show(file: Path) -> None:
    """Print a summary of FILE."""
    from ser_live.records.summary import summary_lines

    for line in summary_lines(_entries(file)):
        echo(line)


def _entries(file: Path) -> Iterator[Recorded]:
    from ser_live.records.session_log import read_log

    return read_log(file, on_cut=lambda sentence: echo(f"ser-live: {sentence}", err=True))


def _write_csv(rows: Iterator[Record], stream: TextIO) -> None:
    from ser_live.records.csv_rows import CsvLines

    lines = CsvLines(stream)
    for row in rows:
        lines.write(row)
