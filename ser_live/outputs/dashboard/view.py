"""The dashboard as text: `DashboardState` in, exactly `height` lines out.

Every line is composed cell by cell, so nothing can wrap, scroll or push what stands
next to it. Names, numbers and signs carry the meaning; colour only repeats it. Where a
terminal shows ASCII alone, bars are drawn with ``#`` and ``-``.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from rich.text import Text

from ser_live.events import EmotionResult, Kind, StreamState, Verdict
from ser_live.outputs.dashboard.meter import meter_row
from ser_live.outputs.dashboard.state import DashboardState
from ser_live.outputs.dashboard.timeline import recent_row, timeline_rows
from ser_live.outputs.dashboard.voice import affect_rows, known_speaker
from ser_live.terminal.pen import (
    DIM,
    FAINT,
    WARN,
    Pen,
    at_both_ends,
    filled,
    most_important,
    percent,
)
from ser_live.terminal.text import clock, pad, wrap

VERY_SURE = 0.90
"""Probability called very sure. The evaluation tells how many such answers about strangers are
right, and caution keeps unfamiliar voices below it."""
WIDE = 76
"""Least width in cells with the timeline next to the bars."""

_N_LEFT = 12
"""Rows of the left column at its fullest, session bars and the labels' own apart."""
_N_SESSION = 4
"""Rows of the session bars with a blank one and their heading, the labels' own apart."""
_HINTS = {
    Verdict.TOO_SHORT: "too little speech to judge",
    Verdict.TOO_QUIET: "come closer to the microphone",
    Verdict.CLIPPED: "overdriven: lower the microphone's gain",
    Verdict.TOO_NOISY: "the voice hardly stands out of the background",
    Verdict.NOT_SPEECH: "no words: noise, music, a laugh, a cough",
}


def confidence_in_words(probability: float) -> str:
    """Meaning of a calibrated probability of the winning emotion, in words."""
    if probability >= VERY_SURE:
        return "very sure"
    if probability >= 0.65:
        return "sure"
    return "fairly sure" if probability >= 0.50 else "weak lead"


