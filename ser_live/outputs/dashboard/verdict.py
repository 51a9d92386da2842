"""The verdict: the largest thing on the screen, how sure it is, why, and how long ago."""

from __future__ import annotations

from rich.text import Text

from ser_live.events import EmotionResult, Kind, Verdict
from ser_live.outputs.dashboard.state import DashboardState
from ser_live.outputs.dashboard.wording import (
    HINTS,
    age_in_words,
    confidence_in_words,
    whole_reasons,
)
from ser_live.terminal.block_letters import block_rows
from ser_live.terminal.pen import DIM, Pen, at_both_ends, sure_percent
from ser_live.terminal.text import clock

FRESH_S = 10.0
"""A verdict older than this is drawn paler."""
STALE_S = 60.0
"""A verdict older than this is drawn without colour."""


class VerdictPainter:
    """Draws the latest verdict of a state."""

    def __init__(self, state: DashboardState, pen: Pen, width: int, *, with_units: bool) -> None:
        self._state = state
        self._pen = pen
        self._width = width
        self._with_units = with_units

    def _style(self, label: str | None) -> str:
        """Style of the verdict, the paler the older."""
        age_s = self._state.age_s or 0.0
        color = "" if label is None or age_s > STALE_S else self._color(label)
        return f"{DIM if age_s > FRESH_S else 'bold'} {color}".rstrip()

    def _color(self, label: str) -> str:
        return self._pen.color(label, self._state.labels)

    def _word(self, result: EmotionResult) -> tuple[str, str | None]:
        """The word of the verdict, and the label that it names."""
        winner = self._state.winner
        if result.state is Verdict.OK and winner is not None:
            return self._pen.safe(winner[0]), winner[0]
        return result.state.value, None

    def large(self, n_rows: int) -> list[Text]:
        """The verdict in letters as high as `n_rows` allow; a broad badge where there are none."""
        result = self._state.result
        if result is None:
            return _centred([Text(self._nothing(), DIM)], n_rows)
        word, label = self._word(result)
        style = self._style(label)
        rows = () if self._pen.ascii_only else block_rows(word, self._width, n_rows)
        if rows:
            return _centred([Text(row, style) for row in rows], n_rows)
        return _centred(self._badge(word, style), n_rows)

    def _badge(self, word: str, style: str) -> list[Text]:
        """Three rows in reverse, as broad as the word spaced out."""
        broad = " ".join(word.upper())
        text = broad if len(broad) + 4 <= self._width else word.upper()
        text = f"  {self._pen.fit(text, self._width - 4)}  "
        space = " " * Text(text).cell_len
        return [Text(row, f"reverse {style}") for row in (space, text, space)]

    def _nothing(self) -> str:
        return "no utterance yet" if self._state.shown.state is not None else "nothing was said"

    def certainty(self) -> Text:
        """Certainty in words and number, and the age; below the large letters."""
        result = self._state.result
        if result is None:
            return Text("speak, and it is judged as you go", DIM)
        winner = self._state.winner
        row = Text()
        if winner is not None:
            label, probability = winner
            number = sure_percent(probability)
            if result.state is Verdict.OK:
                row.append(f"{number}", "bold").append(f"   {self._sure(probability)}")
            else:
                row.append(f"best guess {self._pen.safe(label)} {number}")
        else:
            row.append("not judged")
        return at_both_ends(row, self._age(result), self._width)

    def _sure(self, probability: float) -> str:
        is_ahead = probability >= max(self._state.probabilities or ())
        return confidence_in_words(probability) if is_ahead else "overtaken"

    def _age(self, result: EmotionResult) -> Text:
        if result.kind is Kind.PARTIAL:
            return Text("so far")
        age_s = self._state.age_s
        return Text("" if age_s is None else age_in_words(age_s), DIM)

    def why(self) -> Text:
        """Unusual things about the voice, or the reason why there is no emotion."""
        result = self._state.result
        if result is None:
            return Text("")
        if result.state in HINTS:
            return Text(self._pen.fit(HINTS[result.state], self._width))
        return Text(
            whole_reasons(result.reasons, self._pen, self._width, with_units=self._with_units)
        )

    def where(self) -> Text:
        """Position of the utterance and how much of it is speech."""
        result = self._state.result
        if result is None:
            return Text("")
        start, end = (clock(at_s, tenths=True) for at_s in (result.start_s, result.end_s))
        return Text(f"{start} to {end}{self._pen.signs.dot}{result.speech_s:.1f} s of speech", DIM)

    def in_one_row(self) -> Text:
        """Verdict, certainty and age in one row, for where there is no room for more."""
        result = self._state.result
        if result is None:
            return Text("no utterance yet", DIM)
        winner = self._state.winner
        is_partial = result.kind is Kind.PARTIAL
        if result.state is Verdict.OK and winner is not None:
            label, probability = winner
            edge = self._pen.signs.edge if is_partial else " "
            row = Text.assemble(
                (
                    f"{edge}{self._pen.safe(label)} ",
                    f"{self._style(label)}{'' if is_partial else ' reverse'}",
                ),
                (f"   {sure_percent(probability)}", "bold"),
                f"   {self._sure(probability)}",
            )
        elif winner is not None:
            label, probability = winner
            guess = f": best guess {self._pen.safe(label)} {sure_percent(probability)}"
            row = Text.assemble((result.state.value, "bold"), guess)
        else:
            row = Text.assemble((result.state.value, "bold"))
        age = self._age(result)
        if row.cell_len + age.cell_len + 1 <= self._width:
            return at_both_ends(row, age, self._width)
        return row


def _centred(rows: list[Text], n_rows: int) -> list[Text]:
    above = max(0, n_rows - len(rows)) // 2
    filled = [*[Text("")] * above, *rows]
    return [*filled, *[Text("")] * (n_rows - len(filled))][:n_rows]
