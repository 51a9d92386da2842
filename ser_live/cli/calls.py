"""``ser-live calls``: recordings of calls, each side by itself."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ser_live import __version__
from ser_live.cli.batch_run import BatchOptions, BatchRun, batch_options, paths_argument
from ser_live.cli.expire import expire_option, expiring
from ser_live.cli.help_pages import Page
from ser_live.cli.options import (
    model_option,
    prior_option,
    settings_options,
    track_option,
)
from ser_live.cli.roles import role_options
from ser_live.cli.rows import CsvRows, Form, JsonRows
from ser_live.config import Settings
from ser_live.errors import UsageError
from ser_live.terminal.printing import echo

if TYPE_CHECKING:
    from ser_live.batch.folders import Found
    from ser_live.calls.call import Call
    from ser_live.calls.speakers import SpeakerTimes
    from ser_live.events import Record
    from ser_live.model.emotion_model import EmotionModel
    from ser_live.stream.roles import Roles

MOST_LISTED = 20
"""Calls that are listed as worth hearing; more are counted."""


class _Pages:
    """A page of text or HTML a call."""

    header = ""

    def text(self, records: Sequence[Mapping[str, object]]) -> str:
        return "".join(str(record["page"]) for record in records)


@dataclass(frozen=True)
class _RolesOfFiles:
    """Roles by the name of a file: those of the first pattern that fits, else the common ones."""

    patterns: tuple[tuple[str, Roles], ...]
    common: Roles | None

    def of(self, path: Path) -> Roles | None:
        for pattern, roles in self.patterns:
            if fnmatchcase(path.name, pattern):
                return roles
        return self.common

    def __str__(self) -> str:
        parts = [f"{pattern} {roles}" for pattern, roles in self.patterns]
        return "; ".join([*parts, str(self.common)])


def _heard(
    path: Path,
    *,
    roles: _RolesOfFiles,
    model: EmotionModel,
    settings: Settings,
    track: int | None,
    speakers: SpeakerTimes | None,
) -> Call:
    from ser_live.calls.hearing import hear_call

    return hear_call(
        path,
        None if speakers is not None else roles.of(path),
        model=model,
        settings=settings,
        track=track,
        speakers=speakers,
    )


@click.command(
    cls=Page,
    shown=("roles", "speakers", "roles-pattern", "format", "output", "resume", "jobs", "quiet"),
)
@paths_argument
@role_options
@click.option(
    "--roles-pattern",
    "patterns",
    nargs=2,
    multiple=True,
    metavar="PATTERN ROLES",
    help="Roles of files whose names fit a pattern, such as 'out-*' left=customer,right=agent: the "
    "first that fits counts, --roles for the rest.",
)
@click.option(
    "--speakers",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    metavar="FILE.rttm",
    help="Who speaks when, by any diarizer, for recordings with one channel; --roles then gives "
    "roles to its names.",
)
@click.option(
    "-f",
    "--format",
    "format_",
    type=click.Choice(["text", "html", "json", "csv", "aws"]),
    default="text",
    show_default=True,
)
@batch_options
@expire_option
@track_option
@model_option
@prior_option
@settings_options
def command(
    paths: tuple[Path, ...],
    roles: str | None,
    i_have_a_legal_ground: bool,
    patterns: tuple[tuple[str, str], ...],
    speakers: Path | None,
    format_: str,
    options: BatchOptions,
    expires_at: str | None,
    track: int | None,
    model: str | None,
    settings: Settings,
) -> None:
    """Tell how the customer of a call felt, and who spoke when.

    \b
    Examples:
      ser-live calls call.wav --roles left=agent:activity,right=customer
      ser-live calls calls/ --roles 1=agent:skip,2=customer -f csv -o calls.csv

    \f
    Each side is heard on a channel of its own, to a level: analyze (utterances,
    emotions), activity (only when they speak: no features, no level, no
    emotion) or skip (samples are dropped before anything looks at them).
    Inferring emotions of people at work is forbidden in the EU, so a role named
    agent, employee, worker or student is not analyzed without
    --i-have-a-legal-ground, which every result then says.

    \b
    More examples:
      ser-live calls call.wav --roles left=agent:activity,right=customer -f html -o call.html
      ser-live calls mono.wav --speakers mono.rttm --roles A=agent:activity,B=customer
      ser-live calls calls/ --roles-pattern 'out-*' left=customer,right=agent:activity
          --roles left=agent:activity,right=customer
    """
    from ser_live.batch.folders import find_audio_files
    from ser_live.stream.analyzer import loaded

    options.check(format_)
    _check(roles, patterns, speakers)
    by_file = _roles_of_files(roles, patterns, speakers, i_have_a_legal_ground)
    times = _times(speakers, roles, i_have_a_legal_ground)
    emotion_model = loaded(model)
    found = find_audio_files(paths)
    if format_ == "html" and len(found.files) > 1:
        raise UsageError(
            f"Found {len(found.files)} files with the format html, but a page holds one call: name "
            "one file, or choose another format."
        )
    worth: list[tuple[int, float, str, str]] = []
    run = _run(found, by_file, times, emotion_model, settings, track, format_, options, worth)
    with expiring(options.output, expires_at):
        code = run.run()
    if format_ == "text" and len(found.files) > 1:
        _list_worth(worth, len(found.files))
    sys.exit(code)


def _run(
    found: Found,
    by_file: _RolesOfFiles,
    times: SpeakerTimes | None,
    model: EmotionModel,
    settings: Settings,
    track: int | None,
    format_: str,
    options: BatchOptions,
    worth: list[tuple[int, float, str, str]],
) -> BatchRun[Call]:
    from ser_live.calls.call import Call

    return BatchRun(
        found=found,
        work=partial(
            _heard,
            roles=by_file,
            model=model,
            settings=settings,
            track=track,
            speakers=times,
        ),
        on_crash=lambda file, error: Call(
            file=file,
            model=model.card.id,
            model_sha256=model.card.weights_sha256,
            error=error,
        ),
        rows_of=partial(_rows, format_=format_, worth=worth),
        form=_form(format_),
        options=options,
        what="hearing",
        hangs_on={
            "command": "calls",
            "--format": format_,
            "--roles": str(times or by_file),
            "--i-have-a-legal-ground": _has_ground(by_file, times),
            "--track": track,
            "--model": f"{model.card.id} {model.card.weights_sha256}",
            "version": __version__,
            "settings": asdict(settings),
        },
    )


def _has_ground(by_file: _RolesOfFiles, times: SpeakerTimes | None) -> bool:
    given = [times, by_file.common, *(roles for _, roles in by_file.patterns)]
    return any(roles is not None and roles.has_legal_ground for roles in given)


def _check(
    roles: str | None,
    patterns: Sequence[tuple[str, str]],
    speakers: Path | None,
) -> None:
    """Refuse what does not go together.

    Raises
    ------
    UsageError
        No roles, or roles by pattern beside times by a diarizer.
    """
    if roles is None and not patterns:
        names = "A=agent:activity,B=customer" if speakers else "left=agent:activity,right=customer"
        raise UsageError(
            "Found no --roles, but who speaks where is needed, and to which level each is heard: "
            f"add --roles {names}."
        )
    if patterns and speakers is not None:
        raise UsageError(
            "Found both --roles-pattern and --speakers, but a list of speakers has names of its "
            "own: give them roles with --roles."
        )


def _roles_of_files(
    roles: str | None,
    patterns: Sequence[tuple[str, str]],
    speakers: Path | None,
    has_legal_ground: bool,
) -> _RolesOfFiles:
    from ser_live.stream.roles import parse_roles

    if speakers is not None:
        return _RolesOfFiles((), None)
    return _RolesOfFiles(
        tuple(
            (pattern, parse_roles(text, has_legal_ground=has_legal_ground))
            for pattern, text in patterns
        ),
        None if roles is None else parse_roles(roles, has_legal_ground=has_legal_ground),
    )


def _times(path: Path | None, roles: str | None, has_legal_ground: bool) -> SpeakerTimes | None:
    if path is None:
        return None
    from ser_live.calls.speakers import read_speakers

    return read_speakers(path, roles or "", has_legal_ground=has_legal_ground)


def _form(format_: str) -> Form:
    if format_ in ("text", "html"):
        return _Pages()
    if format_ == "csv":
        from ser_live.calls.forms import CSV_FIELDS

        return CsvRows(CSV_FIELDS)
    return JsonRows()


def _rows(
    call: Call, *, format_: str, worth: list[tuple[int, float, str, str]]
) -> Sequence[Record]:
    """Rows of a call in a form; none of one that could not be heard."""
    from ser_live.calls.findings import Findings, worth_hearing
    from ser_live.calls.forms import aws_record, csv_records, json_record
    from ser_live.calls.page import page_of

    if not call.was_heard:
        return []
    found = Findings(call)
    worth += [(rank, -strength, call.file, why) for rank, strength, why in worth_hearing(found)[:1]]
    if format_ == "text":
        return [{"page": page_of(found, ascii_only=_is_ascii())}]
    if format_ == "html":
        from ser_live.calls.html import html_of

        return [{"page": html_of(found)}]
    if format_ == "csv":
        return csv_records(found)
    return [json_record(found) if format_ == "json" else aws_record(found)]


def _is_ascii() -> bool:
    """Whether standard output shows nothing else."""
    if not isinstance(sys.stdout, io.TextIOWrapper):
        return False
    try:
        "█▪·±".encode(sys.stdout.encoding)
    except (UnicodeEncodeError, LookupError):
        return True
    return os.environ.get("TERM") == "linux"


def _list_worth(worth: list[tuple[int, float, str, str]], n_calls: int) -> None:
    """Print which calls are worth hearing, the most urgent ones first."""
    if not worth:
        echo(f"Of {n_calls} calls none stands out as worth hearing.")
        return
    echo(f"Calls worth hearing, {len(worth)} of {n_calls}:")
    for _, _, file, why in sorted(worth)[:MOST_LISTED]:
        echo(f"  {file}: {why}")
    if len(worth) > MOST_LISTED:
        echo(f"  and {len(worth) - MOST_LISTED} more: --format json names them all.")
