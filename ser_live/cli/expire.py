"""``--expire``: the date after which ``ser-live purge --expired`` removes what a run kept."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click

from ser_live.cli.ending import say
from ser_live.cli.options import Command
from ser_live.errors import SerLiveError


def _as_date(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    if value is None:
        return None
    from ser_live.records.expiry import expires_at

    return expires_at(value)


def expire_option(command: Command) -> Command:
    """Add ``--expire``; the command takes the date as `expires_at`."""
    return click.option(
        "--expire",
        "expires_at",
        default=None,
        metavar="TIME",
        callback=_as_date,
        help="Let what is kept of it expire, as 12h, 30d or 8w: `ser-live purge --expired` removes "
        "it then.",
    )(command)


def earliest(dates: Iterable[str | None]) -> str | None:
    """The first of some dates of expiry; ``None`` where there is none that can be read."""
    from ser_live.records.expiry import moment

    known = [(found, date) for date in dates if (found := moment(date)) is not None]
    return min(known)[1] if known else None


@contextmanager
def expiring(
    path: Path | None, expires_at: str | None, *, keeps_more: bool = False
) -> Iterator[None]:
    """Put a file of rows, or a report, that is written inside on the list of what expires.

    Parameters
    ----------
    path : Path or None
        The file; ``None`` for standard output.
    expires_at : str or None
        ``None`` where it is kept for good.
    keeps_more : bool
        Whether something else says its date by itself, as a log does.
    """
    if expires_at is None or path is None:
        if expires_at is not None and not keeps_more:
            say("ser-live: --expire has no file to be about: what is printed is not removed later.")
        yield
        return
    from ser_live.records.expiry import Expiring, remember

    if not os.path.lexists(path):
        remember(path, Expiring.FILE, expires_at, is_whole=False)
    try:
        yield
    except SerLiveError:  # it may be the file of somebody else that was in the way
        raise
    except BaseException:
        _remember_written(path, expires_at)
        raise
    _remember_written(path, expires_at)


def _remember_written(path: Path, expires_at: str) -> None:
    from ser_live.records.expiry import Expiring, remember

    with suppress(OSError):
        if path.is_file() and not path.is_symlink():
            remember(path, Expiring.FILE, expires_at)
