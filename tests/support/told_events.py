"""Events of a made session for bridges: known utterances at known times."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence

from ser_live.emotions import LABELS
from ser_live.events import (
    EmotionResult,
    EndReason,
    Event,
    Kind,
    Level,
    SessionEnded,
    SessionStarted,
    StateChanged,
    StreamEnded,
    StreamId,
    StreamStarted,
    StreamState,
    Verdict,
)

STREAM = StreamId(number=1, source="made")
RATE = 16_000


def started(labels: Sequence[str] = LABELS) -> SessionStarted:
    return SessionStarted(
        started_at="2026-01-01T00:00:00.000+00:00",
        version="0",
        model="made",
        model_sha256="0",
        labels=tuple(labels),
    )


def stream_started() -> StreamStarted:
    return StreamStarted(stream=STREAM, sample_rate=RATE, n_channels=1)


def level(at_s: float, dbfs: float = -20.0) -> Level:
    return Level(
        stream=STREAM,
        sample=round(at_s * RATE),
        rms_dbfs=dbfs,
        peak_dbfs=dbfs,
        noise_dbfs=-60.0,
        is_speech=dbfs > -40,
    )


def speaking(at_s: float, is_speaking: bool = True) -> StateChanged:
    state = StreamState.LISTENING if is_speaking else StreamState.NO_SPEECH
    return StateChanged(stream=STREAM, sample=round(at_s * RATE), state=state)


def result(
    number: int,
    label: str | None,
    start_s: float,
    end_s: float,
    *,
    kind: Kind = Kind.FINAL,
    labels: Sequence[str] = LABELS,
    verdict: Verdict = Verdict.OK,
    valence: float | None = 0.5,
) -> EmotionResult:
    """A result that gives 0.79 to its label, and to each other one an equal share."""
    rest = 0.21 / (len(labels) - 1)
    is_judged = label is not None
    return EmotionResult(
        stream=STREAM,
        id=number,
        kind=kind,
        start_sample=round(start_s * RATE),
        end_sample=round(end_s * RATE),
        emotion=label if verdict is Verdict.OK else None,
        state=verdict,
        probabilities=tuple(0.79 if o == label else rest for o in labels) if is_judged else None,
        labels=tuple(labels),
        valence=valence if is_judged else None,
        arousal=-0.25 if is_judged and valence is not None else None,
        speech_s=end_s - start_s,
        level_dbfs=-20.0,
        snr_db=30.0,
        latency_ms=12.5,
    )


def utterance(number: int, label: str | None, start_s: float, end_s: float) -> Iterator[Event]:
    """The events of one utterance."""
    yield speaking(start_s)
    yield result(number, label, start_s, end_s)
    yield speaking(end_s, is_speaking=False)


def ended(at_s: float) -> Iterator[Event]:
    """The events at the end."""
    yield StreamEnded(stream=STREAM, n_samples=round(at_s * RATE), n_utterances=1)
    yield SessionEnded(reason=EndReason.END, duration_s=at_s, n_utterances=1, n_dropped=0, n_gaps=0)


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port of this machine that nobody listens on at present."""
    with socket.socket(socket.AF_INET, kind) as trial:
        trial.bind(("127.0.0.1", 0))
        port: int = trial.getsockname()[1]
    return port
