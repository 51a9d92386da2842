"""Answers that are asked for again and again, given once.

A stranger's utterance is judged as each speaker of the training, which takes a while. The scores
of a corpus look at the same answers from many sides.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ser_live.arrays import Float64
from ser_live.model.fitted import Fitted
from ser_live.model.strangers import Strangers


@dataclass(frozen=True)
class RememberingStrangers(Strangers):
    """The same answers as `Strangers`, each table of inputs judged once."""

    given: dict[str, Float64] = field(default_factory=dict, compare=False)
    """Answers by the content of the inputs."""

    def predict_proba(self, X: NDArray[np.floating[Any]]) -> Float64:
        X = np.ascontiguousarray(X, dtype=np.float64)
        key = f"{X.shape} {hashlib.sha256(X.data).hexdigest()}"
        if key not in self.given:
            self.given[key] = super().predict_proba(X)
        return self.given[key].copy()


def remembering(fitted: Fitted) -> Fitted:
    """The same model, which remembers what it answered to strangers."""
    if not isinstance(fitted.cold, Strangers):
        return fitted
    parts = {one.name: getattr(fitted.cold, one.name) for one in fields(Strangers)}
    return replace(fitted, cold=RememberingStrangers(**parts))
