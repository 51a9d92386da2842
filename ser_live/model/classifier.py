"""The arithmetic of a model: from features to calibrated probabilities, in plain numpy.

Top to bottom::

    x  (n_features,) NaN where undefined
    z  = clip((where(isnan(x), impute, x) - mean) / scale, -limit, +limit)[used] @ projection
    p_h = fold(softmax(scores of head h on z))       one or more heads
    q  = sum_h w_h p_h                               weights sum to 1
    p  = q^(1/T) / sum q^(1/T)                       temperature, Guo et al. 2017

``fold`` adds up the groups of a head that tells more apart than the K labels of the model, such
as weak and strong expressions: output j means label j mod K.

Heads:

- ``linear``: ``z @ coef + intercept``
- ``rbf``: ``exp(-gamma |z - s_j|^2) @ dual + intercept``
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ser_live.arrays import Float64, Int64
from ser_live.emotions import LABELS
from ser_live.errors import ModelError
from ser_live.model.archive import WEIGHTS_FILE, Arrays, take_array, take_part


@dataclass(frozen=True)
class LinearHead:
    """Logistic regression, linear discriminant: one matrix."""

    kind: ClassVar[str] = "linear"

    coef: Float64
    intercept: Float64

    def scores(self, z: Float64) -> Float64:
        result: Float64 = z @ self.coef + self.intercept
        return result

    def arrays(self) -> Arrays:
        return {"coef": self.coef, "intercept": self.intercept}

    @classmethod
    def from_arrays(cls, arrays: Arrays, n_features: int, n_labels: int) -> LinearHead:
        coef = take_array(arrays, "coef", (n_features, None))
        n_outputs = coef.shape[1]
        if n_outputs == 0 or n_outputs % n_labels:
            raise ModelError(
                f"{WEIGHTS_FILE} has a head with {n_outputs} outputs, but a multiple of "
                f"{n_labels} is needed: fetch or train the model again."
            )
        return cls(coef, take_array(arrays, "intercept", (n_outputs,)))


@dataclass(frozen=True)
class RbfHead:
    """Kernel machine with a Gaussian kernel."""

    kind: ClassVar[str] = "rbf"

    support: Float64
    dual: Float64
    intercept: Float64
    gamma: Float64
    """Shape ()."""

    @cached_property
    def _squared_support(self) -> Float64:
        """Squared length of each centre, shape (1, n_centres); half the work of a call."""
        squared: Float64 = np.sum(self.support * self.support, axis=1)[None, :]
        return squared

    def scores(self, z: Float64) -> Float64:
        squared = (
            np.sum(z * z, axis=1)[:, None] + self._squared_support - 2.0 * (z @ self.support.T)
        )
        result: Float64 = (
            np.exp(-self.gamma * np.maximum(squared, 0.0)) @ self.dual + self.intercept
        )
        return result

    def arrays(self) -> Arrays:
        return {
            "support": self.support.astype(np.float32),
            "dual": self.dual,
            "intercept": self.intercept,
            "gamma": self.gamma,
        }

    @classmethod
    def from_arrays(cls, arrays: Arrays, n_features: int, n_labels: int) -> RbfHead:
        support = take_array(arrays, "support", (None, n_features))
        return cls(
            support,
            take_array(arrays, "dual", (len(support), n_labels)),
            take_array(arrays, "intercept", (n_labels,)),
            take_array(arrays, "gamma", ()),
        )


HEADS: dict[str, type[LinearHead] | type[RbfHead]] = {
    head.kind: head for head in (LinearHead, RbfHead)
}


@dataclass(frozen=True)
class Classifier:
    """The arithmetic of a model, without its card. See the module docstring."""

    impute: Float64
    """Value in place of NaN, shape (n_features,)."""
    mean: Float64
    scale: Float64
    """Positive, shape (n_features,)."""
    limit: Float64
    """Standardised features are cut at plus and minus this, shape ()."""
    used: Int64
    """Ascending positions of the features that the heads see, shape (n_used,)."""
    projection: Float64 | None
    """Directions in the used features that the heads see, shape (n_used, n_components);
    None: the heads see the features themselves."""
    heads: tuple[LinearHead | RbfHead, ...]
    head_weights: Float64
    """Shape (n_heads,), non-negative, sum 1."""
    temperature: Float64
    """Positive, shape ()."""
    n_labels: int = len(LABELS)
    """Labels that the answers are about."""

    def standardize(self, X: NDArray[np.floating[Any]]) -> Float64:
        """Inputs of the heads, shape (n, n_components), from features, shape (n, n_features)."""
        X = X.take(self.used, axis=1)
        impute, mean, scale = self._of_used
        z: Float64 = np.where(np.isnan(X), impute, X)
        z -= mean
        z /= scale
        np.clip(z, -self.limit, self.limit, out=z)
        return z if self.projection is None else np.asarray(z @ self.projection)

    @cached_property
    def _of_used(self) -> tuple[Float64, Float64, Float64]:
        """Values in place of NaN, means and scales of the used features: the same in every call."""
        return self.impute[self.used], self.mean[self.used], self.scale[self.used]

    def predict_proba(self, X: NDArray[np.floating[Any]]) -> Float64:
        """Calibrated probabilities, shape (n, K), for features of shape (n, n_features)."""
        z = self.standardize(X)
        mixed = np.zeros((len(X), self.n_labels))
        for weight, head in zip(self.head_weights, self.heads, strict=True):
            mixed += weight * fold(softmax(head.scores(z)), self.n_labels)
        return temper(mixed, float(self.temperature))

    def arrays(self) -> Arrays:
        """Everything as named arrays, for ``archive.write_arrays``."""
        named: Arrays = {
            "impute": self.impute,
            "mean": self.mean,
            "scale": self.scale,
            "limit": self.limit,
            "used": self.used,
            "head_weights": self.head_weights,
            "temperature": self.temperature,
        }
        if self.projection is not None:
            named["projection"] = self.projection.astype(np.float32)
        for index, head in enumerate(self.heads):
            for name, array in head.arrays().items():
                named[f"{index}_{head.kind}.{name}"] = array
        return named

    @classmethod
    def from_arrays(cls, arrays: Arrays, n_features: int, n_labels: int) -> Classifier:
        """The opposite of ``arrays``; raises ``ModelError`` where a shape does not fit."""
        rest = dict(arrays)
        head_weights = take_array(rest, "head_weights", (None,))
        common = {
            name: take_array(rest, name, shape)
            for name, shape in (
                ("impute", (n_features,)),
                ("mean", (n_features,)),
                ("scale", (n_features,)),
                ("limit", ()),
                ("temperature", ()),
            )
        }
        used = take_array(rest, "used", (None,), kind="i")
        if len(used) and not (used[0] >= 0 and used[-1] < n_features and (np.diff(used) > 0).all()):
            raise ModelError(
                f"{WEIGHTS_FILE} has 'used' that are not ascending positions among "
                f"{n_features} features: fetch or train the model again."
            )
        projection = (
            take_array(rest, "projection", (len(used), None)) if "projection" in rest else None
        )
        n_seen = len(used) if projection is None else projection.shape[1]
        heads = []
        for index in range(len(head_weights)):
            kind, own = _head_arrays(rest, index)
            heads.append(HEADS[kind].from_arrays(own, n_seen, n_labels))
            if own:
                raise _surplus(own)
        if rest:
            raise _surplus(rest)
        positive = ("scale", "limit", "temperature")
        if any((common[name] <= 0).any() for name in positive) or (head_weights < 0).any():
            raise ModelError(
                f"{WEIGHTS_FILE} holds a scale, limit, temperature or weight that is not positive: "
                "fetch or train the model again."
            )
        return cls(
            **common,
            used=used,
            projection=projection,
            heads=tuple(heads),
            head_weights=head_weights,
            n_labels=n_labels,
        )


def softmax(scores: Float64) -> Float64:
    """``exp(s) / sum exp(s)`` along the last axis, without overflow."""
    exponential = np.exp(scores - scores.max(axis=-1, keepdims=True))
    result: Float64 = exponential / exponential.sum(axis=-1, keepdims=True)
    return result


def fold(probabilities: Float64, n_labels: int) -> Float64:
    """Probabilities of the labels from those of a head with a multiple of as many outputs."""
    if probabilities.shape[-1] == n_labels:
        return probabilities
    result: Float64 = probabilities.reshape(len(probabilities), -1, n_labels).sum(axis=1)
    return result


def temper(probabilities: Float64, temperature: float) -> Float64:
    """Probabilities raised to ``1 / temperature`` and normalised again."""
    return softmax(np.log(np.maximum(probabilities, 1e-300)) / temperature)


def _head_arrays(rest: Arrays, index: int) -> tuple[str, Arrays]:
    """Kind and arrays of head `index`, removed from `rest`."""
    for kind in HEADS:
        own = take_part(rest, f"{index}_{kind}.")
        if own:
            return kind, own
    raise ModelError(
        f"{WEIGHTS_FILE} lacks the arrays of head {index} or they are of an unknown kind: update "
        "ser-live or train the model again."
    )


def _surplus(arrays: Arrays) -> ModelError:
    return ModelError(
        f"{WEIGHTS_FILE} holds the unknown array {sorted(arrays)[0]!r}: update ser-live or train "
        "the model again."
    )
