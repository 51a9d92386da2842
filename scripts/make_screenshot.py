"""Draw the dashboard of a recorded session as an SVG picture for the README.

``python scripts/make_screenshot.py SESSION.jsonl [--at SECONDS]`` applies the log's events up
to a moment (default: the end of the last utterance) and writes ``docs/dashboard.svg``.
Levels are not logged; the meter shows the level and noise floor of the latest result.
"""

from __future__ import annotations

import argparse
import io
import math
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme

from ser_live.events import (
    Drop,
    EmotionResult,
    Event,
    Kind,
    Level,
    Recorded,
    SpeechStarted,
    StreamEnded,
)
from ser_live.outputs.dashboard.state import DashboardState
from ser_live.outputs.dashboard.view import render
from ser_live.records.session_log import read_log
from ser_live.terminal.themes import theme_of

OUTPUT = Path(__file__).parents[1] / "docs" / "dashboard.svg"

THEME = TerminalTheme(
    (24, 27, 33),
    (214, 219, 226),
    [
        (24, 27, 33),
        (217, 83, 79),
        (122, 154, 74),
        (229, 185, 60),
        (108, 142, 191),
        (155, 127, 196),
        (95, 179, 179),
        (214, 219, 226),
    ],
    [
        (96, 104, 117),
        (229, 112, 108),
        (150, 183, 100),
        (240, 206, 104),
        (138, 172, 217),
        (181, 155, 216),
        (126, 203, 203),
        (255, 255, 255),
    ],
)


LIGHT_THEME = TerminalTheme(
    (255, 255, 255),
    (36, 41, 47),
    [
        (0, 0, 0),
        (190, 40, 40),
        (60, 120, 40),
        (150, 110, 0),
        (40, 80, 170),
        (120, 60, 150),
        (0, 130, 130),
        (120, 120, 120),
    ],
    [
        (110, 110, 110),
        (220, 60, 60),
        (80, 150, 60),
        (180, 140, 20),
        (60, 110, 210),
        (150, 90, 190),
        (20, 160, 160),
        (30, 30, 30),
    ],
)


def save_picture(
    state: DashboardState, path: Path, width: int, height: int, theme: str = "dark"
) -> None:
    """Write what a terminal of `width` x `height` cells would show as SVG."""
    console = Console(
        record=True, width=width, height=height, file=io.StringIO(), color_system="truecolor"
    )
    console.print(render(state, width, height, theme=theme_of(theme)))
    picture = console.export_svg(title="ser-live", theme=LIGHT_THEME if theme == "light" else THEME)
    # No fonts from the network: looking at the picture must not contact anybody.
    path.write_text(re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL), "utf-8")


def events(entries: Iterable[Recorded], until_s: float) -> Iterator[Event]:
    """The events of a log up to a position; those that are not logged as far as known."""
    open_ids: dict[int, int] = {}
    for entry in entries:
        if not isinstance(entry, Event):
            continue
        if getattr(entry, "start_s", 0.0) > until_s:
            return
        if isinstance(entry, EmotionResult | Drop) and entry.end_s > until_s:
            continue
        if isinstance(entry, EmotionResult):
            number = entry.stream.number
            if entry.id != open_ids.get(number) and entry.kind is Kind.PARTIAL:
                open_ids[number] = entry.id
                yield SpeechStarted(
                    stream=entry.stream, id=entry.id, start_sample=entry.start_sample
                )
            yield _level(entry)
        yield entry


def _level(result: EmotionResult) -> Level:
    return Level(
        stream=result.stream,
        sample=result.end_sample,
        rms_dbfs=result.level_dbfs,
        peak_dbfs=-math.inf,
        noise_dbfs=result.level_dbfs - result.snr_db,
        is_speech=True,
    )


def main() -> None:
    """Read the options and write the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("log", type=Path, help="session log")
    parser.add_argument("--at", type=float, default=math.inf, help="position in seconds")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--width", type=int, default=100)
    parser.add_argument("--height", type=int, default=26)
    parser.add_argument("--theme", choices=("dark", "light", "classic"), default="dark")
    options = parser.parse_args()
    state = DashboardState()
    shown = list(events(read_log(options.log), options.at))
    if shown and isinstance(shown[-1], StreamEnded):
        shown.pop()
    for event in shown:
        state.apply(event)
    save_picture(state, options.output, options.width, options.height, options.theme)
    print(options.output)


if __name__ == "__main__":
    main()
