"""Functionals: from a contour over time to named scalars, for many contours at once.

Every functional ignores the frames where its contour is NaN and is NaN itself where
too few are left to define it; none ever warns. All contours of a call are worked on
together as one matrix, rows sorted once for all percentiles.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_PERCENTILES = (5, 20, 50, 80, 95)


@dataclass(frozen=True)
class Functional:
    """One functional, described."""

    text: str
    """What it is, with its formula; ``{}`` stands for the contour."""
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
    "max_at": Functional("Where {} is highest: 0 first frame, 1 last frame", "1", "shape"),
    "min_at": Functional("Where {} is lowest: 0 first frame, 1 last frame", "1", "shape"),
}
"""Every functional by the suffix it gives to a contour's name."""


def functionals(
    values: NDArray[np.float64], names: tuple[str, ...], hop_s: float
) -> NDArray[np.float64]:
    """Apply functionals to every row.

    Parameters
    ----------
    values : ndarray of float64, shape (n_contours, n_frames)
        NaN where a contour is undefined or not to be looked at.
    names : tuple of str
        Keys of `FUNCTIONALS`.
    hop_s : float
        Time from frame to frame, in seconds.

    Returns
    -------
    ndarray of float64, shape (n_contours, len(names))
        NaN where too few frames are defined: one for mean and percentiles, two for
        spread, slope and change, three for skewness, kurtosis and curvature; also the
        shape of a constant.
    """
    wanted = frozenset(names)
    present = ~np.isnan(values)
    filled = np.where(present, values, 0.0)
    count = present.sum(axis=1)
    found = _moments(filled, present, count)
    if wanted & _ORDER:
        found |= _order_statistics(values, count)
    if wanted & _COURSE:
        found |= _course(filled, present, found["mean"], hop_s)
    if wanted & _STEPS:
        found |= _steps(values, hop_s)
    if wanted & _EXTREMES:
        found |= _extremes(values, present, count)
    return np.stack([found[name] for name in names], axis=1)


_ORDER = frozenset({*(f"p{q:02d}" for q in _PERCENTILES), "range", "midrange"})
_COURSE = frozenset({"slope_per_s", "curvature_per_s2", "residual"})
_STEPS = frozenset({"change_per_s", "rise_per_s", "fall_per_s", "rising_share"})
_EXTREMES = frozenset({"max_at", "min_at"})

_Found = dict[str, NDArray[np.float64]]


def _divide(above: NDArray[np.float64], below: NDArray[np.float64]) -> NDArray[np.float64]:
    """Quotient, NaN where the divisor is 0."""
    quotient = np.full(len(below), np.nan)
    np.divide(above, below, out=quotient, where=below != 0)
    return quotient


def _moments(
    filled: NDArray[np.float64], present: NDArray[np.bool_], count: NDArray[np.intp]
) -> _Found:
    mean = _divide(filled.sum(axis=1), count.astype(np.float64))
    centred = np.where(present, filled - np.where(count > 0, mean, 0.0)[:, None], 0.0)
    squared = centred**2
    divisor = np.where(count > 1, count, 0).astype(np.float64)
    variance = _divide(squared.sum(axis=1), divisor)
    # A constant's variance is rounding noise, and shape made of noise means nothing.
    scale = np.abs(filled).max(axis=1, initial=0.0)
    varies = np.where(count > 2, variance, 0.0) > (1e-9 * scale) ** 2
    third = _divide(np.sum(squared * centred, axis=1), divisor)
    fourth = _divide(np.sum(squared**2, axis=1), divisor)
    return {
        "mean": mean,
        "std": np.sqrt(variance),
        "skewness": _divide(third, np.where(varies, variance, 0.0) ** 1.5),
        "kurtosis": _divide(fourth, np.where(varies, variance, 0.0) ** 2),
    }


