"""``ser-live history``: sessions of weeks and months, their calendar and trends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

import click

from ser_live.cli.help_pages import GroupPage
from ser_live.cli.history_options import (
    choice_options,
    chosen_sessions,
    form_options,
    in_form,
    reading_progress,
    up_to_date,
)
from ser_live.cli.history_tables import columns_text
from ser_live.cli.history_tags import tags
from ser_live.cli.history_trend import letter, trend
from ser_live.cli.rows_output import rows_output
from ser_live.errors import UsageError
from ser_live.terminal.printing import echo

if TYPE_CHECKING:
    from ser_live.events import Record
    from ser_live.history.sessions import SessionRow


class _Row(Protocol):
    def as_record(self) -> Record: ...


_R = TypeVar("_R", bound=_Row)

_LIMIT = 50
"""Rows that are printed where nobody asks for more."""


_limit_option = click.option(
    "--limit",
    type=click.IntRange(min=0),
    default=_LIMIT,
    show_default=True,
    metavar="N",
    help="At most N rows in a table; 0 for all.",
)


@click.group(
    "history", cls=GroupPage, shown=("since", "speaker", "format"), invoke_without_command=True
)
@choice_options
@_limit_option
@form_options
@click.pass_context
def command(
    ctx: click.Context,
    since: str | None,
    until: str | None,
    speaker: str | None,
    tag: str | None,
    limit: int,
    format_: str,
    output: Path | None,
) -> None:
    """Look back over weeks and months of sessions.

    \b
    Examples:
      ser-live history --since 2026-03-01 --speaker anna
      ser-live history trend --speaker anna --html trend.html

    \f
    Without a command it lists the sessions, newest first. An index is made of the
    session logs for it and kept beside them; it holds nothing that they do not say,
    and `ser-live purge` removes what it holds together with the logs. A day is the
    local day on which a session began.
    """
    if ctx.invoked_subcommand is not None:
        given = [value for value in (since, until, speaker, tag, output) if value is not None]
        if given:
            raise UsageError(
                f"Found options between `history` and `{ctx.invoked_subcommand}`, but they belong "
                "to the list alone: write them behind the command."
            )
        return
    _list(since, until, speaker, tag, limit, format_, output)


@command.command("list")
@choice_options
@_limit_option
@form_options
def list_(
    since: str | None,
    until: str | None,
    speaker: str | None,
    tag: str | None,
    limit: int,
    format_: str,
    output: Path | None,
) -> None:
    """List the sessions, newest first.

    \b
    Examples:
      ser-live history list --tag sport
      ser-live history list --since 2026-03-01 --format csv
    """
    _list(since, until, speaker, tag, limit, format_, output)


def _list(
    since: str | None,
    until: str | None,
    speaker: str | None,
    tag: str | None,
    limit: int,
    format_: str,
    output: Path | None,
) -> None:
    from ser_live.history.sessions import n_sessions, session_rows

    with up_to_date() as index:
        chosen = chosen_sessions(since, until, speaker, tag)
        n_all = n_sessions(index.database, chosen)
        is_table = format_ == "table"
        rows = session_rows(index.database, chosen, limit=limit if limit and is_table else -1)
    text = (_sessions_text(rows) if rows else "") if is_table else ""
    if format_ != "table":
        text = in_form(format_, [row.as_record() for row in rows])
    with rows_output(output) as write:
        write(text)
    if not rows:
        echo("ser-live: no session fits: see `ser-live history` without options.", err=True)
    if len(rows) < n_all:
        echo(f"ser-live: {n_all - len(rows)} older sessions are not shown: --limit 0 shows all.",
             err=True)  # fmt: skip
    for row in rows:
        if row.problem:
            echo(f"ser-live: {row.problem}", err=True)
        if row.n_bad_lines:
            echo(f"ser-live: {row.n_bad_lines} lines of {row.path} are no records and were passed "
                 "over: the file was altered after it was written.", err=True)  # fmt: skip


command.add_command(trend)
command.add_command(letter)
command.add_command(tags)


@command.command()
@choice_options
@form_options
def calendar(
    since: str | None,
    until: str | None,
    speaker: str | None,
    tag: str | None,
    format_: str,
    output: Path | None,
) -> None:
    """Show a year in days: one cell a day, by how pleasant the voice sounded.

    Days without a session stay empty; days with too little speech to count are
    hollow.

    \b
    Examples:
      ser-live history calendar --speaker anna
      ser-live history calendar --since 2026-01-01 --format csv
    """
    from ser_live.history.calendar import calendar_days, calendar_text

    with up_to_date() as index:
        days = calendar_days(index.database, chosen_sessions(since, until, speaker, tag))
    _print(days, calendar_text, format_, output)


@command.command()
@choice_options
@form_options
def weekday(
    since: str | None,
    until: str | None,
    speaker: str | None,
    tag: str | None,
    format_: str,
    output: Path | None,
) -> None:
    """Show weekday by hour: when there was speech, and how it sounded.

    Hours are those of the clock where each utterance was spoken.

    \b
    Examples:
      ser-live history weekday --speaker anna
      ser-live history weekday --since 2026-01-01 --format csv
    """
    from ser_live.history.calendar import weekday_hours, weekday_text

    with up_to_date() as index:
        hours = weekday_hours(index.database, chosen_sessions(since, until, speaker, tag))
    _print(hours, weekday_text, format_, output)


@command.command()
def rebuild() -> None:
    """Make the index again from the session logs.

    It is brought up to date by itself; this is for logs that were altered in place.

    \b
    Examples:
      ser-live history rebuild
      ser-live --debug history rebuild
    """
    from ser_live.history.index import HistoryIndex
    from ser_live.history.refreshing import refresh
    from ser_live.records.folders import history_file

    with HistoryIndex():
        pass  # a file of something else is refused before it is removed
    HistoryIndex.remove_file(history_file())
    with HistoryIndex() as index:
        found = refresh(index, on_read=reading_progress())
        n_logs = index.database.execute("SELECT count(*) FROM log").fetchone()[0]
    rate = found.n_bytes / 1e6 / max(found.duration_s, 1e-3)
    echo(f"{n_logs} logs, {found.n_bytes / 1e6:.1f} MB, in {found.duration_s:.1f} s "
         f"({rate:.1f} MB/s).")  # fmt: skip


def _print(
    rows: Sequence[_R], as_text: Callable[[Sequence[_R]], str], format_: str, output: Path | None
) -> None:
    """Print rows as a table or for programs, and say where there are none."""
    is_table = format_ == "table"
    text = as_text(rows) if is_table else in_form(format_, [row.as_record() for row in rows])
    with rows_output(output) as write:
        write(text)
    if not rows:
        echo("ser-live: no session fits: see `ser-live history`.", err=True)


def _sessions_text(rows: Sequence[SessionRow]) -> str:
    from ser_live.terminal.text import clock, signed

    cells = [
        (
            (row.started_at or "?")[:16].replace("T", " "),
            row.speaker or "",
            clock(row.duration_s),
            clock(row.speech_s),
            str(row.n_utterances),
            row.most_frequent,
            "" if row.valence is None else signed(row.valence, 2),
            "" if row.arousal is None else signed(row.arousal, 2),
            row.state,
            row.sources[0] + (f" +{len(row.sources) - 1}" if len(row.sources) > 1 else "")
            if row.sources
            else "",
        )
        for row in rows
    ]
    header = ("started", "speaker", "heard", "speech", "utterances", "emotions", "valence",
              "arousal", "state", "source")  # fmt: skip
    return columns_text([header, *cells], right=(2, 3, 4, 6, 7))
