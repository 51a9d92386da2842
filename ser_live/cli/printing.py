"""Text for people on standard output and error, safe whatever is in it.

What a file, a device, a log, a model's card or a command line is called comes from outside.
Everything that is printed for people goes through `echo`; lines of JSON are safe by
themselves (``result_lines.json_line``).
"""

from __future__ import annotations

import click


def echo(text: str = "", *, err: bool = False) -> None:
    """Print lines of text without anything in them that the terminal would obey."""
    from ser_live.terminal_text import printable

    click.echo("\n".join(map(printable, text.split("\n"))), err=err)
