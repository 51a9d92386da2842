"""Whole-utterance spectral features: known answers."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg

from ser_live.features import long_term
from ser_live.features.frames import FRAMES_PER_S
from ser_live.features.spectral import N_MEL


def test_average_spectrum_averages_power_not_decibels() -> None:
    """Frames at 0 and 20 dB in band 1, 0 in all others: band 1 stands out by 10 lg 50.5."""
    mel_db = np.zeros((N_MEL, 10))
    mel_db[0, ::2] = 20.0
    found = long_term.ltas(mel_db)
    assert found.mean() == pytest.approx(0.0, abs=1e-12)
    assert found[0] - found[1] == pytest.approx(10 * np.log10(50.5))


def test_log_covariance_is_the_matrix_logarithm() -> None:
    """Its distances are Frobenius distances of scipy's matrix logarithms."""
    rng = np.random.default_rng(1)
    pair = [rng.normal(size=(13, 13)) @ rng.normal(size=(13, 400)) for _ in range(2)]
    ours = [long_term.log_covariance(frames) for frames in pair]
    theirs = []
    for frames in pair:
        covariance = np.cov(frames, bias=True)
        ridge = 1e-3 * np.trace(covariance) / 13 * np.eye(13)
        theirs.append(scipy.linalg.logm(covariance + ridge))
    assert np.linalg.norm(ours[0] - ours[1]) == pytest.approx(
        np.linalg.norm(theirs[0] - theirs[1]), rel=1e-9
    )


@pytest.mark.parametrize("n_frames", [0, 1, 25])
def test_too_few_frames_have_no_covariance(n_frames: int) -> None:
    """Fewer than 26 frames leave the covariance undefined."""
    frames = np.random.default_rng(0).normal(size=(13, n_frames))
    assert np.isnan(long_term.log_covariance(frames)).all()


def test_frames_without_variation_have_no_covariance() -> None:
    """Constant MFCC have no covariance, and none of it is a warning."""
    assert np.isnan(long_term.log_covariance(np.ones((13, 100)))).all()


@pytest.mark.parametrize(
    ("rate_hz", "octave"), [(1.5, 0), (3.0, 1), (6.0, 2), (12.0, 3), (24.0, 4)]
)
def test_a_beat_shows_in_its_octave(rate_hz: float, octave: int) -> None:
    """A level swinging by 6 dB at a rate gives 10 lg 18 dB in the octave of that rate."""
    time = np.arange(400) / FRAMES_PER_S
    mel_db = np.tile(6.0 * np.sin(2 * np.pi * rate_hz * time) - 40.0, (N_MEL, 1))
    found = long_term.modulation(mel_db).reshape(long_term.N_ENVELOPES, -1)
    np.testing.assert_allclose(found[:, octave], 10 * np.log10(18.0), atol=0.1)
    others = np.delete(found, octave, axis=1)
    assert np.nanmax(others) < 10 * np.log10(18.0) - 10.0


def test_modulation_needs_a_whole_period() -> None:
    """Half a second knows nothing of 1-2 Hz; 2 Hz and above are defined."""
    mel_db = np.random.default_rng(0).normal(size=(N_MEL, 50))
    found = long_term.modulation(mel_db).reshape(long_term.N_ENVELOPES, -1)
    assert np.isnan(found[:, 0]).all()
    assert np.isfinite(found[:, 1:]).all()


@pytest.mark.parametrize(
    "mel_db",
    [
        np.zeros((N_MEL, 0)),
        np.zeros((N_MEL, 1)),
        np.full((N_MEL, 90), np.nan),
        np.zeros((N_MEL, 90)),
    ],
)
def test_stillness_has_no_modulation(mel_db: np.ndarray) -> None:
    """Nothing, one frame, silence and a steady level have no modulation."""
    assert np.isnan(long_term.modulation(mel_db)).all()
