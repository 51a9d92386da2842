"""``ser-live report``: a logged session as a page to look at, or as data."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ser_live.cli.expire import earliest, expiring
from ser_live.cli.help_pages import Page
from ser_live.errors import UsageError
from ser_live.terminal.printing import echo

if TYPE_CHECKING:
    from ser_live.report.page import Report

# As in `report.texts` and `report.files`, which --help does not load; a test compares them.
LANGUAGES = ("en", "de")
FORMATS = ("html", "md", "json", "csv", "png")
_SUFFIXES = {".htm": "html", ".markdown": "md"}
_LATEST = "latest"


@click.command(cls=Page)
@click.argument("sessions", nargs=-1, metavar="[SESSION]...", type=click.Path())
@click.option(
    "-f",
    "--format",
    "form",
    type=click.Choice(FORMATS),
    help="[default: by the name of --output, else html]",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    metavar="FILE",
    help="File to write; - for standard output.  [default: a file named like the session for html "
    "and png, else standard output]",
)
@click.option("--overwrite", is_flag=True, help="Replace the file where it exists.")
@click.option("--compare", is_flag=True, help="Put two or more sessions side by side.")
@click.option(
    "--with-audio", is_flag=True, help="Put the sound of single moments in, where it was kept."
)
@click.option("--redact", is_flag=True, help="Leave out names, paths, devices, marks and notes.")
@click.option(
    "--language",
    type=click.Choice(LANGUAGES),
    default="en",
    show_default=True,
    help="Of the texts.",
)
def command(
    sessions: tuple[str, ...],
    form: str | None,
    output: Path | None,
    overwrite: bool,
    compare: bool,
    with_audio: bool,
    redact: bool,
    language: str,
) -> None:
    """Make a page of SESSION: what was heard, in words, drawings and tables.

    \b
    Examples:
      ser-live report                           the latest session
      ser-live report 2 -o talk.html --with-audio

    \f
    A SESSION is a log file, or a number in `ser-live log list`; without one, or
    with "latest", it is the latest. The page is one file that fetches nothing,
    works without scripts, and can be printed.

    \b
    More examples:
      ser-live report --compare 1 2 -o both.html
      ser-live report talk.jsonl --format json
    """
    form = form or _by_name(output)
    _check(sessions, form, compare, with_audio, redact)
    names = sessions or (_LATEST,)
    reports = [_report(name, redact, language) for name in names]
    written = _written(reports, form, with_audio, compare)
    target = output if output is not None else _own_name(reports, form, redact)
    if target is None or str(target) == "-":
        sys.stdout.buffer.write(written)
        return
    from ser_live.report.files import write_private

    # What is made of a session goes when that goes.
    dates = [r.data.started.expires_at for r in reports if r.data.started is not None]
    with expiring(target, earliest(dates), keeps_more=True):
        write_private(target, written, overwrite=overwrite)
    echo(str(target))


def _by_name(output: Path | None) -> str:
    suffix = "" if output is None else output.suffix.lower()
    form = _SUFFIXES.get(suffix, suffix.removeprefix("."))
    return form if form in FORMATS else "html"


def _check(
    sessions: tuple[str, ...], form: str, compare: bool, with_audio: bool, redact: bool
) -> None:
    if compare and len(sessions) < 2:
        raise UsageError(
            f"Found {len(sessions)} sessions with --compare, but two or more are needed: name "
            "each, by its file or by its number in `ser-live log list`."
        )
    if not compare and len(sessions) > 1:
        raise UsageError(
            f"Found {len(sessions)} sessions, but a report is about one: add --compare to put "
            "them side by side, or name one."
        )
    if compare and form not in ("html", "md", "json"):
        raise UsageError(
            f"Found --compare with {form}, but only html, md and json put sessions side by side: "
            "choose one of these, or make a report of each."
        )
    if with_audio and redact:
        raise UsageError(
            "Found --with-audio with --redact, but a voice tells who somebody is: leave out one "
            "of them."
        )
    if with_audio and (form != "html" or compare):
        raise UsageError(
            "Found --with-audio, but only the html page of one session plays sound: choose html "
            "without --compare, or leave it out."
        )


def _report(name: str, redact: bool, language: str) -> Report:
    from ser_live.records.session_list import session_log_named
    from ser_live.report.page import Report
    from ser_live.report.reading import read_session
    from ser_live.report.redaction import Redaction
    from ser_live.report.texts import Texts

    path = session_log_named(None if name == _LATEST else name)
    data = read_session(path, redaction=Redaction() if redact else None)
    if not redact:
        for sentence in data.sentences:
            echo(f"ser-live: {sentence}", err=True)
    return Report.of(data, Texts(language), is_redacted=redact)


def _written(reports: list[Report], form: str, with_audio: bool, compare: bool) -> bytes:
    from ser_live.report import comparison, data_files, markdown, page, picture

    if compare:
        makers: dict[str, Callable[[list[Report]], str]] = {
            "html": comparison.html,
            "md": comparison.markdown,
            "json": comparison.figures_json,
        }
        return makers[form](reports).encode("utf-8", "backslashreplace")
    report = reports[0]
    if form == "png":
        return picture.png(report)
    if form == "html":
        text = page.html(report, with_audio=with_audio)
    elif form == "md":
        text = markdown.markdown(report)
    elif form == "csv":
        text = data_files.utterances_csv(report.data)
    else:
        text = data_files.figures_json(report.data, report.figures, report.facts)
    return text.encode("utf-8", "backslashreplace")


def _own_name(reports: list[Report], form: str, redact: bool) -> Path | None:
    """File named like the session, in the folder that somebody works in."""
    if form not in ("html", "png"):
        return None
    stem = reports[0].data.path.stem
    if redact or len(reports) > 1 or not stem:
        stem = "comparison" if len(reports) > 1 else "report"
    return Path(f"{stem}.{form}")
