"""A session with the audio it kept, written as `--save-audio` does."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
from made_history import LABELS, lines_of, text_of

from ser_live.events import StreamId
from ser_live.records.recorder import UtteranceRecorder, recording_name

START = datetime(2026, 3, 2, 21, 30, tzinfo=timezone(timedelta(hours=1)))


def write_kept_session(
    folder: Path, audio: Path, confidences: list[float], *, without_audio: int = 0
) -> Path:
    """Write a log of utterances, each as sure of *happy*, and a recording for each.

    The last `without_audio` of them have none. Each is 50 ms longer than the one before.
    """
    records = lines_of(START, [(0.1, 0.1, 0.5 + 0.05 * n) for n in range(len(confidences))])
    records[1]["audio_folder"] = str(audio.resolve())
    finals = [record for record in records if record["type"] == "emotion"]
    recorder = UtteranceRecorder(audio)
    stream = StreamId(number=1, source="headset")
    for n, (record, confidence) in enumerate(zip(finals, confidences, strict=True)):
        rest = round((1 - confidence) / (len(LABELS) - 1), 4)
        record["probabilities"] = {
            label: confidence if label == "happy" else rest for label in LABELS
        }
        record["confidence"] = confidence
        if n < len(confidences) - without_audio:
            n_samples = round(
                (float(str(record["end_s"])) - float(str(record["start_s"]))) * 16_000
            )
            stem = recording_name(stream, 1).rpartition("-u")[0]
            recorder.write(np.zeros(n_samples, np.float32), int(str(record["id"])), stem)
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / f"{START:%Y-%m-%dT%H%M%S}.jsonl"
    log.write_text(text_of(records), encoding="utf-8")
    return log
