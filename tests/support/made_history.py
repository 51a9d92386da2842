"""Sessions of many days that never were, written as logs."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

LABELS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")

Said = tuple[float, float, float]
"""Valence, arousal and seconds of speech of one utterance."""


def lines_of(
    started_at: datetime,
    said: Sequence[Said],
    *,
    speaker: str | None = "anna",
    source: str = "headset",
    sample_rate: int = 48_000,
    file: str | None = None,
    role: str | None = None,
    model_sha256: str = "9f2c41d07be3",
    settings: dict[str, object] | None = None,
    emotion: str | None = "happy",
) -> list[dict[str, object]]:
    """Records of a session whose utterances follow each other."""
    stream = {"file": file, "stream": 1, "channel": None, "role": role}
    probabilities = {label: 0.65 if label == "happy" else 0.05 for label in LABELS}
    records: list[dict[str, object]] = [
        {"type": "log", "schema": "ser-live-session", "schema_version": 1},
        {
            "type": "session_started",
            "started_at": started_at.isoformat(),
            "version": "0.1.0",
            "model": "ear",
            "model_sha256": model_sha256,
            "labels": list(LABELS),
            "settings": {"adapt": True} if settings is None else settings,
            "speaker": speaker,
            "audio_folder": None,
        },
        {
            "type": "stream_started",
            "source": source,
            "sample_rate": sample_rate,
            "n_channels": 1,
            "started_at": started_at.isoformat(timespec="milliseconds"),
            **stream,
        },
    ]
    position_s = 1.0
    for number, (valence, arousal, speech_s) in enumerate(said, start=1):
        records.append(
            {
                "type": "emotion",
                "id": number,
                "kind": "final",
                "start_s": round(position_s, 3),
                "end_s": round(position_s + speech_s, 3),
                "emotion": emotion,
                "state": "ok" if emotion else "uncertain",
                "confidence": 0.65,
                "probabilities": probabilities,
                "valence": valence,
                "arousal": arousal,
                "n_past": number,
                "speech_s": speech_s,
                "level_dbfs": -23.0,
                "snr_db": 30.0,
                "latency_ms": 11.0,
                "reasons": [],
                **stream,
            }
        )
        position_s += speech_s + 0.5
    records += [
        {
            "type": "stream_ended",
            "duration_s": round(position_s, 3),
            "n_utterances": len(said),
            **stream,
        },
        {
            "type": "session_ended",
            "reason": "end",
            "duration_s": round(position_s, 3),
            "n_utterances": len(said),
            "n_dropped": 0,
            "n_gaps": 0,
            "emotions": {emotion: len(said)} if emotion else {},
            "states": {},
            "latency_ms_p50": 10.0,
            "latency_ms_p95": 20.0,
        },
    ]
    return records


def text_of(records: Sequence[dict[str, object]]) -> str:
    """Records as they stand in a log."""
    return "".join(json.dumps(record, separators=(",", ":")) + "\n" for record in records)


def write_session(folder: Path, started_at: datetime, said: Sequence[Said], **kind: object) -> Path:
    """Write the log of a session, named by its start."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{started_at:%Y-%m-%dT%H%M%S}"
    path = folder / f"{stem}.jsonl"
    number = 1
    while path.exists():
        number += 1
        path = folder / f"{stem}-{number}.jsonl"
    path.write_text(text_of(lines_of(started_at, said, **kind)), encoding="utf-8")  # type: ignore[arg-type]
    return path


def write_days(
    folder: Path,
    first: datetime,
    n_days: int,
    valence_of: Callable[[int], float],
    *,
    n_utterances: int = 10,
    **kind: object,
) -> list[Path]:
    """Write a session a day; each day has one level of valence."""
    return [
        write_session(
            folder,
            first + timedelta(days=n),
            [(round(valence_of(n), 3), 0.1, 2.0)] * n_utterances,
            **kind,
        )
        for n in range(n_days)
    ]
