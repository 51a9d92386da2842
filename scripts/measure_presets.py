"""Measure what the presets change on real recordings, and write it as JSON for the page.

Needs the folder that `measure_segmentation.py` needs: conversation/ with its turns and noise/.
Sensitivity: speech of the meetings that is found, silence that is taken for speech, turns that
an utterance overlaps, and utterances in noise without people. Pace: the whole live path on the
meetings, and what it costs. `make docs` puts the result into docs/commands.md.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import statistics
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import measure_segmentation as segmentation

from ser_live import Analyzer, Settings
from ser_live.cli.presets import PACE, SENSITIVITY, Values
from ser_live.config import SAMPLE_RATE_HZ
from ser_live.datasets.conversations import find_conversations
from ser_live.evaluation.segmentation import segment
from ser_live.events import EmotionResult, Kind
from ser_live.model.emotion_model import EmotionModel

ROOT = Path(__file__).parents[1]
BLOCK = SAMPLE_RATE_HZ // 50


def settings_of(values: Values) -> Settings:
    """Settings with the values of a preset."""
    settings = Settings()
    for group, own in values.items():
        settings = replace(settings, **{group: replace(getattr(settings, group), **own)})
    return settings


def sensitivity(folder: Path, values: Values) -> dict[str, float]:
    """Speech found and noise let in."""
    find = partial(segment, settings=settings_of(values))
    with contextlib.redirect_stdout(io.StringIO()):
        meetings = segmentation.measure_conversation(folder, find)
        noise = segmentation.measure_noise(folder, "held-out", find)["no people"]
    frames = meetings.pop("all")["frames"]
    return {
        "speech_found": 1 - frames["miss"],
        "silence_taken": frames["false_alarm"],
        "turns_found": sum(row["found"] for row in meetings.values()),
        "turns": sum(row["of"] for row in meetings.values()),
        "noise_a_minute": (noise["accepted"] + noise["too_short"]) / noise["minutes"],
    }


def pace(folder: Path, values: Values, model: EmotionModel) -> dict[str, float]:
    """Answers, their delay and their cost on the meetings."""
    heard_s = busy_s = 0.0
    finals: list[EmotionResult] = []
    n_partials = n_changes = 0
    first_s, after_s = [], []
    for conversation in find_conversations(folder / "conversation"):
        samples = segmentation.read(conversation.path)
        analyzer = Analyzer(model=model, settings=settings_of(values))
        shown: dict[int, str | None] = {}
        for start in range(0, len(samples), BLOCK):
            began_s = time.process_time()
            events = analyzer.push(samples[start : start + BLOCK])
            busy_s += time.process_time() - began_s
            now_s = (start + BLOCK) / SAMPLE_RATE_HZ
            for event in events:
                if not isinstance(event, EmotionResult):
                    continue
                if event.id not in shown:
                    first_s.append(now_s - event.start_s)
                elif event.kind is Kind.PARTIAL:
                    n_changes += shown[event.id] != event.emotion
                shown[event.id] = event.emotion
                if event.kind is Kind.FINAL:
                    finals.append(event)
                    after_s.append(now_s - event.end_s)
                else:
                    n_partials += 1
        heard_s += len(samples) / SAMPLE_RATE_HZ
    return {
        "utterance_s": statistics.median(final.end_s - final.start_s for final in finals),
        "first_s": statistics.median(first_s),
        "after_s": statistics.median(after_s),
        "answers_a_minute": 60 * (len(finals) + n_partials) / heard_s,
        "changes_a_minute": 60 * n_changes / heard_s,
        "cost_ms_per_s": 1000 * busy_s / heard_s,
    }


def main() -> None:
    """Measure every word of both presets and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="?", type=Path, default=os.environ.get("SER_DATA"))
    parser.add_argument("--json", type=Path, default=ROOT / "docs" / "presets.json")
    args = parser.parse_args()
    if args.data is None:
        raise SystemExit("no recordings named: give their folder or set SER_DATA.")
    folder, model = Path(args.data), EmotionModel.load()
    report: dict[str, Mapping[str, Any]] = {
        "sensitivity": {word: sensitivity(folder, own) for word, own in SENSITIVITY.items()},
        "pace": {word: pace(folder, own, model) for word, own in PACE.items()},
    }
    args.json.write_text(
        json.dumps(segmentation.rounded(report), indent=1) + "\n", encoding="utf-8"
    )
    print(args.json.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
