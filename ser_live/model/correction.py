"""A model's answers in the words of one person, who corrected some of them.

People differ in what they call things: one hears *calm* where another hears *neutral*. The rule
turns an answer into theirs, and was fitted so that it changes as little as their labels demand::

    q = p @ mixing                                what the person calls what the model means
    p' = softmax(sureness * log(max(q, 1e-4)) + intercept)

With the identity, 1 and zeros it changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ser_live.arrays import Float64
from ser_live.errors import ModelError
from ser_live.model.archive import WEIGHTS_FILE, Arrays, take_array
from ser_live.model.classifier import softmax

FLOOR = 1e-4
"""Least probability that is told from none: logs have four digits."""


@dataclass(frozen=True)
class CorrectionRule:
    """Answers made those of one person."""

    mixing: Float64
    """Row by label of the model: shares in which the person means each label by it, shape
    (n_labels, n_labels); not negative, each row sums to 1."""
    sureness: Float64
    """Exponent of answers, positive, shape ()."""
    intercept: Float64
    """Logarithm of how much more often the person means each label, shape (n_labels,)."""

    def applied(self, probabilities: Float64) -> Float64:
        """Answers in the person's words, shape (n, n_labels), positive, sum 1."""
        logs = np.log(np.maximum(probabilities @ self.mixing, FLOOR))
        return softmax(self.sureness * logs + self.intercept)

    def arrays(self) -> Arrays:
        """Everything as named arrays."""
        return {"mixing": self.mixing, "sureness": self.sureness, "intercept": self.intercept}

    @classmethod
    def from_arrays(cls, arrays: Arrays, n_labels: int) -> CorrectionRule:
        """The opposite of ``arrays``; raises ``ModelError`` where a shape does not fit."""
        rest = dict(arrays)
        rule = cls(
            mixing=take_array(rest, "mixing", (n_labels, n_labels)),
            sureness=take_array(rest, "sureness", ()),
            intercept=take_array(rest, "intercept", (n_labels,)),
        )
        are_shares = (rule.mixing >= 0).all() and np.allclose(rule.mixing.sum(axis=1), 1.0)
        if rest or not are_shares or rule.sureness <= 0:
            raise ModelError(
                f"{WEIGHTS_FILE} holds a correction whose parts do not fit together: fetch or "
                "train the model again."
            )
        return rule
