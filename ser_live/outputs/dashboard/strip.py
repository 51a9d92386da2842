"""The session by time: bands of emotions, and valence and arousal as curves.

A cell is a stretch of time. Cells begin at whole multiples of their length, so a picture that
moves on is the same picture, shifted.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from rich.text import Text

from ser_live.outputs.dashboard.past import Past, TimelineEntry
from ser_live.terminal.pen import DIM, Pen, joined
from ser_live.terminal.text import clock, pad

GUTTER = 11
"""Cells of the names in front of strip and curves."""
_TICKS_S = (5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0)
_TICK_CELLS = 12
"""Least cells from one time on the axis to the next."""
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
"""Bits of the dots of a braille character, by column and row."""


@dataclass(frozen=True)
class Window:
    """A stretch of the session, cut into cells of one length."""

    begin_s: float
    cell_s: float
    n_cells: int

    @classmethod
    def ending(cls, now_s: float, length_s: float, n_cells: int) -> Window:
        """The latest `length_s` of a session, or its beginning where it is not as long."""
        cell_s = length_s / n_cells
        last = math.ceil(now_s / cell_s)
        return cls(max(0, last - n_cells) * cell_s, cell_s, n_cells)

    def cell(self, at_s: float) -> int:
        """Number of the cell of a moment; outside of the window it is none of them."""
        return math.floor((at_s - self.begin_s) / self.cell_s + 1e-9)

    def cells(self, begin_s: float, end_s: float) -> range:
        """The cells that a stretch of time touches, one at least where it is in the window."""
        first = self.cell(begin_s)
        return range(max(0, first), min(self.n_cells, max(first, self.cell(end_s - 1e-6)) + 1))


@dataclass
class Cells:
    """The past, sorted into the cells of a window."""

    window: Window
    now_cell: int
    """Cell of the present; what follows is empty."""
    entries: list[TimelineEntry | None]
    """The utterance that fills most of each."""
    is_missing: list[bool]
    """Whether each was not heard."""

    @classmethod
    def of(cls, past: Past, window: Window, now_s: float) -> Cells:
        """Sort the past into the cells of a window."""
        entries: list[TimelineEntry | None] = [None] * window.n_cells
        filled = [0.0] * window.n_cells
        for entry in _since(past.entries, window.begin_s):
            for k in window.cells(entry.begin_s, entry.end_s):
                left = window.begin_s + k * window.cell_s
                share = min(entry.end_s, left + window.cell_s) - max(entry.begin_s, left)
                if share > filled[k] or entries[k] is None:
                    entries[k], filled[k] = entry, share
        is_missing = [False] * window.n_cells
        for gap in reversed(past.gaps):
            if gap.end_s < window.begin_s:
                break
            for k in window.cells(gap.begin_s, gap.end_s):
                is_missing[k] = True
        return cls(window, window.cell(now_s), entries, is_missing)


def _since(entries: Iterable[TimelineEntry], begin_s: float) -> Iterator[TimelineEntry]:
    """The utterances from a moment on, the newest first."""
    for entry in reversed(list(entries)):
        if entry.end_s < begin_s:
            return
        yield entry


class Strip:
    """Draws the rows of one window.

    Parameters
    ----------
    cells : Cells
    pen : Pen
    labels : tuple of str
        The model's labels.
    selected : TimelineEntry or None
        The utterance that is looked at.
    """

    def __init__(
        self,
        cells: Cells,
        pen: Pen,
        labels: tuple[str, ...],
        selected: TimelineEntry | None = None,
    ) -> None:
        self._cells = cells
        self._pen = pen
        self._labels = labels
        self._selected = selected

    def bands(self, n_rows: int) -> list[Text]:
        """Emotions by time, as high as they are probable; then their names."""
        rows = []
        for row in range(n_rows):
            name = pad("emotion" if row == n_rows - 1 else "", GUTTER)
            cells = [
                self._band(k, n_rows - 1 - row, n_rows) for k in range(self._cells.window.n_cells)
            ]
            rows.append(joined([(name, DIM), *cells]))
        return [*rows, self._names()]

    def _band(self, k: int, level: int, n_levels: int) -> tuple[str, str]:
        """One cell of the band; levels count from below."""
        signs, entry = self._pen.signs, self._cells.entries[k]
        if entry is not None and entry.emotion is not None:
            style = self._pen.color(entry.emotion, self._labels)
            if entry is self._selected or entry == self._selected:
                style = f"bold {style}"
            n_signs = len(signs.levels)
            n = max(1, round((entry.confidence or 0.0) * n_levels * n_signs)) - level * n_signs
            return (signs.levels[min(n, n_signs) - 1] if n > 0 else " "), style
        if level > 0:
            return " ", ""
        if self._cells.is_missing[k] and entry is None:
            return signs.hatch, self._pen.theme.faint
        if entry is not None:
            is_dropped = entry.result is None
            return (signs.missed, self._pen.theme.warn) if is_dropped else (signs.pale, DIM)
        return (signs.quiet if k <= self._cells.now_cell else " "), self._pen.theme.faint

    def _names(self) -> Text:
        """Names below the bands, as much of each as its cells have room for."""
        line = Text(" " * GUTTER)
        entries = self._cells.entries
        k = 0
        while k < len(entries):
            entry = entries[k]
            name = "" if entry is None or entry.emotion is None else entry.emotion
            n = 1
            while k + n < len(entries) and _name_of(entries[k + n]) == name:
                n += 1
            if name:  # it may go on below what has no name
                while k + n < len(entries) and not _name_of(entries[k + n]):
                    n += 1
            room = n if k + n >= len(entries) else n - 1
            # A name that is cut needs no ellipsis: one cell is a letter.
            shown = _cut(self._pen.safe(name), max(1, room)) if name else ""
            line.append(pad(shown, n), self._pen.color(name, self._labels) if name else "")
            k += n
        return line

    def axis(self, started_at: datetime | None, marks: Iterable[tuple[float, str]]) -> Text:
        """Times, of day where they are known, and what was marked; a mark goes before a time."""
        window = self._cells.window
        pieces: dict[int, Text] = {}
        taken: set[int] = set()
        for at_s, text in reversed(list(marks)):  # the latest stays where there are too many
            k = window.cell(at_s)
            label = self._pen.signs.mark + self._pen.fit(
                self._pen.safe(text), min(12, window.n_cells - k - 1)
            )
            self._place(pieces, taken, k, Text(label, "bold"))
        between_s = next((s for s in _TICKS_S if s >= _TICK_CELLS * window.cell_s), _TICKS_S[-1])
        first = math.ceil(window.begin_s / between_s - 1e-9)
        last = math.floor((window.begin_s + window.n_cells * window.cell_s) / between_s)
        for at_s in (between_s * tick for tick in range(first, last + 1)):
            shown = clock(at_s) if started_at is None else time_of_day(started_at, at_s)
            self._place(pieces, taken, window.cell(at_s), Text(shown, DIM))
        line = Text(" " * GUTTER)
        for k in sorted(pieces):
            line.append(" " * (GUTTER + k - line.cell_len))
            line.append_text(pieces[k])
        return line

    def _place(self, pieces: dict[int, Text], taken: set[int], k: int, piece: Text) -> None:
        """Put a text at a cell, if it fits and nothing stands there."""
        cells = range(k, k + piece.cell_len)
        if k >= 0 and cells.stop <= self._cells.window.n_cells and taken.isdisjoint(cells):
            pieces[k] = piece
            taken.update(cells, [k - 1, cells.stop])

    def curve(self, index: int, n_rows: int) -> list[Text]:
        """Valence (0) or arousal (1) by time, from the line of zero up and down."""
        name, high, low = (("valence", "pleasant", "unpleasant"), ("arousal", "excited", "sleepy"))[
            index
        ]
        names = [""] * n_rows
        if n_rows >= 3:
            names[0], names[-1] = high, low
        names[n_rows // 2] = name
        values = self._values(index)
        rows = (
            self._ascii_curve(values, n_rows)
            if self._pen.ascii_only
            else self._dots(values, n_rows)
        )
        return [
            Text.assemble((pad(left, GUTTER), DIM), row)
            for left, row in zip(names, rows, strict=True)
        ]

    def _values(self, index: int) -> list[float | None]:
        """The value of each half cell, ``None`` where nothing was said."""
        window = self._cells.window
        halves = Window(window.begin_s, window.cell_s / 2, window.n_cells * 2)
        values: list[float | None] = [None] * halves.n_cells
        seen: set[int] = set()
        for entry in self._cells.entries:
            if entry is None or entry.result is None or id(entry) in seen:
                continue
            seen.add(id(entry))
            value = entry.result.arousal if index else entry.result.valence
            if value is not None:
                for k in halves.cells(entry.begin_s, entry.end_s):
                    values[k] = value
        return values

    def _dots(self, values: list[float | None], n_rows: int) -> list[Text]:
        zero = n_rows * 2
        levels = [
            None if value is None else round(min(1.0, max(-1.0, value)) * (zero - 0.5))
            for value in values
        ]
        of_level = {level: _columns(level, n_rows) for level in set(levels) if level is not None}
        nothing = ((0, 0),) * n_rows
        columns = [nothing if level is None else of_level[level] for level in levels]
        curve, faint = self._pen.theme.curve, self._pen.theme.faint
        at_zero = chr(0x2800 + _DOTS[0][zero % 4]), faint
        rows = []
        for row in range(n_rows):
            cells = []
            for k in range(len(values) // 2):
                bits = columns[2 * k][row][0] | columns[2 * k + 1][row][1]
                if bits:
                    cells.append((chr(0x2800 + bits), curve))
                elif zero // 4 == row:
                    cells.append(at_zero)
                else:
                    cells.append((" ", ""))
            rows.append(joined(cells))
        return rows

    def _ascii_curve(self, values: list[float | None], n_rows: int) -> list[Text]:
        zero = n_rows // 2
        rows = []
        for row in range(n_rows):
            line = ""
            for k in range(len(values) // 2):
                value = values[2 * k] if values[2 * k] is not None else values[2 * k + 1]
                n = 0 if value is None else round(value * max(1, zero))
                is_lit = value is not None and min(zero, zero - n) <= row <= max(zero, zero - n)
                is_zero = row == zero
                line += "#" if is_lit else "-" if is_zero else " "
            rows.append(Text(line))
        return rows


def _columns(level: int, n_rows: int) -> tuple[tuple[int, int], ...]:
    """Bits of each row for a value so many dots above zero, as a left and as a right column."""
    zero = n_rows * 2
    lit = range(zero - level, zero + 1) if level >= 0 else range(zero, zero - level)
    left, right = ([0] * n_rows, [0] * n_rows)
    for dot in lit:
        left[dot // 4] |= _DOTS[0][dot % 4]
        right[dot // 4] |= _DOTS[1][dot % 4]
    return tuple(zip(left, right, strict=True))


def _name_of(entry: TimelineEntry | None) -> str:
    return "" if entry is None or entry.emotion is None else entry.emotion


def _cut(text: str, width: int) -> str:
    kept = Text(text)
    kept.truncate(width, overflow="crop")
    return kept.plain


def time_of_day(started_at: datetime, position_s: float) -> str:
    """The time of day at a position of a stream that began then."""
    return f"{started_at + timedelta(seconds=position_s):%H:%M:%S}"
