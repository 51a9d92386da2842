"""``ser-live purge``: remove what ser-live left on this machine."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ser_live.cli.help_pages import Page
from ser_live.errors import UsageError
from ser_live.terminal.printing import echo

if TYPE_CHECKING:
    from ser_live.purge import Inventory, Kind

_DAY_S = 86_400.0
_ONE = {"ROWS": "file of rows or report"}
_N_NAMED = 5
"""Most names in a line."""


@click.command(cls=Page)
@click.option("--sessions", is_flag=True, help="Only session logs and the audio they kept.")
@click.option("--profiles", is_flag=True, help="Only speaker profiles.")
@click.option("--notes", is_flag=True, help="Only notes made outside sessions.")
@click.option(
    "--older-than",
    "older_than_days",
    type=click.FloatRange(min=0),
    default=0.0,
    metavar="DAYS",
    help="Only what was last changed more than DAYS days ago.",
)
@click.option("--expired", is_flag=True, help="Only what --expire gave a date that has passed.")
@click.option("--dry-run", is_flag=True, help="Say what would be removed, and remove nothing.")
@click.option("--yes", is_flag=True, help="Remove without asking.")
def command(
    sessions: bool,
    profiles: bool,
    notes: bool,
    older_than_days: float,
    expired: bool,
    dry_run: bool,
    yes: bool,
) -> None:
    """Remove session logs, the audio they kept, speaker profiles and notes.

    Says first what it will remove, and asks. What `ser-live history` knows of a log
    goes with it, and so do the labels that were given to it. Only files that
    ser-live wrote are removed; links are never followed. Logs named with --log, and
    audio kept by sessions without a log, stay unless --expire gave them a date.

    \b
    Examples:
      ser-live purge                          everything, after a question
      ser-live purge --expired --yes          for a timer

    \f
    A session, calls or analyze with --expire 30d writes the date into the log's head, into
    the recordings, and on a list of files elsewhere; a report of such a session gets the
    same date. A file that was changed since stays, and is named.

    \b
    More examples:
      ser-live purge --sessions --older-than 30 --yes
      ser-live purge --expired --dry-run
    """
    from ser_live.purge import Kind, remove, take_expired_inventory, take_inventory

    if expired and (sessions or profiles or notes or older_than_days):
        raise UsageError(
            "Found --expired beside another choice of files, but what expires says so by itself: "
            "leave one out."
        )
    before = time.time() - older_than_days * _DAY_S if older_than_days else float("inf")
    is_all = not sessions and not profiles and not notes
    if expired:
        found = take_expired_inventory(datetime.now().astimezone())
    else:
        found = take_inventory(
            sessions=sessions or is_all,
            profiles=profiles or is_all,
            notes=notes or is_all,
            modified_before=before,
        )
    if not found.files:
        echo("Nothing has expired." if expired else "There is nothing to remove.")
        _print_kept(found)
        return
    echo("Would be removed for good:" if dry_run else "To be removed for good:")
    for kind in Kind:
        _print_kind(found, kind)
    _print_kept(found)
    if dry_run:
        echo(f"Nothing was removed of {_count(len(found.files), 'file')}: this was --dry-run.")
        return
    if not yes:
        _ask(len(found.files))
    failures = remove(found)
    echo(f"Removed {_count(len(found.files) - len(failures), 'file')}.")
    for path, why in failures:
        echo(f"ser-live: {path} stays ({why}): remove it by hand.", err=True)
    sys.exit(1 if failures else 0)


def _ask(n_files: int) -> None:
    """Ask, and leave unless the answer is yes."""
    if not sys.stdin.isatty():
        raise UsageError(
            "Nothing was removed: there is no terminal to ask at, but an answer is needed; "
            "give --yes to remove this without a question."
        )
    if not click.confirm(f"Remove {_count(n_files, 'file')}?"):
        echo("Nothing was removed.")
        sys.exit(0)


def _print_kind(found: Inventory, kind: Kind) -> None:
    """A line for each folder that holds files of this kind."""
    by_folder: dict[Path, list[tuple[str, int]]] = {}
    for file in found.files:
        if file.kind is kind:
            by_folder.setdefault(file.path.parent, []).append((file.name, file.n_bytes))
    for folder, files in by_folder.items():
        names = sorted({name for name, _ in files})
        n_bytes = sum(n_bytes for _, n_bytes in files)
        whose = f": {_listed(names)}" if kind.name == "PROFILE" else ""
        one = _ONE.get(kind.name, kind.value.removesuffix("s"))
        echo(f"  {_count(len(names), one):<20} {_size(n_bytes):>8}  in {folder}{whose}")


def _print_kept(found: Inventory) -> None:
    if found.kept:
        echo("Left alone:")
    for path, why in found.kept:
        echo(f"  {path} ({why})")
    if found.later:
        first = min(found.later).astimezone()
        n = len(found.later)
        what = "1 file expires" if n == 1 else f"{n} files expire"
        echo(f"{what} later, the next on {first:%Y-%m-%d at %H:%M}.")
    if found.n_gone:
        n = found.n_gone
        what = "1 file that was to expire is" if n == 1 else f"{n} files that were to expire are"
        echo(f"{what} not there any more.")


def _listed(names: Iterable[str]) -> str:
    named = list(names)
    more = f" and {len(named) - _N_NAMED} more" if len(named) > _N_NAMED else ""
    return ", ".join(named[:_N_NAMED]) + more


def _count(n: int, one: str) -> str:
    return f"{n} {one}" if n == 1 else f"{n} {one}s"


def _size(n_bytes: int) -> str:
    """Bytes in the largest unit that leaves at least 1."""
    size = float(n_bytes)
    for unit in ("B", "kB", "MB"):
        if size < 999.5:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 10 else f"{size:.1f} {unit}"
        size /= 1000.0
    return f"{size:.1f} GB"
