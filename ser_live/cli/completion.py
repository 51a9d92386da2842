"""``ser-live completion``: the script by which a shell completes commands."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from ser_live.cli.completing import PROGRAM, VARIABLE
from ser_live.cli.help_pages import Page


@click.command(cls=Page)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the script that lets SHELL complete ser-live.

    It completes commands, options, files, devices, models and enrolled speakers.

    \b
    Examples, for ~/.bashrc, ~/.zshrc (after compinit) and fish:
      eval "$(ser-live completion bash)"
      eval "$(ser-live completion zsh)"
      ser-live completion fish > ~/.config/fish/completions/ser-live.fish
    """
    from ser_live.cli import cli

    completer = get_completion_class(shell)
    assert completer is not None  # noqa: S101  click knows all of the choices
    click.echo(completer(cli, {}, PROGRAM, VARIABLE).source(), nl=False)
