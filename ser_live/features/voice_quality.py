"""Voice quality: noise, tilt, cepstral peak, formants, jitter and shimmer.

Everything is defined on voiced frames and on the periods in them, and NaN elsewhere.
The frames are those of :mod:`ser_live.features.pitch` (46 ms Hann, 10 ms hop), whose
power spectra are used again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from ser_live.arrays import Bool, Float32, Float64
from ser_live.config import SAMPLE_RATE_HZ
from ser_live.features import formants, perturbation
from ser_live.features.description import Description
from ser_live.features.growing_array import GrowingArray
from ser_live.features.period_marks import PeriodMarker
from ser_live.features.pitch import CEILING_HZ, FLOOR_HZ, PitchStream, PitchTrack
from ser_live.features.transforms import cosine_transform

_BATCH: Final = 32
_FORMANT_BATCH: Final = 128  # its many small steps cost the same for few frames and for many
_BIN_HZ: Final = 15.625
_HIGHEST_STRENGTH: Final = 1.0 - 1e-5  # an HNR of 50 dB: more is rounding
_FORMANT_REACH: Final = 0.15
_LOWEST_POWER: Final = 1e-12

_EGEMAPS: Final = "eGeMAPS (Eyben et al. 2016), IEEE Trans. Affective Computing 7, 190-202"

CONTOURS: dict[str, Description] = {
    "hnr_db": Description(
        "dB",
        "harmonics-to-noise ratio 10 log10(r / (1 - r)), r = normalised autocorrelation at the "
        "period, at most 50; NaN where unvoiced",
        "Boersma 1993, IFA Proceedings 17, 97-110",
    ),
    "cpp_db": Description(
        "dB",
        "cepstral peak prominence: largest cepstral value at periods of 65-650 Hz minus the "
        "regression line of the cepstrum (dB) over 1-16 ms; NaN where unvoiced",
        "Hillenbrand et al. 1994, JSHR 37, 769-778",
    ),
    "h1_h2_db": Description(
        "dB", "level of harmonic 1 minus level of harmonic 2; NaN where unvoiced", _EGEMAPS
    ),
    **{
        f"h1_a{number}_db": Description(
            "dB",
            f"level of harmonic 1 minus the highest level within 15 % of formant {number}; NaN "
            "where unvoiced or without that formant",
            _EGEMAPS,
        )
        for number in range(1, formants.N_FORMANTS + 1)
    },
    **formants.DESCRIPTIONS,
}
"""Contours that :meth:`VoiceQualityStream.contours` gives."""

SCALARS: dict[str, Description] = perturbation.DESCRIPTIONS
"""Scalars that :meth:`VoiceQualityStream.summary` gives."""


class VoiceQualityStream:
    """Voice quality of a growing utterance.

    Parameters
    ----------
    pitch : F0 of the same samples; its owner pushes to it before anything is asked here.
    """

    def __init__(self, pitch: PitchStream) -> None:
        self._pitch = pitch
        self._marker = PeriodMarker()
        self._cpp = _FrameValues(1, _cepstral_peak_prominence_db)
        self._resonances = _FrameValues(
            2 * formants.N_FORMANTS,
            lambda power: formants.formants(power.astype(np.float64), _BIN_HZ),
            batch=_FORMANT_BATCH,
        )

    def contours(self, n_samples: int) -> dict[str, Float64]:
        """Contours named in ``CONTOURS`` of the frames inside the first ``n_samples``."""
        track = self._pitch.track(n_samples)
        spectra = self._pitch.power_spectra(len(track.f0_hz))
        strength = np.minimum(track.strength, _HIGHEST_STRENGTH)
        resonances = self._find_resonances(track.voiced, spectra)
        return {
            "hnr_db": 10.0 * np.log10(strength / (1.0 - strength)),
            "cpp_db": self._cpp.where(track.voiced, spectra)[:, 0],
            **_tilt(track, spectra, resonances[:, : formants.N_FORMANTS]),
            **dict(zip(formants.DESCRIPTIONS, resonances.T, strict=True)),
        }

    def summary(self, n_samples: int) -> dict[str, float]:
        """Scalars named in ``SCALARS`` of the first ``n_samples``; NaN where undefined."""
        track = self._pitch.track(n_samples)
        marks = self._marker.marks(self._pitch.samples[: track.n_samples], track)
        return perturbation.perturbation(marks)

    def _find_resonances(self, voiced: Bool, spectra: Float32) -> Float64:
        """Formant frequencies and bandwidths, ``(n_frames, 6)``, NaN where unvoiced.

        Root finding is expensive: it is done in even frames. An odd frame lies halfway between
        its neighbours, or is like the one of them that is voiced.
        """
        is_even = np.arange(len(voiced)) % 2 == 0
        found = self._resonances.where(voiced & is_even, spectra)
        before = found[:-1:2]
        after = np.full(before.shape, np.nan)
        after[: len(found[2::2])] = found[2::2]
        after = np.where(np.isnan(after), before, after)
        before = np.where(np.isnan(before), after, before)
        found[1::2] = np.where(voiced[1::2, np.newaxis], 0.5 * (before + after), np.nan)
        return found


class _FrameValues:
    """Values that follow from a frame's spectrum alone, found when first wanted.

    Which frames are voiced can change as the utterance grows; what was found stays.
    """

    def __init__(self, width: int, find: Callable[[Float32], Float64], batch: int = _BATCH) -> None:
        self._find = find
        self._batch = batch
        self._values = GrowingArray((width,))
        self._is_known = GrowingArray(dtype=np.bool_)

    def where(self, wanted: Bool, spectra: Float32) -> Float64:
        """Values ``(n_frames, width)`` of the wanted frames, NaN in the others."""
        n_frames = len(wanted)
        missing = max(0, n_frames - len(self._is_known))
        self._values.append(np.full((missing, *self._values.rows.shape[1:]), np.nan))
        self._is_known.append(np.zeros(missing, dtype=np.bool_))
        new = np.flatnonzero(wanted & ~self._is_known.rows[:n_frames])
        for start in range(0, len(new), self._batch):
            frames = new[start : start + self._batch]
            self._values.replace(frames, self._find(spectra[frames]))
            self._is_known.replace(frames, np.ones(len(frames), dtype=np.bool_))
        return np.where(wanted[:, np.newaxis], self._values.rows[:n_frames], np.nan)


def _tilt(track: PitchTrack, spectra: Float32, formants_hz: Float64) -> dict[str, Float64]:
    """Level of the first harmonic relative to the second and to the formants, in dB."""
    frames = np.flatnonzero(track.voiced)
    power = spectra[frames]
    f0_hz = track.f0_hz[frames]
    harmonics_hz = np.stack([f0_hz, 2.0 * f0_hz])
    first, second = _peak_db(power, harmonics_hz, np.zeros(harmonics_hz.shape))
    resonances_hz = formants_hz[frames].T
    # At least half an F0 to each side, so that one harmonic is inside.
    reach_hz = np.maximum(_FORMANT_REACH * resonances_hz, 0.5 * f0_hz)
    found = np.full((1 + formants.N_FORMANTS, len(track.f0_hz)), np.nan)
    found[0, frames] = first - second
    found[1:, frames] = first - _peak_db(power, resonances_hz, reach_hz)
    names = ("h1_h2_db", *(f"h1_a{number}_db" for number in range(1, formants.N_FORMANTS + 1)))
    return dict(zip(names, found, strict=True))


def _peak_db(power: Float32, centre_hz: Float64, reach_hz: Float64) -> Float64:
    """Highest level within a reach of a frequency, at least of the two bins around it.

    Parameters
    ----------
    power : ``(n, n_bins)``
    centre_hz : ``(n_centres, n)``, NaN gives NaN
    reach_hz : ``(n_centres, n)``, NaN only where ``centre_hz`` is

    Returns
    -------
    ``(n_centres, n)``, dB with an arbitrary zero
    """
    defined = ~np.isnan(centre_hz)
    centre = np.where(defined, centre_hz, 0.0) / _BIN_HZ
    reach = np.where(defined, reach_hz, 0.0) / _BIN_HZ
    highest_bin = power.shape[1] - 1
    first = np.clip(np.floor(centre - reach).astype(np.int64), 0, highest_bin)[..., np.newaxis]
    last = np.clip(np.ceil(centre + reach).astype(np.int64), 0, highest_bin)[..., np.newaxis]
    n_bins = int((last - first).max(initial=0)) + 1
    columns = np.minimum(first + np.arange(n_bins), last)
    rows = np.arange(len(power))[:, np.newaxis]
    highest = power[rows, columns].max(axis=-1).astype(np.float64)
    level_db = 10.0 * np.log10(np.maximum(highest, _LOWEST_POWER))
    return np.where(defined, level_db, np.nan)


_FIRST_QUEFRENCY: Final = round(1e-3 * SAMPLE_RATE_HZ)
_LAST_QUEFRENCY: Final = int(SAMPLE_RATE_HZ / FLOOR_HZ) + 8
_SEARCH: Final = slice(
    int(SAMPLE_RATE_HZ / CEILING_HZ) - _FIRST_QUEFRENCY,
    int(SAMPLE_RATE_HZ / FLOOR_HZ) + 1 - _FIRST_QUEFRENCY,
)


def _cepstral_peak_prominence_db(power: Float32) -> Float64:
    """Height of the cepstral peak above the regression line.

    Parameters
    ----------
    power : power spectra ``(n, 513)``

    Returns
    -------
    ``(n, 1)``, dB
    """
    # In double precision: the rounding of single would make the result depend on gain.
    log_power = np.log(np.maximum(power.astype(np.float64), _LOWEST_POWER))
    cepstrum = cosine_transform(log_power)[:, _FIRST_QUEFRENCY:_LAST_QUEFRENCY]
    level_db = 20.0 * np.log10(np.maximum(np.abs(cepstrum), _LOWEST_POWER))
    time = np.arange(level_db.shape[1], dtype=np.float64)
    time -= time.mean()
    mean = level_db.mean(axis=1, keepdims=True)
    slope = (level_db - mean) @ time / (time @ time)
    prominence = level_db - mean - slope[:, np.newaxis] * time
    peak = level_db[:, _SEARCH].argmax(axis=1) + _SEARCH.start
    return np.take_along_axis(prominence, peak[:, np.newaxis], axis=1)
