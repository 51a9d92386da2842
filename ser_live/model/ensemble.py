"""Several classifiers asked together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ser_live.arrays import Float64
from ser_live.errors import ModelError
from ser_live.model.archive import WEIGHTS_FILE, Arrays, take_array, take_part
from ser_live.model.classifier import Classifier, softmax

MIN_PROBABILITY = 1e-4
"""Value added before the logarithm, so that no member alone can rule a label out."""


@dataclass(frozen=True)
class Ensemble:
    """Weighted mean of the log-probabilities of its members, then a temperature.

    ``p = softmax(sum_m w_m log(p_m + 1e-4) / T)``: a label wins when no member speaks
    against it.
    """

    members: tuple[Classifier, ...]
    """The first one describes the hand-made features, whichever inputs the others use."""
    weights: Float64
    """Shape (n_members,), non-negative, sum 1."""
    temperature: Float64
    """Positive, shape ()."""

    @classmethod
    def of(cls, classifier: Classifier) -> Ensemble:
        """One classifier, unchanged but for the floor under its probabilities."""
        return cls((classifier,), np.ones(1), np.array(1.0))

    @property
    def feature_mean(self) -> Float64:
        """Mean of each input in training, shape (n_inputs,); 0 where it is not described."""
        return self.members[0].mean

    @property
    def feature_scale(self) -> Float64:
        """Spread of each input in training, shape (n_inputs,); 1 where it is not described."""
        return self.members[0].scale

    def log_mean(self, X: NDArray[np.floating[Any]]) -> Float64:
        """Weighted mean of the members' log-probabilities, shape (n, n_labels)."""
        return np.asarray(
            sum(
                weight * np.log(member.predict_proba(X) + MIN_PROBABILITY)
                for weight, member in zip(self.weights, self.members, strict=True)
            )
        )

    def predict_proba(self, X: NDArray[np.floating[Any]]) -> Float64:
        """Calibrated probabilities, shape (n, n_labels), of inputs of shape (n, n_inputs)."""
        return softmax(self.log_mean(X) / float(self.temperature))

    def arrays(self) -> Arrays:
        """Everything as named arrays."""
        named: Arrays = {"weights": self.weights, "temperature": self.temperature}
        for index, member in enumerate(self.members):
            named.update({f"{index}.{name}": a for name, a in member.arrays().items()})
        return named

    @classmethod
    def from_arrays(cls, arrays: Arrays, n_inputs: int, n_labels: int) -> Ensemble:
        """The opposite of ``arrays``; raises ``ModelError`` where a shape does not fit."""
        rest = dict(arrays)
        weights = take_array(rest, "weights", (None,))
        temperature = take_array(rest, "temperature", ())
        members = tuple(
            Classifier.from_arrays(take_part(rest, f"{index}."), n_inputs, n_labels)
            for index in range(len(weights))
        )
        if rest or not members or (weights < 0).any() or temperature <= 0:
            raise ModelError(
                f"{WEIGHTS_FILE} holds an ensemble whose parts do not fit together: fetch or "
                "train the model again."
            )
        return cls(members, weights, temperature)
