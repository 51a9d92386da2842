"""The log that a person means, for every command of ``ser-live log``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ser_live.cli.completing import sessions
from ser_live.terminal.printing import echo

if TYPE_CHECKING:
    from ser_live.events import Recorded


def session_argument(command: Callable[..., None]) -> Callable[..., None]:
    """Add ``[SESSION]``: a path, or a number in the list; the command takes it as `file`."""

    @wraps(command)
    def with_file(file: str | None, **values: object) -> None:
        from ser_live.records.session_list import session_log_named

        command(file=session_log_named(file), **values)

    return click.argument(
        "file",
        required=False,
        metavar="[SESSION]",
        type=click.Path(),
        shell_complete=sessions,
    )(with_file)


def entries_of(file: Path) -> Iterator[Recorded]:
    """Entries of a log; that its last line is cut off is said on standard error."""
    from ser_live.records.session_log import read_log

    return read_log(file, on_cut=lambda sentence: echo(f"ser-live: {sentence}", err=True))
