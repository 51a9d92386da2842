"""Functionals: from a contour over time to named scalars, for many contours at once.

Every functional ignores the frames where its contour is NaN and is NaN itself where
too few are left to define it; none ever warns. All contours of a call are worked on
together as one matrix, rows sorted once for all percentiles.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ser_live.arrays import Bool, Float64

_PERCENTILES = (5, 20, 50, 80, 95)


@dataclass(frozen=True)
class Functional:
    """One functional, described."""

    text: str
    """Meaning and formula; ``{}`` stands for the contour."""
    unit: str
    """Unit, with ``{}`` for the contour's."""
    family: str
    """``location`` moves with the contour when a constant is added to it, ``spread`` only
    when it is multiplied, ``shape`` with neither."""


FUNCTIONALS: dict[str, Functional] = {
    "mean": Functional("Mean of {}", "{}", "location"),
    "std": Functional("Standard deviation of {}", "{}", "spread"),
    **{
        f"p{q:02d}": Functional(
            f"{q}th percentile of {{}} (linear interpolation)", "{}", "location"
        )
        for q in _PERCENTILES
    },
    "range": Functional("95th minus 5th percentile of {}", "{}", "spread"),
    "midrange": Functional("80th minus 20th percentile of {}", "{}", "spread"),
    "skewness": Functional("Third standardised moment of {}", "1", "shape"),
    "kurtosis": Functional("Fourth standardised moment of {}; 3 for a normal", "1", "shape"),
    "slope_per_s": Functional("Slope of the regression line of {} over time", "{}/s", "spread"),
    "curvature_per_s2": Functional(
        "Quadratic coefficient of the parabola fitted to {} over time", "{}/s^2", "spread"
    ),
    "residual": Functional(
        "Standard deviation of {} about its regression line over time", "{}", "spread"
    ),
    "change_per_s": Functional(
        "Mean absolute difference of neighbouring frames of {}, per second", "{}/s", "spread"
    ),
    "rise_per_s": Functional(
        "Mean slope of {} between neighbouring frames where it rises", "{}/s", "spread"
    ),
    "fall_per_s": Functional(
        "Mean slope of {} between neighbouring frames where it falls", "{}/s", "spread"
    ),
    "rising_share": Functional("Share of neighbouring frames between which {} rises", "1", "shape"),
    "max_at": Functional("Where {} is highest: 0 first frame of the region, 1 last", "1", "shape"),
    "min_at": Functional("Where {} is lowest: 0 first frame of the region, 1 last", "1", "shape"),
}
"""Every functional by the suffix it gives to a contour's name."""


def functionals(
    values: Float64,
    names: tuple[str, ...],
    hop_s: float,
    frames: NDArray[np.intp] | None = None,
) -> Float64:
    """Apply functionals to every row.

    Parameters
    ----------
    values : ndarray of float64, shape (n_contours, n_frames)
        NaN where a contour is undefined.
    names : tuple of str
        Keys of `FUNCTIONALS`.
    hop_s : float
        Time from frame to frame, in seconds.
    frames : ndarray of int, shape (n_frames,), optional
        Ascending frame numbers of the columns, where frames were left out.

    Returns
    -------
    ndarray of float64, shape (n_contours, len(names))
        NaN where too few frames are defined: one for mean and percentiles, two for
        spread, slope and change, three for skewness, kurtosis and curvature; also the
        shape of a constant.
    """
    wanted = frozenset(names)
    if frames is None:
        frames = np.arange(values.shape[1])
    absent = np.isnan(values)
    count = values.shape[1] - np.count_nonzero(absent, axis=1)
    mean, centred = _centre(values, absent, count)
    squared = centred * centred
    variance = _divide(squared.sum(axis=1), np.where(count > 1, count, 0))
    found = {"mean": mean, "std": np.sqrt(variance)}
    if wanted & _SHAPE:
        found |= _shape(centred, squared, variance, mean, count)
    if wanted & _ORDER:
        found |= _order_statistics(values, count)
    if wanted & _COURSE:
        found |= _course(centred, absent, variance, frames, hop_s)
    if wanted & _STEPS:
        found |= _steps(values, frames, hop_s)
    if wanted & _EXTREMES:
        found |= _extremes(values, absent, count, frames)
    return np.stack([found[name] for name in names], axis=1)


_SHAPE = frozenset({"skewness", "kurtosis"})
_ORDER = frozenset({*(f"p{q:02d}" for q in _PERCENTILES), "range", "midrange"})
_COURSE = frozenset({"slope_per_s", "curvature_per_s2", "residual"})
_STEPS = frozenset({"change_per_s", "rise_per_s", "fall_per_s", "rising_share"})
_EXTREMES = frozenset({"max_at", "min_at"})

_Found = dict[str, Float64]


def _divide(above: Float64, below: Float64 | NDArray[np.intp]) -> Float64:
    """Quotient, NaN where the divisor is 0."""
    quotient = np.full(len(below), np.nan)
    np.divide(above, below, out=quotient, where=below != 0)
    return quotient


