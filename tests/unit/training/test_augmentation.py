"""Variants of training recordings."""

from __future__ import annotations

import numpy as np
import pytest
from speechlike import SAMPLE_RATE, speechlike, tone

from ser_live.synthesis.acoustics import line, room, tilt
from ser_live.synthesis.noises import any_noise, babble, crackle, hum, mix, steady, talker
from ser_live.training.augmentation import (
    EAR_VARIANTS,
    NOTEBOOK_VARIANTS,
    PLAIN,
    VARIANTS,
    vary,
)

SPEECH = speechlike(1.0).astype(np.float32)


def test_plain_is_the_recording_itself() -> None:
    """The unchanged variant is not even copied."""
    assert vary(SPEECH, PLAIN, "a") is SPEECH


@pytest.mark.parametrize("variant", [*VARIANTS[1:], *EAR_VARIANTS[1:], *NOTEBOOK_VARIANTS[1:]])
def test_variants_repeat_for_a_name_and_differ_between_names(variant: str) -> None:
    """The recording's identity seeds all chance; the result is sound this program accepts."""
    once, again = vary(SPEECH, variant, "a"), vary(SPEECH, variant, "a")
    assert np.array_equal(once, again)
    assert once.dtype == np.float32
    assert np.isfinite(once).all()
    if variant != "notebook stretch and pitch":  # nothing random in it
        assert not np.array_equal(once, vary(SPEECH, variant, "b"))


def test_speed_moves_pitch_and_length_together() -> None:
    """A tone of f lasting t becomes one of s f lasting t / s, with s 6 to 12 % off 1."""
    for identity in ("a", "b", "c"):
        changed = vary(tone(500.0).astype(np.float32), "speed", identity)
        spectrum = np.abs(np.fft.rfft(changed * np.hanning(len(changed))))
        found_hz = np.argmax(spectrum) * SAMPLE_RATE / len(changed)
        speed = SAMPLE_RATE / len(changed)
        assert 0.06 <= abs(speed - 1.0) <= 0.121
        assert found_hz == pytest.approx(500.0 * speed, rel=0.005)


@pytest.mark.parametrize("snr_db", [0.0, 10.0, 20.0])
def test_noise_is_mixed_at_the_level_asked_for(snr_db: float) -> None:
    """For a steady tone, tone power over added power is the ratio asked for."""
    sound = tone(300.0, amplitude=0.1).astype(np.float32)
    noise = steady(len(sound), np.random.default_rng(0))
    added = mix(sound, noise, snr_db).astype(np.float64) - sound
    assert 10 * np.log10(np.mean(sound**2) / np.mean(added**2)) == pytest.approx(snr_db, abs=0.1)


def test_mixing_never_clips_and_leaves_nothing_alone() -> None:
    """Loud sums are scaled down; without samples or noise nothing happens."""
    loud = tone(300.0, amplitude=1.0).astype(np.float32)
    assert np.abs(mix(loud, np.ones(len(loud)), 0.0)).max() <= 1.0
    empty = np.zeros(0, dtype=np.float32)
    assert mix(empty, np.zeros(0), 0.0) is empty
    assert mix(loud, np.zeros(len(loud)), 0.0) is loud


@pytest.mark.parametrize("variant", EAR_VARIANTS)
def test_silence_and_nothing_stay_what_they_are(variant: str) -> None:
    """No division by a power of zero, no spectrum of nothing."""
    assert len(vary(np.zeros(0, dtype=np.float32), variant, "a")) == 0
    for identity in ("a", "b", "c", "d"):
        changed = vary(np.zeros(16_000, dtype=np.float32), variant, identity)
        assert np.isfinite(changed).all()


def test_a_room_rings_on_and_keeps_the_level() -> None:
    """A click is followed by a decay: more energy in the first half of it than in the second."""
    click = np.zeros(32_000, dtype=np.float32)
    click[100] = 0.01
    for seed in range(5):
        heard = room(click, np.random.default_rng(seed)).astype(np.float64)
        assert np.abs(heard[:100]).max() < 1e-9
        assert np.sum(heard**2) == pytest.approx(1e-4, rel=1e-3)
        late = np.sum(heard[101:4000] ** 2), np.sum(heard[4000:8000] ** 2)
        assert late[0] > late[1] > 0.0


def test_a_line_passes_the_middle_alone_and_keeps_the_level() -> None:
    """Every line takes 20 Hz and lets 1 kHz pass; the RMS stays."""
    sound = (tone(20.0, amplitude=0.1) + tone(1000.0, amplitude=0.3)).astype(np.float32)
    for seed in range(12):
        heard = line(sound, np.random.default_rng(seed))
        assert np.std(heard) == pytest.approx(np.std(sound), rel=0.01)
        spectrum = np.abs(np.fft.rfft(heard * np.hanning(len(heard))))
        at = [round(f_hz * len(sound) / SAMPLE_RATE) for f_hz in (20, 1000)]
        assert spectrum[at[0]] < 0.06 * spectrum[at[1]]


@pytest.mark.parametrize("noise", [any_noise, babble, crackle, hum, steady, talker])
def test_every_noise_has_one_level_and_repeats_for_a_seed(noise) -> None:
    """RMS 1, finite, the same for the same seed and another for another."""
    for n in (1, 700, 48_000):
        made = noise(n, np.random.default_rng(1))
        assert made.shape == (n,)
        assert np.isfinite(made).all()
        assert np.array_equal(made, noise(n, np.random.default_rng(1)))
    assert np.sqrt(np.mean(made**2)) == pytest.approx(1.0, rel=1e-3)
    assert not np.array_equal(made, noise(n, np.random.default_rng(2)))


def test_talkers_have_syllables_and_motors_have_a_pitch() -> None:
    """What tells these noises from steady ones: a level that moves, a spectrum of lines."""

    def swing_db(sound: np.ndarray) -> float:
        levels = 10 * np.log10(np.mean(sound[:48_000].reshape(-1, 480) ** 2, axis=1) + 1e-6)
        return float(np.quantile(levels, 0.9) - np.quantile(levels, 0.1))

    def peak(sound: np.ndarray) -> float:
        spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
        return float(spectrum.max() / np.median(spectrum))

    rngs = [np.random.default_rng(seed) for seed in range(5)]
    assert min(swing_db(talker(48_000, rng)) for rng in rngs) > 8.0
    white = np.random.default_rng(0).standard_normal(48_000)
    assert swing_db(white) < 3.0
    assert min(peak(hum(48_000, rng)) for rng in rngs) > 20 * peak(white)


def test_a_tilt_is_in_db_per_three_octaves() -> None:
    """6 dB: 2 kHz is 2 dB louder than 1 kHz, which one had been equally loud."""
    sound = (tone(1000.0, amplitude=0.1) + tone(2000.0, amplitude=0.1)).astype(np.float32)
    spectrum = np.abs(np.fft.rfft(tilt(sound, 6.0) * np.hanning(len(sound))))
    low, high = (spectrum[round(f_hz * len(sound) / SAMPLE_RATE)] for f_hz in (1000, 2000))
    assert 20 * np.log10(high / low) == pytest.approx(2.0, abs=0.1)


def test_unknown_variants_are_refused() -> None:
    """A misspelt variant is an error, not the plain recording."""
    with pytest.raises(ValueError, match="unknown variant 'noizy'"):
        vary(SPEECH, "noizy", "a")
