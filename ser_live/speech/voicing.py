"""Signs of a voice within 60 ms, unlike noise and clicks: periodicity, low sound, no burst."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ser_live.config import FRAME_SAMPLES, SAMPLE_RATE_HZ

Frame = NDArray[np.float64]
"""30 ms of sound, shape (480,)."""

# Voicing is looked for at 4 kHz, where the strong harmonics are.
_DECIMATION = 4
_LOW_RATE_HZ = SAMPLE_RATE_HZ // _DECIMATION
_N_LOW = 2 * FRAME_SAMPLES // _DECIMATION
_N_FFT = 512
_MIN_LAG = _LOW_RATE_HZ // 500
_MAX_LAG = math.ceil(_LOW_RATE_HZ / 60)
_PADDING = np.zeros(_MAX_LAG + 1)
_BIN_100_HZ, _BIN_1_KHZ, _BIN_2_KHZ = (round(f * _N_FFT / _LOW_RATE_HZ) for f in (100, 1000, 2000))


def periodicity(samples: NDArray[np.float64]) -> float:
    """Autocorrelation of 60 ms at the best pitch period of 60-500 Hz.

    The 960 samples are decimated to 4 kHz by averaging. Of the local maxima of
    ``sum x[i] x[i+l] / sqrt(sum x[i]^2 sum x[i+l]^2)``, each over the overlap of `x` with
    itself shifted, the largest counts: about 1 for a steady vowel, mostly below 0.5 for
    noise, 0 where there is no maximum.
    """
    low = _decimated(samples)
    products = np.correlate(np.concatenate((low, _PADDING)), low)
    energy = np.zeros(_N_LOW + 1)
    np.cumsum(low * low, out=energy[1:])
    n_lags = len(products)
    overlap = energy[: -n_lags - 1 : -1] * (energy[-1] - energy[:n_lags])
    ratio = products / np.sqrt(np.maximum(overlap, 1e-24))
    inner = ratio[_MIN_LAG:-1]
    is_peak = (inner >= ratio[_MIN_LAG - 1 : -2]) & (inner > ratio[_MIN_LAG + 1 :])
    return float((inner * is_peak).max(initial=0.0))


def low_shares(samples: NDArray[np.float64]) -> tuple[float, float]:
    """Shares of the energy above 100 Hz that lie below 1 kHz and below 2 kHz, 0 to 1.

    Measured at 4 kHz after averaging, which takes up to 4 dB near 2 kHz and lets some of
    what is above through. Birds, glass and clicks have little there. Zeros give 0.
    """
    low = _decimated(samples)
    spectrum = np.fft.rfft(low, _N_FFT)
    power = spectrum.real**2 + spectrum.imag**2
    # Parseval; the mean of 4 samples stands for 4 of them.
    power *= 2.0 * _DECIMATION / _N_FFT
    rumble = float(power[1:_BIN_100_HZ].sum())
    mean = float(samples.sum()) / len(samples)
    total = float(samples @ samples) - len(samples) * mean * mean - rumble
    if total <= 0.0:
        return 0.0, 0.0
    below_1_khz = float(power[_BIN_100_HZ:_BIN_1_KHZ].sum())
    below_2_khz = below_1_khz + float(power[_BIN_1_KHZ:_BIN_2_KHZ].sum())
    return below_1_khz / total, below_2_khz / total


def _decimated(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means of 4 neighbours, less the mean of all: 4 kHz."""
    low = (samples[0::4] + samples[1::4] + samples[2::4] + samples[3::4]) * (1 / _DECIMATION)
    low -= low.sum() / len(low)
    return low


def burstiness(frame: Frame) -> float:
    """Largest power of an eighth of the frame over the mean power: 1 to 8, high for clicks."""
    eighths = frame.reshape(8, -1)
    power = np.einsum("ij,ij->i", eighths, eighths)
    mean = float(power.mean())
    return float(power.max()) / mean if mean > 0.0 else 1.0
