"""Draw a session on a terminal as an animated SVG picture, for the README.

``python scripts/make_picture.py`` runs ``ser-live demo`` on a terminal of its own, as it is, and
writes ``docs/demo.svg``; behind ``--`` stand other words for ser-live. The picture loads nothing,
and stands still for whoever asked their browser for less motion.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TypeAlias
from xml.sax.saxutils import escape

import pyte

OUTPUT = Path(__file__).parents[1] / "docs" / "demo.svg"

CELL_PX = (8.4, 18.0)
FONT_PX = 14
MARGIN_PX = 14
HOLD_S = 3.0
"""Time for which the last frame stays before the first one comes again."""

BACKGROUND, FOREGROUND = "#181b21", "#d6dbe2"
COLORS = {
    "black": "#181b21", "red": "#d9534f", "green": "#7a9a4a", "brown": "#e5b93c",
    "blue": "#6c8ebf", "magenta": "#9b7fc4", "cyan": "#5fb3b3", "white": "#d6dbe2",
    "brightblack": "#8b93a1", "brightred": "#e5706c", "brightgreen": "#96b764",
    "brightbrown": "#f0ce68", "brightyellow": "#f0ce68", "brightblue": "#8aacd9",
    "brightmagenta": "#b59bd8", "brightcyan": "#7ecbcb", "brightwhite": "#ffffff",
}  # fmt: skip

LEAVES = b"\x1b[?1049l"
"""A program gives the terminal back with it."""


class DimmingScreen(pyte.Screen):
    """A screen that shows dim text in grey; pyte itself passes over it."""

    def select_graphic_rendition(self, *attrs: int, **more: bool) -> None:
        """Take the looks of what comes next: dim becomes bright black where no colour is given."""
        is_colored = any(attr >= 30 for attr in attrs)
        changed = [90 if attr == _IS_DIM and not is_colored else attr for attr in attrs]
        super().select_graphic_rendition(*changed, **more)


_IS_DIM = 2


@dataclass(frozen=True)
class Style:
    """Look of some cells."""

    color: str
    behind: str
    is_bold: bool


Run: TypeAlias = tuple[int, str, Style]
"""First column, text, look."""
Row: TypeAlias = tuple[Run, ...]
Frame: TypeAlias = tuple[Row, ...]


def row_of(cells: Mapping[int, pyte.screens.Char], width: int) -> Row:
    """One row of a screen as runs of one look; spaces that show nothing are left out."""
    runs = []
    for style, columns in groupby(range(width), lambda column: _style(cells[column])):
        places = list(columns)
        text = "".join(cells[column].data for column in places)
        if text.strip() or style.behind != BACKGROUND:
            runs.append((places[0], text, style))
    return tuple(runs)


def _style(cell: pyte.screens.Char) -> Style:
    color, behind = _color(cell.fg, FOREGROUND), _color(cell.bg, BACKGROUND)
    if cell.reverse:
        color, behind = behind, color
    return Style(color, behind, cell.bold)


def _color(name: str, default: str) -> str:
    if name == "default":
        return default
    return COLORS.get(name) or f"#{name}"


def frames(
    command: Sequence[str], width: int, height: int, every_s: float
) -> Iterator[tuple[float, Frame]]:
    """What a command shows on a terminal, and when, until it gives the terminal back."""
    screen = DimmingScreen(width, height)
    stream = pyte.ByteStream(screen)
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
    process = subprocess.Popen(
        command,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
    )
    os.close(theirs)
    begun_s = due_s = time.monotonic()
    last: Frame | None = None
    try:
        for data in _read(ours):
            shown, mark, _ = data.partition(LEAVES)
            stream.feed(shown)
            if time.monotonic() >= due_s or mark:
                due_s = time.monotonic() + every_s
                frame = tuple(row_of(screen.buffer[row], width) for row in range(height))
                if frame != last:
                    last = frame
                    yield time.monotonic() - begun_s, frame
            if mark:
                return
    finally:
        process.terminate()
        process.wait()
        os.close(ours)


def _read(terminal: int) -> Iterator[bytes]:
    """What arrives at a terminal, and nothing now and then, until its other end is closed."""
    while True:
        if not select.select([terminal], [], [], 0.05)[0]:
            yield b""
            continue
        try:
            data = os.read(terminal, 65536)
        except OSError:
            return
        if not data:
            return
        yield data


def picture(shown: Sequence[tuple[float, Frame]], width: int, height: int) -> str:
    """An SVG that plays frames at their times, over and over.

    A row that looks alike in several frames is in it once. Without motion the last frame is seen.
    """
    begun_s = shown[0][0]
    times = [at_s - begun_s for at_s, _ in shown]
    length_s = times[-1] + HOLD_S
    seen: dict[tuple[int, Row], list[int]] = {}
    for number, (_, frame) in enumerate(shown):
        for y, row in enumerate(frame):
            if row:
                seen.setdefault((y, row), []).append(number)
    rules: dict[str, str] = {}
    body = []
    for (y, row), numbers in seen.items():
        keys = _keyframes(set(numbers), times, length_s)
        name = rules.setdefault(keys, f"k{len(rules)}")
        still = "" if numbers[-1] == len(shown) - 1 else " h"
        body.append(f'<g class="{name}{still}">{"".join(_drawn(y, row))}</g>')
    pixels = (width * CELL_PX[0] + 2 * MARGIN_PX, height * CELL_PX[1] + 2 * MARGIN_PX)
    moving = "".join(
        f"@keyframes {name}{{{keys}}}.{name}{{animation:{name} {length_s:.2f}s step-end infinite}}"
        for keys, name in rules.items()
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {pixels[0]:.0f} {pixels[1]:.0f}" '
        f'width="{pixels[0]:.0f}" height="{pixels[1]:.0f}" role="img">'
        "<title>ser-live on a terminal</title><style>"
        f"text{{font:{FONT_PX}px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;"
        "white-space:pre}.b{font-weight:bold}.h{visibility:hidden}"
        f"@media (prefers-reduced-motion:no-preference){{{moving}}}</style>"
        f'<rect width="100%" height="100%" rx="8" fill="{BACKGROUND}"/>{"".join(body)}</svg>\n'
    )


def _keyframes(numbers: set[int], times: Sequence[float], length_s: float) -> str:
    """Moments at which something appears and goes, for CSS; each holds until the next."""
    keys, was_there = [], None
    for number, at_s in enumerate(times):
        if (is_there := number in numbers) is not was_there:
            word = "visible" if is_there else "hidden"
            keys.append(f"{100 * at_s / length_s:.2f}%{{visibility:{word}}}")
            was_there = is_there
    return "".join(keys)


def _drawn(y: int, row: Iterable[Run]) -> Iterator[str]:
    across, down = CELL_PX
    for column, text, style in row:
        left, top = MARGIN_PX + column * across, MARGIN_PX + y * down
        wide = len(text) * across
        if style.behind != BACKGROUND:
            yield (
                f'<rect x="{left:.1f}" y="{top:.1f}" width="{wide:.1f}" height="{down:.1f}" '
                f'fill="{style.behind}"/>'
            )
        bare = text.rstrip()
        start = len(bare) - len(bare.lstrip())
        bold = ' class="b"' if style.is_bold else ""
        if bare:
            yield (
                f'<text x="{left + start * across:.1f}" y="{top + 0.74 * down:.1f}" '
                f'fill="{style.color}" textLength="{(len(bare) - start) * across:.1f}"'
                f"{bold}>{escape(bare[start:])}</text>"
            )


def main() -> None:
    """Read the options, run the program and write the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--width", type=int, default=100, metavar="CELLS")
    parser.add_argument("--height", type=int, default=28, metavar="CELLS")
    parser.add_argument("--every", type=float, default=0.4, metavar="SECONDS")
    parser.add_argument("words", nargs="*", default=["demo", "--no-log"], help="for ser-live")
    options = parser.parse_args()
    command = [sys.executable, "-m", "ser_live", *options.words]
    shown = list(frames(command, options.width, options.height, options.every))
    shown = [(at_s, frame) for at_s, frame in shown if any(frame)]
    if not shown:
        sys.exit("Nothing was drawn on the terminal, but a picture needs that: try the command.")
    options.output.write_text(picture(shown, options.width, options.height), encoding="utf-8")
    print(f"{options.output}: {len(shown)} frames, {options.output.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
