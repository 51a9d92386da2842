"""Loudness of a frame: compressed energy in auditory bands.

The approximation of perceptual linear prediction (Hermansky 1990), as used for
loudness in eGeMAPS: power in 26 mel bands, weighted by an equal-loudness curve and
compressed by a cube root, then summed.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np

from ser_live.arrays import Float64
from ser_live.config import SAMPLE_RATE_HZ
from ser_live.features.description import Description

_N_FFT: Final = 512
_N_BANDS: Final = 26
_LOWEST_HZ: Final = 20.0
_HIGHEST_HZ: Final = 8000.0
_EXPONENT: Final = 0.33
_SOFTEST: Final = 1e-3  # keeps the logarithm of silence finite

_SOURCE: Final = "Hermansky 1990, JASA 87, 1738-1752; eGeMAPS (Eyben et al. 2016)"

DESCRIPTIONS: dict[str, Description] = {
    "loudness_au": Description(
        "arbitrary unit",
        "sum over 26 mel bands (20-8000 Hz) of (power x equal-loudness weight)^0.33, 25 ms "
        "Hamming; NaN outside the speech extent",
        _SOURCE,
    ),
    "loudness_phon": Description(
        "phon",
        "10 log2(loudness_au): twice as loud = 10 phon, arbitrary zero; NaN outside the speech "
        "extent",
        _SOURCE + "; Stevens 1957",
    ),
}


def _mel_bands() -> Float64:
    """Triangular mel bands times the equal-loudness curve, ``(257, 26)``.

    Mel as in HTK, ``1127 ln(1 + f/700)``; equal loudness as in Hermansky (1990) at
    the band centres.
    """
    lowest, highest = (1127.0 * float(np.log1p(hz / 700.0)) for hz in (_LOWEST_HZ, _HIGHEST_HZ))
    edges = np.linspace(lowest, highest, _N_BANDS + 2)
    bins = 1127.0 * np.log1p(np.arange(_N_FFT // 2 + 1) * SAMPLE_RATE_HZ / _N_FFT / 700.0)
    bands = np.maximum(0.0, 1.0 - np.abs(bins[:, np.newaxis] - edges[1:-1]) / (edges[1] - edges[0]))
    square = (700.0 * np.expm1(edges[1:-1] / 1127.0)) ** 2
    weight = (square / (square + 1.6e5)) ** 2 * (square + 1.44e6) / (square + 9.61e6)
    return np.asarray(bands * weight)


_BANDS: Final = _mel_bands()


def loudness_au(frames: Float64) -> Float64:
    """Loudness of frames ``(n, n_samples)``, at most 512 samples each; ``(n,)``, 0 for zeros."""
    spectrum = np.fft.rfft(frames * _window(frames.shape[1]), _N_FFT, axis=1)
    power = spectrum.real**2 + spectrum.imag**2
    return np.asarray(((power @ _BANDS) ** _EXPONENT).sum(axis=1))


@lru_cache(maxsize=2)
def _window(n_samples: int) -> Float64:
    return np.hamming(n_samples)


def loudness_phon(loudness: Float64) -> Float64:
    """Loudness on a scale where twice as loud is 10 more; at least -100."""
    return np.asarray(10.0 * np.log2(np.maximum(loudness, _SOFTEST)))
