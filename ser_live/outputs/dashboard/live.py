"""The dashboard on a real terminal: drawn in place, and the terminal given back after.

`LiveDashboard` owns the alternate screen while it is open. State is in
`dashboard_state`, drawing in `dashboard_view`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType

from rich.console import Console

from ser_live.outputs.dashboard.desk import Desk
from ser_live.outputs.dashboard.frame import Recordings
from ser_live.outputs.dashboard.state import DashboardState
from ser_live.outputs.dashboard.view import DashboardView
from ser_live.process.native_stderr import stderr_held_back
from ser_live.terminal.console import HonestConsole, is_screen
from ser_live.terminal.keyboard import Keyboard
from ser_live.terminal.screen import AlternateScreen
from ser_live.terminal.themes import theme_of

MAX_RATE_HZ = 10.0
"""Most redraws a second."""
_REPAINT_S = 2.0
"""Everything is sent again this often, in case something else wrote on the screen."""


def can_draw(console: Console) -> bool:
    """Whether `console` is a terminal that can be drawn on in place."""
    return (
        is_screen(console.file)
        and console.is_terminal
        and not console.is_dumb_terminal
        and not console.legacy_windows
    )


def shows_only_ascii(console: Console) -> bool:
    """Whether block characters would come out as garbage on `console`.

    True for an encoding other than Unicode, and for a locale set to ``C`` or ``POSIX``
    by hand, where Python says UTF-8 although the terminal was set otherwise.
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
    desk : Desk, optional
        What a person chose to see.
    recordings : Recordings, optional
        What is known of the recordings that are played.
    theme : str
        Name of the colours, one of `THEMES`.
    keyboard : Keyboard, optional
        Taken and given back with the screen; without one there are no keys.
    """

    def __init__(
        self,
        state: DashboardState,
        console: Console | None = None,
        *,
        desk: Desk | None = None,
        recordings: Recordings | None = None,
        theme: str = "auto",
        keyboard: Keyboard | None = None,
    ) -> None:
        self.state = state
        self.desk = desk or Desk(state)
        self.console = console or HonestConsole()
        self.keyboard = keyboard or Keyboard(None)
        if theme == "mono":
            self.console.no_color = True
        self._view = DashboardView(
            state,
            ascii_only=shows_only_ascii(self.console),
            few_colors=self.console.color_system == "standard",
            theme=theme_of(theme),
            desk=self.desk,
            recordings=recordings,
        )
        self._screen = AlternateScreen(self.console)
        self._open = ExitStack()
        self._drawn: tuple[int, ...] | None = None
        self._drawn_at_s = float("-inf")
        self._repainted_at_s = float("-inf")

    def __enter__(self) -> LiveDashboard:
        with ExitStack() as opening:
            opening.enter_context(stderr_held_back())
            opening.enter_context(self._screen)
            opening.enter_context(self.keyboard)
            self._open = opening.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the terminal back; harmless when repeated."""
        self._open.close()

    @contextmanager
    def given_back(self) -> Iterator[None]:
        """Leave the terminal for a while; everything is drawn again after it."""
        self.keyboard.give_back()
        self._screen.leave()
        yield
        self._screen.enter()
        self.keyboard.take()
        self._drawn, self._repainted_at_s = None, float("-inf")

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
        if now_s - self._drawn_at_s < 1.0 / MAX_RATE_HZ:
            return False
        width, height = self.console.size
        state = self.desk.shown
        key = (state.version, state.n_levels, self.desk.version, width, height)
        if key == self._drawn:
            return False
        is_old = now_s - self._repainted_at_s >= _REPAINT_S
        lines = self._view.lines(width, height)
        self._screen.paint(lines, width, everything=is_old)
        self._drawn, self._drawn_at_s = key, now_s
        if is_old:
            self._repainted_at_s = now_s
        return True
