"""Stretches of speech from decisions alone."""

from __future__ import annotations

import numpy as np

from ser_live.config import FRAME_S, FRAME_SAMPLES
from ser_live.events import Activity, StreamId
from ser_live.speech.activity import ActivityTracker

STREAM = StreamId(number=1, source="call")


def told(decisions: str, frame: np.ndarray | None = None) -> list[tuple[float, float]]:
    """Stretches for frames: ``v`` voiced, ``u`` speech without a voice, ``.`` neither."""
    tracker = ActivityTracker(STREAM)
    frame = np.zeros(FRAME_SAMPLES, np.float32) if frame is None else frame
    events: list[Activity] = []
    for sign in decisions:
        events += tracker.push(frame, sign != ".", is_voiced=sign == "v")
    events += tracker.flush()
    return [(round(e.start_s / FRAME_S), round(e.end_s / FRAME_S)) for e in events]


def test_pauses_below_three_tenths_are_bridged() -> None:
    """Nine frames without speech are within a stretch, ten end it."""
    assert told("vvvvv" + "." * 9 + "vvvvv") == [(0, 19)]
    assert told("vvvvv" + "." * 10 + "vvvvv") == [(0, 5), (15, 20)]


def test_bursts_that_are_too_short_or_have_no_voice_are_no_speech() -> None:
    """A click, and typing."""
    assert told("vvv" + "." * 20) == []
    assert told("uuuuuuuu" + "." * 20) == []
    assert told("uuvvvuuu" + "." * 20) == [(0, 8)]


def test_samples_change_nothing() -> None:
    """Only decisions count, whatever is in the frames."""
    loud = np.full(FRAME_SAMPLES, np.nan, np.float32)
    assert told("..vvvvvv" + "." * 12) == told("..vvvvvv" + "." * 12, loud) == [(2, 8)]


def test_the_clock_runs_on_over_gaps() -> None:
    """A gap ends a stretch, and what follows lies behind it."""
    tracker = ActivityTracker(STREAM)
    frame = np.zeros(FRAME_SAMPLES, np.float32)
    for _ in range(6):
        assert tracker.push(frame, True) == []
    (ended,) = tracker.gap(16_000, np.zeros(100, np.float32))
    assert (ended.start_sample, ended.end_sample) == (0, 6 * FRAME_SAMPLES)
    assert tracker.clock == 6 * FRAME_SAMPLES + 100 + 16_000
