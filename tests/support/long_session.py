"""A log of a whole day that never was: as many utterances as wanted, moods that last."""

from __future__ import annotations

import random
from pathlib import Path

from ser_live.emotions import COORDINATES, LABELS
from ser_live.events import (
    Cause,
    EmotionResult,
    EndReason,
    Kind,
    Mark,
    Reason,
    Recorded,
    SessionEnded,
    SessionStarted,
    StreamEnded,
    StreamGap,
    StreamId,
    StreamStarted,
    Verdict,
)
from ser_live.records.json_line import json_line
from ser_live.records.log_entries import LogHeader

MICROPHONE = StreamId(number=1, source="headset")


def long_session(
    path: Path, n_utterances: int, *, length_s: float = 8 * 3600.0, partials: int = 0, seed: int = 1
) -> Path:
    """Write the log of a made-up session; every kind of outcome is in it."""
    rng = random.Random(seed)
    lines = [
        json_line(entry.as_record()) for entry in _entries(rng, n_utterances, length_s, partials)
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _entries(
    rng: random.Random, n_utterances: int, length_s: float, partials: int
) -> list[Recorded]:
    at = "2026-03-14T09:00:00.000+01:00"
    entries: list[Recorded] = [
        LogHeader(),
        SessionStarted(
            started_at=at, version="0.1.0", model="ear", model_sha256="0" * 64,
            settings={"adapt": True, "prior": "everyday"},
        ),
        StreamStarted(stream=MICROPHONE, sample_rate=48_000, n_channels=1, started_at=at),
    ]  # fmt: skip
    mood = LABELS[0]
    every_s = length_s / max(n_utterances, 1)
    for number in range(1, n_utterances + 1):
        if rng.random() < 0.08:
            mood = rng.choice(LABELS)
        start_s = (number - 1) * every_s
        end_s = start_s + every_s * rng.uniform(0.3, 0.85)
        final = _final(rng, number, start_s, end_s, mood)
        entries += [_partial(final) for _ in range(partials)]
        entries.append(final)
        if number % 500 == 0:
            gap_at = round((end_s + 0.05) * 16_000)
            entries += [
                StreamGap(
                    stream=MICROPHONE,
                    start_sample=gap_at,
                    n_samples=round(0.1 * every_s * 16_000),
                    cause=Cause.OVERFLOW,
                ),
                Mark(stream=MICROPHONE, sample=gap_at, label=f"mark {number}"),
            ]
    n_samples = round(length_s * 16_000)
    return [
        *entries,
        StreamEnded(stream=MICROPHONE, n_samples=n_samples, n_utterances=n_utterances),
        SessionEnded(
            reason=EndReason.END, duration_s=length_s, n_utterances=n_utterances, n_dropped=0,
            n_gaps=n_utterances // 500,
        ),
    ]  # fmt: skip


def _final(
    rng: random.Random, number: int, start_s: float, end_s: float, mood: str
) -> EmotionResult:
    weights = [rng.random() ** 3 + (1.5 if label == mood else 0.0) for label in LABELS]
    probabilities = tuple(round(w / sum(weights), 4) for w in weights)
    best = max(range(8), key=lambda n: probabilities[n])
    state = Verdict.OK if probabilities[best] >= 0.4 else Verdict.UNCERTAIN
    if rng.random() < 0.05:
        state = rng.choice([Verdict.TOO_SHORT, Verdict.TOO_NOISY, Verdict.NOT_SPEECH])
    is_classified = state in (Verdict.OK, Verdict.UNCERTAIN)
    valence = sum(p * COORDINATES[label][0] for p, label in zip(probabilities, LABELS, strict=True))
    arousal = sum(p * COORDINATES[label][1] for p, label in zip(probabilities, LABELS, strict=True))
    pitch, level = rng.gauss(0, 2), rng.gauss(0, 4)
    reasons = (
        Reason(
            feature="f0_semitones_p50", difference=pitch, z=pitch, text=f"pitch {pitch:+.1f} st"
        ),
        Reason(feature="level_dbfs_p80", difference=level, z=level, text=f"louder {level:+.0f} dB"),
        Reason(feature="articulation_rate_per_s", difference=pitch / 3, z=1.0, text="faster"),
    )
    return EmotionResult(
        stream=MICROPHONE,
        id=number,
        kind=Kind.FINAL,
        start_sample=round(start_s * 16_000),
        end_sample=round(end_s * 16_000),
        emotion=LABELS[best] if state is Verdict.OK else None,
        state=state,
        probabilities=probabilities if is_classified else None,
        valence=round(valence, 3) if is_classified else None,
        arousal=round(arousal, 3) if is_classified else None,
        n_past=number - 1,
        speech_s=round((end_s - start_s) * 0.8, 3),
        level_dbfs=round(-28 + level, 1),
        snr_db=round(rng.uniform(8, 40), 1),
        latency_ms=round(rng.uniform(20, 90), 1),
        reasons=reasons if is_classified else (),
    )


def _partial(final: EmotionResult) -> EmotionResult:
    from dataclasses import replace

    return replace(final, kind=Kind.PARTIAL)
