"""``ser-live doctor``: can this machine listen, and if not, why."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from ser_live.cli.options import model_option
from ser_live.cli.printing import echo

if TYPE_CHECKING:
    from rich.console import Console

    from ser_live.doctor import Check, Examination

_STYLES = {"ok": "green", "warning": "yellow", "problem": "bold red", "not tried": "dim"}
_VERDICT_CELLS = max(map(len, _STYLES))
_NAME_CELLS = len("speech detector")
_LEAST_CELLS = 20
"""The text gets at least so much of a line, however narrow the terminal."""
_REMEDY = "do: "


@click.command()
@click.option("-d", "--device", metavar="DEVICE", help="Index or any part of a device's name.")
@model_option
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON instead.")
def command(device: str | None, model: str | None, as_json: bool) -> None:
    """Check everything that listening needs, and say what to do.

    Listens to the microphone for one second, keeps nothing of it, and replays
    the bundled recording as a self-test. It takes some seconds; speak meanwhile.
    The exit code is 0 if ser-live can listen here, else 1.

    \b
    ok         works
    warning    listening works, but less well than it could
    problem    listening does not work
    not tried  something else has to be mended first
    """
    from ser_live.doctor import can_listen, examinations
    from ser_live.result_lines import json_line

    chosen = int(device) if device is not None and device.isdecimal() else device
    checks: list[Check] = []
    records = []
    console = None if as_json else _console()
    for examination in examinations(chosen, model):
        check = _run(examination, console)
        checks.append(check)
        records.append(check.as_record(examination.name))
    if as_json:
        report = {"can_listen": can_listen(checks), "checks": records}
        click.echo(json_line(report))
    else:
        echo()
        echo(_conclusion(checks))
    sys.exit(0 if can_listen(checks) else 1)


def _console() -> Console:
    from rich.console import Console

    return Console(highlight=False, markup=False)


def _run(examination: Examination, console: Console | None) -> Check:
    """Make one check; with a console, say what goes on and then what came out."""
    if console is None:
        return examination.run()
    shows_doing = console.is_terminal and not console.is_dumb_terminal and examination.doing
    if shows_doing:
        waiting = f"{'':{_VERDICT_CELLS}}  {examination.name:{_NAME_CELLS}}  {examination.doing}"
        console.print(waiting[: console.width - 1], end="")
    check = examination.run()
    if shows_doing:
        click.echo("\r\x1b[K", nl=False)
    _print(examination.name, check, console)
    return check


def _print(name: str, check: Check, console: Console) -> None:
    """Verdict and name in two columns, and beside them all that is to be said."""
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
    from ser_live.terminal_text import fold, printable

    yield from fold(printable(check.found), width)
    for line in check.lines:
        yield from fold(printable(line), width, indent=2)
    if check.remedy:
        yield from fold(printable(f"{_REMEDY}{check.remedy}"), width, indent=len(_REMEDY))


def _conclusion(checks: list[Check]) -> str:
    from ser_live.doctor import Verdict

    n_problems = sum(check.verdict is Verdict.PROBLEM for check in checks)
    n_warnings = sum(check.verdict is Verdict.WARNING for check in checks)
    warnings = "1 warning" if n_warnings == 1 else f"{n_warnings} warnings"
    if n_problems:
        problems = "1 problem" if n_problems == 1 else f"{n_problems} problems"
        rest = f", {warnings}" if n_warnings else ""
        return f"ser-live cannot listen on this machine yet: {problems}{rest}."
    return f"ser-live can listen on this machine{f', with {warnings}' if n_warnings else ''}."
