"""``ser-live log follow``: what a running session writes into its log, as it comes."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ser_live.cli.help_pages import Page
from ser_live.cli.log_options import session_argument
from ser_live.terminal.printing import echo

if TYPE_CHECKING:
    from ser_live.events import Recorded
    from ser_live.records.log_following import LogFollower

_POLL_S = 0.1


@click.command(cls=Page)
@session_argument
@click.option(
    "-f",
    "--format",
    "format_",
    type=click.Choice(["lines", "jsonl"]),
    default="lines",
    show_default=True,
    help="Lines for people, or the log's own.",
)
@click.option("--finals", is_flag=True, help="Only final results.")
@click.option(
    "-n",
    "--lines",
    "n_lines",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    metavar="N",
    help="Show so many earlier lines first.",
)
@click.option("--all", "shows_all", is_flag=True, help="Show all earlier lines.")
def follow(file: Path, format_: str, finals: bool, n_lines: int, shows_all: bool) -> None:
    """Print what SESSION writes into its log, as it comes, until it ends.

    Goes on where the log goes on in another file. Ctrl-C ends it; the session
    does not notice.

    \b
    Examples:
      ser-live log follow                      the latest session
      ser-live log follow --format jsonl --finals | jq -r .emotion
    """
    from ser_live.outputs.log_lines import log_line
    from ser_live.records.log_following import LogFollower

    def lines_of(entries: Iterable[Recorded]) -> Iterator[str]:
        return filter(
            None, (log_line(e, as_json=format_ == "jsonl", finals=finals) for e in entries)
        )

    write: Callable[[str], None] = click.echo if format_ == "jsonl" else echo
    with LogFollower(file) as follower:
        earlier = deque(lines_of(follower.poll()), None if shows_all else n_lines)
        for line in chain(earlier, lines_of(_coming(follower))):
            write(line)
        if not follower.has_ended:
            echo(
                f"ser-live: {follower.path} is written no more, and says of no end: its program "
                "was killed.",
                err=True,
            )


def _coming(follower: LogFollower) -> Iterator[Recorded]:
    while not follower.is_over:
        yield from follower.poll()
        if not follower.is_over:
            time.sleep(_POLL_S)
