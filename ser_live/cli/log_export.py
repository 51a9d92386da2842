"""``ser-live log export``: a session log in the form of another program."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ser_live.cli.help_pages import Page
from ser_live.cli.log_options import entries_of, session_argument
from ser_live.cli.rows_output import new_file, rows_output
from ser_live.errors import UsageError
from ser_live.terminal.printing import echo

if TYPE_CHECKING:
    from ser_live.records.exports.tables import Rows

# As in `records.exports.formats`, which --help does not load; a test compares them.
FORMATS = ("csv", "srt", "vtt", "audacity", "textgrid", "elan", "rttm", "parquet")


@click.command(cls=Page)
@session_argument
@click.option(
    "-f",
    "--to",
    "--format",
    "form",
    type=click.Choice(FORMATS),
    help="Encoding; without it by the name of --output, else csv.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="File to write; must not exist.  [default: standard output]",
)
@click.option(
    "--stream", type=click.IntRange(min=1), metavar="N", help="Only stream N, by its own clock."
)
@click.option("--partials", is_flag=True, help="Partial results too (csv, parquet).")
@click.option("--gaps", is_flag=True, help="Rows for gaps, drops and marks too (csv, parquet).")
def export(
    file: Path,
    form: str | None,
    output: Path | None,
    stream: int | None,
    partials: bool,
    gaps: bool,
) -> None:
    """Write the utterances of SESSION for other programs.

    Tables (csv, parquet) have a row an utterance, with its wall time. The others
    lay the session out in time, gaps and marks included.

    \b
    Examples:
      ser-live log export --to csv > latest.csv
      ser-live log export 2 --output talk.srt
    """
    form = form or _by_name(output)
    if form in ("csv", "parquet"):
        _export_table(file, form, output, stream, partials, gaps)
        return
    for name, is_given in (("--partials", partials), ("--gaps", gaps)):
        if is_given:
            raise UsageError(
                f"Found {name} with {form}, but only rows take it (others hold gaps anyway, and "
                "partial results overlap): leave it out, or choose csv."
            )
    from ser_live.records.exports.formats import TIMED
    from ser_live.records.exports.timeline import lay_out

    timeline = lay_out(entries_of(file), stream)
    with rows_output(output, is_utf8=True) as write:
        for part in TIMED[form].write(timeline):
            write(part)
    for remark in timeline.remarks:
        echo(f"ser-live: {remark}", err=True)


def _by_name(output: Path | None) -> str:
    from ser_live.records.exports.formats import format_of

    return "csv" if output is None else format_of(output.suffix) or "csv"


def _export_table(
    file: Path, form: str, output: Path | None, stream: int | None, partials: bool, gaps: bool
) -> None:
    from ser_live.records.exports.csv_table import write_csv
    from ser_live.records.exports.tables import Rows

    rows = Rows(entries_of(file), partials=partials, gaps=gaps, only=stream)
    if form == "parquet":
        _write_parquet(rows, output)
    elif output is None:
        write_csv(rows, sys.stdout)
    else:
        with (
            new_file(output) as raw,
            io.TextIOWrapper(raw, "utf-8", errors="backslashreplace", newline="") as text,
        ):
            write_csv(rows, text)
    if rows.n_left_out:
        echo(
            f"ser-live: {rows.n_left_out} gaps, drops and marks have no row: --gaps adds them.",
            err=True,
        )


def _write_parquet(rows: Rows, output: Path | None) -> None:
    from ser_live.records.exports.parquet_table import write_parquet
    from ser_live.terminal.console import is_screen

    if output is not None:
        with new_file(output) as stream:
            write_parquet(rows, stream)
        return
    if is_screen(sys.stdout):
        raise UsageError("Found a terminal, but Parquet is no text: add --output FILE.")
    # Whole before the first byte: a file of it ends with the table of what is where.
    whole = io.BytesIO()
    write_parquet(rows, whole)
    sys.stdout.buffer.write(whole.getvalue())
