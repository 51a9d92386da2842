"""Signs of a voice within 60 ms, unlike noise and clicks: periodicity, low sound, no burst."""

from __future__ import annotations

import math

import numpy as np
from numpy.lib.stride_tricks import as_strided

from ser_live.arrays import Float64
from ser_live.config import FRAME_SAMPLES, SAMPLE_RATE_HZ

# Voicing is looked for at 4 kHz, where the strong harmonics are.
_DECIMATION = 4
_LOW_RATE_HZ = SAMPLE_RATE_HZ // _DECIMATION
_N_LOW = 2 * FRAME_SAMPLES // _DECIMATION
_N_FFT = 512
_MIN_LAG = _LOW_RATE_HZ // 500
_MAX_LAG = math.ceil(_LOW_RATE_HZ / 60)
_N_LAGS = _MAX_LAG + 2
_BIN_100_HZ, _BIN_1_KHZ, _BIN_2_KHZ = (round(f * _N_FFT / _LOW_RATE_HZ) for f in (100, 1000, 2000))


def periodicity(samples: Float64) -> Float64:
    """Autocorrelation of 60 ms at the best pitch period of 60-500 Hz.

    The 960 samples are decimated to 4 kHz by averaging. Of the local maxima of
    ``sum x[i] x[i+l] / sqrt(sum x[i]^2 sum x[i+l]^2)``, each over the overlap of `x` with
    itself shifted, the largest counts: about 1 for a steady vowel, mostly below 0.5 for
    noise, 0 where there is no maximum.

    Parameters
    ----------
    samples : ndarray of float64, shape (n, 960)

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    low = _decimated(samples)
    products = _correlations(low)
    energy = np.zeros((len(low), _N_LOW + 1))
    np.cumsum(low * low, axis=1, out=energy[:, 1:])
    overlap = energy[:, : -_N_LAGS - 1 : -1] * (energy[:, -1:] - energy[:, :_N_LAGS])
    ratio = products / np.sqrt(np.maximum(overlap, 1e-24))
    inner = ratio[:, _MIN_LAG:-1]
    is_peak = (inner >= ratio[:, _MIN_LAG - 1 : -2]) & (inner > ratio[:, _MIN_LAG + 1 :])
    return np.asarray((inner * is_peak).max(axis=1, initial=0.0))


def _correlations(low: Float64) -> Float64:
    """Products of each row with itself shifted by 0, 1, 2 … samples, shape ``(n, _N_LAGS)``."""
    padded = np.zeros((len(low), _N_LOW + _N_LAGS - 1))
    padded[:, :_N_LOW] = low
    if len(low) == 1:  # as it comes live: in half the time, and the same to the bit
        return np.correlate(padded[0], low[0])[np.newaxis]
    row, step = padded.strides
    shifted = as_strided(padded, (len(low), _N_LAGS, 1, _N_LOW), (row, step, step, step))
    # Products of two vectors each, which are rounded alike however many rows there are.
    return np.asarray((shifted @ low[:, np.newaxis, :, np.newaxis])[:, :, 0, 0])


def low_shares(samples: Float64) -> tuple[Float64, Float64]:
    """Shares of the energy above 100 Hz that lie below 1 kHz and below 2 kHz, 0 to 1.

    Measured at 4 kHz after averaging, which takes up to 4 dB near 2 kHz and lets some of
    what is above through. Birds, glass and clicks have little there. Zeros give 0.

    Parameters
    ----------
    samples : ndarray of float64, shape (n, 960)

    Returns
    -------
    two ndarrays of float64, shape (n,)
    """
    spectrum = np.fft.rfft(_decimated(samples), _N_FFT, axis=1)
    power = spectrum.real**2 + spectrum.imag**2
    # Parseval; the mean of 4 samples stands for 4 of them.
    power *= 2.0 * _DECIMATION / _N_FFT
    rumble = power[:, 1:_BIN_100_HZ].sum(axis=1)
    n_samples = samples.shape[1]
    mean = samples.sum(axis=1) / n_samples
    total = energy(samples) - n_samples * mean * mean - rumble
    below_1_khz = power[:, _BIN_100_HZ:_BIN_1_KHZ].sum(axis=1)
    below_2_khz = below_1_khz + power[:, _BIN_1_KHZ:_BIN_2_KHZ].sum(axis=1)
    total[total <= 0.0] = np.inf
    return below_1_khz / total, below_2_khz / total


def _decimated(samples: Float64) -> Float64:
    """Means of 4 neighbours, less the mean of all: 4 kHz."""
    low = samples[:, 0::4] + samples[:, 1::4] + samples[:, 2::4] + samples[:, 3::4]
    low *= 1 / _DECIMATION
    low -= (low.sum(axis=1) / low.shape[1])[:, np.newaxis]
    return low


def burstiness(frames: Float64) -> Float64:
    """Largest power of an eighth of each frame over its mean power: 1 to 8, high for clicks.

    Parameters
    ----------
    frames : ndarray of float64, shape (n, 480)

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    eighths = frames.reshape(len(frames), 8, -1)
    power = np.einsum("nij,nij->ni", eighths, eighths)
    largest, mean = power.max(axis=1), power.sum(axis=1) / power.shape[1]
    is_silent = mean <= 0.0
    largest[is_silent] = mean[is_silent] = 1.0
    return np.asarray(largest / mean)


def energy(rows: Float64) -> Float64:
    """Sum of squares of each row, shape ``(n,)``: the same to the bit for one row and for many."""
    return np.asarray((rows[:, np.newaxis, :] @ rows[:, :, np.newaxis])[:, 0, 0])
