"""Deltas: the local time derivative of a contour by regression over nine frames.

Definition of ``librosa.feature.delta`` (width 9): a polynomial of degree `order` is
fitted to the nine frames about each frame and its `order`-th derivative taken. At the
ends, where four neighbours are missing, the polynomial of the first or last nine
frames is used instead, so nothing outside the utterance is needed.
"""

from __future__ import annotations

import numpy as np

from ser_live.arrays import Float64

WIDTH = 9
_HALF = WIDTH // 2


def _weights(order: int) -> Float64:
    """Weights of nine frames whose sum is the `order`-th derivative of their polynomial."""
    time = np.arange(WIDTH, dtype=np.float64) - _HALF
    fit = np.linalg.pinv(np.vander(time, order + 1, increasing=True))
    return np.asarray(fit[order] * order)  # order! for the orders 1 and 2


_WEIGHTS = {order: _weights(order) for order in (1, 2)}


def delta(values: Float64, order: int = 1) -> Float64:
    """Derivative of each row, per frame (order 1) or per frame squared (order 2).

    Parameters
    ----------
    values : ndarray of float64, shape (n_contours, n_frames)
    order : {1, 2}

    Returns
    -------
    ndarray of float64, shape (n_contours, n_frames)
        NaN wherever one of the nine frames is NaN, and throughout when there are
        fewer than nine frames.
    """
    n_frames = values.shape[1]
    if n_frames < WIDTH:
        return np.full(values.shape, np.nan)
    middle = np.zeros((len(values), n_frames - WIDTH + 1))
    for position, weight in enumerate(_WEIGHTS[order]):
        middle += weight * values[:, position : position + middle.shape[1]]
    # The order-th derivative of a polynomial of that degree is the same at all its
    # points, so the polynomial at either end repeats its value.
    return np.pad(middle, ((0, 0), (_HALF, _HALF)), mode="edge")
