from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from voices import SAMPLE_RATE, noise, sine, train, vowel

from ser_live.features.frames import HOP_SAMPLES
from ser_live.features.pitch import (
    CEILING_HZ,
    FLOOR_HZ,
    WINDOW,
    PitchStream,
    PitchTrack,
)


def track(samples: np.ndarray) -> PitchTrack:
    stream = PitchStream()
    stream.push(samples)
    return stream.track(len(samples))


@pytest.mark.parametrize("f0_hz", [68.0, 75.0, 100.0, 137.5, 220.0, 333.3, 500.0, 640.0])
def test_sine_has_its_frequency(f0_hz: float) -> None:
    """Every frame of a sine is voiced and within 0.1 % of its frequency."""
    f0 = track(sine(f0_hz, 1.0)).f0_hz
    assert np.abs(f0 / f0_hz - 1.0).max() < 1e-3


@pytest.mark.parametrize("f0_hz", [72.0, 110.0, 220.0, 450.0])
def test_vowel_has_the_frequency_of_its_pulses(f0_hz: float) -> None:
    """Formants do not move the F0 of a vowel by more than 0.5 %."""
    f0 = track(vowel(f0_hz, 0.6)).f0_hz
    voiced = f0[~np.isnan(f0)]
    assert len(voiced) > 0.85 * len(f0)
    assert np.abs(voiced / f0_hz - 1.0).max() < 5e-3


def test_missing_fundamental_is_found() -> None:
    """Harmonics 3, 4 and 5 of 150 Hz have the F0 150 Hz."""
    wave = sine(450.0, 0.5, 0.2) + sine(600.0, 0.5, 0.2) + sine(750.0, 0.5, 0.2)
    assert np.nanmedian(track(wave).f0_hz) == pytest.approx(150.0, rel=2e-3)


def test_chirp_follows_its_instantaneous_frequency() -> None:
    """F0 of a chirp from 100 to 400 Hz in 2 s is its frequency at the frame's centre (1 %)."""
    time = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    chirp = 0.5 * np.sin(2.0 * np.pi * (100.0 * time + 75.0 * time**2))
    found = track(chirp.astype(np.float32)).f0_hz
    centre_s = (np.arange(len(found)) * HOP_SAMPLES + WINDOW // 2) / SAMPLE_RATE
    assert np.abs(found / (100.0 + 150.0 * centre_s) - 1.0).max() < 0.01


def test_white_noise_is_mostly_unvoiced() -> None:
    """At most one frame in ten of white noise is called voiced."""
    assert track(noise(2.0)).voiced.mean() < 0.1


def test_voice_in_noise_keeps_its_frequency() -> None:
    """At 6 dB signal to noise the median F0 of a vowel is right to 1 %."""
    clean = vowel(180.0, 1.0)
    noisy = clean + noise(1.0, rms=0.5 * float(clean.std()))
    assert np.nanmedian(track(noisy).f0_hz) == pytest.approx(180.0, rel=0.01)


def test_click_does_not_silence_soft_voice() -> None:
    """One full-scale click leaves a voice 40 dB below it voiced."""
    soft = vowel(150.0, 1.0, amplitude=0.01)
    soft[8000] = 1.0
    assert track(soft).voiced.mean() > 0.8


def test_silence_between_voices_is_unvoiced() -> None:
    """Digital silence is unvoiced and the voices on both sides are not."""
    wave = np.concatenate([vowel(120.0, 0.5), np.zeros(8000, np.float32), vowel(120.0, 0.5)])
    voiced = track(wave).voiced
    assert not voiced[52:96].any()
    assert voiced[4:44].all()
    assert voiced[104:].mean() > 0.9


@pytest.mark.parametrize(
    "samples",
    [np.zeros(16000, np.float32), np.full(16000, 0.5, np.float32), np.zeros(0, np.float32)],
    ids=["zeros", "constant", "empty"],
)
def test_no_sound_has_no_pitch(samples: np.ndarray) -> None:
    """Zeros and a constant are unvoiced in every frame, without a warning."""
    assert not track(samples).voiced.any()


@pytest.mark.parametrize("n_samples", [1, 2, WINDOW - 1])
def test_less_than_a_window_has_no_frame(n_samples: int) -> None:
    """The first frame needs a whole window."""
    assert len(track(sine(200.0, 1.0)[:n_samples]).f0_hz) == 0


def test_frame_count_and_placement() -> None:
    """Frame k exists as soon as sample 160 k + 740 does."""
    wave = sine(200.0, 0.5)
    assert len(track(wave[:WINDOW]).f0_hz) == 1
    assert len(track(wave[: WINDOW + HOP_SAMPLES - 1]).f0_hz) == 1
    assert len(track(wave[: WINDOW + HOP_SAMPLES]).f0_hz) == 2


def test_clipped_voice_keeps_its_pitch() -> None:
    """Clipping at a tenth of the peak does not change the F0 by more than 1 %."""
    wave = np.clip(10.0 * vowel(210.0, 0.5), -0.3, 0.3)
    assert np.nanmedian(track(wave).f0_hz) == pytest.approx(210.0, rel=0.01)


def test_gain_does_not_change_the_track() -> None:
    """F0 is the same 60 dB softer."""
    wave = vowel(140.0, 0.7)
    np.testing.assert_allclose(
        track(wave * np.float32(1e-3)).f0_hz, track(wave).f0_hz, rtol=1e-5, equal_nan=True
    )


MIXED = np.concatenate(
    [
        noise(0.3, 0.001),
        vowel(np.linspace(90.0, 260.0, 16000), 1.0),
        noise(0.2, 0.05),
        train(0.004, 100),
    ]
)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 6000), max_size=20), st.integers(0, len(MIXED)))
def test_blocks_of_any_size_are_one_push(sizes: list[int], n_samples: int) -> None:
    """The track of the first n samples is that of one push of samples[:n], asked at any time."""
    stream = PitchStream()
    start = 0
    for size in sizes:
        stream.push(MIXED[start : start + size])
        start = min(start + size, len(MIXED))
        stream.track(start)
    stream.push(MIXED[start:])
    found, expected = stream.track(n_samples), track(MIXED[:n_samples])
    np.testing.assert_allclose(found.f0_hz, expected.f0_hz, rtol=1e-9)
    np.testing.assert_allclose(found.strength, expected.strength, rtol=1e-9)


def test_every_pitch_is_inside_the_range() -> None:
    """No F0 lies outside floor and ceiling."""
    f0 = track(MIXED).f0_hz
    voiced = f0[~np.isnan(f0)]
    assert len(voiced) > 100
    assert voiced.min() >= FLOOR_HZ
    assert voiced.max() <= CEILING_HZ
