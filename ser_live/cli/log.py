"""``ser-live log``: list, read, follow and export session logs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ser_live.cli.help_pages import GroupPage
from ser_live.cli.log_export import export
from ser_live.cli.log_follow import follow
from ser_live.cli.log_options import entries_of, session_argument
from ser_live.cli.rows_output import rows_output
from ser_live.terminal.printing import echo

if TYPE_CHECKING:
    from ser_live.records.session_list import LoggedSession

_FIELDS = ("number", "started_at", "duration_s", "source", "n_utterances", "emotions", "state")


@click.group("log", cls=GroupPage)
def command() -> None:
    """List, read, follow and export session logs.

    A SESSION is a log file, or a number in the list; without one it is the latest.

    \b
    Examples:
      ser-live log list
      ser-live log export 2 --to srt --output talk.srt
    """


command.add_command(export)
command.add_command(follow)


@command.command("list")
@click.option(
    "-f",
    "--format",
    "format_",
    type=click.Choice(["table", "jsonl", "csv"]),
    default="table",
    show_default=True,
    help="Encoding of the rows.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    metavar="FILE",
    help="Write the rows to this new file instead of standard output.",
)
def list_(format_: str, output: Path | None) -> None:
    """List the sessions that were logged, newest first.

    Start in wall clock, audio heard, source, utterances and the most frequent
    emotions of each. The state is the reason for the end, "running", or "cut off"
    where the program was killed. Logs that were named with --log are not listed.

    \b
    Examples:
      ser-live log list
      ser-live log list --format csv --output sessions.csv
    """
    from ser_live.cli.rows import CsvRows, JsonRows
    from ser_live.records.session_list import logged_sessions, summed_up

    sessions = [summed_up(path) for path in logged_sessions()]
    if format_ == "table":
        text = _table(sessions) if sessions else ""
    else:
        form = JsonRows() if format_ == "jsonl" else CsvRows((*_FIELDS, "path"))
        records = [session.as_record(n) for n, session in enumerate(sessions, start=1)]
        text = form.header + form.text(records)
    with rows_output(output) as write:
        write(text)
    if not sessions:
        from ser_live.records.folders import sessions_folder

        echo(f"ser-live: no session was logged in {sessions_folder()} yet.", err=True)
    for session in sessions:
        if session.problem:
            echo(f"ser-live: {session.problem}", err=True)


def _table(sessions: list[LoggedSession]) -> str:
    """Rows in columns as wide as they need; the sources give where the terminal is narrow."""
    from rich.cells import cell_len

    from ser_live.cli.rows import screen_cells
    from ser_live.terminal.text import clock, fit, pad, printable

    rows = [("", "started", "heard", "utterances", "emotions", "state", "source")]
    rows += [
        (
            str(number),
            printable((session.started_at or "?")[:16].replace("T", " ")),
            clock(session.duration_s),
            str(session.n_utterances),
            printable(session.most_frequent),
            session.state,
            printable(session.source),
        )
        for number, session in enumerate(sessions, start=1)
    ]
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            pad(cell, width, right=n in (0, 2, 3))
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    width = screen_cells()
    return "".join(f"{fit(line.rstrip(), width)}\n" for line in lines)


@command.command()
@session_argument
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    metavar="FILE",
    help="Write the summary to this new file instead of standard output.",
)
def show(file: Path, output: Path | None) -> None:
    """Print a summary of SESSION.

    A number is that of `ser-live log list`; without one it is the latest session.

    \b
    Examples:
      ser-live log show                the latest session
      ser-live log show mood.jsonl     a log that was named with --log
    """
    from ser_live.records.summary import summary_lines

    lines = summary_lines(entries_of(file))
    if output is None:
        for line in lines:
            echo(line)
        return
    with rows_output(output) as write:
        write("".join(f"{line}\n" for line in lines))
