"""Movement of the spectral envelope: covariance of neighbouring moments.

The covariance of MFCC with themselves 70 and 140 ms earlier says how fast loudness and
timbre swing, which of them swing together, and which lead. It is the covariance of a
trajectory embedded in delays, so it needs no deltas and no model of the sound.
"""

from __future__ import annotations

import numpy as np

from ser_live.arrays import Float64
from ser_live.features.description import Description
from ser_live.features.frames import FRAMES_PER_S
from ser_live.features.long_term import log_upper_triangle
from ser_live.features.mel import dct_matrix
from ser_live.features.spectral import N_MEL

N_COEFFICIENTS = 8
"""MFCC 0 to 7 take part; of MFCC 0, loudness, only the movement counts."""
LAGS_MS = (0, 70, 140)
"""Delays in milliseconds; about half a syllable each."""
FLOOR_DB = 40.0
"""Mel bands never count as further than this below the loud frames: anything deeper is
the room."""

_LAGS = tuple(round(lag * FRAMES_PER_S / 1000) for lag in LAGS_MS)
_SIZE = N_COEFFICIENTS * len(_LAGS)
_LOUD_SHARE = 0.95
_RIDGE_DB2 = 1.0
_MIN_FRAMES = 2 * _SIZE + max(_LAGS)
_DCT = dct_matrix(N_COEFFICIENTS, N_MEL)


def _part(index: int) -> str:
    lag, coefficient = divmod(index, N_COEFFICIENTS)
    return f"mfcc{coefficient}" + (f"_{LAGS_MS[lag]}_ms_before" if lag else "")


_PARTS = [_part(index) for index in range(_SIZE)]

TRAJECTORY: dict[str, Description] = {
    f"{_PARTS[i]}_{_PARTS[j]}_trajectory": Description(
        "1",
        f"Entry ({_PARTS[i]}, {_PARTS[j]}) of the matrix logarithm of the covariance of MFCC 0-"
        f"{N_COEFFICIENTS - 1} at delays of {', '.join(map(str, LAGS_MS))} ms over all frames, "
        f"bands at most {FLOOR_DB:.0f} dB below the loud frames, plus 1 dB^2"
        + ("" if i == j else ", times sqrt(2)"),
        "Arsigny et al. 2006 (log-Euclidean); Takens 1981 (delay embedding)",
    )
    for i, j in zip(*np.triu_indices(_SIZE), strict=True)
}


def delayed_covariance(mel_db: Float64) -> Float64:
    """Upper triangle of the logarithm of the delay-embedded MFCC's covariance.

    Free of the recording's level: the floor follows the loud frames, and covariance
    ignores what is constant.

    Parameters
    ----------
    mel_db : ndarray of float64, shape (N_MEL, n_frames)
        All frames of the utterance; NaN (digital silence) counts as the floor.

    Returns
    -------
    ndarray of float64, shape (len(TRAJECTORY),)
        NaN with fewer than 62 frames, or when every frame is silent.
    """
    n_frames = mel_db.shape[1]
    level = mel_db.mean(axis=0)
    sounding = np.sort(level[~np.isnan(level)])
    if n_frames < _MIN_FRAMES or not len(sounding):
        return np.full(len(TRAJECTORY), np.nan)
    floor = sounding[int(_LOUD_SHARE * (len(sounding) - 1))] - FLOOR_DB
    mfcc = _DCT @ np.fmax(mel_db, floor)
    longest = max(_LAGS)
    embedded = np.concatenate([mfcc[:, longest - lag : n_frames - lag] for lag in _LAGS])
    embedded -= embedded.mean(axis=1, keepdims=True)
    covariance = embedded @ embedded.T / embedded.shape[1]
    return log_upper_triangle(covariance + _RIDGE_DB2 * np.eye(_SIZE))
