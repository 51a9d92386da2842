"""Deltas: librosa's definition."""

from __future__ import annotations

import librosa
import numpy as np
import pytest

from ser_live.features.deltas import delta


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("n_frames", [9, 10, 60])
def test_deltas_are_those_of_librosa(order: int, n_frames: int) -> None:
    """First and second deltas equal librosa.feature.delta, ends included."""
    values = np.random.default_rng(0).normal(size=(4, n_frames)).cumsum(axis=1)
    np.testing.assert_allclose(
        delta(values, order), librosa.feature.delta(values, width=9, order=order), atol=1e-9
    )


def test_delta_of_a_ramp_is_its_slope() -> None:
    """A ramp of 2 a frame has delta 2 everywhere and no second delta."""
    ramp = 2.0 * np.arange(30.0)[None, :]
    np.testing.assert_allclose(delta(ramp, 1), 2.0)
    np.testing.assert_allclose(delta(ramp, 2), 0.0, atol=1e-12)


@pytest.mark.parametrize("n_frames", [0, 1, 8])
def test_fewer_than_nine_frames_have_no_delta(n_frames: int) -> None:
    """Deltas of fewer than nine frames are undefined."""
    assert np.isnan(delta(np.ones((2, n_frames)))).all()
