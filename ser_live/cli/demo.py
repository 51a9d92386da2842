"""``ser-live demo``: the bundled recording through the live analyzer."""

from __future__ import annotations

import sys
from importlib.resources import as_file, files

import click

from ser_live.cli.help_pages import Page
from ser_live.cli.live import LiveOptions, live_options, run_live


@click.command(
    cls=Page, shown=("speed", "sensitivity", "pace", "display", "format", "output", "no-log")
)
@click.option(
    "--speed",
    type=click.FloatRange(min=0),
    default=1.0,
    show_default=True,
    metavar="N",
    help="Times real time; 0 is as fast as possible.",
)
@live_options
def command(speed: float, options: LiveOptions) -> None:
    """Replay the bundled demo recording.

    It is synthesised speech in varied pitch, tempo and loudness: it shows the
    program at work, not that its labels are right.

    \b
    Examples:
      ser-live demo                      on the dashboard, as it was spoken
      ser-live demo --speed 0 --display lines
    """
    from ser_live.sources import FileSource

    with as_file(files("ser_live") / "demo.ogg") as path:
        sources = [FileSource(path, speed=speed)]
        sys.exit(run_live(sources, options))
