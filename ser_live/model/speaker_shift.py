"""Difference of a speaker from those of the training, learned while listening.

The shift is an average over the speaker's past utterances: of each, the input vector minus
the emotion heard in it::

    offset = sum_i (x_i - (1 - c) m - c sum_k p_ik m_k) / (n + kappa)

m is the mean of the training speakers, m_k their mean when expressing emotion k, p_ik the
probabilities the model itself gave, c how far emotion is taken out. With c near 1 a long
angry session moves the baseline towards *how this voice differs*, not towards anger.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ser_live.arrays import Float64
from ser_live.errors import ModelError
from ser_live.model.archive import WEIGHTS_FILE, Arrays, take_array


@dataclass(frozen=True)
class ShiftRule:
    """Constants of the shift, found in training."""

    mean: Float64
    """Mean input of the training speakers, shape (n_inputs,)."""
    label_means: Float64
    """Mean input per label, shape (n_labels, n_inputs)."""
    correction: Float64
    """Degree to which the emotion heard is taken out, in [0, 1], shape ()."""
    kappa: Float64
    """Utterances' worth of prior belief that there is no difference, positive, shape ()."""
    half_weight: Float64
    """Past utterances at which the adapted ensemble counts as much as the other; shape ()."""

    def arrays(self) -> Arrays:
        """Everything as named arrays."""
        return {
            "mean": self.mean.astype(np.float32),
            "label_means": self.label_means.astype(np.float32),
            "correction": self.correction,
            "kappa": self.kappa,
            "half_weight": self.half_weight,
        }

    @classmethod
    def from_arrays(cls, arrays: Arrays, n_inputs: int, n_labels: int) -> ShiftRule:
        """The opposite of ``arrays``; raises ``ModelError`` where a shape does not fit."""
        rest = dict(arrays)
        rule = cls(
            mean=take_array(rest, "mean", (n_inputs,)),
            label_means=take_array(rest, "label_means", (n_labels, n_inputs)),
            correction=take_array(rest, "correction", ()),
            kappa=take_array(rest, "kappa", ()),
            half_weight=take_array(rest, "half_weight", ()),
        )
        if rest or not 0 <= rule.correction <= 1 or rule.kappa <= 0 or rule.half_weight < 0:
            raise ModelError(
                f"{WEIGHTS_FILE} holds a speaker rule whose parts do not fit together: fetch or "
                "train the model again."
            )
        return rule


class SpeakerShift:
    """Running estimate for one speaker; statistics only, no audio.

    Parameters
    ----------
    rule : ShiftRule
    total : float64 array, shape (n_inputs,), optional
    weight : float
        State to go on from, such as an enrolled profile's.
    """

    def __init__(self, rule: ShiftRule, total: Float64 | None = None, weight: float = 0.0) -> None:
        self.rule = rule
        self.total = np.zeros(len(rule.mean)) if total is None else total.astype(np.float64)
        self.weight = weight
        """Past utterances that count."""

    def update(self, x: Float64, probabilities: Float64) -> None:
        """Learn from one finished utterance; undefined (NaN) inputs are left out.

        Parameters
        ----------
        x : float64 array, shape (n_inputs,)
        probabilities : float64 array, shape (n_labels,)
            The model's answer for it.
        """
        rule = self.rule
        expected = (1.0 - rule.correction) * rule.mean + rule.correction * (
            probabilities @ rule.label_means
        )
        self.total += np.nan_to_num(x - expected)
        self.weight += 1.0

    @property
    def offset(self) -> Float64:
        """Estimated difference from the training speakers, shape (n_inputs,); 0 at first."""
        return np.asarray(self.total / (self.weight + self.rule.kappa))

    @property
    def share(self) -> float:
        """Weight of the adapted ensemble: 0 without a past, towards 1 with a long one."""
        if self.weight == 0.0:
            return 0.0
        return float(self.weight / (self.weight + self.rule.half_weight))
