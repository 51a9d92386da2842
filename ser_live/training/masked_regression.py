"""Logistic regression for corpora without some of the labels or intensities.

Some corpora lack labels, others do not say how strongly an emotion was expressed. Each
row therefore comes with two sets of outputs: those it may be, by its corpus, and those
that are right. The loss of a row is ``-log(sum of right outputs / sum of outputs it may
be)``: a corpus without fear does not teach that there is none, and one without
intensities leaves open which output of a label is meant.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from ser_live.arrays import Bool, Float32, Float64, Int64
from ser_live.model.classifier import LinearHead

_FORBIDDEN = np.float32(-1e9)


@dataclass(frozen=True, eq=False)
class MaskedTargets:
    """Right outputs of each row, and those that its corpus could have named."""

    right: Bool
    """Shape (n, n_outputs), at least one a row, a subset of `allowed`."""
    allowed: Bool
    """Shape (n, n_outputs)."""

    def where(self, mask: Bool | Int64) -> MaskedTargets:
        """The rows chosen by `mask`, or at these positions."""
        return MaskedTargets(self.right[mask], self.allowed[mask])


def fit_masked(
    z: Float32,
    targets: MaskedTargets,
    weights: NDArray[np.floating],
    penalty: float,
    n_iterations: int,
) -> LinearHead:
    """Minimise the weighted mean loss plus ``penalty / 2 |coef|^2``, from zero, by L-BFGS.

    Parameters
    ----------
    z : float32 array, shape (n, n_features)
        Standardised.
    targets : MaskedTargets
    weights : array, shape (n,)
        Only their ratios matter.
    penalty : float
    n_iterations : int
        At most; stopping early is part of the regularisation.
    """
    size = z.shape[1]
    n_outputs = targets.right.shape[1]
    share = (weights / weights.sum()).astype(np.float32)[:, None]
    right = np.where(targets.right, np.float32(0.0), _FORBIDDEN)
    allowed = np.where(targets.allowed, np.float32(0.0), _FORBIDDEN)

    def loss(parameters: Float64) -> tuple[float, Float64]:
        flat = parameters.astype(np.float32)
        coef, intercept = flat[: size * n_outputs].reshape(size, n_outputs), flat[-n_outputs:]
        scores = z @ coef + intercept
        log_allowed, p_allowed = _log_sum(scores + allowed)
        log_right, p_right = _log_sum(scores + right)
        value = float(np.sum(share * (log_allowed - log_right)))
        value += 0.5 * penalty * float(np.sum(np.square(coef)))
        slope = share * (p_allowed - p_right)
        gradient = np.concatenate([(z.T @ slope + penalty * coef).ravel(), slope.sum(axis=0)])
        return value, gradient.astype(np.float64)

    found = minimize(
        loss,
        np.zeros((size + 1) * n_outputs),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": n_iterations, "ftol": 1e-7, "gtol": 1e-5},
    ).x
    return LinearHead(found[:-n_outputs].reshape(size, n_outputs), found[-n_outputs:])


def _log_sum(scores: Float32) -> tuple[Float32, Float32]:
    """``log sum exp`` of each row, shape (n, 1), and the softmax, shape (n, n_outputs)."""
    top = scores.max(axis=1, keepdims=True)
    exponential = np.exp(scores - top)
    total = exponential.sum(axis=1, keepdims=True)
    return top + np.log(total), exponential / total
