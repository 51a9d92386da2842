"""Whether anything is expressed at all, asked apart from what it is.

The classifiers that name emotions heard actors alone, and take many a stranger's plain talk for
something. This judge heard both sides from many corpora: acted emotions against the actors' own
neutral voices, and people who act nothing. It is linear in the input vector; what the namer thinks
counts as one more input::

    e = z @ coef + naming * log(q_expressed / q_plain) + intercept

with z standardised and q the namer's probabilities. e is the log-odds of expression where both are
equally frequent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ser_live.arrays import Bool, Float64
from ser_live.errors import ModelError
from ser_live.model.archive import WEIGHTS_FILE, Arrays, take_array
from ser_live.model.prior import under

_FLOOR = 1e-6


@dataclass(frozen=True)
class ExpressionJudge:
    """Log-odds that an utterance expresses something."""

    mean: Float64
    """Shape (n_inputs,), like `scale` and `coef`."""
    scale: Float64
    """Positive."""
    limit: Float64
    """Standardised inputs are cut at plus and minus this, shape ()."""
    coef: Float64
    naming: Float64
    """Weight of the namer's log-odds, shape ()."""
    intercept: Float64
    """Shape ()."""
    plain: Bool
    """Labels of a voice that expresses nothing, shape (n_labels,); some, not all."""

    def log_odds(self, X: NDArray[np.floating[Any]], probabilities: Float64) -> Float64:
        """Log-odds of expression under equal base rates, shape (n,).

        Parameters
        ----------
        X : float array, shape (n, n_inputs)
            An undefined value counts neither for nor against.
        probabilities : float64 array, shape (n, n_labels)
            The namer's.
        """
        z = (X - self.mean) / self.scale
        z = np.clip(np.where(np.isnan(z), 0.0, z), -self.limit, self.limit)
        named = naming_log_odds(probabilities, self.plain)
        result: Float64 = z @ self.coef + self.naming * named + self.intercept
        return result

    def under(
        self, X: NDArray[np.floating[Any]], probabilities: Float64, shares: Float64
    ) -> Float64:
        """Answers under these base rates: whether by this judge, what by the namer."""
        share = float(shares[self.plain].sum())
        log_odds = self.log_odds(X, probabilities) + np.log((1.0 - share) / share)
        expressed = 0.5 * (1.0 + np.tanh(0.5 * log_odds))
        answer = np.empty_like(probabilities)
        for group, whole in ((self.plain, 1.0 - expressed), (~self.plain, expressed)):
            part = shares[group] / shares[group].sum()
            answer[:, group] = under(probabilities[:, group] + 1e-12, part) * whole[:, None]
        return answer

    def arrays(self) -> Arrays:
        """Everything as named arrays."""
        return {
            "mean": self.mean.astype(np.float32),
            "scale": self.scale.astype(np.float32),
            "limit": self.limit,
            "coef": self.coef.astype(np.float32),
            "naming": self.naming,
            "intercept": self.intercept,
            "plain": self.plain.astype(np.int64),
        }

    @classmethod
    def from_arrays(cls, arrays: Arrays, n_inputs: int, n_labels: int) -> ExpressionJudge:
        """The opposite of ``arrays``; raises ``ModelError`` where a shape does not fit."""
        rest = dict(arrays)
        judge = cls(
            mean=take_array(rest, "mean", (n_inputs,)),
            scale=take_array(rest, "scale", (n_inputs,)),
            limit=take_array(rest, "limit", ()),
            coef=take_array(rest, "coef", (n_inputs,)),
            naming=take_array(rest, "naming", ()),
            intercept=take_array(rest, "intercept", ()),
            plain=take_array(rest, "plain", (n_labels,), kind="i").astype(bool),
        )
        positive = (judge.scale > 0).all() and judge.limit > 0
        if rest or not positive or not judge.plain.any() or judge.plain.all():
            raise ModelError(
                f"{WEIGHTS_FILE} holds a judge of expression whose parts do not fit together: "
                "fetch or train the model again."
            )
        return judge


def naming_log_odds(probabilities: Float64, plain: Bool) -> Float64:
    """Log-odds of expression that a namer's answer implies, each label expected the same."""
    expressed = probabilities[:, ~plain].mean(axis=1) + _FLOOR
    return np.asarray(np.log(expressed) - np.log(probabilities[:, plain].mean(axis=1) + _FLOOR))
