"""Small statistics of contours on the 10 ms grid, NaN where too little is defined."""

from __future__ import annotations

import numpy as np

from ser_live.arrays import Bool, Float64, Int64
from ser_live.features.frames import FRAMES_PER_S


def smooth(values: Float64, n_frames: int) -> Float64:
    """Hann-weighted mean over ``n_frames`` (odd); at the ends over the frames that exist."""
    if not len(values):
        return values
    kernel = np.hanning(n_frames + 2)[1:-1]
    middle = slice(n_frames // 2, n_frames // 2 + len(values))
    weight = np.convolve(np.ones(len(values)), kernel)[middle]
    return np.asarray(np.convolve(values, kernel)[middle] / weight)


def peaks_with_dips(contour: Float64, dip: float) -> Int64:
    """Maxima between which the contour falls at least ``dip`` below the lower one.

    Of two maxima without such a dip between them the higher one stays.
    """
    kept: list[int] = []
    if len(contour) < 3:
        return np.array(kept, dtype=np.int64)
    inner = contour[1:-1]
    maxima = np.flatnonzero((inner > contour[:-2]) & (inner >= contour[2:])) + 1
    for peak in maxima.tolist():
        while kept:
            lowest = contour[kept[-1] : peak].min()
            if min(contour[kept[-1]], contour[peak]) - lowest >= dip:
                kept.append(peak)
                break
            if contour[peak] <= contour[kept[-1]]:
                break
            kept.pop()
        else:
            kept.append(peak)
    return np.array(kept, dtype=np.int64)


def local_slope(contour: Float64) -> Float64:
    """Least-squares slope per second over 5 frames; NaN where one of them is NaN."""
    slope = np.full(len(contour), np.nan)
    if len(contour) >= 5:
        rise = 2.0 * (contour[4:] - contour[:-4]) + contour[3:-1] - contour[1:-3]
        rise[np.isnan(contour[2:-2])] = np.nan  # the middle one has no weight but must exist
        slope[2:-2] = rise * (FRAMES_PER_S / 10.0)
    return slope


def trend(frames: Int64, values: Float64) -> float:
    """Least-squares slope per second; NaN below 5 values."""
    if len(values) < 5:
        return np.nan
    time = frames - frames.mean()
    return float(time @ values / (time @ time)) * FRAMES_PER_S


def mean(values: Float64 | Bool) -> float:
    """Mean; NaN without values."""
    return float(values.mean()) if len(values) else np.nan


def deviation(values: Float64) -> float:
    """Standard deviation; NaN below 2 values."""
    return float(values.std()) if len(values) >= 2 else np.nan
