"""Consoles of rich that draw on terminals alone and tell when their reader left.

``FORCE_COLOR``, ``TTY_COMPATIBLE`` and what services for continuous integration set make rich
take a file for a terminal. That may colour text; a picture drawn in place, or a progress bar,
belongs where somebody sees it.
"""

from __future__ import annotations

import errno
import os
from typing import NoReturn

from rich.console import Console

from ser_live.terminal.streams import is_screen as is_screen


class HonestConsole(Console):
    """A console that raises ``BrokenPipeError``, where rich would end the program."""

    def on_broken_pipe(self) -> NoReturn:
        """Tell that the reader of a pipe left."""
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


def plain_console(*, stderr: bool = False) -> Console:
    """A console for tables and paragraphs, with nothing in them taken for markup."""
    return HonestConsole(stderr=stderr, highlight=False, markup=False)