def _order_statistics(values: NDArray[np.float64], count: NDArray[np.intp]) -> _Found:
    """Percentiles by linear interpolation, as numpy's default; NaN sorts to the end."""
    if values.shape[1] == 0:
        empty = np.full(len(values), np.nan)
        return dict.fromkeys(_ORDER, empty)
    ordered = np.sort(values, axis=1)
    position = np.maximum(count - 1, 0)[:, None] * (np.array(_PERCENTILES) / 100.0)[None, :]
    below = np.floor(position).astype(np.intp)
    above = np.minimum(below + 1, np.maximum(count - 1, 0)[:, None])
    low = np.take_along_axis(ordered, below, axis=1)
    high = np.take_along_axis(ordered, above, axis=1)
    found = low + (high - low) * (position - below)
    several = np.where(count > 1, 1.0, np.nan)
    return {
        **{f"p{q:02d}": found[:, i] for i, q in enumerate(_PERCENTILES)},
        "range": (found[:, 4] - found[:, 0]) * several,
        "midrange": (found[:, 3] - found[:, 1]) * several,
    }


def _course(
    filled: NDArray[np.float64],
    present: NDArray[np.bool_],
    mean: NDArray[np.float64],
    hop_s: float,
) -> _Found:
    """Straight line and parabola over time, by orthogonal polynomials on each row's frames."""
    n_frames = filled.shape[1]
    # Time runs from -1 to 1 so that its fourth powers stay well conditioned.
    half_s = max(n_frames - 1, 1) * hop_s / 2.0
    time = np.linspace(-1.0, 1.0, n_frames) if n_frames > 1 else np.zeros(n_frames)
    weight = present.astype(np.float64)
    centred = weight * (filled - np.nan_to_num(mean)[:, None])
    n, t1, t2, t3, t4 = (weight @ (time[:, None] ** np.arange(5))).T
    x0, x1, x2 = (centred @ (time[:, None] ** np.arange(3))).T
    # First polynomial: t - a. Second: t^2 - b (t - a) - c.
    a = _divide(t1, n)
    norm1 = np.where(n > 1, t2 - a * t1, 0.0)
    slope = _divide(x1 - a * x0, norm1)
    b = _divide(t3 - a * t2, norm1)
    c = _divide(t2, n)
    norm2 = t4 - b * (t3 - a * t2) - c * t2
    enough = (n > 2) & (norm2 > 1e-12 * np.maximum(t4, 1e-300))
    curvature = _divide(x2 - b * (x1 - a * x0) - c * x0, np.where(enough, norm2, 0.0))
    total = _divide(np.sum(centred**2, axis=1), n)
    explained = slope**2 * _divide(norm1, n)
    return {
        "slope_per_s": slope / half_s,
        "curvature_per_s2": curvature / half_s**2,
        "residual": np.sqrt(np.maximum(total - explained, 0.0)),
    }


def _steps(values: NDArray[np.float64], hop_s: float) -> _Found:
    """Differences of frames that are neighbours in time and both defined."""
    step = np.diff(values, axis=1)
    rises, falls = step > 0, step < 0
    n_rises, n_falls = rises.sum(axis=1).astype(float), falls.sum(axis=1).astype(float)
    n_steps = np.count_nonzero(~np.isnan(step), axis=1).astype(float)
    up = np.sum(step, axis=1, where=rises) / hop_s
    down = np.sum(step, axis=1, where=falls) / hop_s
    return {
        "change_per_s": _divide(up - down, n_steps),
        "rise_per_s": _divide(up, n_rises),
        "fall_per_s": _divide(down, n_falls),
        "rising_share": _divide(n_rises, n_steps),
    }


def _extremes(
    values: NDArray[np.float64], present: NDArray[np.bool_], count: NDArray[np.intp]
) -> _Found:
    n_frames = values.shape[1]
    if n_frames < 2:
        empty = np.full(len(values), np.nan)
        return {"max_at": empty, "min_at": empty}
    defined = np.where(count > 1, 1.0, np.nan)
    highest = np.where(present, values, -np.inf).argmax(axis=1)
    lowest = np.where(present, values, np.inf).argmin(axis=1)
    return {
        "max_at": highest / (n_frames - 1) * defined,
        "min_at": lowest / (n_frames - 1) * defined,
    }
