"""Sums over a session."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_session import MICROPHONE

from ser_live.emotions import Emotion
from ser_live.events import Cause, DeviceLost, EmotionResult, Kind, Verdict
from ser_live.records.summary import tally_lines
from ser_live.records.tally import Tally


def final(latency_ms: float) -> EmotionResult:
    return EmotionResult(
        stream=MICROPHONE,
        id=1,
        kind=Kind.FINAL,
        start_sample=0,
        end_sample=16_000,
        emotion=Emotion.SAD,
        state=Verdict.OK,
        probabilities=None,
        speech_s=1.0,
        level_dbfs=-20.0,
        snr_db=30.0,
        latency_ms=latency_ms,
    )


def test_losses_of_the_microphone_are_counted() -> None:
    """The summary says how often the microphone was lost, and nothing where it never was."""
    tally = Tally()
    lost = DeviceLost(
        stream=MICROPHONE, sample=0, device="mic", cause=Cause.STALLED, message="It fell silent."
    )
    assert not any("microphone" in line for line in tally_lines(tally))
    tally.add(lost)
    assert "microphone lost once" in tally_lines(tally)
    tally.add(lost)
    assert "microphone lost 2 times" in tally_lines(tally)


def test_valence_and_arousal_are_means_over_speech_time() -> None:
    """Results without them, as in older logs and for rejected utterances, do not count."""
    tally = Tally()
    assert tally.affect() is None
    tally.add(final(1.0))
    tally.add(replace(final(1.0), valence=None, arousal=0.5))
    assert tally.affect() is None
    tally.add(replace(final(1.0), valence=0.5, arousal=-0.5))
    tally.add(replace(final(1.0), valence=-0.5, arousal=0.0, speech_s=3.0))
    assert tally.affect() == pytest.approx((-0.25, -0.125))


@given(st.lists(st.floats(0, 1e4), min_size=1, max_size=50), st.floats(0, 100))
@settings(deadline=None)
def test_percentiles_are_those_of_numpy(latencies_ms: list[float], percent: float) -> None:
    """Interpolated like numpy's default."""
    tally = Tally()
    for latency_ms in latencies_ms:
        tally.add(final(latency_ms))
    expected = float(np.percentile(latencies_ms, percent))
    assert tally.latency_ms(percent) == pytest.approx(expected, abs=1e-6)


def test_an_unknown_latency_does_not_count() -> None:
    """Without a known latency the percentile is undefined, and the result still counts."""
    tally = Tally()
    tally.add(final(math.nan))
    assert math.isnan(tally.latency_ms(50))
    assert tally.n_finals == 1


def test_partials_do_not_count() -> None:
    """Only final results are summed."""
    tally = Tally()
    tally.add(replace(final(5.0), kind=Kind.PARTIAL))
    assert (tally.n_finals, tally.n_named) == (0, 0)
