"""``ser-live replay``: recordings through the live analyzer."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ser_live.cli.given_path import GivenPath
from ser_live.cli.help_pages import Page
from ser_live.cli.live import LiveOptions, live_options, run_live
from ser_live.cli.options import track_option


@click.command(
    cls=Page,
    shown=(
        "speed",
        "channel",
        "sensitivity",
        "pace",
        "speaker",
        "display",
        "format",
        "output",
        "no-log",
    ),
)
@click.argument("files", nargs=-1, required=True, type=GivenPath())
@click.option(
    "--speed",
    type=click.FloatRange(min=0),
    default=1.0,
    show_default=True,
    metavar="N",
    help="Times real time; 0 is as fast as possible. The results are the same.",
)
@track_option
@live_options
def command(files: tuple[Path, ...], speed: float, track: int | None, options: LiveOptions) -> None:
    """Play recordings exactly as if they came from a microphone.

    \b
    Examples:
      ser-live replay call.mp3 --channel 2 --speed 4   one side of a call, faster
      ser-live replay call.wav --roles left=agent:activity,right=customer
      ser-live replay *.flac --speed 0 --format jsonl  for programs

    \f
    Reads wav, flac, ogg and mp3; with `pip install "ser-live[media]"` also m4a, mp4, webm and mkv.
    Any rate, depth and number of channels. `ser-live talk.wav` is the same as `ser-live replay
    talk.wav`.
    """
    from ser_live.sources import FileSource

    options.bridges.check_speed(speed)
    sources = [FileSource(path, speed=speed, track=track, roles=options.lanes) for path in files]
    sys.exit(run_live(sources, options))
