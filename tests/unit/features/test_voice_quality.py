from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from one_push import StreamWithPitch, assert_blocks_are_one_push
from voices import SAMPLE_RATE, noise, sine, train, vowel

from ser_live.features.voice_quality import CONTOURS, SCALARS, VoiceQualityStream


def stream() -> StreamWithPitch:
    return StreamWithPitch(VoiceQualityStream)


def stream_of(samples: np.ndarray) -> StreamWithPitch:
    stream = StreamWithPitch(VoiceQualityStream)
    stream.push(samples)
    return stream


def summary(samples: np.ndarray) -> dict[str, float]:
    return stream_of(samples).summary(len(samples))


def contours(samples: np.ndarray) -> dict[str, np.ndarray]:
    return stream_of(samples).contours(len(samples))


# Alternating pulses repeat after two periods: that repetition must be too long to be an F0.
ALTERNATING_PERIODS_S = (0.0125, 0.008)


@pytest.mark.parametrize("period_s", [0.0125, 0.008, 0.005, 0.0031])
def test_even_pulses_have_no_jitter_and_no_shimmer(period_s: float) -> None:
    """Equal periods and heights, at fractional sample positions: jitter and shimmer below 0.2 %."""
    found = summary(train(period_s, 150))
    assert found["jitter_local"] < 2e-3
    assert found["shimmer_local"] < 2e-3
    assert found["shimmer_db"] < 0.02
    assert found["period_correlation"] > 0.97


@pytest.mark.parametrize("d", [0.0025, 0.005, 0.01])
@pytest.mark.parametrize("period_s", ALTERNATING_PERIODS_S)
def test_alternating_periods_have_twice_their_deviation_as_jitter(
    period_s: float, d: float
) -> None:
    """Periods T(1 +- d): jitter 2d, RAP 4d/3, PPQ5 4d/5 (10 %)."""
    found = summary(train(period_s, 150, jitter=d))
    assert found["jitter_local"] == pytest.approx(2.0 * d, rel=0.1)
    assert found["jitter_rap"] == pytest.approx(4.0 * d / 3.0, rel=0.1)
    assert found["jitter_ppq5"] == pytest.approx(4.0 * d / 5.0, rel=0.1)


@pytest.mark.parametrize("a", [0.02, 0.05, 0.10])
@pytest.mark.parametrize("period_s", ALTERNATING_PERIODS_S)
def test_alternating_heights_have_twice_their_deviation_as_shimmer(
    period_s: float, a: float
) -> None:
    """Heights A(1 +- a): shimmer 2a, APQ3 4a/3, APQ5 4a/5, dB 20 log10((1+a)/(1-a)) (5 %)."""
    found = summary(train(period_s, 150, shimmer=a))
    assert found["shimmer_local"] == pytest.approx(2.0 * a, rel=0.05)
    assert found["shimmer_apq3"] == pytest.approx(4.0 * a / 3.0, rel=0.05)
    assert found["shimmer_apq5"] == pytest.approx(4.0 * a / 5.0, rel=0.05)
    assert found["shimmer_db"] == pytest.approx(20.0 * np.log10((1 + a) / (1 - a)), rel=0.05)
    assert found["jitter_local"] < 0.1 * a


@pytest.mark.parametrize(
    ("f0_hz", "snr_db"),
    [*((100.0, db) for db in (0.0, 5.0, 10.0, 20.0)), *((310.0, db) for db in (0.0, 10.0, 30.0))],
)
def test_hnr_of_a_sine_in_white_noise(f0_hz: float, snr_db: float) -> None:
    """A sine in white noise at S dB has an HNR of S dB (1 dB)."""
    clean = sine(f0_hz, 3.0, 0.5)
    rms = float(clean.std()) * 10.0 ** (-snr_db / 20.0)
    hnr = np.nanmean(contours(clean + noise(3.0, rms))["hnr_db"])
    assert hnr == pytest.approx(snr_db, abs=1.0)


def test_cepstral_peak_falls_with_noise() -> None:
    """More noise on a vowel, lower cepstral peak."""
    clean = vowel(150.0, 1.0)
    found = [
        np.nanmean(contours(clean + noise(1.0, level * float(clean.std())))["cpp_db"])
        for level in (0.0, 0.1, 0.3)
    ]
    assert found[0] > found[1] + 1.0 > found[2] + 2.0


