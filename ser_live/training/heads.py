"""Fitting the heads of a classifier, with their choices made on speakers left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from ser_live.arrays import Bool, Float64, Int64
from ser_live.emotions import LABELS
from ser_live.model.classifier import LinearHead, RbfHead, softmax

_K = len(LABELS)


@dataclass(frozen=True, eq=False)
class Rows:
    """Standardised training rows and how they count."""

    z: Float64
    """Shape (n, n_components)."""
    y: Int64
    weights: Float64
    folds: Int64
    """Inner fold of each row; no speaker is in two."""
    is_centre: Bool
    """Rows that serve as kernel centres."""
    is_judged: Bool
    """Rows whose likelihood decides a choice."""

    def best_temperature(self, scores: Float64) -> tuple[float, float]:
        """Temperature and loss of out-of-fold scores on the judged rows."""
        judged = self.is_judged
        return best_temperature(scores[judged], self.y[judged], self.weights[judged])


@dataclass(frozen=True, eq=False)
class FittedHead:
    """A head fitted to all rows, and the out-of-fold scores of heads like it."""

    head: RbfHead | LinearHead
    """Its scores are divided by the chosen temperature already."""
    scores: Float64
    """Out-of-fold scores divided by the temperature, shape (n, K)."""


def best_temperature(
    scores: Float64,
    y: Int64,
    weights: Float64,
    answers: Callable[[Float64], Float64] = softmax,
) -> tuple[float, float]:
    """Temperature with the smallest weighted negative log-likelihood, and that loss.

    Parameters
    ----------
    scores : float64 array, shape (n, K)
        Of samples the scorer was not fitted to.
    y : int array, shape (n,)
    weights : float64 array, shape (n,)
    answers : callable
        Makes probabilities of scores, both of shape (n, K).
    """
    temperatures = np.geomspace(0.02, 20.0, 160)
    losses = []
    for temperature in temperatures:
        probability = answers(scores / temperature)[np.arange(len(y)), y]
        losses.append(np.average(-np.log(np.maximum(probability, 1e-300)), weights=weights))
    best = int(np.argmin(losses))
    return float(temperatures[best]), float(losses[best])


def best_kernel_ridge(
    rows: Rows, n_features: int, widths: Sequence[float], ridges: Sequence[float]
) -> FittedHead:
    """Kernel ridge regression on one target per label, weighted, on chosen centres.

    The dual weights solve ``(K' W K + ridge K_cc) a = K' W T`` (Nyström; Rudi et al.
    2015), with ``K = exp(-width |z - c|^2 / n_features)`` between rows and centres,
    ``K_cc`` between centres, and targets T of ``1 - 1/K`` and ``-1/K``. Where every
    row is a centre this is ordinary kernel ridge regression.

    Parameters
    ----------
    rows : Rows
    n_features : int
        Number of features behind the components; makes widths comparable.
    widths, ridges : sequence of float
        To choose from.
    """
    # Stored in single precision, so the centres are rounded before anything is fitted.
    centres = rows.z[rows.is_centre].astype(np.float32).astype(np.float64)
    distances = _squared_distances(rows.z, centres) / n_features
    targets = np.eye(_K)[rows.y] - 1.0 / _K
    best_loss = np.inf
    for width in widths:
        kernel = np.exp(-width * distances)
        system = _RidgeSystem(kernel, rows, targets)
        for ridge in ridges:
            scores = np.empty_like(targets)
            for fold in np.unique(rows.folds):
                out = rows.folds == fold
                scores[out] = kernel[out] @ system.solve(ridge, out)
            temperature, loss = rows.best_temperature(scores)
            if loss < best_loss:
                best_loss = loss
                head = RbfHead(
                    support=centres,
                    dual=system.solve(ridge) / temperature,
                    intercept=np.zeros(_K),
                    gamma=np.array(width / n_features),
                )
                best = FittedHead(head, scores / temperature)
    return best


def best_discriminant(rows: Rows, shrinkages: Sequence[float]) -> FittedHead:
    """Linear discriminant analysis with equal priors and a shrunken covariance.

    ``S = (1 - s) W + s (trace W / d) I`` with W the weighted covariance within labels;
    the score of label k is ``m_k' S^-1 (z - m_k / 2)`` (Friedman 1989).

    Parameters
    ----------
    rows : Rows
    shrinkages : sequence of float
        Shares s to choose from.
    """
    best_loss = np.inf
    moments = [
        Moments.of(rows.z[out], rows.y[out], rows.weights[out])
        for out in (rows.folds == fold for fold in np.unique(rows.folds))
    ]
    whole = sum(moments[1:], start=moments[0])
    for shrinkage in shrinkages:
        scores = np.empty((len(rows.y), _K))
        for fold, moment in zip(np.unique(rows.folds), moments, strict=True):
            out = rows.folds == fold
            scores[out] = (whole - moment).discriminant(shrinkage).scores(rows.z[out])
        temperature, loss = rows.best_temperature(scores)
        if loss < best_loss:
            best_loss = loss
            head = whole.discriminant(shrinkage)
            best = FittedHead(
                LinearHead(head.coef / temperature, head.intercept / temperature),
                scores / temperature,
            )
    return best


def discriminant(z: Float64, y: Int64, weights: Float64, shrinkage: float) -> LinearHead:
    """The same with a given share, fitted to all rows."""
    return Moments.of(z, y, weights).discriminant(shrinkage)


class _RidgeSystem:
    """The normal equations, from which any fold can be taken away."""

    def __init__(self, kernel: Float64, rows: Rows, targets: Float64) -> None:
        self._kernel = kernel
        self._weighted = kernel * rows.weights[:, None]
        self._targets = targets
        self._penalty = kernel[rows.is_centre]
        self._gram = self._weighted.T @ kernel
        self._moment = self._weighted.T @ targets

    def solve(self, ridge: float, without: Bool | None = None) -> Float64:
        """Dual weights, shape (n_centres, K), leaving out the rows of `without`."""
        gram, moment = self._gram, self._moment
        if without is not None:
            out = self._weighted[without]
            gram = gram - out.T @ self._kernel[without]
            moment = moment - out.T @ self._targets[without]
        # Copies of a clip make the matrix singular; a trace of the identity repairs that.
        system = gram + ridge * self._penalty + 1e-6 * np.eye(len(gram))
        return np.asarray(linalg.solve(system, moment, assume_a="pos"))


@dataclass(frozen=True, eq=False)
class Moments:
    """Weighted sums from which a discriminant follows; they add and subtract."""

    weight: Float64
    """Shape (K,)."""
    first: Float64
    """Shape (K, n_components)."""
    second: Float64
    """Shape (n_components, n_components)."""

    @classmethod
    def of(cls, z: NDArray[np.floating], y: Int64, weights: NDArray[np.floating]) -> Moments:
        """Sums over rows `z`, shape (n, n_components), in their own precision."""
        weights = weights.astype(z.dtype, copy=False)
        members = np.eye(_K, dtype=z.dtype)[y] * weights[:, None]
        parts = members.sum(axis=0), members.T @ z, (z * weights[:, None]).T @ z
        return cls(*(part.astype(np.float64, copy=False) for part in parts))

    def __add__(self, other: Moments) -> Moments:
        return Moments(
            self.weight + other.weight, self.first + other.first, self.second + other.second
        )

    def __sub__(self, other: Moments) -> Moments:
        return Moments(
            self.weight - other.weight, self.first - other.first, self.second - other.second
        )

    def discriminant(self, shrinkage: float) -> LinearHead:
        """The head, with a share of a spherical covariance."""
        # A label that only the left-out fold has keeps a mean of zero instead of NaN.
        means = self.first / np.maximum(self.weight, 1e-12)[:, None]
        within = (self.second - (self.weight[:, None] * means).T @ means) / self.weight.sum()
        size = len(within)
        spherical = np.trace(within) / size * np.eye(size)
        coef = linalg.solve(
            (1.0 - shrinkage) * within + shrinkage * spherical, means.T, assume_a="pos"
        )
        return LinearHead(np.asarray(coef), -0.5 * np.einsum("kd,dk->k", means, coef))


def _squared_distances(a: Float64, b: Float64) -> Float64:
    squared = np.sum(a * a, axis=1)[:, None] + np.sum(b * b, axis=1) - 2.0 * (a @ b.T)
    return np.asarray(np.maximum(squared, 0.0))
