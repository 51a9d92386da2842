"""Logs of sessions that never were, with an answer known beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from simulated_session import result

from ser_live.emotions import Emotion
from ser_live.events import (
    Cause,
    Drop,
    EmotionResult,
    EndReason,
    Kind,
    Mark,
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

AGENT = StreamId(number=1, source="call.wav", file="calls/call.wav", channel=0, role="agent")
CALLER = StreamId(number=2, source="call.wav", file="calls/call.wav", channel=1, role="caller")

AWKWARD = 'a "quote" <b>bold</b> & x --> y\nfake\ttab\x1b[2J {\\an8}; \udce9 \ufffe end'
"""A text with something in it that every format takes for its own."""


def at(position_s: float) -> int:
    return round(position_s * 16_000)


def began(started_at: str = "2026-03-29T01:59:58.500+01:00") -> SessionStarted:
    return SessionStarted(
        started_at=started_at, version="0.1.0", model="ear", model_sha256="9f2c41d07be3"
    )


def stream_began(stream: StreamId, started_at: str | None) -> StreamStarted:
    return StreamStarted(stream=stream, sample_rate=16_000, n_channels=2, started_at=started_at)


def final(
    stream: StreamId,
    number: int,
    start_s: float,
    end_s: float,
    emotion: Emotion | None = None,
    confidence: float = 0.8,
    state: Verdict = Verdict.OK,
) -> EmotionResult:
    return result(number, Kind.FINAL, start_s, end_s, emotion, confidence, state, stream=stream)


def stream_ended(stream: StreamId, duration_s: float, n_utterances: int = 0) -> StreamEnded:
    return StreamEnded(stream=stream, n_samples=at(duration_s), n_utterances=n_utterances)


def session_ended(duration_s: float, **emotions: int) -> SessionEnded:
    return SessionEnded(
        reason=EndReason.END,
        duration_s=duration_s,
        n_utterances=sum(emotions.values()),
        n_dropped=0,
        n_gaps=0,
        emotions=emotions,
    )


def gap(stream: StreamId, start_s: float, duration_s: float) -> StreamGap:
    return StreamGap(
        stream=stream, start_sample=at(start_s), n_samples=at(duration_s), cause=Cause.OVERFLOW
    )


def dropped(stream: StreamId, start_s: float, end_s: float) -> Drop:
    return Drop(
        stream=stream, id=9, kind=Kind.FINAL, start_sample=at(start_s), end_sample=at(end_s)
    )


def mark(stream: StreamId, start_s: float, label: str) -> Mark:
    return Mark(stream=stream, sample=at(start_s), label=label)


def call() -> list[Recorded]:
    """A call of two channels: touching and overlapping utterances, and one of each that is none."""
    t = "2026-03-29T01:59:59.250+01:00"
    return [
        began(),
        stream_began(AGENT, t),
        stream_began(CALLER, t),
        final(AGENT, 1, 0.5, 2.0, Emotion.HAPPY, 0.814),
        final(AGENT, 2, 2.0, 3.25, Emotion.SAD, 0.31, Verdict.UNCERTAIN),
        final(CALLER, 1, 1.9991, 4.0, Emotion.ANGRY, 0.999),
        gap(AGENT, 3.0, 0.5),
        final(AGENT, 3, 4.0, 4.2, state=Verdict.TOO_SHORT),
        final(CALLER, 2, 5.0, 5.5, state=Verdict.NOT_SPEECH),
        dropped(CALLER, 6.0, 7.0),
        mark(AGENT, 6.5, AWKWARD),
        stream_ended(AGENT, 8.0, 3),
        stream_ended(CALLER, 8.0, 2),
        session_ended(8.0, happy=1, angry=1),
    ]


def write_log(path: Path, entries: Sequence[Recorded], *, rest: str = "") -> Path:
    """Write a log of these entries, its header first, and `rest` behind them."""
    lines = [json_line(entry.as_record()) + "\n" for entry in (LogHeader(), *entries)]
    path.write_text("".join(lines) + rest, encoding="utf-8", errors="surrogatepass")
    return path
