"""Prosody: melody, loudness, tempo, pauses and rhythm of one utterance.

Contours on the 10 ms grid and scalars computed from them. Level and tempo are
restricted to the *speech extent*, from the first to the last sounding frame, so
that silence around the utterance (pre-roll, hangover, a digital gap) changes
nothing. A frame is sounding where it is voiced or where its energy is

- at most 25 dB below the 99th percentile (de Jong & Wempe 2009), and
- more than 5 dB above the 5th percentile, so that pauses are found in noise too.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ser_live.arrays import Bool, Float32, Float64
from ser_live.features import loudness, melody, tempo
from ser_live.features.contour_statistics import (
    deviation,
    local_slope,
    mean,
    peaks_with_dips,
    smooth,
)
from ser_live.features.description import Description
from ser_live.features.frames import FRAMES_PER_S, HOP_SAMPLES
from ser_live.features.growing_array import GrowingArray
from ser_live.features.pitch import PitchStream, PitchTrack

FRAME: Final = 400
"""Samples of one frame of energy and loudness: 25 ms."""
_BATCH: Final = 64
_LOWEST_DBFS: Final = -100.0  # below the noise of 16-bit quantisation: digital silence
_BELOW_PEAK_DB: Final = 25.0
_ABOVE_FLOOR_DB: Final = 5.0
_STEADY_DB: Final = 6.0
_LOUDNESS_DIP_PHON: Final = 3.0
_INTENSITY_FRAMES: Final = 7  # with the 25 ms of a frame about Praat's intensity at 50 Hz
_SILENCE_FRAMES: Final = 3  # short, because smoothing eats into pauses

CONTOURS: dict[str, Description] = {
    "f0_semitones": Description(
        "semitones",
        "12 log2(F0 / 27.5 Hz), 46 ms window; NaN where unvoiced",
        "Boersma 1993, IFA Proceedings 17, 97-110; reference of eGeMAPS",
    ),
    "f0_slope_semitones_per_s": Description(
        "semitones/s",
        "least-squares slope of f0_semitones over 50 ms; NaN unless all 5 frames are voiced",
        "own definition",
    ),
    **loudness.DESCRIPTIONS,
    "loudness_slope_phon_per_s": Description(
        "phon/s",
        "least-squares slope of loudness_phon over 50 ms; NaN outside the speech extent",
        "own definition",
    ),
    "energy_dbfs": Description(
        "dBFS",
        "10 log10 of the mean square of 25 ms, at least -100; NaN outside the speech extent",
        "full-scale sine = -3.01 dBFS",
    ),
}
"""Contours that :meth:`ProsodicStream.contours` gives."""

SCALARS: dict[str, Description] = {
    **melody.DESCRIPTIONS,
    "loudness_variation": Description(
        "1", "standard deviation / mean of loudness_au; NaN below 2 frames", "eGeMAPS"
    ),
    "loudness_peaks_per_s": Description(
        "1/s",
        "maxima of loudness_phon smoothed over 64 ms with dips of 3 phon between them / speech "
        "extent",
        "after eGeMAPS (Eyben et al. 2016)",
    ),
    **tempo.DESCRIPTIONS,
}
"""Scalars that :meth:`ProsodicStream.summary` gives."""

LEVEL_ADDITIVE: Final = frozenset({"loudness_phon", "energy_dbfs"})
"""Contours to which a change of the recording's gain adds a constant."""
LEVEL_SCALED: Final = frozenset({"loudness_au"})
"""Contours which a change of the recording's gain multiplies."""


