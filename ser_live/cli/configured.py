"""Values of options from the configuration file and from environment variables.

The command line goes first, then ``SER_LIVE_*`` variables, then the file, then what the program
does by itself. Click asks them in that order; here each option learns the name of its variable,
and each command the part of the file that is for it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

import click

from ser_live.errors import UsageError

PREFIX = "SER_LIVE_"
CONFIGURED = ("listen", "replay", "demo", "analyze", "features", "enroll")
"""Commands that the file is for."""

_OF_ONE_RUN = frozenset(
    [
        *("--log", "--output", "--resume", "--record", "--name", "--follow"),
        *("--osc", "--lsl", "--lsl-name", "--exec", "--webhook", "--allow-remote", "--mqtt"),
    ]
)
"""Options that name what one run makes or goes on with, or by which data leave the program: a
file that lies about must not do that."""

Value: TypeAlias = str | int | float | bool
Options: TypeAlias = Mapping[str, click.Option]


class _MisfitError(Exception):
    """Fault of an entry of the file, as a sentence without its subject."""


def options_of(command: click.Command) -> dict[str, click.Option]:
    """Options of a command that the file and the environment may give, by their key."""
    found = {}
    for option in command.params:
        if not isinstance(option, click.Option) or option.is_eager or not option.expose_value:
            continue
        name = next((text for text in option.opts if text.startswith("--")), None)
        if name is not None and name not in _OF_ONE_RUN:
            found[name.removeprefix("--").replace("-", "_")] = option
    return found


def name_variables(command: click.Command) -> None:
    """Let every option of `command` read its environment variable."""
    for key, option in options_of(command).items():
        option.envvar = option.envvar or PREFIX + key.upper()


def read_file(path: Path | None) -> tuple[Path, dict[str, object]]:
    """Path and content of a configuration file; nothing where the user's own does not exist.

    Parameters
    ----------
    path : Path or None
        ``None`` for the user's own.

    Raises
    ------
    UsageError
        A file that was named is absent, cannot be read, or is no TOML.
    """
    # Late: most runs have no file.
    from ser_live.records.folders import config_file

    file = config_file() if path is None else path
    try:
        text = file.read_bytes().decode()
    except FileNotFoundError:
        if path is None:
            return file, {}
        raise UsageError(
            f"There is no file {file}, but --config needs one: check the path, or make it with "
            "`ser-live config init`."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{file} cannot be read ({error}), but a configuration file is needed: check it, or "
            "name another with --config."
        ) from error
    try:
        return file, _read_toml(text)
    except ValueError as error:
        raise UsageError(
            f"{file} is not valid TOML ({error}): mend it, or see `ser-live config init`."
        ) from error


def _read_toml(text: str) -> dict[str, object]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    return tomllib.loads(text)


def defaults_for(
    name: str, command_of: Callable[[str], click.Command], path: Path | None
) -> dict[str, Value]:
    """Values of the file for one command, by the names of its parameters.

    Parameters
    ----------
    name : str
        Of the command.
    command_of : function
        Command by its name; asked only where the file has something.
    path : Path or None
        The file; ``None`` for the user's own.

    Raises
    ------
    UsageError
        A key or table is unknown, or a value does not fit the option.
    """
    file, content = read_file(path)
    if not content:
        return {}
    try:
        return _values(name, content, command_of)
    except _MisfitError as error:
        raise UsageError(f"The configuration file {file} {error}") from error


def _values(
    name: str, content: Mapping[str, object], command_of: Callable[[str], click.Command]
) -> dict[str, Value]:
    known = {command: options_of(command_of(command)) for command in CONFIGURED}
    own = known.get(name, {})
    found: dict[str, Value] = {}
    tables_last = sorted(_entries(content, known), key=lambda entry: entry[0] is not None)
    for command, key, value in tables_last:
        if command in (None, name) and key in own:
            option = own[key]
            assert option.name is not None  # noqa: S101  every option has one
            found[option.name] = _fitting(option, key, value, name)
    return found


def _entries(
    content: Mapping[str, object], known: Mapping[str, Options]
) -> Iterator[tuple[str | None, str, object]]:
    """Command (``None`` for all), key and value of everything in a file."""
    everywhere = {key for options in known.values() for key in options}
    groups = {key.partition("_")[0] for key, option in _hidden(known)}
    for word, value in content.items():
        if not isinstance(value, Mapping):
            yield None, _known(word, everywhere | set(known) | groups, ""), value
        elif word in known:
            for key, inner in value.items():
                yield word, _known(key, set(known[word]), f" below [{word}]"), inner
        elif word in groups:
            own = {key.removeprefix(f"{word}_") for key in everywhere}
            for key, inner in value.items():
                yield None, f"{word}_{_known(key, own, f' below [{word}]')}", inner
        else:
            _known(word, set(known) | groups, "")


def _hidden(known: Mapping[str, Options]) -> Iterator[tuple[str, click.Option]]:
    """Settings: the options that the help does not list."""
    for options in known.values():
        yield from ((key, option) for key, option in options.items() if option.hidden)


def _known(word: str, among: set[str], where: str) -> str:
    from difflib import get_close_matches

    key = word.replace("-", "_")
    if key in among:
        return key
    close = get_close_matches(key, among, n=1)
    advice = f"did you mean {close[0]}?" if close else "see `ser-live config init`."
    raise _MisfitError(f"has an unknown key {word!r}{where}: {advice}")


def _fitting(option: click.Option, key: str, value: object, command: str) -> Value:
    """The value of an option as the file gives it, if the command can take it."""
    if not isinstance(value, str | int | float | bool):
        raise _MisfitError(f"has {key} = {value!r}, but text, a number or true or false is needed.")
    is_truth = isinstance(option.type, click.types.BoolParamType)
    if is_truth != isinstance(value, bool):
        needed = "true or false" if is_truth else "text or a number"
        raise _MisfitError(f"has {key} = {value!r}, but {needed} is needed.")
    try:
        option.type.convert(value, option, None)
    except click.UsageError as error:
        raise _MisfitError(
            f"has {key} = {value!r}, but `ser-live {command}` cannot take "
            f"it ({error.message.rstrip('.')}): change it, or put it below the table of the "
            "command that it is for."
        ) from error
    return value


def origin(option: click.Option, defaults: Mapping[str, object]) -> tuple[object, str]:
    """Value of an option without the command line, and where it comes from."""
    variable = str(option.envvar)
    if os.environ.get(variable):
        return os.environ[variable], variable
    if option.name in defaults:
        return defaults[option.name], "file"
    return option.default, ""
