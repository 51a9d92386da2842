"""Faults of the command line: one sentence each, which says what to do."""

from __future__ import annotations

import click
import pytest

from ser_live.cli import cli
from ser_live.cli.complaints import complain
from ser_live.errors import UsageError


def said(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The text on standard error about a command line."""
    try:
        cli.main(words, prog_name="ser-live", standalone_mode=False)
    except click.ClickException as error:
        complain(error)
        return capsys.readouterr().err
    except UsageError as error:
        return f"ser-live: {error}\n"
    pytest.fail("nothing was wrong with it")


@pytest.mark.parametrize("command", ["analyze", "replay", "calls"])
def test_an_empty_name(command, capsys):
    """A variable that is not set is no folder at hand."""
    assert "Found an empty name, but that of a recording" in said(capsys, command, "")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["replay"], "no FILES, but `ser-live replay` needs one: see `ser-live replay --help`."),
        (["train"], "no --out, but `ser-live train` needs one: see `ser-live train --help`."),
        (
            ["--frmat", "csv"],
            "--frmat, which is no option of `ser-live listen`: did you mean --format?",
        ),
        (
            ["demo", "--zzz"],
            "--zzz, which is no option of `ser-live demo`: see `ser-live demo --help`.",
        ),
        (
            ["--display", "dashbord"],
            "'dashbord' for --display, but auto, dashboard, lines or none is needed: did you mean "
            "dashboard?",
        ),
        (
            ["demo", "--speed", "fast"],
            "'fast' for --speed, but a number is needed: see `ser-live demo --help`.",
        ),
        (
            ["demo", "--speed", "-1"],
            "-1.0 for --speed, but x>=0 is needed: see `ser-live demo --help`.",
        ),
        (
            ["analyze", "x", "-j", "1.5"],
            "'1.5' for --jobs, but a whole number is needed: see `ser-live analyze --help`.",
        ),
        (["demo", "--pace"], "--pace without a value, but it needs one: see `ser-live --help`."),
        (
            ["log", "shw"],
            "'shw', which is no command of `ser-live log`: did you mean `ser-live log show`?",
        ),
        (
            ["config", "zzz"],
            "'zzz', which is no command of `ser-live config`: see `ser-live config --help`.",
        ),
        (["completion", "tcsh"], "'tcsh' for SHELL, but bash, zsh or fish is needed: see "),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_was_found_is_needed_and_to_do(
    words: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """All three, whatever click made of it."""
    text = said(capsys, *words)
    assert text.startswith(f"ser-live: Found {expected}")
    assert text.count("\n") == 1


def test_what_was_typed_makes_no_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    """Line ends and escapes in a value are shown, not obeyed."""
    text = said(capsys, "--display", "x\nser-live: all is well\x1b[2J")
    assert text.count("\n") == 1
    assert text[:-1].isprintable()


def test_a_group_without_a_command_shows_what_there_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Its help is the answer; a sentence would send there."""
    assert said(capsys, "log").startswith("Usage: ser-live log ")
