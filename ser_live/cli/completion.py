"""``ser-live completion``: the script by which a shell completes commands."""

from __future__ import annotations

import os
from pathlib import Path

import click
from click.shell_completion import get_completion_class

from ser_live.cli.completing import PROGRAM, VARIABLE
from ser_live.cli.help_pages import Page
from ser_live.errors import UsageError
from ser_live.terminal.printing import echo

SHELLS = ("bash", "zsh", "fish")


@click.command(cls=Page)
@click.argument("shell", type=click.Choice(SHELLS), required=False, metavar="[SHELL]")
@click.option("--install", is_flag=True, help="Write it to where the shell looks for such.")
def command(shell: str | None, install: bool) -> None:
    """Let a shell complete ser-live: print the script for it, or install that.

    SHELL is bash, zsh or fish; without it the one of $SHELL is meant. Completed are
    commands, files, devices, models, speakers, sessions and choices.

    \b
    Examples:
      ser-live completion zsh --install
      eval "$(ser-live completion bash)"      for this shell alone

    \f
    Nothing but one file is written: no configuration of a shell is changed. Where a shell needs a
    line in one to look there, that line is printed.

    \b
    Installed is
      bash   ~/.local/share/bash-completion/completions/ser-live
             (read by the package bash-completion; XDG_DATA_HOME and BASH_COMPLETION_USER_DIR hold)
      zsh    ~/.zfunc/_ser-live (ZDOTDIR holds)
      fish   ~/.config/fish/completions/ser-live.fish (XDG_CONFIG_HOME holds)
    """
    shell = shell or _own_shell()
    if not install:
        click.echo(_script(shell), nl=False)
        return
    path, hint = _place(shell)
    _write(path, _script(shell))
    echo(f"Wrote {path}; {hint}.")


def _own_shell() -> str:
    shell = Path(os.environ.get("SHELL", "")).name
    if shell not in SHELLS:
        raise UsageError(
            f"Found {shell!r} in $SHELL, but {', '.join(SHELLS)} are known: name one of them, as "
            "in `ser-live completion bash`."
        )
    return shell


def _script(shell: str) -> str:
    from ser_live.cli import cli

    completer = get_completion_class(shell)
    assert completer is not None  # noqa: S101  click knows all of the choices
    made = completer(cli, {}, PROGRAM, VARIABLE)
    script = made.source()
    if shell == "zsh":
        # Found in a folder of functions, click's script completes once: from the second time on
        # it takes itself for one that is being read, and only registers itself.
        call = f'    {made.func_name} "$@"\n'
        script = script.replace(call, f"    compdef {made.func_name} {PROGRAM}\n{call}")
    return script


def _place(shell: str) -> tuple[Path, str]:
    """File in which the shell looks for a script, and what is left to do."""
    again = "a shell begun from now on completes"
    if shell == "fish":
        config = _folder("XDG_CONFIG_HOME", ".config")
        return config / "fish" / "completions" / f"{PROGRAM}.fish", again
    if shell == "zsh":
        folder = _folder("ZDOTDIR", "") / ".zfunc"
        return folder / f"_{PROGRAM}", (
            f"{again} once .zshrc has `fpath+=({folder}); autoload -U compinit; compinit`"
        )
    own = os.environ.get("BASH_COMPLETION_USER_DIR")
    base = Path(own) if own else _folder("XDG_DATA_HOME", ".local/share") / "bash-completion"
    path = base / "completions" / PROGRAM
    return path, (
        f"{again} where the package bash-completion is there, else once .bashrc has `source {path}`"
    )


def _folder(variable: str, below_home: str) -> Path:
    return Path(os.environ.get(variable) or Path.home() / below_home)


def _write(path: Path, script: str) -> None:
    """Write the script; a file that is none of ours stays."""
    try:
        if path.exists() and VARIABLE not in path.read_text(encoding="utf-8", errors="replace"):
            raise UsageError(
                f"{path} is there already and is not of ser-live, so it is not overwritten: move "
                "it away, or print the script without --install."
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(script, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written ({error.strerror}), but the script belongs there: mend "
            "that, or print it without --install."
        ) from error
