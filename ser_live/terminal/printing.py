"""Text for people on standard output and error, safe with anything in it.

Names of files, devices, logs, model cards and command lines come from outside.
Everything that is printed for people goes through here; lines of JSON are safe by
themselves (``records.json_line``).
"""

from __future__ import annotations

import click


def echo(line: str = "", *, err: bool = False, nl: bool = True) -> None:
    """Print one line without anything in it that the terminal would obey, line ends too.

    Without `nl` the cursor stays behind it.
    """
    from ser_live.terminal.text import printable

    click.echo(printable(line), err=err, nl=nl)


def echo_lines(text: str, *, err: bool = False) -> None:
    """Print text of several lines, each as `echo` does."""
    for line in text.split("\n"):
        echo(line, err=err)
