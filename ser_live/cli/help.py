"""``ser-live help``: the help of a command, as its own ``--help`` shows it."""

from __future__ import annotations

import click

from ser_live.errors import UsageError
from ser_live.terminal.printing import echo_lines


@click.command()
@click.argument("words", nargs=-1, metavar="[COMMAND]...")
@click.pass_context
def command(ctx: click.Context, words: tuple[str, ...]) -> None:
    """Show the help of COMMAND, or that of ser-live.

    \b
    Examples:
      ser-live help analyze
      ser-live help log export
    """
    shown = ctx.parent or ctx
    for word in words:
        group = shown.command
        found = group.get_command(shown, word) if isinstance(group, click.Group) else None
        if found is None:
            raise UsageError(
                f"Found '{word}', which is no command of `{shown.command_path}`: see "
                f"`{shown.command_path} --help`."
            )
        shown = click.Context(found, info_name=word, parent=shown)
    echo_lines(shown.get_help())
