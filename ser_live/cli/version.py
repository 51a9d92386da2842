"""``ser-live version``: the same as ``--version``."""

from __future__ import annotations

import click

from ser_live import __version__
from ser_live.terminal.printing import echo


@click.command()
def command() -> None:
    """Show the version of ser-live.

    \b
    Examples:
      ser-live version
      ser-live -V
    """
    echo(f"ser-live, version {__version__}")
