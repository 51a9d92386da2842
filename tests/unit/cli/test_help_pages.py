"""Help: one screen for each command, and all of it for who asks."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from ser_live.cli import _COMMANDS, cli
from ser_live.cli.help_pages import GROUPS, SCREEN_COLUMNS, SCREEN_ROWS


def commands(
    command: click.Command = cli, words: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command and group with the words that call it."""
    yield words, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from commands(inner, (*words, name))


ALL = dict(commands())


def shown(*words: str) -> list[str]:
    result = CliRunner().invoke(cli, words, env={"COLUMNS": str(SCREEN_COLUMNS)})
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_help_fits_a_terminal_and_shows_two_examples(words: tuple[str, ...]) -> None:
    """24 rows of 80 cells, whichever command."""
    lines = shown(*words, "--help")
    assert len(lines) <= SCREEN_ROWS
    assert max(map(len, lines)) <= SCREEN_COLUMNS
    first = next(n for n, line in enumerate(lines) if line.startswith("  Examples")) + 1
    assert all("ser-live " in line for line in lines[first : first + 2])
    assert any("--help-all" in line for line in lines)


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_all_of_the_help_has_every_option(words: tuple[str, ...]) -> None:
    """Nothing that a command takes is left out, but what no help lists; the short help is in it."""
    text = "\n".join(shown(*words, "--help-all"))
    for option in ALL[words].params:
        if isinstance(option, click.Option) and not option.hidden:
            assert option.opts[-1] in text
    summary = shown(*words, "--help")[2].strip()
    assert summary in text


def test_every_command_is_in_one_group_of_the_overview() -> None:
    """The overview names each of them once."""
    placed = [name for names in GROUPS.values() for name in names]
    assert sorted(placed) == sorted(set(placed))
    words = " ".join(shown("--help")).replace(",", " ").split()
    for name in _COMMANDS:
        assert name in placed
        assert name in words
    headings = [line for line in shown("--help-all") if line.rstrip(":") in GROUPS]
    assert headings == [f"{heading}:" for heading in GROUPS]


def test_help_all_stands_beside_help_everywhere() -> None:
    """`help --all` is the same."""
    assert shown("help", "replay", "--all") == shown("replay", "--help-all")
    assert "--vad-confirm" in "\n".join(shown("replay", "--help-all"))
