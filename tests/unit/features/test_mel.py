"""Mel filters and cosine transform."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
import scipy.fft

from ser_live.features import mel


@pytest.mark.parametrize(("n_bands", "low_hz"), [(32, 60.0), (40, 0.0), (26, 20.0)])
def test_mel_filters_are_those_of_librosa(n_bands: int, low_hz: float) -> None:
    """The filter bank equals librosa.filters.mel with its defaults."""
    ours = mel.mel_filters(16_000, 512, n_bands, low_hz, 8000.0)
    theirs = librosa.filters.mel(
        sr=16_000, n_fft=512, n_mels=n_bands, fmin=low_hz, fmax=8000.0, dtype=np.float64
    )
    np.testing.assert_allclose(ours, theirs, atol=1e-12)


def test_mel_scale_is_linear_below_and_logarithmic_above_one_kilohertz() -> None:
    """1 kHz is 15 mel, 500 Hz 7.5 mel, and 27 mel further is 6.4 times the frequency."""
    assert mel.hz_to_mel(1000.0) == pytest.approx(15.0)
    assert mel.hz_to_mel(500.0) == pytest.approx(7.5)
    assert mel.hz_to_mel(6400.0) == pytest.approx(42.0)
    np.testing.assert_allclose(mel.mel_to_hz(np.array([7.5, 15.0, 42.0])), [500.0, 1000.0, 6400.0])


def test_cosine_transform_is_orthonormal_dct_two() -> None:
    """The matrix equals scipy's orthonormal DCT-II and its rows are orthonormal."""
    matrix = mel.dct_matrix(14, 32)
    x = np.random.default_rng(0).normal(size=32)
    np.testing.assert_allclose(matrix @ x, scipy.fft.dct(x, norm="ortho")[:14], atol=1e-12)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(14), atol=1e-12)
