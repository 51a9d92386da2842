"""``ser-live help``: the help of a command, as its own ``--help`` shows it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from ser_live.cli.help_pages import Page, show_all
from ser_live.errors import UsageError
from ser_live.terminal.printing import echo_lines

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def _complete(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Commands of the group that the words so far name."""
    shown = _named(ctx.parent or ctx, ctx.params.get("words") or ())
    if isinstance(shown, str) or not isinstance(shown.command, click.Group):
        return []
    return shown.command.shell_complete(shown, incomplete)


@click.command(cls=Page)
@click.argument("words", nargs=-1, metavar="[COMMAND]...", shell_complete=_complete)
@click.option("--all", "is_all", is_flag=True, help="All of it, as --help-all shows it.")
@click.pass_context
def command(ctx: click.Context, words: tuple[str, ...], is_all: bool) -> None:
    """Show the help of COMMAND, or that of ser-live.

    \b
    Examples:
      ser-live help analyze
      ser-live help log export --all
    """
    shown = _named(ctx.parent or ctx, words)
    if isinstance(shown, str):
        raise UsageError(shown)
    if is_all:
        show_all(shown)
    echo_lines(shown.get_help())


def _named(shown: click.Context, words: Sequence[str]) -> click.Context | str:
    """Context of the command that the words name, or a sentence about one that is none."""
    for word in words:
        group = shown.command
        found = group.get_command(shown, word) if isinstance(group, click.Group) else None
        if found is None:
            return (
                f"Found '{word}', which is no command of `{shown.command_path}`: see "
                f"`{shown.command_path} --help`."
            )
        shown = click.Context(found, info_name=word, parent=shown)
    return shown
