"""``ser-live features``: the acoustic features of recordings."""

from __future__ import annotations

import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path

import click

from ser_live import __version__
from ser_live.cli.batch_run import BatchOptions, BatchRun, batch_options, paths_argument
from ser_live.cli.help_pages import Page
from ser_live.cli.options import channel_option, settings_options, track_option
from ser_live.cli.rows import make_form
from ser_live.config import Settings


@click.command(cls=Page, shown=("format", "unit", "output", "resume", "jobs", "channel", "quiet"))
@paths_argument
@click.option(
    "-f",
    "--format",
    "format_",
    type=click.Choice(["csv", "jsonl"]),
    default="csv",
    show_default=True,
    help="Encoding of the rows.",
)
@click.option(
    "--unit",
    type=click.Choice(["utterance", "file"]),
    default="utterance",
    show_default=True,
    help="A row for each utterance, or for each whole file: up to 10 minutes of it, silence "
    "where it holds nothing.",
)
@batch_options
@channel_option
@track_option
@settings_options
def command(
    paths: tuple[Path, ...],
    format_: str,
    unit: str,
    options: BatchOptions,
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
    from ser_live.batch.files import FEATURE_FIELDS, FileFeatures, file_features
    from ser_live.batch.folders import find_audio_files

    options.check(format_)
    found = find_audio_files(paths)
    run = BatchRun(
        found=found,
        work=partial(
            file_features, settings=settings, channel=channel, whole=unit == "file", track=track
        ),
        on_crash=lambda file, error: FileFeatures(file, error=error),
        rows_of=lambda features: list(features.records()),
        form=make_form(format_, FEATURE_FIELDS),
        options=options,
        what="extracting",
        notes_of=lambda features: features.notes,
        hangs_on={
            "command": "features",
            "--format": format_,
            "--unit": unit,
            "--channel": None if channel is None else channel + 1,
            "--track": track,
            "version": __version__,
            "settings": asdict(settings),
        },
    )
    sys.exit(run.run())
