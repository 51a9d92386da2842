"""Covariance of delayed MFCC against known answers."""

from __future__ import annotations

import numpy as np
import pytest

from ser_live.features.mel import dct_matrix
from ser_live.features.spectral import N_MEL
from ser_live.features.trajectory import FLOOR_DB, TRAJECTORY, delayed_covariance

NAMES = list(TRAJECTORY)


def _named(mel_db: np.ndarray) -> dict[str, float]:
    return dict(zip(NAMES, delayed_covariance(mel_db), strict=True))


def test_constant_sound_has_no_movement() -> None:
    """Without movement only the ridge of 1 dB^2 is left, whose logarithm is zero."""
    assert delayed_covariance(np.full((N_MEL, 100), -30.0)) == pytest.approx(0.0, abs=1e-9)


def test_independent_movement_stands_on_the_diagonal() -> None:
    """White noise of variance v in MFCC 2 gives log(1 + v) at each delay, zero elsewhere."""
    rng = np.random.default_rng(0)
    track = 3.0 * rng.standard_normal(20_000)
    mel_db = np.outer(dct_matrix(8, N_MEL)[2], track) - 30.0
    found = _named(mel_db)
    for name, value in found.items():
        wanted = np.log(10.0) if name.startswith("mfcc2") and name.count("mfcc2") == 2 else 0.0
        first, _, second = name.removesuffix("_trajectory").partition("_mfcc2")
        is_diagonal = first.removeprefix("mfcc2") == second
        assert value == pytest.approx(wanted if is_diagonal else 0.0, abs=0.05), name


def test_gain_and_timbre_do_not_matter() -> None:
    """Any constant added to any band leaves every value, as long as no band meets the floor."""
    rng = np.random.default_rng(1)
    mel_db = rng.uniform(-40.0, -30.0, (N_MEL, 200))
    shifted = mel_db + 17.0 + np.linspace(-3.0, 3.0, N_MEL)[:, None]
    assert delayed_covariance(shifted) == pytest.approx(delayed_covariance(mel_db), abs=1e-9)


def test_what_lies_below_the_floor_does_not_matter() -> None:
    """Pauses 60 and 90 dB down, and digital silence, are the same."""
    rng = np.random.default_rng(2)
    mel_db = rng.uniform(-21.0, -20.0, (N_MEL, 200))
    results = []
    for depth in (-80.0, -110.0, np.nan):
        with_pause = mel_db.copy()
        with_pause[:, 80:110] = depth
        results.append(delayed_covariance(with_pause))
    assert FLOOR_DB < 60.0
    assert results[1] == pytest.approx(results[0])
    # The loud frames are counted among those that sound, so the floor moves a little.
    assert results[2] == pytest.approx(results[0], abs=0.02)


@pytest.mark.parametrize(
    "mel_db", [np.zeros((N_MEL, 0)), np.zeros((N_MEL, 61)), np.full((N_MEL, 200), np.nan)]
)
def test_too_little_sound_is_undefined(mel_db: np.ndarray) -> None:
    """No frames, too few frames, or only silence: NaN."""
    assert np.isnan(delayed_covariance(mel_db)).all()
