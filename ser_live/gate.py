"""Is it speech at all: the question before every emotion.

A logistic regression on the embedding. It stands behind the voice-activity detector,
which hears frames: barking, laughter and sirens are voiced and rhythmic too, but over a
whole utterance the encoder, which was trained to write down words, tells them apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ser_live.classifier import Arrays, FloatArray, take
from ser_live.errors import ModelError
from ser_live.inputs import EMBEDDING, N_EMBEDDING
from ser_live.model_file import WEIGHTS_FILE


@dataclass(frozen=True)
class Gate:
    """``p = 1 / (1 + exp(-(clip((x - mean) / scale, -limit, limit) @ coef + intercept)))``."""

    mean: FloatArray
    """Shape (2048,), like `scale` and `coef`."""
    scale: FloatArray
    """Positive."""
    limit: FloatArray
    """Shape ()."""
    coef: FloatArray
    intercept: FloatArray
    """Shape ()."""
    min_probability: FloatArray
    """Below it an utterance is ``not speech``, shape (); chosen in training."""

    def speech_probability(self, X: NDArray[np.floating[Any]]) -> FloatArray:
        """Probability of speech, shape (n,), of input vectors, shape (n, 4587).

        An undefined value says nothing for or against.
        """
        z = (X[:, EMBEDDING] - self.mean) / self.scale
        z = np.clip(np.where(np.isnan(z), 0.0, z), -self.limit, self.limit)
        result: FloatArray = 0.5 * (1.0 + np.tanh(0.5 * (z @ self.coef + self.intercept)))
        return result

    def arrays(self) -> Arrays:
        """Everything as named arrays."""
        return {
            "mean": self.mean.astype(np.float32),
            "scale": self.scale.astype(np.float32),
            "limit": self.limit,
            "coef": self.coef.astype(np.float32),
            "intercept": self.intercept,
            "min_probability": self.min_probability,
        }

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Gate:
        """The opposite of ``arrays``; raises ``ModelError`` where a shape does not fit."""
        rest = dict(arrays)
        gate = cls(
            mean=take(rest, "mean", (N_EMBEDDING,)),
            scale=take(rest, "scale", (N_EMBEDDING,)),
            limit=take(rest, "limit", ()),
            coef=take(rest, "coef", (N_EMBEDDING,)),
            intercept=take(rest, "intercept", ()),
            min_probability=take(rest, "min_probability", ()),
        )
        if rest or (gate.scale <= 0).any() or not 0.0 <= gate.min_probability <= 1.0:
            raise ModelError(
                f"{WEIGHTS_FILE} holds a speech gate whose parts do not fit together: fetch or "
                "train the model again."
            )
        return gate
