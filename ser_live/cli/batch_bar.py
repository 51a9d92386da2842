"""Progress of a run, where people look at it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from ser_live.cli.suspending import suspendable


def _show_cursor() -> None:
    _send(b"\x1b[?25h")


def _hide_cursor() -> None:
    _send(b"\x1b[?25l")


def _send(code: bytes) -> None:
    # Past the stream, which the signal may have interrupted in the middle of a line.
    with suppress(OSError):
        os.write(sys.stderr.fileno(), code)


class BatchBar:
    """A progress bar on standard error, where that is a terminal itself."""

    def __init__(self, n_files: int, what: str, *, is_wanted: bool) -> None:
        from ser_live.terminal.console import is_screen

        self._is_shown = is_wanted and is_screen(sys.stderr)
        self._shares_screen = self._is_shown and is_screen(sys.stdout)
        self._open = ExitStack()
        if self._is_shown:
            from rich.progress import Progress

            from ser_live.terminal.console import HonestConsole

            self._console = HonestConsole(stderr=True)
            self._progress = Progress(
                *Progress.get_default_columns(),
                console=self._console,
                transient=True,
                redirect_stdout=False,  # rich would send rows to standard error
                redirect_stderr=False,
            )
            self._task = self._progress.add_task(what, total=n_files)

    def __enter__(self) -> BatchBar:
        if self._is_shown:
            # First, for the bar hides the cursor as soon as it is there.
            self._open.enter_context(suspendable(_show_cursor, _hide_cursor))
            self._open.callback(self._progress.stop)
            self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    def advance(self, n_done: int) -> None:
        """Show how many files are done."""
        if self._is_shown:
            self._progress.update(self._task, completed=n_done)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Keep off the terminal while rows are printed on the same one."""
        if not self._shares_screen:
            yield
            return
        self._progress.stop()
        try:
            yield
        finally:
            self._progress.start()
