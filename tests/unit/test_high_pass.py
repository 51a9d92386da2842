"""The high-pass that everything is heard through."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_live.audio import level_dbfs
from ser_live.config import SAMPLE_RATE_HZ
from ser_live.high_pass import HIGH_PASS_HZ, HighPass, high_passed
from ser_live.speech.detector import VoiceActivityDetector

RATE = SAMPLE_RATE_HZ


def tone(hz: float, seconds: float = 2.0) -> np.ndarray:
    return (0.1 * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE)).astype("f4")


def gain_db(hz: float) -> float:
    """Gain once the filter has settled."""
    return level_dbfs(high_passed(tone(hz))[RATE:]) - level_dbfs(tone(hz)[RATE:])


@pytest.mark.parametrize("n", [1, 159, 160, 161, 640, 641, 16_001])
def test_it_is_the_filter_that_scipy_makes(n: int) -> None:
    signal = pytest.importorskip("scipy.signal")
    samples = (0.1 * np.random.default_rng(n).standard_normal(n) + 0.3).astype(np.float32)
    sections = signal.butter(4, HIGH_PASS_HZ, "high", fs=RATE, output="sos")
    expected = signal.sosfilt(sections, samples.astype(np.float64) - float(samples[0]))
    assert high_passed(samples) == pytest.approx(expected, abs=1e-7)


@given(st.lists(st.integers(0, 3_000), min_size=1, max_size=6))
def test_cuts_do_not_change_it(sizes: list[int]) -> None:
    samples = np.random.default_rng(0).standard_normal(sum(sizes)).astype(np.float32)
    high_pass = HighPass()
    parts = [high_pass.process(part) for part in np.split(samples, np.cumsum(sizes)[:-1])]
    assert np.concatenate(parts) == pytest.approx(high_passed(samples), abs=1e-6)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=6))
def test_cuts_between_blocks_change_no_bit(n_blocks: list[int]) -> None:
    sizes = 160 * np.array(n_blocks)
    samples = np.random.default_rng(2).standard_normal(sizes.sum()).astype(np.float32)
    high_pass = HighPass()
    parts = [high_pass.process(part) for part in np.split(samples, np.cumsum(sizes)[:-1])]
    assert np.array_equal(np.concatenate(parts), high_passed(samples))


@given(st.integers(1, 5_000))
def test_a_beginning_has_the_same_bits_whatever_follows(n: int) -> None:
    samples = np.random.default_rng(1).standard_normal(8_000).astype(np.float32)
    assert np.array_equal(high_passed(samples[:n]), high_passed(samples)[:n])


def test_offset_is_gone_at_once_hum_soon_and_voices_stay() -> None:
    assert np.abs(high_passed(np.full(RATE, 0.1, np.float32))).max() == 0.0
    assert gain_db(50) < -15
    assert gain_db(60) < -9
    assert gain_db(120) == pytest.approx(0.0, abs=1.0)
    assert gain_db(1_000) == pytest.approx(0.0, abs=0.05)


def test_nothing_gives_nothing() -> None:
    assert len(high_passed(np.zeros(0, np.float32))) == 0


@pytest.mark.parametrize("offset", [0.02, 0.1, -0.3])
def test_an_offset_changes_no_decision_of_the_detector(offset: float) -> None:
    rng = np.random.default_rng(0)
    samples = 0.001 * rng.standard_normal(3 * RATE).astype(np.float32)
    samples[RATE : 2 * RATE] += tone(150, 1.0) * (1 + np.sign(tone(4, 1.0)))

    def decisions(heard: np.ndarray) -> list[tuple[bool, float, float]]:
        detector = VoiceActivityDetector()
        made = [detector.process(frame) for frame in heard.astype(np.float32).reshape(-1, 480)]
        return [(d.is_speech, d.level_dbfs, d.noise_dbfs) for d in made]

    plain, moved = decisions(samples), decisions(samples + np.float32(offset))
    assert [d[0] for d in moved] == [d[0] for d in plain]
    assert np.array(moved)[:, 1:] == pytest.approx(np.array(plain)[:, 1:], abs=0.1, nan_ok=True)
