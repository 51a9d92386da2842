"""``ser-live purge``: remove what ser-live left on this machine."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ser_live.cli.help_pages import Page
from ser_live.errors import UsageError
from ser_live.terminal.printing import echo

if TYPE_CHECKING:
    from ser_live.purge import Inventory, Kind

_DAY_S = 86_400.0
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
@click.option("--yes", is_flag=True, help="Remove without asking.")
def command(sessions: bool, profiles: bool, notes: bool, older_than_days: float, yes: bool) -> None:
    """Remove session logs, the audio they kept, speaker profiles and notes.

    Says first what it will remove, and asks. What `ser-live history` knows of a log
    goes with it, and so do the labels that were given to it. Only files that
    ser-live wrote are removed; links are never followed. Logs named with --log, and
    audio kept by sessions without a log, lie where you put them and stay.

    \b
    Examples:
      ser-live purge                          everything, after a question
      ser-live purge --sessions --older-than 30 --yes
    """
    from ser_live.purge import Kind, remove, take_inventory

    before = time.time() - older_than_days * _DAY_S if older_than_days else float("inf")
    is_all = not sessions and not profiles and not notes
    found = take_inventory(
        sessions=sessions or is_all,
        profiles=profiles or is_all,
        notes=notes or is_all,
        modified_before=before,
    )
    if not found.files:
        echo("There is nothing to remove.")
        _print_kept(found)
        return
    echo("To be removed for good:")
    for kind in Kind:
        _print_kind(found, kind)
    _print_kept(found)
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
        one = kind.value.removesuffix("s")
        echo(f"  {_count(len(names), one):<20} {_size(n_bytes):>8}  in {folder}{whose}")


def _print_kept(found: Inventory) -> None:
    if found.kept:
        echo("Left alone:")
    for path, why in found.kept:
        echo(f"  {path} ({why})")


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
