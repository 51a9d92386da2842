"""The dashboard as text: `DashboardState` in, exactly `height` lines out.

Every line is composed cell by cell, so nothing can wrap, scroll or push what stands
next to it. Names, numbers and signs carry the meaning; colour only repeats it. Where a
terminal shows ASCII alone, bars are drawn with ``#`` and ``-``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from rich.text import Text

from ser_live.outputs.dashboard.body import Body
from ser_live.outputs.dashboard.desk import Desk, Layout
from ser_live.outputs.dashboard.frame import Recordings, footer, header, notices
from ser_live.outputs.dashboard.meter import meter_row
from ser_live.outputs.dashboard.state import DashboardState
from ser_live.outputs.dashboard.time_panel import Plan, TimePanel
from ser_live.outputs.dashboard.verdict import FRESH_S, STALE_S
from ser_live.terminal.pen import Pen
from ser_live.terminal.themes import DARK, Theme

WIDE = 76
"""Least width in cells with columns next to each other."""
LOW = 20
"""Least height in rows with rules, and with the session by time."""

Row = Text | Callable[[], Text]


def render(
    state: DashboardState,
    width: int,
    height: int,
    *,
    ascii_only: bool = False,
    few_colors: bool = False,
    theme: Theme = DARK,
    desk: Desk | None = None,
    recordings: Recordings | None = None,
) -> Text:
    """The whole dashboard as `height` lines of at most `width` cells.

    Parameters
    ----------
    state : DashboardState
        Read, never changed.
    width, height : int
        Size of the terminal in cells; any size gives a picture, 80 x 24 shows everything.
    ascii_only : bool
        Draw with ASCII, and show other characters in names as ``?``.
    few_colors : bool
        Use the 16 colours of ANSI.
    theme : Theme
    desk : Desk, optional
        What a person chose to see; without one there are no keys.
    recordings : Recordings, optional
        What is known of the recordings that are played.
    """
    view = DashboardView(
        state,
        ascii_only=ascii_only,
        few_colors=few_colors,
        theme=theme,
        desk=desk,
        recordings=recordings,
    )
    lines = view.lines(width, height)
    return Text("\n", no_wrap=True, overflow="crop", end="").join(lines)


class DashboardView:
    """Draws a state again and again; what did not change is not composed again.

    Parameters are those of `render`.
    """

    def __init__(
        self,
        state: DashboardState,
        *,
        ascii_only: bool = False,
        few_colors: bool = False,
        theme: Theme = DARK,
        desk: Desk | None = None,
        recordings: Recordings | None = None,
    ) -> None:
        self.pen = Pen.for_terminal(ascii_only=ascii_only, few_colors=few_colors, theme=theme)
        self._desk = desk or Desk(state)
        self._recordings = recordings or Recordings()
        self._drawn: tuple[object, ...] | None = None
        self._rows: list[Row] = []
        self._moved: dict[int, tuple[Text, Text, tuple[int, int]]] = {}
        """Rows that move, by number: as composed last, as drawn then, and with which margin."""
        self._panel: TimePanel | None = None
        self._panel_for: tuple[object, ...] | None = None
        self.margin = 0
        self.width = 0

    @property
    def state(self) -> DashboardState:
        """State to draw: the present, unless it was frozen."""
        return self._desk.shown

    def lines(self, width: int, height: int) -> list[Text]:
        """`height` lines of at most `width` cells; do not change them."""
        age_s = self.state.age_s or 0.0
        staleness = (age_s > FRESH_S) + (age_s > STALE_S)
        key = (self.state.version, self._desk.version, width, height, staleness)
        if key != self._drawn:
            self._drawn = key
            self.margin = 1 if width >= 40 else 0
            self.width = max(1, width - 2 * self.margin)
            rows = self._compose(width, height)[:height]
            self._rows = [self._finished(r) if isinstance(r, Text) else r for r in rows]
        return [r if isinstance(r, Text) else self._now(k, r()) for k, r in enumerate(self._rows)]

    def _now(self, k: int, row: Text) -> Text:
        """Row number `k` as drawn; the same object where it is composed as before."""
        last, frame = self._moved.get(k), (self.margin, self.width)
        if last is None or (last[0] is not row and last[0] != row) or last[2] != frame:
            last = self._moved[k] = (row, self._finished(row), frame)
        return last[1]

    def _finished(self, row: Text) -> Text:
        line = Text.assemble(" " * self.margin, row)
        line.truncate(self.margin + self.width, overflow="crop")
        return line

    def _compose(self, width: int, height: int) -> list[Row]:
        """All rows; those that move with the clock or the level as functions."""
        state, pen, desk = self.state, self.pen, self._desk
        is_high = height >= LOW
        top: list[Row] = [partial(header, state, pen, self.width, self._recordings)]
        if height >= 6:
            top.append(lambda: meter_row(self.state.shown.meter, pen, self.width))
        top += notices(state, pen, self.width, 3 if height >= 24 else 2 if is_high else 1)
        has_footer = height >= 8 or (height >= 2 and bool(desk.prompt or desk.said))
        foot: list[Row] = [footer(desk, pen, self.width)] if has_footer else []
        n_least = 1 if height >= 2 else 0
        top = top[: max(1, height - len(foot) - n_least)]
        body = Body(state, desk, pen, self.width, is_wide=width >= WIDE and is_high)
        plan = Plan.of(desk.layout, height - len(top) - len(foot), is_wide=body.is_wide)
        if plan.n_rows:
            panel = self._panel_of(plan)
            foot = [
                partial(panel.rule, body.walls if desk.layout is Layout.OVERVIEW else ()),
                *[partial(panel.row, k) for k in range(plan.n_rows)],
                *foot,
            ]
        if is_high:
            top.append(body.rule(pen.signs.wall_top))
        room = max(0, height - len(top) - len(foot))
        rows = body.rows(room)
        return [*top, *rows, *[Text("")] * (room - len(rows)), *foot]

    def _panel_of(self, plan: Plan) -> TimePanel:
        """The part that shows the session by time; kept while its place is the same."""
        key = (plan, self.width, self._desk.layout, self.state.shown.position_s < 3600)
        if self._panel is None or self._panel_for != key:
            self._panel, self._panel_for = TimePanel(self._desk, self.pen, self.width, plan), key
        return self._panel