def render(
    state: DashboardState,
    width: int,
    height: int,
    *,
    ascii_only: bool = False,
    few_colors: bool = False,
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
    """
    view = DashboardView(state, ascii_only=ascii_only, few_colors=few_colors)
    lines = view.lines(width, height)
    return Text("\n", no_wrap=True, overflow="crop", end="").join(lines)


class DashboardView:
    """Draws a state again and again; what did not change is not composed again.

    Parameters are those of `render`.
    """

    def __init__(
        self, state: DashboardState, *, ascii_only: bool = False, few_colors: bool = False
    ) -> None:
        self.state = state
        self.pen = Pen.for_terminal(ascii_only=ascii_only, few_colors=few_colors)
        self._drawn: tuple[int, int, int] | None = None
        self._rows: list[Text | Callable[[], Text]] = []
        self._lay_out(0)

    def _lay_out(self, width: int) -> None:
        self.is_wide = width >= WIDE
        self.margin = 1 if width >= 40 else 0
        self.width = max(1, width - 2 * self.margin)
        least = 33 if self.state.shown.position_s < 3600 else 35  # positions get an hour in front
        self.right_width = min(50, max(least, self.width * 2 // 5))
        self.left_width = self.width - self.right_width - 5 if self.is_wide else self.width

    def lines(self, width: int, height: int) -> list[Text]:
        """`height` lines of at most `width` cells; do not change them."""
        key = (self.state.version, width, height)
        if key != self._drawn:
            self._drawn = key
            self._lay_out(width)
            rows = self._compose(height)[:height]
            self._rows = [self._finished(r) if isinstance(r, Text) else r for r in rows]
        return [r if isinstance(r, Text) else self._finished(r()) for r in self._rows]

    def _finished(self, row: Text) -> Text:
        line = Text.assemble(" " * self.margin, row)
        line.truncate(self.margin + self.width, overflow="crop")
        return line

    def _compose(self, height: int) -> list[Text | Callable[[], Text]]:
        """All rows; those that move with the clock or the level as functions."""
        with_rules = height >= 20
        top: list[Text | Callable[[], Text]] = [self._header]
        if height >= 6:
            top.append(lambda: meter_row(self.state.shown.meter, self.pen, self.width))
        top += self._notices(3 if height >= 24 else 2 if with_rules else 1)
        foot = [self._health()] if height >= 8 else []
        if with_rules:
            top.append(self._rule(self.pen.signs.wall_top))
            foot.insert(0, self._rule(self.pen.signs.wall_foot))
        room = max(0, height - len(top) - len(foot))
        body = self._wide(room) if self.is_wide else self._narrow(room)
        return [*top, *body, *[Text("")] * (room - len(body)), *foot]

    def _wide(self, height: int) -> list[Text | Callable[[], Text]]:
        left = [*self._left(height), *[Text("")] * height][:height]
        right = [
            *timeline_rows(self.state, self.pen, self.right_width, height),
            *[Text("")] * height,
        ][:height]
        rows: list[Text | Callable[[], Text]] = []
        rows += [self._beside(row, other) for row, other in zip(left, right, strict=True)]
        if rows:
            rows[0] = lambda: self._beside(self._activity(), right[0])
        return rows

    def _beside(self, left: Text, right: Text) -> Text:
        return Text.assemble(
            filled(left, self.left_width), (f"  {self.pen.signs.wall}  ", FAINT), right
        )

    def _narrow(self, height: int) -> list[Text | Callable[[], Text]]:
        n_left = _N_LEFT + len(self.state.labels)
        n_timeline = height - n_left - 1
        if n_timeline < 3:
            left = self._left(height, with_recent=True)
            return [self._activity, *left[1:]] if left else []
        left = self._left(n_left)
        timeline = timeline_rows(self.state, self.pen, self.width, n_timeline)
        return [self._activity, *left[1:], Text(""), *timeline]

    def _rule(self, junction: str) -> Text:
        if not self.is_wide:
            return Text(self.pen.signs.rule * self.width, FAINT)
        left = self.pen.signs.rule * (self.left_width + 2)
        return Text(f"{left}{junction}{self.pen.signs.rule * (self.right_width + 2)}", FAINT)

    # -- above and below

    def _header(self) -> Text:
        stream = self.state.shown
        now = Text(clock(stream.position_s))
        room = self.width - 11 - now.cell_len - 2
        if room < 4:
            return at_both_ends(Text("ser-live", "bold"), now, self.width)
        name, form = "waiting for a source", ""
        if stream.sample_rate:
            channels = {1: "mono", 2: "stereo"}.get(
                stream.n_channels, f"{stream.n_channels} channels"
            )
            form = f"   {stream.sample_rate / 1000:g} kHz{self.pen.signs.dot}{channels}"
            said = f"{stream.source}: {stream.caption}" if stream.caption else stream.source
            name = self.pen.safe(said)
        if len(form) > room // 2:
            form = ""
        name = self.pen.fit(name, room - len(form))
        left = Text.assemble(("ser-live", "bold"), "   ", name, (form, DIM))
        return at_both_ends(left, now, self.width)

    def _notices(self, n_lines: int) -> list[Text]:
        rows: list[Text] = []
        for message in (self._device_message(), self.state.shown.message, self.state.notice):
            text = self.pen.safe(message)
            parts = wrap(text, self.width - 2, n_lines, ellipsis=self.pen.signs.ellipsis)
            rows += [
                Text.assemble((f"{self.pen.signs.alert if k == 0 else ' '} ", WARN), part)
                for k, part in enumerate(parts)
            ]
        return rows

    def _device_message(self) -> str:
        sought_s = self.state.shown.sought_s
        if sought_s is None:
            return ""
        waited = f"{sought_s:.0f} s" if sought_s < 60 else clock(sought_s)
        return f"microphone lost, looking for it ({waited})"

    def _health(self) -> Text:
        state, tally = self.state, self.state.tally
        median, slow = tally.latency_ms(50), tally.latency_ms(95)
        gaps = f"gaps {tally.n_gaps}" + (f" ({tally.gap_s:.1f} s)" if tally.n_gaps else "")
        latency = "-" if math.isnan(median) else f"{median:.0f} ms, p95 {slow:.0f} ms"
        is_behind = state.queue.capacity > 0 and state.queue.n_waiting * 2 > state.queue.capacity
        row = Text("")
        for text, is_bad in (
            (f"queue {state.queue.n_waiting}", is_behind),
            (f"dropped {tally.n_dropped}", tally.n_dropped > 0),
            (gaps, tally.n_gaps > 0),
            (f"latency {latency}", False),
        ):
            shown = f"{self.pen.signs.alert} {text}" if is_bad else text
            if row.cell_len + len(shown) + 3 > self.width:
                break
            row.append("   " if row else "").append(shown, WARN if is_bad else DIM)
        if row.cell_len + 14 > self.width:
            return row
        return at_both_ends(row, Text("Ctrl-C ends", DIM), self.width)

    # -- left: what is going on, what was said about it, how the session goes

    def _left(self, height: int, *, with_recent: bool = False) -> list[Text]:
        """Rows of the left column; where `height` is short the lesser ones give way.

        The first is what is going on; it moves with the clock, so callers put the function
        in its place.
        """
        verdict, why, where = self._result()
        labels = self.state.labels
        with_session = height >= _N_LEFT + _N_SESSION + 2 * len(labels) - 1
        with_shares = not with_session and self.left_width >= 36 and height >= 14
        winner = self.state.winner
        rows = [(-1, self._activity()), (7, Text("")), (0, verdict), (2, why), (5, where)]
        rows.append((6, Text("")))
        if with_shares:
            rows.append((4, self._heading()))
        for label in labels:
            is_winner = winner is not None and winner[0] == label
            rows.append((1 if is_winner else 3, self._label(label, with_shares)))
        rows.append((8, Text("")))
        rows += [(6, row) for row in self._affect(self.state.affect, with_shares)]
        if with_session:
            speaker = known_speaker(self.state, self.pen, self.left_width - 9)
            heading = at_both_ends(Text("session", DIM), speaker, self.left_width)
            rows += [(6, Text("")), (6, heading)]
            rows += [(6, self._share(label)) for label in labels]
            rows.append((9, Text("")))
            rows += [(6, row) for row in self._affect(self.state.tally.affect(), False)]
        rows.append((9, Text("")))
        rows.append(
            (4, recent_row(self.state, self.pen, self.width))
            if with_recent
            else (8, self._totals())
        )
        return most_important(rows, height)

    def _activity(self) -> Text:
        stream, signs = self.state.shown, self.pen.signs
        if stream.running_s is not None:
            return Text.assemble((f"{signs.on} listening", "bold"), f"   {stream.running_s:.1f} s")
        if stream.state is None:
            return Text(f"{signs.off} {'ended' if self.state.n_streams else 'starting'}", DIM)
        if stream.sought_s is not None:
            return Text(f"{signs.alert} no microphone", WARN)
        if stream.state is StreamState.NO_SIGNAL:
            return Text(f"{signs.alert} no signal", WARN)
        if stream.state is StreamState.LISTENING:
            return Text(f"{signs.on} listening", "bold")
        return Text(f"{signs.off} {stream.state.value}")

    def _result(self) -> tuple[Text, Text, Text]:
        """The verdict, the features of the voice that stand out, and the position."""
        result = self.state.result
        if result is None:
            return Text("no utterance yet", DIM), Text(""), Text("")
        if result.state in _HINTS:
            why = self.pen.fit(_HINTS[result.state], self.left_width)
        else:
            why = self._why([self.pen.safe(reason.text) for reason in result.reasons])
        start, end = (clock(at_s, tenths=True) for at_s in (result.start_s, result.end_s))
        where = f"{start} to {end}{self.pen.signs.dot}{result.speech_s:.1f} s of speech"
        return self._verdict(result), Text(why), Text(where, DIM)

    def _verdict(self, result: EmotionResult) -> Text:
        winner = self.state.winner
        if result.state is Verdict.OK and winner is not None:
            label, probability = winner
            is_final = result.kind is Kind.FINAL
            is_ahead = probability >= max(self.state.probabilities or ())
            row = Text.assemble(
                (
                    f"{' ' if is_final else self.pen.signs.edge}{self.pen.safe(label)} ",
                    f"bold{' reverse' if is_final else ''} {self._color(label)}",
                ),
                (f"   {percent(probability)}", "bold"),
                f"   {confidence_in_words(probability) if is_ahead else 'overtaken'}",
            )
        elif winner is not None:
            label, probability = winner
            guess = f": best guess {self.pen.safe(label)} {percent(probability)}"
            row = Text.assemble((result.state.value, "bold"), guess)
        else:
            row = Text.assemble((result.state.value, "bold"))
        return row.append(" so far", DIM) if result.kind is Kind.PARTIAL else row

    def _why(self, reasons: list[str]) -> str:
        """As many whole reasons as fit, the strongest first."""
        text = self.pen.fit(reasons[0], self.left_width) if reasons else ""
        for reason in reasons[1:]:
            longer = f"{text}{self.pen.signs.dot}{reason}"
            if self.pen.fit(longer, self.left_width) != longer:
                break
            text = longer
        return text

    def _heading(self) -> Text:
        speaker = known_speaker(self.state, self.pen, self.left_width - 13)
        return at_both_ends(speaker, Text("now  session", DIM), self.left_width)

    def _affect(self, shown: tuple[float, float] | None, with_shares: bool) -> list[Text]:
        return affect_rows(
            shown,
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
            self.pen.signs.bar(height or 0.0, self._bar_width(with_share), self._color(label)),
            (f"{'' if height is None else percent(height):>7}", style),
            (f"{percent(share) if share else '':>9}" if with_share else "", DIM),
        )

    def _share(self, label: str) -> Text:
        share = self.state.tally.shares()[label]
        return Text.assemble(
            self._name(label),
            self.pen.signs.bar(share, self._bar_width(False), self._color(label)),
            f"{percent(share) if share else '':>7}",
        )

    def _bar_width(self, with_share: bool) -> int:
        return max(2, self.left_width - 11 - 7 - (9 if with_share else 0))

    def _totals(self) -> Text:
        """Number of utterances, and reasons why some have no emotion."""
        tally = self.state.tally
        if not tally.n_finals:
            return Text("")
        parts = [f"{tally.n_finals} {'utterance' if tally.n_finals == 1 else 'utterances'}"]
        parts += [
            f"{n} {state.value}" for state, n in tally.states.items() if state is not Verdict.OK
        ]
        return Text(self.pen.fit(self.pen.signs.dot.join(parts), self.left_width), DIM)
