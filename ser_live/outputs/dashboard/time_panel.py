"""The part of the screen that shows the session by time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from rich.text import Text

from ser_live.outputs.dashboard.desk import Desk, Layout, span_in_words
from ser_live.outputs.dashboard.state import DashboardState
from ser_live.outputs.dashboard.strip import GUTTER, Cells, Strip, Window
from ser_live.terminal.pen import DIM, Pen


@dataclass(frozen=True)
class Plan:
    """Rows of the parts, from above; 0 for those that there is no room for."""

    n_bands: int = 0
    has_axis: bool = False
    n_curve: int = 0
    """Rows of each of the two curves."""

    @property
    def n_rows(self) -> int:
        """Rows of all parts, names of the bands included."""
        return self.n_bands + bool(self.n_bands) + self.has_axis + 2 * self.n_curve

    @classmethod
    def of(cls, layout: Layout, n_free: int, *, is_wide: bool) -> Plan:
        """The parts that fit a screen with `n_free` rows for them and the verdict."""
        if layout is Layout.TIME and n_free >= 6:
            n_bands = max(1, n_free // 8)
            has_axis = n_free >= 10
            # A rule stands above, and two rows of state and verdict.
            n_curve = max(0, (n_free - 4 - n_bands - 1 - has_axis) // 2)
            return cls(n_bands, has_axis, min(8, n_curve))
        if not is_wide or layout is Layout.UTTERANCES:
            return cls()
        for n_needed, plan in (
            (46, cls(4, True, 7)),
            (42, cls(3, True, 5)),
            (36, cls(2, True, 4)),
            (32, cls(1, True, 3)),
            (27, cls(1, True)),
            (16, cls(1)),
        ):
            if n_free >= n_needed:
                return plan
        return cls()


class TimePanel:
    """Rows of the session by time, composed again only when a cell further has come.

    Parameters
    ----------
    desk : Desk
    pen : Pen
    width : int
    plan : Plan
    """

    def __init__(self, desk: Desk, pen: Pen, width: int, plan: Plan) -> None:
        self._desk = desk
        self._pen = pen
        self._width = width
        self._plan = plan
        self._drawn: tuple[object, ...] | None = None
        self._curves: list[Text] = []
        self._curves_for: tuple[object, ...] | None = None
        self._rule: tuple[str, Text] | None = None
        """Title and text of the line above."""
        self._rows: list[Text] = []

    def rule(self, walls: Sequence[int]) -> Text:
        """A line above, with the length of time that is shown; `walls` end on it."""
        title = f" {self._title()} "
        if self._rule is None or self._rule[0] != title:
            self._rule = title, self._line(title, walls)
        return self._rule[1]

    def _line(self, title: str, walls: Sequence[int]) -> Text:
        signs = self._pen.signs
        line = [signs.rule] * self._width
        for at in walls:
            if at < self._width:
                line[at] = signs.wall_foot
        row = Text("".join(line), self._pen.theme.faint)
        if len(title) + 4 > self._width:
            return row
        return Text.assemble(row[:2], (title, DIM), row[2 + len(title) :])

    def _title(self) -> str:
        desk = self._desk
        if desk.shown.now_s <= desk.window_s:
            return "the session so far"
        return f"the last {span_in_words(desk.window_s)}"

    def row(self, k: int) -> Text:
        """Row number `k`; the first one finds out whether time has gone on by a cell."""
        if k and self._rows:
            return self._rows[k]
        state, desk = self._desk.shown, self._desk
        n_cells = max(1, self._width - GUTTER)
        window = Window.ending(state.now_s, desk.window_s, n_cells)
        key = (window, window.cell(state.now_s), state.past.version, state.labels, desk.version)
        if key != self._drawn:
            self._drawn = key
            self._rows = self._compose(state, window)
        return self._rows[k]

    def _compose(self, state: DashboardState, window: Window) -> list[Text]:
        plan = self._plan
        cells = Cells.of(state.past, window, state.now_s)
        strip = Strip(cells, self._pen, state.labels, self._desk.selected)
        rows = strip.bands(plan.n_bands)
        if plan.has_axis:
            marks = [(mark.at_s, mark.text) for mark in state.past.marks]
            rows.append(strip.axis(_wall_time_of_begin(state), marks))
        key = (window, state.past.version, self._desk.frozen is None)
        if key != self._curves_for:  # they are the same until something was said
            self._curves_for = key
            self._curves = [
                row
                for index in ((0, 1) if plan.n_curve else ())
                for row in strip.curve(index, plan.n_curve)
            ]
        return [*rows, *self._curves]


def _wall_time_of_begin(state: DashboardState) -> datetime | None:
    """Time of day when the session's clock was 0; ``None`` for recordings."""
    stream = state.shown
    if stream.started_at is None:
        return None
    return stream.started_at - timedelta(seconds=state.now_s - stream.position_s)
