"""Drawing material of the dashboard: signs, colours, bars, rows.

There are two sets of signs: thin lines, and ASCII for terminals that show nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import TypeVar

from rich.text import Text

from ser_live.terminal.text import fit, printable
from ser_live.terminal.themes import DARK, Theme

DIM = "dim"


R = TypeVar("R")


@dataclass(frozen=True)
class Signs:
    """One set of characters, each one cell wide."""

    full: str
    half: str
    """Ends a bar half a cell later; empty where there is no such character."""
    track: str
    middle: str
    """Sign for zero in a bar that has two sides."""
    peak: str
    noise: str
    rule: str
    wall: str
    wall_top: str
    wall_foot: str
    on: str
    off: str
    alert: str
    edge: str
    """Sign before what is not final yet."""
    dot: str
    """Sign between things in a row."""
    ellipsis: str

    levels: str
    """Signs of one cell that is filled from below, from a little to whole."""
    hatch: str
    """Sign for time that was not heard."""
    pale: str
    """Sign for speech without an emotion."""
    quiet: str
    """Sign for time without speech."""
    missed: str
    """Sign for speech that was not analyzed."""
    mark: str
    """Sign for a moment that was marked."""
    cursor: str

    def balance(self, value: float, width: int, style: str, faint: str) -> Text:
        """A bar from the middle of `width` cells (odd) towards -1 at the left or +1."""
        half = width // 2
        value = min(1.0, max(-1.0, value)) if math.isfinite(value) else 0.0
        n = round(abs(value) * half)
        left, right = (n, 0) if value < 0 else (0, n)
        return Text.assemble(
            (self.track * (half - left), faint),
            (self.full * left, style),
            (self.middle, "" if n else faint),
            (self.full * right, style),
            (self.track * (half - right), faint),
        )

    def bar(self, share: float, width: int, style: str, faint: str) -> Text:
        """A bar of `width` cells filled to `share` in [0, 1]; NaN draws an empty one."""
        share = min(1.0, max(0.0, share)) if math.isfinite(share) else 0.0
        n_halves = round(share * width * 2) if self.half else round(share * width) * 2
        filled = self.full * (n_halves // 2) + self.half * (n_halves % 2)
        return Text.assemble((filled, style), (self.track * (width - len(filled)), faint))


UNICODE = Signs(
    "━",
    "╸",
    "─",
    "┼",
    "┃",
    "┊",
    "─",
    "│",
    "┬",
    "┴",
    "●",
    "○",
    "▲",
    "▌",
    " · ",
    "…",
    "▁▂▃▄▅▆▇█",
    "╱",
    "░",
    "·",
    "×",
    "▾",
    "▏",
)
ASCII = Signs(
    "#",
    "",
    "-",
    "+",
    "|",
    ":",
    "-",
    "|",
    "-",
    "-",
    "*",
    "o",
    "!",
    " ",
    ", ",
    "~",
    "##",
    "/",
    "~",
    ".",
    "x",
    "v",
    "_",
)


@dataclass(frozen=True)
class Pen:
    """Signs and colours that one terminal can show."""

    signs: Signs
    few_colors: bool
    ascii_only: bool
    theme: Theme

    @classmethod
    def for_terminal(cls, *, ascii_only: bool, few_colors: bool, theme: Theme = DARK) -> Pen:
        """The pen for a terminal that shows only ASCII or only 16 colours, or neither."""
        return cls(ASCII if ascii_only else UNICODE, few_colors, ascii_only, theme)

    def bar(self, share: float, width: int, style: str) -> Text:
        """A bar of `width` cells filled to `share` in [0, 1]; NaN draws an empty one."""
        return self.signs.bar(share, width, style, self.theme.faint)

    def color(self, label: str, labels: Sequence[str]) -> str:
        """The colour of one of a model's labels."""
        return self.theme.color(label, labels, few_colors=self.few_colors)

    def safe(self, text: str) -> str:
        """`text` from outside, without what the terminal would obey or could not show."""
        return printable(text, ascii_only=self.ascii_only)

    def fit(self, text: str, width: int) -> str:
        """`text` cut to `width` cells with an ellipsis."""
        return fit(text, max(0, width), ellipsis=self.signs.ellipsis)


def percent(share: float) -> str:
    """A share in [0, 1] as a whole percentage."""
    return f"{share * 100:.0f} %"


def sure_percent(probability: float) -> str:
    """A probability as a whole percentage; never ``100 %``, as nothing is certain."""
    return "> 99 %" if probability > 0.99 else percent(probability)


def joined(cells: Iterable[tuple[str, str]]) -> Text:
    """Cells with their styles as one text; neighbours of one style are sent as one piece."""
    line = Text()
    for style, run in groupby(cells, key=itemgetter(1)):
        line.append("".join(cell for cell, _ in run), style)
    return line


def with_mark(bar: Text, at: int, sign: str, style: str) -> Text:
    """`bar` with `sign` in place of its character number `at`."""
    return Text.assemble(bar[:at], (sign, style), bar[at + 1 :])


def filled(line: Text, width: int) -> Text:
    """A copy of `line` cut or filled with spaces to exactly `width` cells."""
    line = Text.assemble(line)  # as spans: a style of the whole line would spread to what follows
    line.truncate(width, overflow="crop", pad=True)
    return line


def at_both_ends(left: Text, right: Text, width: int) -> Text:
    """`left` and `right` at the two ends of a line of `width` cells."""
    space = max(1, width - left.cell_len - right.cell_len)
    return Text.assemble(left, " " * space, right)


def most_important(rows: Sequence[tuple[int, R]], n_rows: int) -> list[R]:
    """The `n_rows` rows of lowest rank, in their own order."""
    chosen = sorted(range(len(rows)), key=lambda k: rows[k][0])[: max(0, n_rows)]
    return [rows[k][1] for k in sorted(chosen)]
