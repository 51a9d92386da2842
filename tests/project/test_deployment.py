"""The unit, the image and the page about them, as far as they can be tried without either."""

from __future__ import annotations

import configparser
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from places import ROOT

from ser_live.cli import cli

DEPLOY = ROOT / "deploy"
UNIT = DEPLOY / "ser-live.service"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
PAGE = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")


def unit() -> configparser.SectionProxy:
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment]  # keys of systemd have capitals
    parser.read(UNIT)
    return parser["Service"]


def in_container() -> list[list[str]]:
    """Arguments of every run of the image that the page shows, up to a redirection."""
    found = re.findall(r"^docker run .*? ser-live( -.*?)?(?:\s+[<#].*)?$", PAGE, re.MULTILINE)
    return [shlex.split(words) for words in found if words]


def default_of_image() -> list[str]:
    (words,) = re.findall(r"^CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)
    return [str(word) for word in json.loads(words)]


@pytest.mark.parametrize(
    "words",
    [
        shlex.split(unit()["ExecStart"])[1:],
        default_of_image(),
        *in_container(),
        *(shlex.split(line)[1:] for line in re.findall(r"`(ser-live [^`]*)`", PAGE)),
    ],
    ids=" ".join,
)
def test_every_command_has_the_options_it_is_given(words: list[str]) -> None:
    """It is read without a complaint; nothing is run."""
    context = click.Context(cli, info_name="ser-live")
    name = words[0] if words[0] in cli.list_commands(context) else "listen"
    rest = words[1:] if words[0] == name else words
    command = cli.get_command(context, name)
    while isinstance(command, click.Group):
        command = command.get_command(context, rest.pop(0))
    assert command is not None
    command.make_context(name, list(rest), parent=context)


def test_the_page_has_commands_to_try() -> None:
    """Otherwise the test above would hold for nothing."""
    assert in_container() == [["-", "--display", "lines"]]
    assert default_of_image()[0] == "listen"


def test_the_unit_knows_the_exit_codes() -> None:
    """A stop is a success; a wrong option is not tried again."""
    from ser_live.errors import UsageError
    from ser_live.process.ending_signals import EXIT_CODES

    numbers = {number.name: code for number, code in EXIT_CODES.items()}
    assert int(unit()["SuccessExitStatus"]) == numbers[unit()["KillSignal"]]
    assert int(unit()["RestartPreventExitStatus"]) == UsageError.exit_code


def test_what_the_image_is_made_of_is_there() -> None:
    """Every file that is copied exists and is let through to the daemon."""
    let_through = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").split()
    for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE):
        for name in line.split()[:-1]:
            assert (ROOT / name).exists()
            assert f"!{name}" in let_through


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze here")
def test_systemd_finds_nothing_in_the_unit(tmp_path: Path) -> None:
    """The unit is what systemd takes it for; a key that it does not know would be named."""
    program = tmp_path / ".local" / "bin" / "ser-live"
    program.parent.mkdir(parents=True)
    program.symlink_to(sys.executable)
    copy = tmp_path / UNIT.name

    def complaints(text: str) -> str:
        copy.write_text(text, encoding="utf-8")
        result = subprocess.run(
            ["systemd-analyze", "--user", "verify", str(copy)],
            capture_output=True,
            text=True,
            check=False,
            env={"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path), "PATH": "/usr/bin:/bin"},
        )
        return "".join(line for line in result.stderr.splitlines(True) if UNIT.name in line)

    text = UNIT.read_text(encoding="utf-8")
    assert complaints(text) == ""
    assert "Unknown key" in complaints(text.replace("RestartSec=", "RestartSeconds="))
