"""Valence, arousal and what is known of the speaker, on the dashboard."""

from __future__ import annotations

from rich.text import Text

from ser_live.outputs.dashboard.state import DashboardState
from ser_live.terminal.pen import DIM, Pen
from ser_live.terminal.text import pad, signed

_BAR_STYLE = "bold"


def affect_rows(
    now: tuple[float, float] | None,
    session: tuple[float, float] | None,
    pen: Pen,
    bar_width: int,
    *,
    with_session: bool,
) -> list[Text]:
    """Valence and arousal as bars about zero, in the columns of the emotions' bars.

    Parameters
    ----------
    now, session : (valence, arousal) or None
        To draw; and the mean over the session, a number next to it if `with_session`.
    pen : Pen
    bar_width : int
        Cells of an emotion's bar.
    with_session : bool
    """
    width = bar_width - 1 + bar_width % 2  # odd, for a middle
    rows = []
    for index, name in enumerate(("valence", "arousal")):
        number = "" if now is None else signed(now[index], 2)
        row = Text.assemble(
            pad(name, 11),
            pen.signs.balance(
                0.0 if now is None else now[index], width, _BAR_STYLE, pen.theme.faint
            ),
            " " * (bar_width - width),
            f"{number:>7}",
        )
        if with_session:
            mean = "" if session is None else signed(session[index], 2)
            row.append(f"{mean:>9}", DIM)
        rows.append(row)
    return rows


def known_speaker(state: DashboardState, pen: Pen, width: int) -> Text:
    """Name of the voice that the results rest on, and how much of it; empty for a stranger."""
    n = state.shown.n_past
    heard = f"{n} {'utterance' if n == 1 else 'utterances'}" if n else ""
    if state.speaker is not None:
        name = pen.safe(state.speaker)
        text = f"enrolled: {name}{f', {heard}' if heard else ''}"
        if len(text) > width:
            text = f"enrolled: {name}"
    else:
        text = f"baseline: {heard}" if heard else ""
    return Text(pen.fit(text, width), DIM)
