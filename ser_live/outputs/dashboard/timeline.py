"""The timeline of the dashboard: the last utterances, one a row."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from ser_live.outputs.dashboard.state import DashboardState, TimelineEntry
from ser_live.terminal.pen import DIM, Pen, at_both_ends, percent
from ser_live.terminal.text import clock, pad


def timeline_rows(state: DashboardState, pen: Pen, width: int, height: int) -> list[Text]:
    """A heading and past utterances, the newest first, in at most `height` rows."""
    rows = [Text("last utterances", DIM)]
    stream = state.n_streams
    for entry in reversed(state.timeline):
        if entry.stream != stream:
            stream = entry.stream
            name = pen.safe(state.stream_names.get(stream, ""))
            rows.append(Text(pen.fit(f"{pen.signs.rule * 2} {name}", width), DIM))
        rows.append(_entry(entry, state.labels, pen, width))
        if len(rows) >= height:
            break
    if len(rows) == 1:
        rows.append(Text("none yet", DIM))
    return rows[:height]


def _entry(entry: TimelineEntry, labels: Sequence[str], pen: Pen, width: int) -> Text:
    style = pen.color(entry.emotion, labels) if entry.emotion else ""
    row = Text.assemble(
        (clock(entry.start_s), DIM),
        ("  " + (pen.signs.on if entry.emotion else pen.signs.off), style or DIM),
        (f" {pad(pen.safe(entry.label), 10)}", style),
    )
    confidence = "" if entry.confidence is None else percent(entry.confidence)
    numbers = Text.assemble(f"{confidence:>5}", (f"{entry.duration_s:>6.1f} s", DIM))
    bar_width = min(14, width - row.cell_len - numbers.cell_len - 2)
    if bar_width >= 5 and entry.emotion:
        row.append(" ")
        row.append_text(pen.signs.bar(entry.confidence or 0.0, bar_width, style))
    elif bar_width >= 10 and entry.best:
        room = bar_width - 2
        row.append(f" {pen.fit(pen.safe(entry.best), room)}?", DIM)
    return at_both_ends(row, numbers, width)


def recent_row(state: DashboardState, pen: Pen, width: int) -> Text:
    """The last utterances in one row, for when there is no room for the timeline."""
    parts = []
    for entry in reversed(state.timeline):
        confidence = "" if entry.confidence is None else f" {percent(entry.confidence)}"
        parts.append(f"{pen.safe(entry.label)}{confidence}")
    return Text(pen.fit("last: " + pen.signs.dot.join(parts[:6]), width), DIM)