class ProsodicStream:
    """Prosody of a growing utterance.

    Parameters
    ----------
    pitch : F0 of the same samples; its owner pushes to it before anything is asked here.
    """

    def __init__(self, pitch: PitchStream) -> None:
        self._pitch = pitch
        self._samples = GrowingArray(dtype=np.float32)
        self._energy_dbfs = GrowingArray()
        self._loudness = GrowingArray()
        self._last: _Prosody | None = None

    def push(self, samples: Float32) -> None:
        """Add ``(n,)`` samples, any ``n``."""
        self._samples.append(samples)
        self._analyse(at_least=_BATCH)

    def contours(self, n_samples: int) -> dict[str, Float64]:
        """Contours named in ``CONTOURS`` of the frames inside the first ``n_samples``.

        The F0 contours have the frames of ``PitchTrack`` (46 ms windows), the others
        those of 25 ms windows.
        """
        return self._prosody(n_samples).contours()

    def summary(self, n_samples: int) -> dict[str, float]:
        """Scalars named in ``SCALARS`` of the first ``n_samples``; NaN where undefined."""
        return self._prosody(n_samples).summary()

    def _prosody(self, n_samples: int) -> _Prosody:
        n_samples = min(n_samples, len(self._samples))
        if self._last is None or self._last.track.n_samples != n_samples:
            self._analyse(at_least=1)
            n_frames = max(0, (n_samples - FRAME) // HOP_SAMPLES + 1)
            self._last = _Prosody(
                self._pitch.track(n_samples),
                self._energy_dbfs.rows[:n_frames],
                self._loudness.rows[:n_frames],
            )
        return self._last

    def _analyse(self, at_least: int) -> None:
        """Energy and loudness of the frames that have become complete."""
        done = len(self._energy_dbfs)
        complete = max(0, (len(self._samples) - FRAME) // HOP_SAMPLES + 1)
        if complete - done < at_least:
            return
        windows = np.lib.stride_tricks.sliding_window_view(self._samples.rows, FRAME)[::HOP_SAMPLES]
        for start in range(done, complete, _BATCH):
            frames = windows[start : min(start + _BATCH, complete)].astype(np.float64)
            mean_square = np.einsum("ij,ij->i", frames, frames) / FRAME
            lowest = 10.0 ** (_LOWEST_DBFS / 10.0)
            self._energy_dbfs.append(10.0 * np.log10(np.maximum(mean_square, lowest)))
            self._loudness.append(loudness.loudness_au(frames))


class _Prosody:
    """Contours and scalars that follow from pitch, energy and loudness of one stretch."""

    def __init__(
        self,
        track: PitchTrack,
        energy_dbfs: Float64,
        loudness_au: Float64,
    ) -> None:
        self.track = track
        self._voiced = track.voiced_at(np.arange(len(energy_dbfs)) * HOP_SAMPLES + FRAME // 2)
        self._intensity_db = _smooth_db(energy_dbfs, _INTENSITY_FRAMES)
        self._sounding = self._voiced | _is_loud(_smooth_db(energy_dbfs, _SILENCE_FRAMES))
        where = np.flatnonzero(self._sounding)
        self._extent = slice(int(where[0]), int(where[-1]) + 1) if len(where) else slice(0, 0)
        self._energy_dbfs = self._inside(energy_dbfs)
        self._loudness_au = self._inside(loudness_au)
        self._loudness_phon = loudness.loudness_phon(self._loudness_au)

    def _inside(self, contour: Float64) -> Float64:
        """The contour with NaN outside the speech extent."""
        masked = np.full(len(contour), np.nan)
        masked[self._extent] = contour[self._extent]
        return masked

    def contours(self) -> dict[str, Float64]:
        semitones = self.track.f0_semitones
        return {
            "f0_semitones": semitones,
            "f0_slope_semitones_per_s": local_slope(semitones),
            "loudness_au": self._loudness_au,
            "loudness_phon": self._loudness_phon,
            "loudness_slope_phon_per_s": local_slope(self._loudness_phon),
            "energy_dbfs": self._energy_dbfs,
        }

    def summary(self) -> dict[str, float]:
        extent = self._extent
        loud = self._loudness_au[extent]
        peaks = peaks_with_dips(
            smooth(self._loudness_phon[extent], _INTENSITY_FRAMES), _LOUDNESS_DIP_PHON
        )
        return {
            **melody.melody(self.track.f0_semitones),
            "loudness_variation": deviation(loud) / mean(loud),
            "loudness_peaks_per_s": len(peaks) * FRAMES_PER_S / len(loud) if len(loud) else np.nan,
            **tempo.tempo(
                self._intensity_db[extent], loud, self._sounding[extent], self._voiced[extent]
            ),
        }


def _smooth_db(energy_dbfs: Float64, n_frames: int) -> Float64:
    """Energy smoothed as power, in dBFS."""
    return np.asarray(10.0 * np.log10(smooth(10.0 ** (energy_dbfs / 10.0), n_frames)))


def _is_loud(energy_dbfs: Float64) -> Bool:
    """Whether a frame is above silence, by level alone."""
    if not len(energy_dbfs):
        return np.zeros(0, dtype=np.bool_)
    floor, peak = np.percentile(energy_dbfs, [5.0, 99.0])
    threshold = peak - _BELOW_PEAK_DB
    if peak - floor > _STEADY_DB:  # a steady sound has no silence to be above
        # A quarter of the distance, for an utterance without any pause.
        threshold = max(threshold, floor + min(_ABOVE_FLOOR_DB, 0.25 * (peak - floor)))
    return np.asarray((energy_dbfs >= threshold) & (energy_dbfs > _LOWEST_DBFS + 1.0))