@pytest.mark.parametrize("f0_hz", [90.0, 180.0, 350.0])
@pytest.mark.parametrize("difference_db", [-6.0, 0.0, 12.0])
def test_level_difference_of_two_harmonics(f0_hz: float, difference_db: float) -> None:
    """A second harmonic so many dB below the first gives that H1-H2 (1.5 dB)."""
    second = 0.3 * 10.0 ** (-difference_db / 20.0)
    wave = sine(f0_hz, 0.5, 0.3) + sine(2.0 * f0_hz, 0.5, second) + sine(3.0 * f0_hz, 0.5, 0.1)
    found = np.nanmedian(contours(wave)["h1_h2_db"])
    assert found == pytest.approx(difference_db, abs=1.5)


@pytest.mark.parametrize(
    "formants_hz",
    [(700.0, 1200.0, 2600.0, 3500.0, 4500.0), (330.0, 2300.0, 3000.0, 3700.0, 4600.0)],
)
def test_formants_of_a_vowel(formants_hz: tuple[float, ...]) -> None:
    """The resonances of a vowel at 110 Hz are its formants (5 %)."""
    found = contours(vowel(110.0, 0.6, formants_hz))
    for number in (1, 2, 3):
        median = np.nanmedian(found[f"f{number}_hz"])
        assert median == pytest.approx(formants_hz[number - 1], rel=0.05)


def test_gain_changes_nothing() -> None:
    """No value depends on the recording's level (12 dB)."""
    loud = vowel(160.0, 0.5) + noise(0.5, 0.01)
    soft = loud * np.float32(0.25)
    for name, value in summary(loud).items():
        assert summary(soft)[name] == pytest.approx(value, rel=1e-4), name
    for name, contour in contours(loud).items():
        np.testing.assert_allclose(contours(soft)[name], contour, rtol=1e-3, atol=1e-3)


def test_values_exist_exactly_where_voiced() -> None:
    """HNR and every other contour is NaN where unvoiced, and defined where voiced."""
    wave = np.concatenate([noise(0.3), vowel(150.0, 0.4), np.zeros(4000, np.float32)])
    found = contours(wave)
    voiced = ~np.isnan(found["hnr_db"])
    assert 30 < voiced.sum() < 60
    for name in ("cpp_db", "h1_h2_db"):
        np.testing.assert_array_equal(~np.isnan(found[name]), voiced)
    for name, contour in found.items():
        assert np.isnan(contour[~voiced]).all(), name


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(0, np.float32),
        np.zeros(1, np.float32),
        np.zeros(16000, np.float32),
        np.full(16000, 0.5, np.float32),
        sine(200.0, 0.02),
    ],
    ids=["empty", "one sample", "zeros", "constant", "20 ms"],
)
def test_nothing_voiced_is_undefined(samples: np.ndarray) -> None:
    """Without voicing every value is NaN, and nothing warns."""
    assert all(np.isnan(value) for value in summary(samples).values())
    assert all(np.isnan(contour).all() for contour in contours(samples).values())


@pytest.mark.parametrize(
    "samples",
    [
        np.clip(20.0 * vowel(200.0, 0.5), -1.0, 1.0).astype(np.float32),
        sine(640.0, 0.3),
        sine(66.0, 0.3),
        vowel(120.0, 0.07),
        noise(1.0),
        sine(200.0, 0.2) * np.float32(1e-5),
    ],
    ids=["clipped", "high", "low", "70 ms", "noise", "very soft"],
)
def test_odd_sounds_give_finite_or_undefined(samples: np.ndarray) -> None:
    """Whatever is heard, no value is infinite, and nothing warns."""
    assert not np.isinf(list(summary(samples).values())).any()
    assert not any(np.isinf(contour).any() for contour in contours(samples).values())


def test_every_value_is_described() -> None:
    """Contours and scalars are exactly those that are described, in the same order."""
    assert list(contours(vowel(150.0, 0.3))) == list(CONTOURS)
    assert list(summary(vowel(150.0, 0.3))) == list(SCALARS)


MIXED = np.concatenate(
    [vowel(np.linspace(90.0, 260.0, 8000), 0.5), noise(0.2, 0.01), train(0.004, 80, 0.01, 0.05)]
)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 6000), max_size=12), st.integers(0, len(MIXED)))
def test_blocks_of_any_size_are_one_push(sizes: list[int], n_samples: int) -> None:
    """The first n samples give what one push of samples[:n] gives, asked at any time."""
    assert_blocks_are_one_push(stream, MIXED, sizes, n_samples, contour_tolerance=1e-6)


def test_jitter_survives_a_gliding_pitch() -> None:
    """A glide of an octave in a second, without any jitter, has less than 0.6 % of it."""
    glide = 120.0 * 2.0 ** np.linspace(0.0, 1.0, SAMPLE_RATE)
    assert summary(vowel(glide, 1.0))["jitter_local"] < 0.006
