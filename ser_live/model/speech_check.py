"""The speech check: whether an utterance is speech at all, asked before its emotion.

A logistic regression on the embedding. The voice-activity detector before it hears single
frames, and barking, laughter and sirens are voiced and rhythmic too; over a whole
utterance the encoder, which was trained to write down words, tells them apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ser_live.arrays import Float64
from ser_live.errors import ModelError
from ser_live.model.archive import WEIGHTS_FILE, Arrays, take_array


@dataclass(frozen=True)
class SpeechCheck:
    """``p = 1 / (1 + exp(-(clip((e - mean) / scale, -limit, limit) @ coef + intercept)))``."""

    mean: Float64
    """Shape (n_embedding,), like `scale` and `coef`."""
    scale: Float64
    """Positive."""
    limit: Float64
    """Shape ()."""
    coef: Float64
    intercept: Float64
    """Shape ()."""
    min_probability: Float64
    """Below it an utterance is ``not speech``, shape (); chosen in training."""

    def speech_probability(self, embeddings: NDArray[np.floating[Any]]) -> Float64:
        """Probability of speech, shape (n,), of embeddings, shape (n, n_embedding).

        An undefined value counts neither for nor against.
        """
        z = (embeddings - self.mean) / self.scale
        z = np.clip(np.where(np.isnan(z), 0.0, z), -self.limit, self.limit)
        result: Float64 = 0.5 * (1.0 + np.tanh(0.5 * (z @ self.coef + self.intercept)))
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
    def from_arrays(cls, arrays: Arrays, n_embedding: int) -> SpeechCheck:
        """The opposite of ``arrays``; raises ``ModelError`` where a shape does not fit."""
        rest = dict(arrays)
        check = cls(
            mean=take_array(rest, "mean", (n_embedding,)),
            scale=take_array(rest, "scale", (n_embedding,)),
            limit=take_array(rest, "limit", ()),
            coef=take_array(rest, "coef", (n_embedding,)),
            intercept=take_array(rest, "intercept", ()),
            min_probability=take_array(rest, "min_probability", ()),
        )
        if rest or (check.scale <= 0).any() or not 0.0 <= check.min_probability <= 1.0:
            raise ModelError(
                f"{WEIGHTS_FILE} holds a speech check whose parts do not fit together: fetch or "
                "train the model again."
            )
        return check
