"""Tempo, pauses, voicing pattern and rhythm of one utterance.

All of it inside the speech extent, which :mod:`ser_live.features.prosodic` finds.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ser_live.arrays import Bool, Float64, Int64
from ser_live.features.contour_statistics import deviation, mean, peaks_with_dips
from ser_live.features.description import Description
from ser_live.features.frames import FRAMES_PER_S
from ser_live.features.pitch import runs
from ser_live.features.transforms import fast_length

_DIP_DB: Final = 2.0
_SHORTEST_PAUSE_S: Final = 0.15
_MODULATION_FRAMES: Final = 50

_DE_JONG: Final = "de Jong & Wempe 2009, Behavior Research Methods 41, 385-390"
_GRABE: Final = "Grabe & Low 2002, Laboratory Phonology 7, 515-546"
_EGEMAPS: Final = "eGeMAPS (Eyben et al. 2016), IEEE Trans. Affective Computing 7, 190-202"
_GREENBERG: Final = "Greenberg & Kingsbury 1997, ICASSP, 1647-1650"
_OWN: Final = "own definition"

DESCRIPTIONS: dict[str, Description] = {
    "speech_extent_s": Description(
        "s", "time from the first to the last sounding frame; NaN without one", _DE_JONG
    ),
    "syllable_rate_per_s": Description(
        "1/s",
        "syllable nuclei / speech extent; nucleus: voiced maximum of the smoothed energy with a "
        "dip of 2 dB before the next",
        _DE_JONG,
    ),
    "articulation_rate_per_s": Description(
        "1/s", "syllable nuclei / (speech extent minus pauses)", _DE_JONG
    ),
    "nucleus_interval_variation": Description(
        "1",
        "standard deviation / mean of the times between nuclei, those across a pause left out; "
        "NaN below 2 such times",
        _OWN,
    ),
    "nucleus_interval_npvi": Description(
        "1",
        "mean of |a - b| / ((a + b) / 2) over neighbours among these times; NaN below 3 of them",
        _GRABE,
    ),
    "n_pauses": Description(
        "count", "silences of at least 150 ms inside the speech extent; NaN without one", _DE_JONG
    ),
    "pauses_per_s": Description("1/s", "n_pauses / speech extent", _DE_JONG),
    "pause_mean_s": Description("s", "mean length of these silences; NaN without one", _DE_JONG),
    "pause_share": Description("1", "their total length / speech extent", _DE_JONG),
    "voiced_share": Description(
        "1", "voiced frames / frames of the speech extent", "after %V, Ramus et al. 1999, Cognition"
    ),
    "voiced_segments_per_s": Description("1/s", "voiced runs / speech extent", _EGEMAPS),
    "voiced_segment_mean_s": Description(
        "s", "mean length of voiced runs; NaN without one", _EGEMAPS
    ),
    "voiced_segment_deviation_s": Description(
        "s", "standard deviation of their length; NaN below 2", _EGEMAPS
    ),
    "voiced_segment_longest_s": Description("s", "longest voiced run; NaN without one", _OWN),
    "unvoiced_segment_mean_s": Description(
        "s", "mean length of unvoiced runs between voiced ones; NaN without one", _EGEMAPS
    ),
    "unvoiced_segment_deviation_s": Description(
        "s", "standard deviation of their length; NaN below 2", _EGEMAPS
    ),
    "modulation_peak_hz": Description(
        "Hz",
        "frequency of the largest value between 2 and 10 Hz in the power spectrum of the loudness "
        "contour (mean removed, Hann window); NaN below 0.5 s",
        _GREENBERG,
    ),
    "modulation_2_4_hz_share": Description(
        "1", "energy at 2-4 Hz / energy at 1-20 Hz of that spectrum", _GREENBERG
    ),
    "modulation_4_8_hz_share": Description(
        "1", "energy at 4-8 Hz / energy at 1-20 Hz of that spectrum", _GREENBERG
    ),
    "modulation_8_16_hz_share": Description(
        "1", "energy at 8-16 Hz / energy at 1-20 Hz of that spectrum", _GREENBERG
    ),
}


def tempo(
    level_db: Float64,
    loudness: Float64,
    sounding: Bool,
    voiced: Bool,
) -> dict[str, float]:
    """Scalars of one speech extent; the keys are those of ``DESCRIPTIONS``.

    Parameters
    ----------
    level_db : smoothed energy, ``(n_frames,)``, 10 ms apart; no frame: everything is NaN
    loudness : loudness, ``(n_frames,)``
    sounding : not silent, ``(n_frames,)``; first and last are True
    voiced : has an F0, ``(n_frames,)``
    """
    if not len(level_db):
        return dict.fromkeys(DESCRIPTIONS, np.nan)
    extent_s = len(level_db) / FRAMES_PER_S
    pauses = [
        (start, end)
        for start, end in runs(~sounding)
        if end - start >= _SHORTEST_PAUSE_S * FRAMES_PER_S
    ]
    pauses_s = np.array([end - start for start, end in pauses]) / FRAMES_PER_S
    peaks = peaks_with_dips(level_db, _DIP_DB)
    nuclei = peaks[voiced[peaks] & sounding[peaks]]
    return {
        "speech_extent_s": extent_s,
        "syllable_rate_per_s": len(nuclei) / extent_s,
        "articulation_rate_per_s": len(nuclei) / (extent_s - float(pauses_s.sum())),
        **_rhythm(nuclei, np.array([start for start, _ in pauses], dtype=np.int64)),
        "n_pauses": float(len(pauses)),
        "pauses_per_s": len(pauses) / extent_s,
        "pause_mean_s": mean(pauses_s),
        "pause_share": float(pauses_s.sum()) / extent_s,
        **_voicing(voiced, extent_s),
        **_modulation(loudness),
    }


def _rhythm(nuclei: Int64, pause_starts: Int64) -> dict[str, float]:
    """Evenness of the times between syllable nuclei."""
    phrase = np.searchsorted(pause_starts, nuclei)
    intervals = np.diff(nuclei)[np.diff(phrase) == 0].astype(np.float64)
    differences = np.abs(np.diff(intervals)) / (0.5 * (intervals[1:] + intervals[:-1]))
    return {
        "nucleus_interval_variation": deviation(intervals) / mean(intervals),
        "nucleus_interval_npvi": mean(differences) if len(differences) >= 2 else np.nan,
    }


def _voicing(voiced: Bool, extent_s: float) -> dict[str, float]:
    """Lengths of voiced runs and of the unvoiced ones between them, in seconds."""
    segments = np.array(runs(voiced), dtype=np.int64).reshape(-1, 2)
    voiced_s = (segments[:, 1] - segments[:, 0]) / FRAMES_PER_S
    unvoiced_s = (segments[1:, 0] - segments[:-1, 1]) / FRAMES_PER_S
    return {
        "voiced_share": mean(voiced),
        "voiced_segments_per_s": len(segments) / extent_s,
        "voiced_segment_mean_s": mean(voiced_s),
        "voiced_segment_deviation_s": deviation(voiced_s),
        "voiced_segment_longest_s": float(voiced_s.max()) if len(voiced_s) else np.nan,
        "unvoiced_segment_mean_s": mean(unvoiced_s),
        "unvoiced_segment_deviation_s": deviation(unvoiced_s),
    }


def _modulation(loudness: Float64) -> dict[str, float]:
    """Spectrum of the loudness contour: the beat of the syllables."""
    lows = (2, 4, 8)
    names = ["modulation_peak_hz", *(f"modulation_{low}_{2 * low}_hz_share" for low in lows)]
    if len(loudness) < _MODULATION_FRAMES:
        return dict.fromkeys(names, np.nan)
    beat = (loudness - loudness.mean()) * np.hanning(len(loudness))
    n_fft = fast_length(max(512, len(beat)))
    power = np.abs(np.fft.rfft(beat, n_fft)) ** 2
    hz = np.arange(len(power)) * FRAMES_PER_S / n_fft
    total = float(power[(hz >= 1.0) & (hz < 20.0)].sum())
    if total <= 0.0:
        return dict.fromkeys(names, np.nan)
    shares = [float(power[(hz >= low) & (hz < 2 * low)].sum()) / total for low in lows]
    syllabic = np.flatnonzero((hz >= 2.0) & (hz <= 10.0))
    peak_hz = float(hz[syllabic[power[syllabic].argmax()]])
    return dict(zip(names, [peak_hz, *shares], strict=True))
