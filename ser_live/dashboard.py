"""The dashboard on a real terminal: drawn in place, and the terminal given back after.

`LiveDashboard` owns the alternate screen while it is open. State is in
`dashboard_state`, drawing in `dashboard_view`.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.text import Text

from ser_live.dashboard_state import DashboardState
from ser_live.dashboard_view import render

MAX_RATE_HZ = 10.0
"""Most redraws a second."""
_N_STRAY_LINES = 20
_N_STRAY_BYTES = 16_384


def can_draw(console: Console) -> bool:
    """Whether `console` is a terminal that can be drawn on in place."""
    return console.is_terminal and not console.is_dumb_terminal


def shows_only_ascii(console: Console) -> bool:
    """Whether block characters would come out as garbage on `console`.

    True for an encoding other than Unicode, and for a locale set to ``C`` or ``POSIX``
    by hand, where Python says UTF-8 although the terminal was told otherwise.
    """
    locale = os.environ.get("LC_ALL") or os.environ.get("LANG") or ""
    return not console.encoding.lower().startswith("utf") or locale in ("C", "POSIX")


class LiveDashboard:
    """Context manager that shows a `DashboardState` and gives the terminal back.

    What libraries write to standard error meanwhile would smear the picture; it is held
    back and printed when the dashboard closes. Call `update` often: it draws only when
    the state or the window changed, at most `MAX_RATE_HZ` times a second.

    Parameters
    ----------
    state : DashboardState
        Changed by the caller, between calls of `update`.
    console : Console, optional
        Default: standard output.
    """

    def __init__(self, state: DashboardState, console: Console | None = None) -> None:
        self.state = state
        self.console = console or Console()
        self._ascii_only = shows_only_ascii(self.console)
        self._live = Live(
            console=self.console,
            screen=True,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._open = ExitStack()
        self._drawn: tuple[int, int, int] | None = None
        self._drawn_at_s = float("-inf")

    def __enter__(self) -> LiveDashboard:
        with ExitStack() as opening:
            opening.enter_context(_held_back_stderr())
            opening.enter_context(self._live)
            self._draw()
            self._open = opening.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def update(self, now_s: float) -> bool:
        """Draw if something changed and the last drawing is old enough.

        Parameters
        ----------
        now_s : float
            Any steady clock, in seconds, such as ``time.monotonic()``.

        Returns
        -------
        bool
            Whether it was drawn.
        """
        if now_s - self._drawn_at_s < 1.0 / MAX_RATE_HZ or self._key() == self._drawn:
            return False
        self._drawn_at_s = now_s
        self._draw()
        return True

    def _key(self) -> tuple[int, int, int]:
        return (self.state.version, *self.console.size)

    def _draw(self) -> None:
        self._drawn = self._key()
        self._live.update(self._picture(), refresh=True)

    def _picture(self) -> Text:
        width, height = self.console.size
        return render(self.state, width, height, ascii_only=self._ascii_only)


@contextlib.contextmanager
def _held_back_stderr() -> Iterator[None]:
    """Keep file descriptor 2 off the terminal; print what came, after."""
    if not os.isatty(2):
        yield
        return
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(terminal, 2)
            os.close(terminal)
            _print_held_back(held.fileno())


def _print_held_back(descriptor: int) -> None:
    size = os.lseek(descriptor, 0, os.SEEK_END)
    os.lseek(descriptor, max(0, size - _N_STRAY_BYTES), os.SEEK_SET)
    lines = os.read(descriptor, _N_STRAY_BYTES).decode(errors="replace").splitlines()
    if len(lines) > _N_STRAY_LINES or size > _N_STRAY_BYTES:
        lines = lines[-_N_STRAY_LINES:]
        sys.stderr.write(f"(the last {len(lines)} lines of {size} bytes of messages:)\n")
    sys.stderr.writelines(f"{line}\n" for line in lines)
