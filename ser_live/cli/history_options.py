"""Options and sources that the commands of ``ser-live history`` share."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ser_live.terminal.printing import echo

if TYPE_CHECKING:
    from ser_live.history.index import HistoryIndex
    from ser_live.history.notes import Notes
    from ser_live.history.sessions import Filter

_SHOWS_PROGRESS_S = 1.0
"""Time from which on the reading of logs is shown."""


class Day(click.ParamType[str]):
    """A local day, ``2026-03-14``."""

    name = "day"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        try:
            return date.fromisoformat(str(value)).isoformat()
        except ValueError:
            self.fail(f"{value!r} is no day: write it as 2026-03-14.", param, ctx)


def choice_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that choose sessions."""
    for option in (
        click.option("--tag", metavar="TAG", help="Only days with a note of this tag."),
        click.option("--speaker", metavar="NAME", help="Only sessions of this enrolled speaker."),
        click.option("--until", type=Day(), metavar="DAY", help="Only days up to this one."),
        click.option("--since", type=Day(), metavar="DAY", help="Only days from this one on."),
    ):
        command = option(command)
    return command


def form_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options for the form and the place of the output."""
    for option in (
        click.option(
            "-o",
            "--output",
            type=click.Path(path_type=Path, dir_okay=False),
            metavar="FILE",
            help="Write to this new file instead of standard output.",
        ),
        click.option(
            "-f",
            "--format",
            "format_",
            type=click.Choice(["table", "json", "csv"]),
            default="table",
            show_default=True,
        ),
    ):
        command = option(command)
    return command


@contextmanager
def up_to_date() -> Iterator[HistoryIndex]:
    """Give the index, brought up to date with the logs."""
    from ser_live.history.index import HistoryIndex
    from ser_live.history.refreshing import refresh

    with HistoryIndex() as index:
        if index.renewed:
            echo(f"ser-live: {index.renewed}", err=True)
        refresh(index, on_read=reading_progress())
        yield index


def reading_progress() -> Callable[[int, int], None]:
    """Say on a terminal how far the reading of new logs is, where it takes long."""
    import time

    began_s = time.monotonic()

    def on_read(n_read: int, n_all: int) -> None:
        if time.monotonic() - began_s < _SHOWS_PROGRESS_S:
            return
        from ser_live.terminal.streams import is_screen

        if is_screen(sys.stderr):
            end = "\n" if n_read == n_all else ""
            click.echo(f"\rreading logs: {n_read} of {n_all}{end}", nl=False, err=True)

    return on_read


def own_notes() -> Notes:
    """Notes that were made outside sessions; lines that hold none are told."""
    from ser_live.history.notes import read_notes
    from ser_live.records.folders import notes_file

    found = read_notes()
    if found.n_passed_over:
        echo(f"ser-live: {found.n_passed_over} lines of {notes_file()} hold no note and were "
             "passed over.", err=True)  # fmt: skip
    return found


def chosen_sessions(
    since: str | None, until: str | None, speaker: str | None, tag: str | None
) -> Filter:
    """The filter that options ask for."""
    from ser_live.history.sessions import Filter

    days: Collection[str] | None = None
    if tag is not None:
        days = {note.day for note in own_notes().notes if tag in note.tags}
    return Filter(since=since, until=until, speaker=speaker, days=days)


def in_form(format_: str, records: Sequence[Mapping[str, object]]) -> str:
    """Records as one array of JSON, or as CSV with what is nested as JSON in its cell."""
    import json

    from ser_live.cli.rows import CsvRows
    from ser_live.events.forms import finite

    if format_ == "json":
        return json.dumps(finite(list(records)), indent=2, allow_nan=False) + "\n"
    if not records:
        return ""
    flat = [
        {
            key: json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value
            for key, value in record.items()
        }
        for record in records
    ]
    form = CsvRows(list(flat[0]))
    return form.header + form.text(flat)
