"""The arithmetic of a model: from features to calibrated probabilities, in plain numpy.

Top to bottom::

    x  (n_features,) NaN where undefined
    z  = clip((where(isnan(x), impute, x) - mean) / scale, -limit, +limit)[used] @ projection
    p_h = fold(softmax(scores of head h on z))       one or more heads
    q  = sum_h w_h p_h                               weights sum to 1
    p  = q^(1/T) / sum q^(1/T)                       temperature, Guo et al. 2017

``fold`` adds up the groups of a head that tells more apart than the K = 8 labels, such
as weak and strong expressions: output j means label j mod K.

Heads:

- ``linear``: ``z @ coef + intercept``
- ``mlp``: ``max(0, z @ coef_0 + intercept_0) @ coef_1 + intercept_1 ...``
- ``rbf``: ``exp(-gamma |z - s_j|^2) @ dual + intercept``
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ser_live.emotions import LABELS
from ser_live.errors import ModelError
from ser_live.model_file import WEIGHTS_FILE

FloatArray = NDArray[np.float64]
Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class LinearHead:
    """Logistic regression, linear discriminant: one matrix."""

    kind: ClassVar[str] = "linear"

    coef: FloatArray
    intercept: FloatArray

    def scores(self, z: FloatArray) -> FloatArray:
        result: FloatArray = z @ self.coef + self.intercept
        return result

    def arrays(self) -> Arrays:
        return {"coef": self.coef, "intercept": self.intercept}

    @classmethod
    def from_arrays(cls, arrays: Arrays, n_features: int, n_labels: int) -> LinearHead:
        coef = take(arrays, "coef", (n_features, None))
        n_outputs = coef.shape[1]
        if n_outputs == 0 or n_outputs % n_labels:
            raise ModelError(
                f"{WEIGHTS_FILE} has a head with {n_outputs} outputs, but a multiple of "
                f"{n_labels} is needed: fetch or train the model again."
            )
        return cls(coef, take(arrays, "intercept", (n_outputs,)))


@dataclass(frozen=True)
class MlpHead:
    """Feed-forward network with rectified hidden layers."""

    kind: ClassVar[str] = "mlp"

    coefs: tuple[FloatArray, ...]
    intercepts: tuple[FloatArray, ...]

    def scores(self, z: FloatArray) -> FloatArray:
        last = len(self.coefs) - 1
        for index, (coef, intercept) in enumerate(zip(self.coefs, self.intercepts, strict=True)):
            z = z @ coef + intercept
            if index < last:
                z = np.maximum(z, 0.0)
        return z

    def arrays(self) -> Arrays:
        named: Arrays = {}
        for index, (coef, intercept) in enumerate(zip(self.coefs, self.intercepts, strict=True)):
            named[f"coef_{index}"] = coef
            named[f"intercept_{index}"] = intercept
        return named

    @classmethod
    def from_arrays(cls, arrays: Arrays, n_features: int, n_labels: int) -> MlpHead:
        n_layers = sum(name.startswith("coef_") for name in arrays)
        coefs, intercepts = [], []
        width = n_features
        for index in range(n_layers):
            last = index == n_layers - 1
            coef = take(arrays, f"coef_{index}", (width, n_labels if last else None))
            width = coef.shape[1]
            coefs.append(coef)
            intercepts.append(take(arrays, f"intercept_{index}", (width,)))
        if not coefs:
            raise ModelError(
                f"{WEIGHTS_FILE} lacks the array 'coef_0': fetch or train the model again."
            )
        return cls(tuple(coefs), tuple(intercepts))


@dataclass(frozen=True)
class RbfHead:
    """Kernel machine with a Gaussian kernel."""

    kind: ClassVar[str] = "rbf"

    support: FloatArray
    dual: FloatArray
    intercept: FloatArray
    gamma: FloatArray
    """Shape ()."""

    @cached_property
    def _squared_support(self) -> FloatArray:
        """Squared length of each centre, shape (1, n_centres); half the work of a call."""
        squared: FloatArray = np.sum(self.support * self.support, axis=1)[None, :]
        return squared

    def scores(self, z: FloatArray) -> FloatArray:
        squared = (
            np.sum(z * z, axis=1)[:, None] + self._squared_support - 2.0 * (z @ self.support.T)
        )
        result: FloatArray = (
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
        support = take(arrays, "support", (None, n_features))
        return cls(
            support,
            take(arrays, "dual", (len(support), n_labels)),
            take(arrays, "intercept", (n_labels,)),
            take(arrays, "gamma", ()),
        )


HEADS: dict[str, type[LinearHead] | type[MlpHead] | type[RbfHead]] = {
    head.kind: head for head in (LinearHead, MlpHead, RbfHead)
}


@dataclass(frozen=True)
class Classifier:
    """The arithmetic of a model, without its card. See the module docstring."""

    impute: FloatArray
    """Value in place of NaN, shape (n_features,)."""
    mean: FloatArray
    scale: FloatArray
    """Positive, shape (n_features,)."""
    limit: FloatArray
    """Standardised features are cut at plus and minus this, shape ()."""
    used: NDArray[np.int64]
    """Ascending positions of the features that the heads see, shape (n_used,)."""
    projection: FloatArray | None
    """Directions in the used features that the heads see, shape (n_used, n_components);
    None: the heads see the features themselves."""
    heads: tuple[LinearHead | MlpHead | RbfHead, ...]
    head_weights: FloatArray
    """Shape (n_heads,), non-negative, sum 1."""
    temperature: FloatArray
    """Positive, shape ()."""

    def standardize(self, X: NDArray[np.floating[Any]]) -> FloatArray:
        """What the heads see, shape (n, n_components), of features, shape (n, n_features)."""
        used = self.used
        X = X[:, used]
        z = (np.where(np.isnan(X), self.impute[used], X) - self.mean[used]) / self.scale[used]
        z = np.clip(z, -self.limit, self.limit)
        return z if self.projection is None else np.asarray(z @ self.projection)

    def predict_proba(self, X: NDArray[np.floating[Any]]) -> FloatArray:
        """Calibrated probabilities, shape (n, K), for features of shape (n, n_features)."""
        z = self.standardize(X)
        mixed = np.zeros((len(X), len(LABELS)))
        for weight, head in zip(self.head_weights, self.heads, strict=True):
            mixed += weight * fold(softmax(head.scores(z)))
        return temper(mixed, float(self.temperature))

    def arrays(self) -> Arrays:
        """Everything as named arrays, for ``model_file.write_arrays``."""
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
        head_weights = take(rest, "head_weights", (None,))
        common = {
            name: take(rest, name, shape)
            for name, shape in (
                ("impute", (n_features,)),
                ("mean", (n_features,)),
                ("scale", (n_features,)),
                ("limit", ()),
                ("temperature", ()),
            )
        }
        used = take(rest, "used", (None,), kind="i")
        if len(used) and not (used[0] >= 0 and used[-1] < n_features and (np.diff(used) > 0).all()):
            raise ModelError(
                f"{WEIGHTS_FILE} has 'used' that are no ascending positions of {n_features} "
                "features: fetch or train the model again."
            )
        projection = take(rest, "projection", (len(used), None)) if "projection" in rest else None
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
        )


def softmax(scores: FloatArray) -> FloatArray:
    """``exp(s) / sum exp(s)`` along the last axis, without overflow."""
    exponential = np.exp(scores - scores.max(axis=-1, keepdims=True))
    result: FloatArray = exponential / exponential.sum(axis=-1, keepdims=True)
    return result


def fold(probabilities: FloatArray) -> FloatArray:
    """Probabilities of the labels from those of a head with a multiple of as many outputs."""
    n_labels = len(LABELS)
    if probabilities.shape[-1] == n_labels:
        return probabilities
    result: FloatArray = probabilities.reshape(len(probabilities), -1, n_labels).sum(axis=1)
    return result


def split_arrays(rest: Arrays, prefix: str) -> Arrays:
    """The arrays whose name begins with `prefix`, without it; removed from `rest`."""
    names = [name for name in rest if name.startswith(prefix)]
    return {name.removeprefix(prefix): rest.pop(name) for name in names}


def temper(probabilities: FloatArray, temperature: float) -> FloatArray:
    """Probabilities raised to ``1 / temperature`` and normalised again."""
    return softmax(np.log(np.maximum(probabilities, 1e-300)) / temperature)


def _head_arrays(rest: Arrays, index: int) -> tuple[str, Arrays]:
    """Kind and arrays of head `index`, removed from `rest`."""
    for kind in HEADS:
        own = split_arrays(rest, f"{index}_{kind}.")
        if own:
            return kind, own
    raise ModelError(
        f"{WEIGHTS_FILE} lacks the arrays of head {index} or they are of an unknown kind: update "
        "ser-live or train the model again."
    )


def take(arrays: Arrays, name: str, shape: tuple[int | None, ...], kind: str = "f") -> NDArray[Any]:
    """Remove an array and check its shape (None: any length) and kind of number.

    Raises
    ------
    ModelError
        It is missing or does not fit.
    """
    array = arrays.pop(name, None)
    if array is None:
        raise ModelError(
            f"{WEIGHTS_FILE} lacks the array {name!r}: fetch or train the model again."
        )
    fits = array.ndim == len(shape) and all(
        wanted is None or wanted == found for wanted, found in zip(shape, array.shape, strict=True)
    )
    if not fits or array.dtype.kind != kind:
        wanted = "(" + ", ".join("any" if side is None else str(side) for side in shape) + ")"
        raise ModelError(
            f"{WEIGHTS_FILE} has {name!r} as {array.dtype} {array.shape}, but {wanted} of kind "
            f"{kind!r} is needed: fetch or train the model again."
        )
    return array.astype(np.float64) if kind == "f" else array


def _surplus(arrays: Arrays) -> ModelError:
    return ModelError(
        f"{WEIGHTS_FILE} holds the unknown array {sorted(arrays)[0]!r}: update ser-live or train "
        "the model again."
    )
