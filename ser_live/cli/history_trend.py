"""``ser-live history trend`` and ``letter``: weeks of a voice beside its own earlier ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ser_live.cli.help_pages import Page
from ser_live.cli.history_options import in_form, own_notes, up_to_date
from ser_live.cli.rows_output import rows_output
from ser_live.errors import UsageError
from ser_live.terminal.printing import echo

if TYPE_CHECKING:
    from ser_live.history.trend import Trend


def voice_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that choose a voice."""
    for option in (
        click.option(
            "--recordings", is_flag=True, help="Take sessions of recordings, not of microphones."
        ),
        click.option("--unnamed", is_flag=True, help="Take sessions without an enrolled speaker."),
        click.option(
            "--speaker",
            metavar="NAME",
            help="Enrolled speaker; the one with most speech by default.",
        ),
    ):
        command = option(command)
    return command


@click.command(cls=Page)
@voice_options
@click.option(
    "--weeks",
    "n_weeks",
    type=click.IntRange(min=1),
    metavar="N",
    help="Only the last N weeks; everything by default.",
)
@click.option(
    "-f",
    "--format",
    "format_",
    type=click.Choice(["table", "json", "csv"]),
    default="table",
    show_default=True,
    help="csv has a row for each day.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write to this new file instead of standard output.",
)
@click.option(
    "--html",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write a page to this new file.",
)
def trend(
    speaker: str | None,
    unnamed: bool,
    recordings: bool,
    n_weeks: int | None,
    format_: str,
    output: Path | None,
    html: Path | None,
) -> None:
    """Show days and weeks of a voice beside its own earlier ones.

    \b
    Examples:
      ser-live history trend --speaker anna --weeks 12
      ser-live history trend --html trend.html

    \f
    Weeks stand beside the speaker's own first 14 days, or beside the 28 days before
    the window. Each microphone, model and settings are a series of their own. A
    change is marked only where shuffles of the days hardly ever give one as large;
    few days show only large ones, and the output says which.
    """
    found = _trend(speaker, unnamed, recordings, n_weeks)
    if html is not None:
        from ser_live.history.page import trend_page

        with rows_output(html) as write:
            write(trend_page(found))
        echo(f"The trend is in {html}.", err=True)
        return
    if format_ == "json":
        from ser_live.history.trend import as_record

        text = json.dumps(as_record(found), indent=2, allow_nan=False) + "\n"
    elif format_ == "csv":
        from ser_live.history.sentences import setup_names

        names = setup_names(found.series)
        text = in_form(
            "csv",
            [
                {"series": name, **day.as_record()}
                for series, name in zip(found.series, names, strict=True)
                for day in series.days
            ],
        )
    else:
        from ser_live.cli.history_tables import trend_text

        text = trend_text(found)
    with rows_output(output) as write:
        write(text)


@click.command(cls=Page)
@voice_options
@click.option("--month", metavar="YYYY-MM", help="The month; the last whole one by default.")
@click.option(
    "-f",
    "--format",
    "format_",
    type=click.Choice(["md", "html"]),
    default="md",
    show_default=True,
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write to this new file instead of standard output.",
)
def letter(
    speaker: str | None,
    unnamed: bool,
    recordings: bool,
    month: str | None,
    format_: str,
    output: Path | None,
) -> None:
    """Write a letter of one page about a month, to oneself.

    \b
    Examples:
      ser-live history letter
      ser-live history letter --month 2026-03 --format html --output march.html
    """
    from ser_live.history.letter import letter_markdown, letter_of, letter_page, month_of

    named = month_of(month)
    with up_to_date() as index:
        who = chosen_voice(index.database, speaker, unnamed)
        found = letter_of(index.database, who, own_notes().notes, named, recordings=recordings)
    text = letter_markdown(found) if format_ == "md" else letter_page(found)
    with rows_output(output) as write:
        write(text)


def _trend(speaker: str | None, unnamed: bool, recordings: bool, n_weeks: int | None) -> Trend:
    from ser_live.history.days import voice_days
    from ser_live.history.session_notes import all_notes
    from ser_live.history.trend import make_trend

    with up_to_date() as index:
        who = chosen_voice(index.database, speaker, unnamed)
        found = voice_days(index.database, who, recordings=recordings)
        notes = all_notes(index.database, who, own_notes().notes)
    return make_trend(found, who, notes, n_weeks=n_weeks)


def chosen_voice(database: object, speaker: str | None, unnamed: bool) -> str | None:
    """The voice that options ask for; which others there are is said."""
    import sqlite3

    from ser_live.history.days import voices
    from ser_live.history.sentences import voice_name

    assert isinstance(database, sqlite3.Connection)  # noqa: S101  an index has one
    if speaker is not None and unnamed:
        raise UsageError("Found both --speaker and --unnamed, but one voice is needed: give one.")
    known = [name for name, _, _ in voices(database)]
    wanted = speaker if speaker is not None or unnamed else (known or [None])[0]
    if wanted not in known and (speaker is not None or known):
        there = ", ".join(voice_name(name) for name in known) or "none"
        raise UsageError(
            f"Found no session of {voice_name(wanted)}, and one is needed; there are sessions of: "
            f"{there}."
        )
    others = [voice_name(name) for name in known if name != wanted]
    if others and speaker is None and not unnamed:
        echo(f"ser-live: this is {voice_name(wanted)}, there is speech of {', '.join(others)} too: "
             "see --speaker and --unnamed.", err=True)  # fmt: skip
    return wanted
