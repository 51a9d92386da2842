"""One utterance in, one feature vector out, whenever asked.

Contours grow with the audio; a partial result and the final one cost only what is
new since the last block, plus the functionals. Training uses `extract`, which is one
push of everything, so both run the same code.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ser_live.arrays import Bool, Float32, Float64
from ser_live.errors import InvalidAudioError
from ser_live.features import long_term, trajectory
from ser_live.features.deltas import delta
from ser_live.features.feature_set import (
    BLOCKS,
    CONTOURS,
    FEATURE_NAMES,
    FEATURE_SET_VERSION,
    PITCH_FRAMES,
)
from ser_live.features.frames import FRAMES_PER_S, HOP_SAMPLES
from ser_live.features.functionals import functionals
from ser_live.features.pitch import WINDOW as PITCH_SAMPLES
from ser_live.features.pitch import PitchStream
from ser_live.features.prosodic import ProsodicStream
from ser_live.features.spectral import N_MEL, N_MFCC, WINDOW_SAMPLES, SpectralStream
from ser_live.features.voice_quality import VoiceQualityStream

SPEECH_RANGE_DB = 30.0
"""A frame counts as speech when it is at most this far below the loud frames."""
_LOUD_SHARE = 0.95

_ROWS = {name: row for row, name in enumerate(CONTOURS)}
_BLOCK_ROWS = [np.array([_ROWS[name] for name in block.contours]) for block in BLOCKS]
_MFCC = slice(0, N_MFCC)
_MEL = slice(N_MFCC, N_MFCC + N_MEL)


@dataclass(frozen=True, eq=False)
class FeatureVector:
    """The features of one utterance."""

    values: Float64
    """Shape ``(len(FEATURE_NAMES),)``, in their order; NaN where undefined."""
    version: str = FEATURE_SET_VERSION

    def __getitem__(self, name: str) -> float:
        return float(self.values[_POSITIONS[name]])


_POSITIONS = {name: position for position, name in enumerate(FEATURE_NAMES)}


class FeatureStream:
    """Features of one utterance while it grows.

    Push the utterance's samples in blocks of any size, ask for the features of its
    first ``n`` samples at any time: they equal ``extract(samples[:n])``.
    """

    def __init__(self) -> None:
        self._spectral = SpectralStream()
        self._pitch = PitchStream()
        self._prosodic = ProsodicStream(self._pitch)
        self._voice_quality = VoiceQualityStream(self._pitch)
        self._n_samples = 0

    def push(self, samples: Float32) -> None:
        """Take the next samples, mono float32 at 16 kHz, shape ``(n,)``, any n.

        Raises
        ------
        InvalidAudioError
            When samples are not one-dimensional or carry NaN or infinity.
        """
        if samples.ndim != 1:
            raise InvalidAudioError(
                f"Samples of shape {samples.shape} cannot be analyzed: one channel as a flat "
                "array is needed, so mix the channels first."
            )
        if not np.isfinite(samples).all():
            raise InvalidAudioError(
                "The samples carry NaN or infinity, which no sound has: check the file or the "
                "device's driver."
            )
        self._spectral.push(samples)
        self._pitch.push(samples)
        self._prosodic.push(samples)
        self._n_samples += len(samples)

    def features(self, n_samples: int | None = None) -> FeatureVector:
        """Features of the first `n_samples` (default: of everything pushed)."""
        n = self._n_samples if n_samples is None else min(n_samples, self._n_samples)
        spectral = self._spectral.matrix(n)
        others = np.stack(
            [
                _aligned(values, name, spectral.shape[1])
                for family in (self._prosodic, self._voice_quality)
                for name, values in family.contours(n).items()
            ]
        )
        regions = _regions(spectral[-1], ~np.isnan(others[0]))
        matrix = np.concatenate([spectral, _derived(spectral, regions["speech"]), others])
        inside = {name: np.flatnonzero(mask) for name, mask in regions.items()}
        parts = [
            functionals(
                matrix[rows[:, None], inside[block.region]],
                block.functionals,
                1.0 / FRAMES_PER_S,
                inside[block.region],
            ).ravel()
            for block, rows in zip(BLOCKS, _BLOCK_ROWS, strict=True)
        ]
        speech = spectral[:, regions["speech"]]
        parts += [
            np.array(list(self._prosodic.summary(n).values())),
            np.array(list(self._voice_quality.summary(n).values())),
            long_term.ltas(speech[_MEL]),
            long_term.ltas(spectral[_MEL, regions["voiced"]]),
            long_term.log_covariance(speech[1:N_MFCC]),
            long_term.modulation(spectral[_MEL]),
            trajectory.delayed_covariance(spectral[_MEL]),
        ]
        return FeatureVector(np.concatenate(parts))


def extract(samples: Float32) -> FeatureVector:
    """Features of one utterance.

    Parameters
    ----------
    samples : ndarray of float32, shape (n,)
        Mono, 16 kHz, nominal [-1, 1].

    Returns
    -------
    FeatureVector
        Everything is NaN that is not defined, down to an empty utterance.

    Raises
    ------
    InvalidAudioError
        When samples are not one-dimensional or carry NaN or infinity.
    """
    stream = FeatureStream()
    stream.push(samples)
    return stream.features()


def _regions(level_dbfs: Float64, voiced: Bool) -> dict[str, Bool]:
    """Masks over frames by name of region."""
    everything = np.ones(len(level_dbfs), dtype=bool)
    sounding = np.sort(level_dbfs[~np.isnan(level_dbfs)])
    speech = ~everything
    if len(sounding):
        loud = sounding[int(_LOUD_SHARE * (len(sounding) - 1))]
        speech = level_dbfs >= loud - SPEECH_RANGE_DB
    return {
        "all": everything,
        "speech": speech,
        "voiced": voiced,
        "unvoiced": speech & ~voiced,
    }


# Frames of 46 ms that start with a spectral frame have their middle one hop later.
_PITCH_SHIFT = round((PITCH_SAMPLES - WINDOW_SAMPLES) / 2 / HOP_SAMPLES)


def _aligned(values: Float64, name: str, n_frames: int) -> Float64:
    """A contour put where the middles of its frames meet those of the spectral frames."""
    shift = _PITCH_SHIFT if name in PITCH_FRAMES else 0
    row = np.full(n_frames, np.nan)
    length = max(0, min(len(values), n_frames - shift))
    row[shift : shift + length] = values[:length]
    return row


def _derived(spectral: Float64, speech: Bool) -> Float64:
    """Relative mel bands and MFCC deltas, in the order of `feature_set.DERIVED`."""
    mel = spectral[_MEL]
    overall = mel[:, speech].mean() if speech.any() else np.nan
    mfcc = spectral[_MFCC]
    return np.concatenate([mel - overall, delta(mfcc, 1), delta(mfcc, 2)])
