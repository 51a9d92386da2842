"""``ser-live log``: read and export session logs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from ser_live.terminal.printing import echo

if TYPE_CHECKING:
    from ser_live.events import Recorded


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
    entries = _entries(file)
    if output is None:
        _write_csv(entries, sys.stdout, partials)
        return
    from ser_live.errors import LogError

    try:
        with output.open("x", encoding="utf-8", errors="backslashreplace", newline="") as stream:
            _write_csv(entries, stream, partials)
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


def _write_csv(entries: Iterator[Recorded], stream: TextIO, partials: bool) -> None:
    from ser_live.emotions import LABELS
    from ser_live.events import EmotionResult, Kind, SessionStarted
    from ser_live.records.csv_rows import CsvLines, emotion_fields

    labels = LABELS  # the session's beginning, which says which, stands before any result
    lines = None
    for entry in entries:
        if isinstance(entry, SessionStarted):
            labels = entry.labels
        elif isinstance(entry, EmotionResult) and (partials or entry.kind is Kind.FINAL):
            lines = lines or CsvLines(stream, emotion_fields(labels))
            lines.write(entry.as_record())
    if lines is None:
        CsvLines(stream, emotion_fields(labels))
