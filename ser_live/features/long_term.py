"""Spectral features of the whole utterance that are not a functional of one contour.

Long-term average spectrum, covariance of the MFCC, and modulation spectrum. All are
free of the recording's level.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ser_live.arrays import Float64
from ser_live.features.description import Description
from ser_live.features.frames import FRAMES_PER_S
from ser_live.features.spectral import N_MEL
from ser_live.features.transforms import fast_length

N_COVARIANCE = 13
"""MFCC 1 to 13 take part in the covariance."""
N_ENVELOPES = 8
"""Modulation is measured in this many groups of neighbouring mel bands."""
MODULATION_HZ = (1, 2, 4, 8, 16, 32)
"""Corners of the octaves of modulation frequency."""

_UPPER = np.triu_indices(N_COVARIANCE)
# Bands never count as further than this below the utterance's mean: the depth of the
# pauses belongs to the room, not to the voice.
_ENVELOPE_FLOOR_DB = 40.0
_MIN_COVARIANCE_FRAMES = 2 * N_COVARIANCE
# A band this far below the loudest frame no longer adds to the covariance's shape.
_RIDGE = 1e-3


def ltas_names(region: str) -> dict[str, Description]:
    """Names and descriptions of `ltas` over a region of frames."""
    infix = f"_{region}" if region != "speech" else ""
    return {
        f"ltas{infix}_mel{i + 1:02d}_db": Description(
            "dB",
            f"Mean power of mel band {i + 1} over {region} frames, relative to the mean of all "
            "bands' levels",
            "long-term average spectrum",
        )
        for i in range(N_MEL)
    }


def ltas(mel_db: Float64) -> Float64:
    """Long-term average spectrum: power averaged over frames, in dB about its own mean.

    Parameters
    ----------
    mel_db : ndarray of float64, shape (N_MEL, n_frames)
        Frames that are NaN are left out.

    Returns
    -------
    ndarray of float64, shape (N_MEL,)
        NaN when no frame is defined.
    """
    frames = mel_db[:, ~np.isnan(mel_db[0])]
    if frames.shape[1] == 0:
        return np.full(N_MEL, np.nan)
    # Powers relative to the peak, so that the smallest recording cannot underflow.
    peak = frames.max()
    level = 10.0 * np.log10(np.mean(10.0 ** ((frames - peak) / 10.0), axis=1))
    return np.asarray(level - level.mean())


COVARIANCE: dict[str, Description] = {
    f"mfcc{i + 1}_mfcc{j + 1}_log_covariance": Description(
        "1",
        f"Entry {i + 1}, {j + 1} of the matrix logarithm of the covariance of MFCC 1-13 over "
        "speech frames" + ("" if i == j else ", times sqrt(2)"),
        "Arsigny et al. 2006 (log-Euclidean)",
    )
    for i, j in zip(*_UPPER, strict=True)
}


def log_covariance(mfcc: Float64) -> Float64:
    """Upper triangle of the logarithm of the MFCC's covariance matrix.

    Distances between such vectors are the log-Euclidean distances of the covariances.

    Parameters
    ----------
    mfcc : ndarray of float64, shape (N_COVARIANCE, n_frames)
        Frames that are NaN are left out.

    Returns
    -------
    ndarray of float64, shape (len(COVARIANCE),)
        NaN with fewer than 26 frames, or when nothing varies.
    """
    frames = mfcc[:, ~np.isnan(mfcc[0])]
    if frames.shape[1] < _MIN_COVARIANCE_FRAMES:
        return np.full(len(COVARIANCE), np.nan)
    centred = frames - frames.mean(axis=1, keepdims=True)
    covariance = centred @ centred.T / frames.shape[1]
    power = float(np.trace(covariance)) / N_COVARIANCE
    if power < 1e-12:
        return np.full(len(COVARIANCE), np.nan)
    return log_upper_triangle(covariance + _RIDGE * power * np.eye(N_COVARIANCE))


def log_upper_triangle(covariance: Float64) -> Float64:
    """Upper triangle of the matrix logarithm, off-diagonal values times sqrt(2)."""
    values, vectors = np.linalg.eigh(covariance)
    logarithm = (vectors * np.log(values)) @ vectors.T
    rows, columns = np.triu_indices(len(covariance))
    return np.asarray(logarithm[rows, columns] * np.where(rows == columns, 1.0, np.sqrt(2.0)))


MODULATION: dict[str, Description] = {
    f"modulation_{low}_{high}_hz_band{band + 1}_db": Description(
        "dB",
        f"Mean square fluctuation at {low}-{high} Hz of the level of mel bands "
        f"{band * N_MEL // N_ENVELOPES + 1}-{(band + 1) * N_MEL // N_ENVELOPES}",
        "Greenberg & Kingsbury 1997; Wu et al. 2011 (modulation spectral features)",
    )
    for band in range(N_ENVELOPES)
    for low, high in pairwise(MODULATION_HZ)
}


def modulation(mel_db: Float64) -> Float64:
    """Energy of the band levels' fluctuation per octave of modulation frequency.

    The level of each group of bands (dB, mean over the group, at most 40 dB below its
    mean) is Hann-windowed over the whole utterance; a sine of amplitude ``a`` dB in an
    octave gives ``10 log10(a^2 / 2)``.

    Parameters
    ----------
    mel_db : ndarray of float64, shape (N_MEL, n_frames)
        All frames of the utterance; NaN (digital silence) counts as the floor.

    Returns
    -------
    ndarray of float64, shape (len(MODULATION),)
        NaN where the utterance is shorter than one period of the octave's lower corner,
        or where nothing fluctuates.
    """
    n_frames = mel_db.shape[1]
    silent = np.isnan(mel_db[0]) if n_frames else np.zeros(0, dtype=bool)
    result = np.full((N_ENVELOPES, len(MODULATION_HZ) - 1), np.nan)
    if n_frames < 2 or silent.all():
        return result.ravel()
    envelope = mel_db.reshape(N_ENVELOPES, -1, n_frames).mean(axis=1)
    floor = envelope[:, ~silent].mean(axis=1, keepdims=True) - _ENVELOPE_FLOOR_DB
    envelope = np.where(silent[None, :], floor, np.maximum(envelope, floor))
    envelope = envelope - envelope.mean(axis=1, keepdims=True)
    window = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(n_frames) / n_frames)
    n_fft = fast_length(max(n_frames, 512))
    power = np.abs(np.fft.rfft(envelope * window, n_fft, axis=1)) ** 2
    power *= 2.0 / (n_fft * np.sum(window**2))
    corners = np.ceil(np.array(MODULATION_HZ) * n_fft / FRAMES_PER_S).astype(np.intp)
    energy = np.add.reduceat(power, corners, axis=1)[:, :-1]
    long_enough = n_frames >= FRAMES_PER_S / np.array(MODULATION_HZ[:-1])
    defined = (energy > 1e-12) & long_enough[None, :]
    np.log10(energy, out=result, where=defined)
    return np.asarray((10.0 * result).ravel())
