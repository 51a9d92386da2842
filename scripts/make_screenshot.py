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
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.terminal_theme import TerminalTheme

from ser_live.config import SAMPLE_RATE_HZ
from ser_live.dashboard_state import DashboardState
from ser_live.dashboard_view import render
from ser_live.emotions import LABELS, Emotion, State
from ser_live.events import (
    Drop,
    EmotionResult,
    LevelMeter,
    Reason,
    SessionStarted,
    SpeechStarted,
    StreamEnded,
    StreamGap,
    StreamStarted,
    StreamState,
)
from ser_live.session_log import read_log

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


def save_picture(state: DashboardState, path: Path, width: int, height: int) -> None:
    """Write what a terminal of `width` x `height` cells would show as SVG."""
    console = Console(
        record=True, width=width, height=height, file=io.StringIO(), color_system="truecolor"
    )
    console.print(render(state, width, height))
    picture = console.export_svg(title="ser-live", theme=THEME)
    # no fonts from the network: whoever looks at the picture asks nobody for anything
    path.write_text(re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL), "utf-8")


def events(records: Iterator[dict[str, Any]], until_s: float) -> Iterator[Any]:
    """The events that `records` were made of, up to a position; unlogged ones as far as known."""
    open_id = 0
    for record in records:
        if record.get("start_s", 0.0) > until_s:
            return
        if record.get("end_s", 0.0) > until_s:
            continue
        kind = record["type"]
        if kind == "session_started":
            yield SessionStarted(
                record["started_at"],
                record["version"],
                record["model"],
                record["model_sha256"],
                speaker=record.get("speaker"),
            )
        elif kind == "stream_started":
            yield StreamStarted(
                record["source"], record["sample_rate"], record["n_channels"], record["file"]
            )
        elif kind == "state":
            yield StreamState(_sample(record["start_s"]), State(record["state"]), record["message"])
        elif kind == "gap":
            yield StreamGap(
                _sample(record["start_s"]), _sample(record["duration_s"]), record["cause"]
            )
        elif kind == "drop":
            yield Drop(
                record["id"], record["kind"], _sample(record["start_s"]), _sample(record["end_s"])
            )
        elif kind == "stream_ended":
            yield StreamEnded(_sample(record["duration_s"]), record["n_utterances"])
        elif kind == "emotion":
            if record["id"] != open_id and record["kind"] == "partial":
                open_id = record["id"]
                yield SpeechStarted(record["id"], _sample(record["start_s"]))
            yield _meter(record)
            yield _result(record)


def _result(record: dict[str, Any]) -> EmotionResult:
    probabilities = record["probabilities"]
    return EmotionResult(
        id=record["id"],
        kind=record["kind"],
        start_sample=_sample(record["start_s"]),
        end_sample=_sample(record["end_s"]),
        state=State(record["state"]),
        emotion=None if record["emotion"] is None else Emotion(record["emotion"]),
        probabilities=probabilities and tuple(probabilities[label] for label in LABELS),
        speech_s=record["speech_s"],
        level_dbfs=_number(record["level_dbfs"]),
        snr_db=_number(record["snr_db"]),
        latency_ms=_number(record["latency_ms"]),
        reasons=tuple(Reason(**reason) for reason in record["reasons"]),
        file=record["file"],
        valence=record.get("valence"),
        arousal=record.get("arousal"),
        n_past=record.get("n_past", 0),
    )


def _meter(record: dict[str, Any]) -> LevelMeter:
    level_dbfs = _number(record["level_dbfs"])
    return LevelMeter(
        sample=_sample(record["end_s"]),
        rms_dbfs=level_dbfs,
        peak_dbfs=-math.inf,
        noise_dbfs=level_dbfs - _number(record["snr_db"]),
        is_speech=True,
    )


def _sample(position_s: float) -> int:
    return round(position_s * SAMPLE_RATE_HZ)


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def main() -> None:
    """Read the options and write the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("log", type=Path, help="session log")
    parser.add_argument("--at", type=float, default=math.inf, help="position in seconds")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--width", type=int, default=100)
    parser.add_argument("--height", type=int, default=26)
    options = parser.parse_args()
    state = DashboardState()
    shown = list(events(read_log(options.log), options.at))
    if shown and isinstance(shown[-1], StreamEnded):
        shown.pop()
    for event in shown:
        state.apply(event)
    save_picture(state, options.output, options.width, options.height)
    print(options.output)


if __name__ == "__main__":
    main()
