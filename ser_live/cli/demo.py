"""``ser-live demo``: acted speech through the live analyzer, beside what was asked for."""

from __future__ import annotations

import sys
from dataclasses import replace
from importlib.resources import as_file, files
from typing import TYPE_CHECKING

import click

from ser_live.cli.ending import say
from ser_live.cli.help_pages import Page
from ser_live.cli.live import LiveOptions, live_options, run_live

if TYPE_CHECKING:
    from ser_live.outputs.sink import Sink


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
    """Hear an actor say one sentence in eight ways.

    \b
    Examples:
      ser-live demo                      half a minute, on the dashboard
      ser-live demo --speed 0 --display lines

    Beside each answer stands the emotion that the actor was asked for. The
    examples were chosen: how often the program is right about people it never
    heard is in the README. RAVDESS, Livingstone and Russo 2018, CC BY-NC-SA 4.0.
    """
    from ser_live.cli.demo_script import Compared, comparison, read_script
    from ser_live.outputs.dashboard.sink import DashboardSink
    from ser_live.sources import FileSource

    options.bridges.check_speed(speed)
    script = read_script()
    compared: list[Compared] = []

    def beside(display: Sink) -> Sink:
        is_told = options.tells_people
        compared.append(
            Compared(
                display,
                script,
                dashboard=display.state if isinstance(display, DashboardSink) else None,
                is_told=is_told,
            )
        )
        return compared[0]

    # The comparison takes the place of the sums of a session.
    silent = replace(options, quiet=True)
    with as_file(files("ser_live") / "acted" / "speech.ogg") as path:
        code = run_live([FileSource(path, speed=speed)], silent, beside=beside)
    if not options.quiet and compared:
        for line in comparison(script, compared[0].finals):
            say(line)
    sys.exit(code)
