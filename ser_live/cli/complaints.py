"""Faults of a command line as one sentence each: what was found, what is needed, what to do."""

from __future__ import annotations

import re

import click

from ser_live.cli.help_pages import long_name
from ser_live.terminal.printing import echo, echo_lines

_KINDS = {"integer": "a whole number", "float": "a number", "boolean": "true or false"}
"""Names for people of what click converts to."""


def complain(error: click.ClickException) -> None:
    """Print one sentence about a fault that click found, where click itself takes four lines.

    A group without a command is the exception: its help says what there is.
    """
    if type(error).__name__ == "NoArgsIsHelpError":  # has no public name
        echo_lines(error.message, err=True)
    else:
        echo(f"ser-live: {sentence(error)}", err=True)


def sentence(error: click.ClickException) -> str:
    """Say what was found, what is needed and what to do."""
    context = getattr(error, "ctx", None)
    command = "ser-live" if context is None else context.command_path
    advice = f"see `{command} --help`."
    if isinstance(error, click.NoSuchOption):
        if close := error.possibilities:
            advice = f"did you mean {close[0]}?"
        return f"Found {error.option_name}, which is no option of `{command}`: {advice}"
    if isinstance(error, click.MissingParameter) and error.param is not None:
        return f"Found no {_name(error.param)}, but `{command}` needs one: {advice}"
    if isinstance(error, click.BadParameter) and error.param is not None:
        return _about_value(error.message, error.param, advice)
    if isinstance(error, click.BadOptionUsage):
        if "requires" in error.message:
            return f"Found {error.option_name} without a value, but it needs one: {advice}"
        return f"Found {error.option_name} in a way that does not do ({_said(error)}): {advice}"
    return f"Found a command line that cannot be read ({_said(error)}): {advice}"


def _said(error: click.ClickException) -> str:
    return error.message.rstrip(".")


def _name(param: click.Parameter) -> str:
    if isinstance(param, click.Option):
        return f"--{long_name(param)}"
    return param.human_readable_name.strip("[].")


def _about_value(message: str, param: click.Parameter, advice: str) -> str:
    """Sentence about a value that the option or argument does not take."""
    name = _name(param)
    if isinstance(param.type, click.Choice):
        choices = [str(choice) for choice in param.type.choices]
        found = re.match(r"(['\"].*['\"]) is not", message, re.DOTALL)
        value = found[1] if found else "something else"
        if close := _closest(value.strip("'\""), choices):
            advice = f"did you mean {close}?"
        needed = f"{', '.join(choices[:-1])} or {choices[-1]}"
        return f"Found {value} for {name}, but {needed} is needed: {advice}"
    if kind := re.fullmatch(r"(.*) is not a valid (\w+)(?: range)?\.", message, re.DOTALL):
        needed = _KINDS.get(kind[2], kind[2])
        return f"Found {kind[1]} for {name}, but {needed} is needed: {advice}"
    if limits := re.fullmatch(r"(.*) is not in the range (.*)\.", message, re.DOTALL):
        return f"Found {limits[1]} for {name}, but {limits[2]} is needed: {advice}"
    return f"Found a value for {name} that does not do ({message.rstrip('.')}): {advice}"


def _closest(value: str, choices: list[str]) -> str | None:
    from difflib import get_close_matches

    return next(iter(get_close_matches(value, choices, n=1)), None)
