"""A made-up session as a stream of events, to test and look at the dashboard.

``python tests/support/simulated_session.py`` plays it on the terminal.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Iterator

from ser_live.emotions import COORDINATES, EMOTIONS, Emotion
from ser_live.events import (
    EmotionResult,
    Event,
    Kind,
    Level,
    QueueDepth,
    Reason,
    SpeechStarted,
    StateChanged,
    StreamId,
    StreamStarted,
    StreamState,
    Verdict,
)

_STORY: list[tuple[float, float, Emotion | None, float, Verdict]] = [
    (1.0, 2.4, Emotion.NEUTRAL, 0.62, Verdict.OK),
    (4.4, 3.1, Emotion.CALM, 0.71, Verdict.OK),
    (8.6, 0.3, None, 0.0, Verdict.TOO_SHORT),
    (10.2, 2.9, Emotion.HAPPY, 0.81, Verdict.OK),
    (14.5, 4.0, Emotion.HAPPY, 0.93, Verdict.OK),
    (19.6, 2.2, Emotion.SAD, 0.31, Verdict.UNCERTAIN),
    (23.0, 2.7, Emotion.SURPRISED, 0.58, Verdict.OK),
    (27.1, 3.3, Emotion.ANGRY, 0.77, Verdict.OK),
    (31.5, 1.9, None, 0.0, Verdict.TOO_QUIET),
    (34.4, 2.6, Emotion.FEARFUL, 0.44, Verdict.OK),
    (38.2, 3.4, Emotion.SAD, 0.68, Verdict.OK),
]

MICROPHONE = StreamId(number=1, source="Built-in Microphone")

REASONS = (
    Reason(feature="f0_semitones_p50", difference=3.1, z=2.2, text="pitch +3.1 st"),
    Reason(feature="level_dbfs_p80", difference=4.0, z=1.9, text="louder +4 dB"),
    Reason(feature="articulation_rate_per_s", difference=1.1, z=1.4, text="faster"),
)


def spread(emotion: Emotion, confidence: float, seed: int = 0) -> tuple[float, ...]:
    """Eight probabilities with `emotion` at `confidence`."""
    rng = random.Random(seed)
    others = [rng.random() ** 2 + 0.02 for _ in EMOTIONS]
    others[EMOTIONS.index(emotion)] = 0.0
    scale = (1.0 - confidence) / sum(others)
    return tuple(
        confidence if e is emotion else p * scale for e, p in zip(EMOTIONS, others, strict=True)
    )


def result(
    number: int,
    kind: Kind,
    start_s: float,
    end_s: float,
    emotion: Emotion | None,
    confidence: float,
    state: Verdict = Verdict.OK,
    *,
    stream: StreamId = MICROPHONE,
) -> EmotionResult:
    """A result of the made-up session."""
    return EmotionResult(
        stream=stream,
        id=number,
        kind=kind,
        start_sample=round(start_s * 16_000),
        end_sample=round(end_s * 16_000),
        state=state,
        emotion=emotion if state is Verdict.OK else None,
        probabilities=None if emotion is None else spread(emotion, confidence, seed=number),
        speech_s=(end_s - start_s) * 0.85,
        level_dbfs=-23.4,
        snr_db=31.0,
        latency_ms=36.0 + 11.0 * math.sin(number),
        reasons=REASONS if emotion is not None else (),
        valence=None if emotion is None else COORDINATES[emotion][0] * confidence,
        arousal=None if emotion is None else COORDINATES[emotion][1] * confidence,
        n_past=number - 1 if emotion is not None else 0,
    )


def events(until_s: float = 43.0) -> Iterator[tuple[float, Event]]:
    """Pairs of position in seconds and event, in order."""
    rng = random.Random(7)
    yield 0.0, StreamStarted(stream=MICROPHONE, sample_rate=48_000, n_channels=1)
    yield 0.0, _changed(0.0, StreamState.NO_SPEECH)
    planned: list[tuple[float, Event]] = []
    for number, (start, length, emotion, confidence, state) in enumerate(_STORY, start=1):
        opened = SpeechStarted(stream=MICROPHONE, id=number, start_sample=round(start * 16_000))
        planned.append((start + 0.25, opened))
        planned.append((start + 0.25, _changed(start, StreamState.LISTENING)))
        at = start + 1.0
        while at < start + length and emotion is not None:
            growing = 0.3 + (confidence - 0.3) * (at - start) / length
            planned.append(
                (at, result(number, Kind.PARTIAL, start, at, emotion, max(0.2, growing)))
            )
            at += 0.5
        end = start + length
        planned.append((end + 0.45, _changed(end + 0.45, StreamState.NO_SPEECH)))
        final = result(number, Kind.FINAL, start, end, emotion, confidence, state)
        planned.append((end + 0.5, final))
        planned.append((end + 0.5, QueueDepth(n_waiting=0, capacity=64)))
    planned.sort(key=lambda pair: pair[0])
    level = -58.0
    for tick in range(round(until_s * 30)):
        now = tick / 30
        while planned and planned[0][0] <= now:
            yield planned.pop(0)
        speaking = any(start <= now < start + length for start, length, *_ in _STORY)
        aim = -24.0 + 7.0 * math.sin(now * 9) + rng.uniform(-4, 4) if speaking else -58.0
        level += 0.45 * (aim - level)
        yield (
            now,
            Level(
                stream=MICROPHONE,
                sample=round(now * 16_000),
                rms_dbfs=level,
                peak_dbfs=level + 11.0,
                noise_dbfs=-58.0,
                is_speech=speaking,
            ),
        )


def _changed(at_s: float, state: StreamState) -> StateChanged:
    return StateChanged(stream=MICROPHONE, sample=round(at_s * 16_000), state=state)


def main() -> None:
    """Play it on this terminal, in real time."""
    from ser_live.outputs.dashboard.live import LiveDashboard
    from ser_live.outputs.dashboard.state import DashboardState

    state = DashboardState()
    began = time.monotonic()
    with LiveDashboard(state) as dashboard:
        for at_s, event in events():
            time.sleep(max(0.0, began + at_s - time.monotonic()))
            state.apply(event)
            dashboard.update(time.monotonic())


if __name__ == "__main__":
    main()
