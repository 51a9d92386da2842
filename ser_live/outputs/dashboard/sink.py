"""The dashboard as a sink."""

from __future__ import annotations

import math
from collections.abc import Callable

from rich.console import Console

from ser_live.events import Event, Level
from ser_live.outputs.dashboard.desk import Desk, Session
from ser_live.outputs.dashboard.frame import Recordings
from ser_live.outputs.dashboard.live import LiveDashboard
from ser_live.outputs.dashboard.state import DashboardState
from ser_live.terminal.keyboard import Keyboard

SILENT_METER_PERIOD_S = 0.25
"""Time between two moves of the level meter while nobody speaks."""


class DashboardSink:
    """Shows a session on the terminal while it is open.

    Parameters
    ----------
    console : Console, optional
        Default: standard output.
    recordings : Recordings, optional
        What is known of the recordings that are played.
    theme : str
        Name of the colours, one of `THEMES`.
    keyboard : Keyboard, optional
        Without one there are no keys.
    """

    name = "dashboard"
    failure: str | None = None

    def __init__(
        self,
        console: Console | None = None,
        *,
        recordings: Recordings | None = None,
        theme: str = "auto",
        keyboard: Keyboard | None = None,
    ) -> None:
        self.state = DashboardState()
        self.desk = Desk(self.state)
        self.live = LiveDashboard(
            self.state,
            console,
            desk=self.desk,
            recordings=recordings,
            theme=theme,
            keyboard=keyboard,
        )
        self._now_s = -math.inf
        self._levels_at_s: dict[int, float] = {}
        """Time at which each stream's meter last moved while nobody spoke, by number."""
        self._sleep: Callable[[], None] | None = None
        """Sleep of the process that is due, with the terminal given back."""

    def control(self, session: Session) -> None:
        """Let keys act on a session, where there are keys."""
        if self.live.keyboard.is_there:
            self.desk.session = session

    def open(self) -> None:
        """Take the terminal."""
        self.live.__enter__()

    def take(self, event: Event) -> None:
        """Take an event in; it is drawn with the next `idle`."""
        if isinstance(event, Level) and not event.is_speech:
            # Noise moves the meter all the time; in silence a slower meter halves the drawing.
            number = event.stream.number
            if self._now_s - self._levels_at_s.get(number, -math.inf) < SILENT_METER_PERIOD_S:
                return
            self._levels_at_s[number] = self._now_s
        self.state.apply(event)

    def idle(self, now_s: float) -> None:
        """Answer keys, and draw if something changed."""
        self._now_s = now_s
        if self._sleep is not None:
            sleep, self._sleep = self._sleep, None
            with self.live.given_back():
                sleep()
        for key in self.live.keyboard.read():
            self.desk.press(key, now_s)
        self.desk.idle(now_s)
        self.live.update(now_s)

    def sleep_soon(self, sleep: Callable[[], None]) -> None:
        """Call `sleep` with the next `idle`, while the terminal is given back.

        For handlers of signals, which may come in the middle of a drawing.
        """
        self._sleep = sleep

    def close(self) -> None:
        """Give the terminal back."""
        self.live.close()
