"""Between header and time: the verdict, the bars beside it, past utterances, the session's sums."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.text import Text

from ser_live.events import StreamState, Verdict
from ser_live.outputs.dashboard.desk import Desk, Layout, Page
from ser_live.outputs.dashboard.pages import (
    detail_rows,
    help_rows,
    microphone_rows,
    utterance_rows,
)
from ser_live.outputs.dashboard.state import DashboardState
from ser_live.outputs.dashboard.timeline import recent_row, timeline_rows
from ser_live.outputs.dashboard.verdict import VerdictPainter
from ser_live.outputs.dashboard.voice import affect_rows, known_speaker
from ser_live.terminal.pen import (
    DIM,
    Pen,
    at_both_ends,
    filled,
    most_important,
    sure_percent,
)
from ser_live.terminal.text import clock, pad

Row = Text | Callable[[], Text]

VERY_WIDE = 150
"""Least width in cells with the sums of the session in a column of their own."""
_LARGE_FROM = 15
"""Least rows of the body with a verdict in large letters."""
_SESSION_WIDTH = 44


class Body:
    """Composes the rows of the body for one width.

    Parameters
    ----------
    state : DashboardState
    desk : Desk
    pen : Pen
    width : int
    is_wide : bool
        Whether columns stand next to each other.
    """

    def __init__(
        self, state: DashboardState, desk: Desk, pen: Pen, width: int, *, is_wide: bool
    ) -> None:
        self.state = state
        self.pen = pen
        self.width = width
        self.is_wide = is_wide
        self._desk = desk
        least = 34 if state.shown.position_s < 3600 else 36  # positions get an hour in front
        self.has_session = is_wide and width >= VERY_WIDE
        self.right_width = min(50, max(least, width * 2 // 5))
        beside = self.right_width + 5 + (_SESSION_WIDTH + 5 if self.has_session else 0)
        self.left_width = width - beside if is_wide else width
        self._verdict = VerdictPainter(state, pen, self.left_width, with_units=desk.with_units)

    @property
    def walls(self) -> tuple[int, ...]:
        """Cells of the lines between the columns."""
        if not self.is_wide:
            return ()
        first = self.left_width + 2
        return (first, first + self.right_width + 5) if self.has_session else (first,)

    def rule(self, junction: str) -> Text:
        """A line above the body, where the lines between the columns begin."""
        line = [self.pen.signs.rule] * self.width
        for at in self.walls if self._desk.layout is Layout.OVERVIEW else ():
            line[at] = junction
        return Text("".join(line), self.pen.theme.faint)

    def rows(self, n_rows: int) -> list[Row]:
        """At most `n_rows` rows; those that move with the clock as functions."""
        layout, page = self._desk.layout, self._desk.page
        if page is not None and not (self.is_wide and layout is Layout.OVERVIEW):
            return [*self._page(page, self.width, n_rows)]
        if layout is Layout.VERDICT:
            return self._only_verdict(n_rows)
        if layout is Layout.TIME:
            one_row = VerdictPainter(
                self.state, self.pen, self.width, with_units=self._desk.with_units
            ).in_one_row
            rows: list[Row] = [self._activity, one_row]
            return rows[:n_rows]
        if layout is Layout.UTTERANCES:
            return [*self._list(self.width, n_rows, with_words=True)]
        return self._wide(n_rows) if self.is_wide else self._narrow(n_rows)

    # -- columns

    def _wide(self, n_rows: int) -> list[Row]:
        page = self._desk.page
        left: list[Row] = (
            self._left(n_rows) if page is None else [*self._page(page, self.left_width, n_rows)]
        )
        columns: list[list[Row]] = [left, [*self._list(self.right_width, n_rows)]]
        if self.has_session:
            columns.append([*self._session(n_rows)])
        blank: list[Row] = [Text("")] * n_rows
        whole: list[list[Row]] = [[*column, *blank][:n_rows] for column in columns]
        return [self._joined(parts) for parts in zip(*whole, strict=True)]

    def _joined(self, parts: tuple[Row, ...]) -> Row:
        still = [part for part in parts if isinstance(part, Text)]
        if len(still) == len(parts):
            return self.beside(still)
        return _Beside(self, parts)

    def beside(self, parts: Sequence[Text]) -> Text:
        """Parts of the columns in one row."""
        widths = (self.left_width, self.right_width, _SESSION_WIDTH)
        line = Text()
        for k, (part, width) in enumerate(zip(parts, widths, strict=False)):
            if k:
                line.append(f"  {self.pen.signs.wall}  ", self.pen.theme.faint)
            line.append_text(filled(part, width))
        return line

    def _narrow(self, n_rows: int) -> list[Row]:
        n_left = 12 + len(self.state.labels) + (2 if n_rows >= 24 else 0)
        n_list = n_rows - n_left - 1
        if n_list < 3:
            return self._left(n_rows, with_recent=True)
        return [*self._left(n_left), Text(""), *self._list(self.width, n_list)]

    def _list(self, width: int, n_rows: int, *, with_words: bool = False) -> list[Text]:
        return timeline_rows(
            self.state, self.pen, width, n_rows, self._desk.selected, with_words=with_words
        )

    def _page(self, page: Page, width: int, n_rows: int) -> list[Text]:
        if page is Page.HELP:
            return help_rows(self.pen, width, n_rows)
        if page is Page.MICROPHONES:
            return microphone_rows(self._desk, self.pen, width, n_rows)
        if page is Page.DETAILS or self._desk.selected is None:
            return detail_rows(self.state, self.pen, width)[:n_rows]
        rows = utterance_rows(self._desk.selected, self.state, self.pen, width)
        return most_important(rows, n_rows)

    def _only_verdict(self, n_rows: int) -> list[Row]:
        if n_rows < 6:
            one: list[Row] = [self._activity, self._verdict.in_one_row, self._verdict.why]
            return one[:n_rows]
        painter = VerdictPainter(self.state, self.pen, self.width, with_units=self._desk.with_units)
        large = painter.large(n_rows - 4)
        return [self._activity, *large, painter.certainty, painter.why(), painter.where()]

    # -- left: what is going on, what was said about it

    def _left(self, n_rows: int, *, with_recent: bool = False) -> list[Row]:
        """Rows of the left column; where `n_rows` is short the lesser ones give way."""
        verdict, state = self._verdict, self.state
        is_large = n_rows >= _LARGE_FROM and self.left_width >= 30 and not with_recent
        rows: list[tuple[int, Row]] = [(-1, self._activity)]
        if is_large:
            n_large = 5 if n_rows >= 26 and self.left_width >= 70 else 3
            rows.append((8, Text("")))
            rows += [(0, row) for row in verdict.large(n_large)]
            rows += [(0, verdict.certainty), (1, verdict.why()), (6, verdict.where())]
        else:
            rows += [(7, Text("")), (0, verdict.in_one_row), (2, verdict.why())]
            rows.append((5, verdict.where()))
        rows.append((6, Text("")))
        with_shares = not self.has_session and self.left_width >= 36 and n_rows >= 14
        if with_shares:
            rows.append((4, self._heading()))
        winner = state.winner
        for label in state.labels:
            is_winner = winner is not None and winner[0] == label
            rows.append((1 if is_winner else 3, self._label(label, with_shares)))
        rows.append((8, Text("")))
        rows += [(3 if is_large else 6, row) for row in self._affect(with_shares)]
        rows.append((9, Text("")))
        if with_recent:
            rows.append((4, recent_row(state, self.pen, self.width)))
        elif not self.has_session:
            rows.append((8, self._totals(self.left_width)))
        return most_important(rows, n_rows)

    def _activity(self) -> Text:
        stream, signs, warn = self.state.shown, self.pen.signs, self.pen.theme.warn
        if stream.state is None:
            return Text(f"{signs.off} {'ended' if self.state.n_streams else 'starting'}", DIM)
        if stream.paused_from_s is not None:
            paused_s = max(0.0, stream.position_s - stream.paused_from_s)
            return Text(f"{signs.alert} paused   {clock(paused_s)}", warn)
        if stream.running_s is not None:
            return Text.assemble((f"{signs.on} listening", "bold"), f"   {stream.running_s:.1f} s")
        if stream.sought_s is not None:
            return Text(f"{signs.alert} no microphone", warn)
        if stream.state is StreamState.NO_SIGNAL:
            return Text(f"{signs.alert} no signal", warn)
        if stream.state is StreamState.LISTENING:
            return Text(f"{signs.on} listening", "bold")
        return Text(f"{signs.off} {stream.state.value}")

    def _heading(self) -> Text:
        speaker = known_speaker(self.state, self.pen, self.left_width - 13)
        return at_both_ends(speaker, Text("now  session", DIM), self.left_width)

    def _affect(self, with_shares: bool) -> list[Text]:
        return affect_rows(
            self.state.affect,
            self.state.tally.affect(),
            self.pen,
            self._bar_width(with_shares),
            with_session=with_shares,
        )

    def _color(self, label: str) -> str:
        return self.pen.color(label, self.state.labels)

    def _name(self, label: str) -> str:
        """A label in the column of names, a space after it."""
        return pad(self.pen.fit(self.pen.safe(label), 10), 11)

    def _label(self, label: str, with_share: bool) -> Text:
        winner = self.state.winner
        style = "bold" if winner is not None and winner[0] == label else ""
        height = self.state.probability(label)
        share = self.state.tally.shares()[label] if with_share else 0.0
        return Text.assemble(
            (self._name(label), style),
            self.pen.bar(height or 0.0, self._bar_width(with_share), self._color(label)),
            (f"{'' if height is None else sure_percent(height):>7}", style),
            (f"{_share(share):>9}" if with_share else "", DIM),
        )

    def _bar_width(self, with_share: bool) -> int:
        return max(2, self.left_width - 11 - 7 - (9 if with_share else 0))

    # -- right: the session

    def _session(self, n_rows: int) -> list[Text]:
        """Sums of the session in a column of their own."""
        state, pen, width = self.state, self.pen, _SESSION_WIDTH
        shares = state.tally.shares()
        rows = [Text("this session, by speech time", DIM)]
        rows += [
            Text.assemble(
                self._name(label),
                pen.bar(shares[label], width - 18, self._color(label)),
                f"{_share(shares[label]):>7}",
            )
            for label in state.labels
        ]
        rows.append(Text(""))
        rows += affect_rows(state.tally.affect(), None, pen, width - 18, with_session=False)
        rows += [Text(""), self._totals(width)]
        for verdict, n in state.tally.states.most_common():
            if verdict is not Verdict.OK:
                rows.append(Text(f"  {n} {verdict.value}", DIM))
        known = known_speaker(state, pen, width)
        rows += [Text(""), known] if known else []
        return rows[:n_rows]

    def _totals(self, width: int) -> Text:
        """Number of utterances, and reasons why some have no emotion."""
        tally = self.state.tally
        if not tally.n_finals:
            return Text("")
        parts = [f"{tally.n_finals} {'utterance' if tally.n_finals == 1 else 'utterances'}"]
        if self.has_session:
            parts.append(f"{tally.n_named} named")
        else:
            parts += [
                f"{n} {state.value}" for state, n in tally.states.items() if state is not Verdict.OK
            ]
        return Text(self.pen.fit(self.pen.signs.dot.join(parts), width), DIM)


def _share(share: float) -> str:
    """A share of speech time, ``all`` for the whole; empty for nothing."""
    return "all" if share >= 1.0 else sure_percent(share) if share else ""


class _Beside:
    """A row of columns of which some move with the clock; composed again when one has moved."""

    def __init__(self, body: Body, parts: Sequence[Row]) -> None:
        self._body = body
        self._parts = parts
        self._last: list[Text] = []
        self._row = Text()

    def __call__(self) -> Text:
        parts = [part if isinstance(part, Text) else part() for part in self._parts]
        if parts != self._last:
            self._last, self._row = parts, self._body.beside(parts)
        return self._row
