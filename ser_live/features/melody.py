"""Shape of the F0 contour of one utterance, in semitones."""

from __future__ import annotations

from typing import Final

import numpy as np

from ser_live.arrays import Float64
from ser_live.features.contour_statistics import local_slope, mean, trend
from ser_live.features.description import Description

_SHORTEST_FRAMES: Final = 10
_EDGE_FRAMES: Final = 30
_STEEP_SEMITONES_PER_S: Final = 10.0

_FIT: Final = "Grabe, Kochanski & Coleman 2007, Language and Speech 50, 281-310"
_OWN: Final = "own definition"

DESCRIPTIONS: dict[str, Description] = {
    "f0_shape_slope_semitones": Description(
        "semitones",
        "coefficient of P1 in a least-squares fit of Legendre polynomials P0-P3 to F0, time from "
        "first (-1) to last (1) voiced frame: half the total rise; NaN below 10 voiced frames",
        _FIT,
    ),
    "f0_shape_curve_semitones": Description(
        "semitones", "coefficient of P2 of that fit: positive = falling, then rising", _FIT
    ),
    "f0_shape_wave_semitones": Description(
        "semitones", "coefficient of P3 of that fit: positive = rise, fall, rise", _FIT
    ),
    "f0_shape_residual_semitones": Description(
        "semitones", "standard deviation of F0 about that fit", _FIT
    ),
    "f0_initial_slope_semitones_per_s": Description(
        "semitones/s",
        "least-squares slope over the first 30 voiced frames; NaN below 10 voiced frames",
        _OWN,
    ),
    "f0_final_slope_semitones_per_s": Description(
        "semitones/s",
        "least-squares slope over the last 30 voiced frames; NaN below 10 voiced frames",
        _OWN,
    ),
    "f0_final_offset_semitones": Description(
        "semitones", "mean of the last 30 voiced frames minus the median of all voiced frames", _OWN
    ),
    "f0_maximum_position": Description(
        "1", "where F0 is highest: 0 first, 1 last voiced frame", _OWN
    ),
    "f0_rising_share": Description(
        "1", "share of the 50 ms slopes of F0 above +10 semitones/s; NaN without one", _OWN
    ),
    "f0_falling_share": Description(
        "1", "share of the 50 ms slopes of F0 below -10 semitones/s; NaN without one", _OWN
    ),
}


def melody(semitones: Float64) -> dict[str, float]:
    """Scalars of the F0 contour; the keys are those of ``DESCRIPTIONS``.

    Parameters
    ----------
    semitones : ``(n_frames,)``, 10 ms apart, NaN where unvoiced
    """
    slope = local_slope(semitones)
    slope = slope[~np.isnan(slope)]
    shares = {
        "f0_rising_share": mean(slope > _STEEP_SEMITONES_PER_S),
        "f0_falling_share": mean(slope < -_STEEP_SEMITONES_PER_S),
    }
    frames = np.flatnonzero(~np.isnan(semitones))
    values = semitones[frames]
    if len(frames) < _SHORTEST_FRAMES:
        return dict.fromkeys(DESCRIPTIONS, np.nan) | shares
    first, last = slice(_EDGE_FRAMES), slice(-_EDGE_FRAMES, None)
    position = (frames - frames[0]) / (frames[-1] - frames[0])
    basis = np.polynomial.legendre.legvander(2.0 * position - 1.0, 3)
    fit = np.linalg.lstsq(basis, values, rcond=None)[0]
    return {
        "f0_shape_slope_semitones": float(fit[1]),
        "f0_shape_curve_semitones": float(fit[2]),
        "f0_shape_wave_semitones": float(fit[3]),
        "f0_shape_residual_semitones": float((values - basis @ fit).std()),
        "f0_initial_slope_semitones_per_s": trend(frames[first], values[first]),
        "f0_final_slope_semitones_per_s": trend(frames[last], values[last]),
        "f0_final_offset_semitones": float(values[last].mean() - np.median(values)),
        "f0_maximum_position": float(position[values.argmax()]),
        **shares,
    }