def _centre(values: Float64, absent: Bool, count: NDArray[np.intp]) -> tuple[Float64, Float64]:
    """Mean of each row, and the row about its mean with 0 where it is undefined."""
    some_absent = bool(absent.any())
    filled = np.where(absent, 0.0, values) if some_absent else values
    mean = _divide(filled.sum(axis=1), count)
    centred = filled - mean[:, None]
    if some_absent:
        centred[absent] = 0.0
    return mean, centred


def _shape(
    centred: Float64,
    squared: Float64,
    variance: Float64,
    mean: Float64,
    count: NDArray[np.intp],
) -> _Found:
    # A constant's variance is rounding noise, and the shape of noise means nothing.
    noise = (1e-9 * np.abs(mean)) ** 2
    varies = (count > 2) & (variance > noise)
    variance = np.where(varies, variance, 0.0)
    third = np.einsum("ij,ij->i", squared, centred) / np.maximum(count, 1)
    fourth = np.einsum("ij,ij->i", squared, squared) / np.maximum(count, 1)
    return {
        "skewness": _divide(third, variance**1.5),
        "kurtosis": _divide(fourth, variance**2),
    }


def _order_statistics(values: Float64, count: NDArray[np.intp]) -> _Found:
    """Percentiles by linear interpolation, as numpy's default; NaN sorts to the end."""
    if values.shape[1] == 0:
        return dict.fromkeys(_ORDER, np.full(len(values), np.nan))
    ordered = np.sort(values, axis=1)
    last = np.maximum(count - 1, 0)[:, None]
    position = last * (np.array(_PERCENTILES) / 100.0)
    below = position.astype(np.intp)
    low = np.take_along_axis(ordered, below, axis=1)
    high = np.take_along_axis(ordered, np.minimum(below + 1, last), axis=1)
    found = low + (high - low) * (position - below)
    several = np.where(count > 1, 1.0, np.nan)
    return {
        **{f"p{q:02d}": found[:, i] for i, q in enumerate(_PERCENTILES)},
        "range": (found[:, 4] - found[:, 0]) * several,
        "midrange": (found[:, 3] - found[:, 1]) * several,
    }


def _course(
    centred: Float64,
    absent: Bool,
    variance: Float64,
    frames: NDArray[np.intp],
    hop_s: float,
) -> _Found:
    """Straight line and parabola over time, by orthogonal polynomials on each row's frames."""
    # Time runs from -1 to 1 so that its fourth powers stay well conditioned.
    half_s = max(int(np.ptp(frames)), 1) * hop_s / 2.0 if len(frames) else hop_s
    first = frames[0] if len(frames) else 0
    powers = np.vander((frames - first) * hop_s / half_s - 1.0, 5, increasing=True)
    n, t1, t2, t3, t4 = (powers.sum(axis=0) - absent.astype(np.float64) @ powers).T
    x1, x2 = (centred @ powers[:, 1:3]).T
    # The first polynomial is t - a, the second t^2 - b (t - a) - c.
    a = _divide(t1, n)
    norm1 = np.where(n > 1.5, t2 - a * t1, 0.0)
    slope = _divide(x1, norm1)
    b = _divide(t3 - a * t2, norm1)
    norm2 = t4 - b * (t3 - a * t2) - _divide(t2, n) * t2
    enough = (n > 2.5) & (norm2 > 1e-12)
    curvature = _divide(x2 - b * x1, np.where(enough, norm2, 0.0))
    rest = variance - slope**2 * _divide(norm1, n)
    return {
        "slope_per_s": slope / half_s,
        "curvature_per_s2": curvature / half_s**2,
        "residual": np.sqrt(np.maximum(rest, 0.0)),
    }


def _steps(values: Float64, frames: NDArray[np.intp], hop_s: float) -> _Found:
    """Differences of frames that are neighbours in time and both defined."""
    step = np.diff(values, axis=1)
    adjacent = np.diff(frames) == 1
    if not adjacent.all():
        step = step[:, adjacent]
    n_rises = np.count_nonzero(step > 0, axis=1)
    n_falls = np.count_nonzero(step < 0, axis=1)
    n_steps = step.shape[1] - np.count_nonzero(np.isnan(step), axis=1)
    up = np.fmax(step, 0.0).sum(axis=1) / hop_s
    down = np.fmin(step, 0.0).sum(axis=1) / hop_s
    return {
        "change_per_s": _divide(up - down, n_steps),
        "rise_per_s": _divide(up, n_rises),
        "fall_per_s": _divide(down, n_falls),
        "rising_share": _divide(n_rises.astype(np.float64), n_steps),
    }


def _extremes(
    values: Float64,
    absent: Bool,
    count: NDArray[np.intp],
    frames: NDArray[np.intp],
) -> _Found:
    if len(frames) < 2:
        return dict.fromkeys(_EXTREMES, np.full(len(values), np.nan))
    position = (frames - frames[0]) / (frames[-1] - frames[0])
    defined = np.where(count > 1, 1.0, np.nan)
    return {
        "max_at": position[np.where(absent, -np.inf, values).argmax(axis=1)] * defined,
        "min_at": position[np.where(absent, np.inf, values).argmin(axis=1)] * defined,
    }
