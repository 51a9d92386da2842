"""Familiarity of an utterance: the corpora of the training, and the scatter about them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from ser_live.arrays import Float32, Float64, Int64, Str
from ser_live.model.caution import Familiarity
from ser_live.training.ear_members import LIMIT

SHRINKAGE = 0.5
"""Share of a spherical covariance."""
N_DIRECTIONS = 128
"""Directions in which the covariance is kept; one variance stands for all others."""
N_FOR_RANGE = 2000
"""Rows, about, from which the usual range of an input is taken."""


def equal_mass(corpora: Str) -> Float64:
    """Weights with which every corpus has the same sum, 1."""
    _, inverse, counts = np.unique(corpora, return_inverse=True, return_counts=True)
    return np.asarray(1.0 / counts[inverse])


@dataclass(frozen=True, eq=False)
class Scaling:
    """Mean and deviation of inputs."""

    mean: Float32
    scale: Float32

    @classmethod
    def of(cls, X: Float32, weights: Float64) -> Scaling:
        """Weighted mean and deviation of what is usual; undefined values say nothing."""
        some = X[:: max(len(X) // N_FOR_RANGE, 1)]
        some = np.where(np.isnan(some).all(axis=0), np.float32(0.0), some)
        low, high = np.nanpercentile(some, [1, 99], axis=0).astype(np.float32)
        x = np.clip(X, low, high)
        defined = ~np.isnan(x)
        share = (weights / weights.sum()).astype(np.float32)
        total = np.maximum(share @ defined, np.float32(1e-12))
        mean = (share @ np.where(defined, x, np.float32(0.0))) / total
        centred = np.where(defined, x - mean, np.float32(0.0))
        return cls(mean, np.sqrt(share @ np.square(centred)) + np.float32(1e-6))

    def apply(self, X: NDArray[np.floating]) -> Float32:
        """Bring to mean 0 and deviation 1, cut at ``LIMIT``; 0 where undefined."""
        z = (X - self.mean) / self.scale
        return np.clip(np.where(np.isnan(z), 0.0, z), -LIMIT, LIMIT).astype(np.float32)


def fit_familiarity(X: Float32, corpora: Str, used: Int64) -> Familiarity:
    """Centres of corpora, and the scatter about them.

    Parameters
    ----------
    X : float32 array, shape (n, n_used)
    corpora : str array, shape (n,)
    used : int array, shape (n_used,)
        Positions of these inputs among all that a model is given.
    """
    weights = equal_mass(corpora)
    scaling = Scaling.of(X, weights)
    z = scaling.apply(X)
    names, inverse = np.unique(corpora, return_inverse=True)
    centres = np.stack([z[inverse == place].mean(axis=0) for place in range(len(names))])
    rest = z - centres[inverse]
    within = (rest * (weights / weights.sum()).astype(np.float32)[:, None]).T @ rest
    size = len(used)
    n = min(N_DIRECTIONS, size - 1)
    values, vectors = linalg.eigh(within.astype(np.float64), subset_by_index=[size - n, size - 1])
    mean = float(np.trace(within)) / size
    other = (float(np.trace(within)) - float(values.sum())) / (size - n)
    return Familiarity(
        used=used,
        mean=scaling.mean.astype(np.float64),
        scale=scaling.scale.astype(np.float64),
        limit=np.array(LIMIT),
        centres=centres.astype(np.float64),
        directions=vectors,
        variances=(1.0 - SHRINKAGE) * np.maximum(values, 0.0) + SHRINKAGE * mean,
        other_variance=np.array((1.0 - SHRINKAGE) * max(other, 0.0) + SHRINKAGE * mean),
    )


def distances_unheard(X: Float32, corpora: Str, folds: Int64) -> Float64:
    """Distance of each row from the corpora as they are without its fold, shape (n,)."""
    distances = np.empty(len(X))
    for fold in np.unique(folds):
        out = folds == fold
        familiarity = fit_familiarity(X[~out], corpora[~out], np.arange(X.shape[1]))
        distances[out] = familiarity.distance(X[out])
    return distances
