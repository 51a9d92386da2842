"""Mel filter bank and cosine transform behind the mel bands and the MFCC.

The definitions are those of librosa (Slaney's mel scale, area-normalised
triangles, orthonormal DCT-II); they are written out here because importing
``librosa.filters`` costs more time and memory than the whole live path.
"""

from __future__ import annotations

import math

import numpy as np

from ser_live.arrays import Float64

_LINEAR_HZ_PER_MEL = 200.0 / 3.0
_LOG_FROM_HZ = 1000.0
_LOG_FROM_MEL = _LOG_FROM_HZ / _LINEAR_HZ_PER_MEL
_LOG_STEP = math.log(6.4) / 27.0


def hz_to_mel(frequency_hz: float) -> float:
    """Slaney's mel scale: linear below 1 kHz, logarithmic above (Auditory Toolbox, 1998)."""
    if frequency_hz < _LOG_FROM_HZ:
        return frequency_hz / _LINEAR_HZ_PER_MEL
    return _LOG_FROM_MEL + math.log(frequency_hz / _LOG_FROM_HZ) / _LOG_STEP


def mel_to_hz(mel: Float64) -> Float64:
    """Inverse of `hz_to_mel`, elementwise, in hertz."""
    linear = mel * _LINEAR_HZ_PER_MEL
    logarithmic = _LOG_FROM_HZ * np.exp(_LOG_STEP * (mel - _LOG_FROM_MEL))
    return np.where(mel < _LOG_FROM_MEL, linear, logarithmic)


def mel_edges_hz(n_bands: int, low_hz: float, high_hz: float) -> Float64:
    """Corner frequencies of the triangles, shape ``(n_bands + 2,)``, equally spaced in mel."""
    return mel_to_hz(np.linspace(hz_to_mel(low_hz), hz_to_mel(high_hz), n_bands + 2))


def mel_filters(
    sample_rate: int, n_fft: int, n_bands: int, low_hz: float, high_hz: float
) -> Float64:
    """Triangular filters over a power spectrum.

    Returns
    -------
    ndarray of float64, shape (n_bands, n_fft // 2 + 1)
        Band `i` rises from ``edges[i]`` to ``edges[i + 1]`` and falls to
        ``edges[i + 2]``, scaled by ``2 / (edges[i + 2] - edges[i])``. Equal to
        ``librosa.filters.mel`` with its default scale and norm.
    """
    edges = mel_edges_hz(n_bands, low_hz, high_hz)
    bins = np.linspace(0.0, sample_rate / 2.0, n_fft // 2 + 1)
    distance = edges[:, None] - bins[None, :]
    width = np.diff(edges)[:, None]
    rising = -distance[:-2] / width[:-1]
    falling = distance[2:] / width[1:]
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    return np.asarray(triangles * (2.0 / (edges[2:] - edges[:-2]))[:, None])


def dct_matrix(n_coefficients: int, n_bands: int) -> Float64:
    """Orthonormal DCT-II as a matrix, shape ``(n_coefficients, n_bands)``.

    ``c[k] = s(k) * sum_m x[m] cos(pi k (m + 1/2) / M)`` with ``s(0) = sqrt(1/M)`` and
    ``s(k) = sqrt(2/M)``.
    """
    k = np.arange(n_coefficients)[:, None]
    m = np.arange(n_bands)[None, :]
    scale = np.where(k == 0, np.sqrt(1.0 / n_bands), np.sqrt(2.0 / n_bands))
    return np.asarray(scale * np.cos(np.pi * k * (m + 0.5) / n_bands))
