"""``ser-live features``: the acoustic features of recordings."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import click

from ser_live.cli.options import channel_option, jobs_option, settings_options, track_option
from ser_live.cli.rows import open_rows, paths_argument, report_bad_files, with_progress
from ser_live.config import Settings


@click.command()
@paths_argument
@click.option(
    "-f",
    "--format",
    "format_",
    type=click.Choice(["csv", "jsonl"]),
    default="csv",
    show_default=True,
)
@click.option(
    "--unit",
    type=click.Choice(["utterance", "file"]),
    default="utterance",
    show_default=True,
    help="One row for each utterance, or one for each whole file (up to 10 minutes).",
)
@jobs_option
@channel_option
@track_option
@settings_options
def command(
    paths: tuple[Path, ...],
    format_: str,
    unit: str,
    jobs: int,
    channel: int | None,
    track: int | None,
    settings: Settings,
) -> None:
    """Print the features of files, or of all recordings below folders.

    docs/features.md defines each. Undefined is an empty cell (csv) or null (jsonl).

    \b
    Examples:
      ser-live features talk.wav > features.csv
      ser-live features clips/ --unit file --format jsonl --jobs 2
    """
    from ser_live.batch.files import FEATURE_FIELDS, file_features, find_audio_files, map_files

    files = find_audio_files(paths)
    work = partial(
        file_features, settings=settings, channel=channel, whole=unit == "file", track=track
    )
    failures: list[tuple[str, str]] = []
    with open_rows(format_, FEATURE_FIELDS, ()) as rows:
        for found in with_progress(map_files(work, files, jobs), len(files), "extracting"):
            if found.error is not None:
                failures.append((found.file, found.error))
            for record in found.records():
                rows.write(record)
    sys.exit(report_bad_files(len(files), failures))
