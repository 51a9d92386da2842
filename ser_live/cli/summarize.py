"""``ser-live summarize``: groups of people in an archive."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ser_live.cli.archive_options import AnyPlace
from ser_live.cli.ending import say
from ser_live.cli.help_pages import Page
from ser_live.cli.rows import CsvRows, JsonRows
from ser_live.cli.rows_output import rows_output
from ser_live.errors import UsageError
from ser_live.remote import Location
from ser_live.terminal.text import printable

if TYPE_CHECKING:
    from ser_live.archive.summary.report import Summary
    from ser_live.archive.summary.results import Results


@click.command(cls=Page)
@click.argument("results", type=AnyPlace(dir_okay=False), metavar="RESULTS")
@click.option(
    "--by",
    default="folder",
    show_default=True,
    metavar="COLUMN",
    help="folder, day, speaker, or a column of the results or of --groups.",
)
@click.option(
    "--groups",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    metavar="FILE.csv",
    help="Table with the column file, and others such as speaker or group.",
)
@click.option(
    "--stimuli",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    metavar="FILE.csv",
    help="Curves by the second: file,person,ad,start_s,end_s.",
)
@click.option(
    "-f",
    "--format",
    "format_",
    type=click.Choice(["text", "jsonl", "csv", "html", "svg"]),
    default="text",
    show_default=True,
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    metavar="FILE",
    help="Write to this new file instead of standard output.",
)
def command(
    results: Location,
    by: str,
    groups: Path | None,
    stimuli: Path | None,
    format_: str,
    output: Path | None,
) -> None:
    """Sum up an archive by groups, with people as the unit and intervals.

    \b
    Examples:
      ser-live summarize results.parquet --by folder
      ser-live summarize results.parquet --by day -f html -o days.html

    \f
    A person is a speaker where --groups names them, else a recording. Shares are
    means of calibrated probabilities. Under 8 people no interval is given, and no
    difference. Intervals cover which people were heard, not what the model gets
    wrong. Emotions by agent, employee or student are refused. A day is the date in the name or
    the folder of a recording. html is a page, svg (with --stimuli) a picture of the curves.

    \b
    More examples:
      ser-live summarize results.parquet --by ad --groups who.csv -f csv
      ser-live summarize results.parquet --stimuli ads.csv -f svg -o curves.svg
      ser-live summarize results.parquet --stimuli ads.csv -f csv > curves.csv
    """
    from ser_live.archive.summary.people import grouped, read_groups, refuse_workers
    from ser_live.archive.summary.report import RECORD_FIELDS, records, summarized
    from ser_live.archive.summary.results import StoredResults

    refuse_workers(by)
    rows = StoredResults(results)
    if stimuli is not None:
        _write_curves(rows, stimuli, format_, output)
        return
    if format_ == "svg":
        raise UsageError(
            "Found --format svg without --stimuli, but only curves are drawn by themselves: choose "
            "html, or add --stimuli FILE.csv."
        )
    found = grouped(rows, by, None if groups is None else read_groups(groups))
    summary = summarized(found, by, rows.labels)
    with rows_output(output, is_utf8=format_ == "html") as write:
        if format_ == "text":
            write(_text(summary))
        elif format_ == "html":
            from ser_live.archive.summary.page import summary_page

            write(summary_page(summary, rows.told))
        else:
            form = JsonRows() if format_ == "jsonl" else CsvRows(RECORD_FIELDS)
            write(form.header + form.text(list(records(summary))))
    for remark in found.remarks:
        say(f"ser-live: {remark}.")


def _write_curves(rows: Results, table: Path, format_: str, output: Path | None) -> None:
    from ser_live.archive.summary.stimuli import (
        CURVE_FIELDS,
        curves,
        in_words,
        read_stimuli,
        records,
    )

    found = curves(rows, read_stimuli(table))
    with rows_output(output, is_utf8=format_ in ("html", "svg")) as write:
        if format_ in ("html", "svg"):
            from ser_live.archive.summary.page import curves_page, curves_picture

            write(curves_page(found, rows.told) if format_ == "html" else curves_picture(found))
        elif format_ == "text":
            for curve in found:
                write(f"{printable(in_words(curve))}\n")
        else:
            form = JsonRows() if format_ == "jsonl" else CsvRows(CURVE_FIELDS)
            write(form.header + form.text(list(records(found))))


def _text(summary: Summary) -> str:
    from rich.console import Console
    from rich.text import Text

    from ser_live.archive.summary.report import HOW_TO_READ, tables

    text = io.StringIO()
    console = Console(file=text, width=80, color_system=None)
    for heading, table in tables(summary):
        console.print(Text(heading))
        console.print(table)
        console.print()
    console.print(Text(HOW_TO_READ))
    return text.getvalue()
