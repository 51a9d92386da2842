"""Above and below: what is heard, what went wrong, which keys there are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from rich.cells import cell_len
from rich.text import Text

from ser_live.outputs.dashboard.desk import Desk
from ser_live.outputs.dashboard.pages import signal_form
from ser_live.outputs.dashboard.state import DashboardState
from ser_live.outputs.dashboard.stream_view import StreamView
from ser_live.outputs.dashboard.strip import time_of_day
from ser_live.terminal.pen import DIM, Pen, at_both_ends
from ser_live.terminal.text import clock, wrap


def _unknown(file: str) -> float | None:
    """Stand in where nobody knows the length of recordings."""
    return None


@dataclass
class Recordings:
    """Number and lengths of the recordings that are played."""

    n: int = 0
    """Number of them."""
    length_s: Callable[[str], float | None] = _unknown
    """Length of one by its path, as its header says; asked once of each."""
    _lengths: dict[str, float | None] = field(default_factory=dict)

    def length_of(self, file: str) -> float | None:
        """Length of a recording in seconds, ``None`` where it does not say."""
        if file not in self._lengths:
            self._lengths = {file: self.length_s(file)}
        return self._lengths[file]


def header(state: DashboardState, pen: Pen, width: int, recordings: Recordings) -> Text:
    """Name of the source and its time: of day, or the place in the recordings."""
    stream = state.shown
    choices = _times(state, recordings)
    now = Text(next((c for c in choices if len(c) <= max(8, width // 2 - 8)), choices[-1]))
    room = width - 11 - now.cell_len - 2
    if room < 4:
        return at_both_ends(Text("ser-live", "bold"), now, width)
    name, form = "waiting for a source", ""
    if stream.sample_rate:
        form = f"   {signal_form(stream.sample_rate, stream.n_channels, pen)}"
        said = f"{stream.source}: {stream.caption}" if stream.caption else stream.source
        name = pen.safe(said)
    # Whose sound it is counts for more than its form.
    if len(form) > room // 2 or cell_len(name) > room - len(form):
        form = ""
    name = pen.fit(name, room - len(form))
    return at_both_ends(Text.assemble(("ser-live", "bold"), "   ", name, (form, DIM)), now, width)


def _times(state: DashboardState, recordings: Recordings) -> list[str]:
    """The place in time, in as many words as there are, then in fewer."""
    stream = state.shown
    if stream.started_at is not None:
        return [time_of_day(stream.started_at, stream.position_s)]
    position = clock(stream.position_s)
    if stream.file is None:
        return [position]
    length_s = recordings.length_of(stream.file)
    # A header may say less than there is.
    if length_s is not None and length_s >= stream.position_s:
        position = f"{position} / {clock(length_s)}"
    if recordings.n <= 1 or not state.n_files:
        return [position, clock(stream.position_s)]
    number = f"file {min(state.n_files, recordings.n)} of {recordings.n}"
    return [f"{number}   {position}", position, clock(stream.position_s)]


def notices(state: DashboardState, pen: Pen, width: int, n_lines: int) -> list[Text]:
    """Sentences about what went wrong."""
    rows: list[Text] = []
    for message in (_device_message(state.shown), state.shown.message, state.notice):
        parts = wrap(pen.safe(message), width - 2, n_lines, ellipsis=pen.signs.ellipsis)
        rows += [
            Text.assemble((f"{pen.signs.alert if k == 0 else ' '} ", pen.theme.warn), part)
            for k, part in enumerate(parts)
        ]
    return rows


def _device_message(stream: StreamView) -> str:
    sought_s = stream.sought_s
    if sought_s is None:
        return ""
    waited = f"{sought_s:.0f} s" if sought_s < 60 else clock(sought_s)
    return f"microphone lost, looking for it ({waited})"


_DEVICE = ("d", "microphone")
_HINTS = (
    ("q", "end"),
    ("space", "pause"),
    ("m", "mark"),
    ("n", "note"),
    ("up down", "look back"),
    ("tab", "layout"),
    _DEVICE,
    ("?", "keys"),
)
_LAST = 2
"""Hints that stay longest: the first, and the last, which leads to all."""


def footer(desk: Desk, pen: Pen, width: int) -> Text:
    """A question to the person, the answer to the latest key, or the keys and what is wrong."""
    prompt = desk.prompt
    if prompt is not None:
        room = max(1, width - len(prompt.question) - 1)
        typed = pen.safe(prompt.text)
        while Text(typed).cell_len > room:
            typed = typed[1:]
        return Text.assemble((prompt.question, "bold"), typed, (pen.signs.cursor, "bold"))
    if desk.said:
        return Text(pen.fit(pen.safe(desk.said), width), "bold")
    health = _health(desk.shown, pen, width)
    room = width - health.cell_len - (2 if health else 0)
    return at_both_ends(_keys(desk, pen, room), health, width)


def _keys(desk: Desk, pen: Pen, width: int) -> Text:
    if desk.session is None:
        return Text("Ctrl-C ends", DIM) if width >= 11 else Text("")
    if desk.frozen is not None:
        return Text(
            pen.fit(f"frozen at {clock(desk.frozen.shown.position_s)}: f goes on", width), "bold"
        )
    hints = [hint for hint in _HINTS if hint != _DEVICE or desk.has_microphone]
    while len(hints) > _LAST and sum(len(k) + len(w) + 4 for k, w in hints) - 3 > width:
        del hints[-2]
    row = Text()
    for key, what in hints:
        row.append("   " if row else "").append(key, "bold").append(f" {what}", DIM)
    return row if row.cell_len <= width else Text("")


def _health(state: DashboardState, pen: Pen, width: int) -> Text:
    """Trouble with speed and audio; empty when there is none."""
    tally, row = state.tally, Text()
    is_behind = state.queue.capacity > 0 and state.queue.n_waiting * 2 > state.queue.capacity
    for text, is_bad in (
        (f"dropped {tally.n_dropped}", tally.n_dropped > 0),
        (f"gaps {state.n_losses} ({state.lost_s:.1f} s)", state.n_losses > 0),
        (f"{state.queue.n_waiting} waiting", is_behind),
    ):
        shown = f"{pen.signs.alert} {text}"
        if is_bad and row.cell_len + len(shown) + 3 <= width:
            row.append("   " if row else "").append(shown, pen.theme.warn)
    return row
