"""Variants of training recordings."""

from __future__ import annotations

import numpy as np
import pytest
from speechlike import SAMPLE_RATE, speechlike, tone

from ser_live.training.augmentation import (
    NOTEBOOK_VARIANTS,
    PLAIN,
    VARIANTS,
    mix,
    synthetic_noise,
    vary,
)

SPEECH = speechlike(1.0).astype(np.float32)


def test_plain_is_the_recording_itself() -> None:
    """The unchanged variant is not even copied."""
    assert vary(SPEECH, PLAIN, "a") is SPEECH


@pytest.mark.parametrize("variant", [*VARIANTS[1:], *NOTEBOOK_VARIANTS[1:]])
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
    noise = synthetic_noise(len(sound), np.random.default_rng(0))
    added = mix(sound, noise, snr_db).astype(np.float64) - sound
    assert 10 * np.log10(np.mean(sound**2) / np.mean(added**2)) == pytest.approx(snr_db, abs=0.1)


def test_mixing_never_clips_and_leaves_nothing_alone() -> None:
    """Loud sums are scaled down; without samples or noise nothing happens."""
    loud = tone(300.0, amplitude=1.0).astype(np.float32)
    assert np.abs(mix(loud, np.ones(len(loud)), 0.0)).max() <= 1.0
    empty = np.zeros(0, dtype=np.float32)
    assert mix(empty, np.zeros(0), 0.0) is empty
    assert mix(loud, np.zeros(len(loud)), 0.0) is loud


def test_unknown_variants_are_refused() -> None:
    """A misspelt variant is an error, not the plain recording."""
    with pytest.raises(ValueError, match="unknown variant 'noizy'"):
        vary(SPEECH, "noizy", "a")
