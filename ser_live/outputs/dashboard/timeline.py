"""Past utterances, one a row."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from ser_live.outputs.dashboard.past import TimelineEntry
from ser_live.outputs.dashboard.state import DashboardState
from ser_live.outputs.dashboard.wording import HINTS, whole_reasons
from ser_live.terminal.pen import DIM, Pen, at_both_ends, filled, sure_percent
from ser_live.terminal.text import clock, pad, signed


def timeline_rows(
    state: DashboardState,
    pen: Pen,
    width: int,
    height: int,
    selected: TimelineEntry | None = None,
    *,
    with_words: bool = False,
) -> list[Text]:
    """A heading and past utterances, the newest first, in at most `height` rows.

    Parameters
    ----------
    state : DashboardState
    pen : Pen
    width, height : int
    selected : TimelineEntry or None
        The one that is looked at; those around it are shown.
    with_words : bool
        Also what was unusual about each voice, where there is room.
    """
    entries = list(reversed(state.past.entries))
    at = next((k for k, entry in enumerate(entries) if entry == selected), 0)
    first = max(0, at - max(0, height - 3))
    title = "last utterances"
    if selected is not None and entries:
        title = f"utterance {len(entries) - at} of {len(entries)}"
    rows = [Text(title, DIM)]
    stream = state.n_streams
    for entry in entries[first:]:
        if entry.stream != stream:
            stream = entry.stream
            name = pen.safe(state.stream_names.get(stream, ""))
            rows.append(Text(pen.fit(f"{pen.signs.rule * 2} {name}", width), DIM))
        row = _entry(entry, state.labels, pen, width, with_words=with_words)
        if selected is not None and entry == selected:
            row = Text.assemble(filled(row, width))
            row.stylize("reverse")
        rows.append(row)
        if len(rows) >= height:
            break
    if len(rows) == 1:
        rows.append(Text("none yet", DIM))
    return rows[:height]


def _entry(
    entry: TimelineEntry, labels: Sequence[str], pen: Pen, width: int, *, with_words: bool
) -> Text:
    style = pen.color(entry.emotion, labels) if entry.emotion else ""
    row = Text.assemble(
        (clock(entry.start_s), DIM),
        ("  " + (pen.signs.on if entry.emotion else pen.signs.off), style or DIM),
        (f" {pad(pen.safe(entry.label), 10)}", style),
    )
    confidence = "" if entry.confidence is None else sure_percent(entry.confidence)
    numbers = Text.assemble(f"{confidence:>6}", (f"{entry.duration_s:>6.1f} s", DIM))
    bar_width = min(14, width - row.cell_len - numbers.cell_len - 2)
    if bar_width >= 5 and entry.emotion:
        row.append(" ")
        row.append_text(pen.bar(entry.confidence or 0.0, bar_width, style))
    elif bar_width >= 10 and entry.best:
        row.append(" " + pad(f"{pen.fit(pen.safe(entry.best), bar_width - 2)}?", bar_width), DIM)
    elif bar_width >= 5 and with_words:
        row.append(" " * (bar_width + 1))
    if not with_words or width < 60:
        return at_both_ends(row, numbers, width)
    row.append_text(numbers)
    row.append(pen.fit(f"   {_words(entry, pen, width - row.cell_len - 3)}", width - row.cell_len))
    return row


def _words(entry: TimelineEntry, pen: Pen, width: int) -> str:
    """Unusual things about the voice, before them valence and arousal where there is room."""
    result = entry.result
    if result is None:
        return "analysis fell behind: it was not judged"
    if result.state in HINTS:
        return HINTS[result.state]
    affect = ""
    if result.valence is not None and result.arousal is not None and width >= 45:
        affect = f"v {signed(result.valence, 1)}  a {signed(result.arousal, 1)}   "
    return affect + whole_reasons(result.reasons, pen, width - len(affect), with_units=False)


def recent_row(state: DashboardState, pen: Pen, width: int) -> Text:
    """The last utterances in one row, for when there is no room for the timeline."""
    parts = []
    for entry in reversed(state.past.entries):
        confidence = "" if entry.confidence is None else f" {sure_percent(entry.confidence)}"
        parts.append(f"{pen.safe(entry.label)}{confidence}")
        if len(parts) == 6:
            break
    return Text(pen.fit("last: " + pen.signs.dot.join(parts), width), DIM)
