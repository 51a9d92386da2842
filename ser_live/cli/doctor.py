"""``ser-live doctor``: can this machine listen, and if not, why."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import click

from ser_live.cli.help_pages import Page
from ser_live.cli.options import device_option, model_option
from ser_live.terminal.printing import echo

if TYPE_CHECKING:
    from rich.console import Console

    from ser_live.doctor import Check, Examination

_STYLES = {"ok": "green", "warning": "yellow", "problem": "bold red", "not tried": "dim"}
_VERDICT_CELLS = max(map(len, _STYLES))
_NAME_CELLS = len("speech detector")
_LEAST_CELLS = 20
"""Least width of the text in a line, however narrow the terminal."""
_REMEDY = "do: "


@click.command(cls=Page)
@device_option
@model_option
@click.option(
    "-f",
    "--format",
    "format_",
    type=click.Choice(["lines", "json"]),
    default="lines",
    show_default=True,
    help="Encoding; json is one line for programs.",
)
@click.option("--json", "as_json", is_flag=True, hidden=True)
def command(device: str | None, model: str | None, format_: str, as_json: bool) -> None:
    """Check everything that listening needs, and say what to do.

    Listens to the microphone for one second, keeps nothing of it, and replays
    the bundled recording as a self-test. It takes some seconds; speak meanwhile.
    The exit code is 0 if ser-live can listen here, else 1.

    \b
    Examples:
      ser-live doctor
      ser-live doctor -d headset --format json

    \f
    \b
    ok         works
    warning    listening works, but less well than it could
    problem    listening does not work
    not tried  something else has to be mended first
    """
    from ser_live.doctor import can_listen, examinations
    from ser_live.records.json_line import json_line

    if as_json and format_ != "json":
        echo(
            "ser-live: --json is --format json by now; the old spelling goes on working.", err=True
        )
        format_ = "json"
    checks: dict[str, Check] = {}
    console = None if format_ == "json" else _console()
    for examination in examinations(device, model):
        checks[examination.name] = _run(examination, checks, console)
    can = can_listen(checks.values())
    if format_ == "json":
        records = [check.as_record(name) for name, check in checks.items()]
        click.echo(json_line({"can_listen": can, "checks": records}))
    else:
        echo()
        echo(_conclusion(list(checks.values())))
    sys.exit(0 if can else 1)


def _console() -> Console:
    from ser_live.terminal.console import plain_console

    return plain_console()


def _run(examination: Examination, earlier: Mapping[str, Check], console: Console | None) -> Check:
    """Make one check; with a console, say what goes on and then what came out."""
    if console is None:
        return examination.run(earlier)
    from ser_live.terminal.console import is_screen

    shows_doing = is_screen(sys.stdout) and not console.is_dumb_terminal and bool(examination.doing)
    if shows_doing:
        waiting = f"{'':{_VERDICT_CELLS}}  {examination.name:{_NAME_CELLS}}  {examination.doing}"
        console.print(waiting[: console.width - 1], end="")
    check = examination.run(earlier)
    if shows_doing:
        click.echo("\r\x1b[K", nl=False)
    _print(examination.name, check, console)
    return check


def _print(name: str, check: Check, console: Console) -> None:
    """Verdict and name in two columns, and the findings next to them."""
    from rich.text import Text

    verdict = check.verdict.value
    start = Text.assemble(
        (f"{verdict:{_VERDICT_CELLS}}", _STYLES[verdict]), f"  {name:{_NAME_CELLS}}  "
    )
    indent = Text(" " * start.cell_len)
    for line in _wrapped(check, max(_LEAST_CELLS, console.width - 1 - start.cell_len)):
        console.print(start + line, soft_wrap=True)
        start = indent


def _wrapped(check: Check, width: int) -> Iterator[str]:
    """Everything a check says, in lines of at most `width` cells."""
    from ser_live.terminal.text import fold, printable

    yield from fold(printable(check.found), width)
    for line in check.lines:
        yield from fold(printable(line), width, indent=2)
    if check.remedy:
        yield from fold(printable(f"{_REMEDY}{check.remedy}"), width, indent=len(_REMEDY))


def _conclusion(checks: list[Check]) -> str:
    from ser_live.doctor import Verdict, can_listen

    def counted(verdict: Verdict, one: str, several: str) -> list[str]:
        n = sum(check.verdict is verdict for check in checks)
        return [f"{n} {one if n == 1 else several}"] if n else []

    warnings = counted(Verdict.WARNING, "warning", "warnings")
    if can_listen(checks):
        return f"{', with '.join(['ser-live can listen on this machine', *warnings])}."
    against = counted(Verdict.PROBLEM, "problem", "problems")
    against += counted(Verdict.NOT_TRIED, "not tried", "not tried")
    return f"ser-live cannot listen on this machine yet: {', '.join([*against, *warnings])}."
