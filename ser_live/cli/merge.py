"""``ser-live merge``: parts of an archive into one file."""

from __future__ import annotations

import sys

import click

from ser_live.cli.archive_options import AnyPlace, existing
from ser_live.cli.batch_run import with_path
from ser_live.cli.ending import say
from ser_live.cli.help_pages import Page
from ser_live.errors import UsageError
from ser_live.remote import Location


@click.command(cls=Page)
@click.argument("folders", nargs=-1, required=True, type=AnyPlace(), metavar="FOLDER...")
@click.option(
    "-o",
    "--output",
    "--out",
    type=AnyPlace(dir_okay=False),
    required=True,
    metavar="FILE",
    help="A .parquet or .csv file for the rows; FILE.files.* lists the recordings.",
)
@click.option("--overwrite", is_flag=True, help="Replace the file where it exists.")
def command(folders: tuple[Location, ...], output: Location, overwrite: bool) -> None:
    """Join the parts that `analyze --out FOLDER` wrote, on one machine or many.

    Rows are sorted by recording, so the file is the same however the work was
    shared out. The exit code is 1 where a recording could not be analyzed.

    \b
    Examples:
      ser-live merge parts/ -o results.parquet
      ser-live merge node1/ node2/ node3/ -o results.csv
    """
    from ser_live.archive.merge import merge
    from ser_live.archive.rows import is_file_of_rows

    if not is_file_of_rows(output):
        raise UsageError(
            f"Found --output {output}, but rows go into a .parquet or .csv file: name one."
        )
    if existing(output) and not overwrite:
        raise UsageError(
            f"{output} exists already and would be replaced: add --overwrite, or name another file."
        )
    merged = merge(folders, output)
    say(f"ser-live: {merged.in_words}")
    if merged.failures:
        say(f"ser-live: {len(merged.failures)} of {merged.n_files} files could not be analyzed:")
        for file, message in merged.failures:
            say(f"  {with_path(file, message)}")
        sys.exit(1)
