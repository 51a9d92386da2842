"""``ser-live version``: the same as ``--version``."""

from __future__ import annotations

import click

from ser_live import __version__
from ser_live.cli.help_pages import Page
from ser_live.terminal.printing import echo


@click.command(cls=Page)
def command() -> None:
    """Show the version of ser-live.

    \b
    Examples:
      ser-live version
      ser-live -V
    """
    echo(f"ser-live, version {__version__}")
