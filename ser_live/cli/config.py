"""``ser-live config``: the configuration file, and where every value comes from."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path

import click

from ser_live.cli.completing import configured_commands
from ser_live.cli.configured import CONFIGURED, defaults_for, options_of, origin
from ser_live.cli.help_pages import GroupPage
from ser_live.errors import UsageError
from ser_live.terminal.printing import echo

_HEAD = """\
# Configuration of ser-live. A line counts once the "# " before it is gone.
# What stands above the first [table] is for every command that has the option; below [replay],
# for example, for that command alone. The command line goes first, then variables such as
# SER_LIVE_PRIOR, then this file.
"""
_WIDTH = 96


@click.group(cls=GroupPage)
def command() -> None:
    """Show and begin the configuration file.

    The command line goes before environment variables (SER_LIVE_PRIOR and so on), they go before
    the file, and the file before what the program does by itself.

    \b
    Examples:
      ser-live config init             begin a file, with every option explained
      ser-live config show replay      values of a command, each with its origin
    """


@command.command()
@click.argument(
    "name",
    required=False,
    default="listen",
    metavar="[COMMAND]",
    shell_complete=configured_commands,
)
@click.pass_context
def show(ctx: click.Context, name: str) -> None:
    """Print the values of a command and their origin.

    Without COMMAND these are the values of `listen`.

    \b
    Examples:
      ser-live config show
      ser-live --config call.toml config show analyze
    """
    from rich.table import Table
    from rich.text import Text

    from ser_live.terminal.console import plain_console
    from ser_live.terminal.text import printable

    commands = _commands(ctx)
    if name not in commands:
        raise UsageError(
            f"Found {name!r}, but a command with a configuration is needed: name one of "
            f"{', '.join(commands)}."
        )
    path = _named_file(ctx)
    defaults = defaults_for(name, commands.__getitem__, path)
    table = Table(box=None, pad_edge=False)
    for heading in ("option", "value", "from"):
        table.add_column(heading)
    for option in options_of(commands[name]).values():
        value, place = origin(option, defaults)
        if option.hidden and not place:
            continue
        if option.is_flag:
            value = _is_on(value)
        shown = "" if isinstance(value, _UNSET) or value is None else str(value)
        table.add_row(option.opts[-1], Text(printable(shown)), Text(place or "default"))
    plain_console().print(table)
    echo(f"Command line, then SER_LIVE_* variables, then {_place(path)}, then defaults.", err=True)


@command.command()
@click.pass_context
def init(ctx: click.Context) -> None:
    """Begin a file that explains every option.

    Each stands in it with its default, behind a sign that switches it off.

    \b
    Examples:
      ser-live config init
      ser-live --config call.toml config init
    """
    from ser_live.records.folders import config_file

    path = _named_file(ctx) or config_file()
    text = "\n".join(_lines(_commands(ctx)))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(
            f"{path} is there already, and it is not overwritten: edit it, or name another with "
            "--config."
        ) from None
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written ({error}), but a place for the configuration is needed: "
            "name another with --config."
        ) from error
    echo(f"Wrote {path}; edit it, then see `ser-live config show`.")


def _is_on(value: object) -> str:
    return "yes" if str(value).lower() in ("true", "1", "yes", "on", "t", "y") else "no"


_UNSET = type(click.Option(["--nothing"]).default)
"""Kind of a default that was not given; click 8.3 made an object of its own for it."""


def _commands(ctx: click.Context) -> dict[str, click.Command]:
    group = ctx.find_root().command
    assert isinstance(group, click.Group)  # noqa: S101  the root is one
    found = {name: group.get_command(ctx, name) for name in CONFIGURED}
    return {name: command for name, command in found.items() if command is not None}


def _named_file(ctx: click.Context) -> Path | None:
    path: Path | None = ctx.find_root().params.get("config")
    return path


def _place(path: Path | None) -> str:
    from ser_live.records.folders import config_file

    file = path or config_file()
    return str(file) if file.exists() else f"{file} (not there)"


def _lines(commands: dict[str, click.Command]) -> Iterator[str]:
    """Lines of a configuration file: what all share, tables of commands, tables of settings."""
    yield _HEAD
    options = {name: options_of(command) for name, command in commands.items()}
    counts: dict[str, int] = {}
    for own in options.values():
        for key in own:
            counts[key] = counts.get(key, 0) + 1
    shown: set[str] = set()
    for own in options.values():
        for key, option in own.items():
            if counts[key] > 1 and key not in shown and not option.hidden and key != "format":
                shown.add(key)
                yield from _entry(key, option)
    for name, own in options.items():
        rest = {key: o for key, o in own.items() if key not in shown and not o.hidden}
        if rest:
            yield f"[{name}]\n"
        for key, option in rest.items():
            yield from _entry(key, option)
    yield from _settings()


def _settings() -> Iterator[str]:
    from ser_live.cli.options import SETTING_GROUPS, SETTINGS_HEADING, describe_settings

    for group, cls in SETTING_GROUPS.items():
        yield f"# {SETTINGS_HEADING[group]}.\n[{group}]\n"
        for name, text, default in describe_settings(cls):
            yield from _commented(text)
            yield f"# {name} = {_toml(default)}\n"


def _entry(key: str, option: click.Option) -> Iterator[str]:
    yield from _commented(option.help or "Form of what is printed.")
    choices = option.type.choices if isinstance(option.type, click.Choice) else ()
    if choices:
        yield from _commented(f"One of {', '.join(map(str, choices))}.")
    yield f"# {key} = {_toml(option.default, option)}\n"


def _commented(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent="# ", subsequent_indent="# ")


def _toml(value: object, option: click.Option | None = None) -> str:
    """A value as TOML writes it; an example of its kind where there is none."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)  # TOML knows inf too
    if isinstance(value, str):
        return f'"{value}"'
    if option is None or isinstance(option.type, click.types.FloatParamType):
        return "0.5"
    if isinstance(option.type, click.types.BoolParamType):
        return "false"
    if isinstance(option.type, click.Choice):
        return f'"{option.type.choices[0]}"'
    if isinstance(option.type, click.IntRange):
        return str(option.type.min or 1)
    return '""'
