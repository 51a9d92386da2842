"""``ser-live demo``: the bundled recording through the live analyzer."""

from __future__ import annotations

import sys
from importlib.resources import as_file, files
from typing import Any

import click

from ser_live.cli.live import output_options, run_live
from ser_live.cli.options import (
    channel_option,
    model_option,
    settings_options,
    speaker_options,
    take_settings,
)


@click.command()
@click.option("--speed", type=click.FloatRange(min=0), default=1.0, show_default=True, metavar="N")
@channel_option
@model_option
@speaker_options
@output_options
@settings_options
def command(speed: float, **kwargs: Any) -> None:
    """Replay the bundled demo recording.

    It is synthesised speech in varied pitch, tempo and loudness: it shows the
    program at work, not that its labels are right.
    """
    from ser_live.sources import FileSource

    settings = take_settings(kwargs)
    with as_file(files("ser_live") / "demo.ogg") as path:
        sources = [FileSource(path, speed=speed)]
        sys.exit(run_live(sources, settings=settings, **kwargs))
