"""Judging an unknown voice.

An ensemble that was fitted to voices with their own difference taken off is overconfident about a
voice whose difference is not known. So it is asked once for every voice in training, each time as
if the stranger were that speaker, and the answers are averaged::

    p = temper(mean_v ensemble(x - offset_v), T)

Answers that depend on who speaks become less confident; the others stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ser_live.arrays import Float64
from ser_live.errors import ModelError
from ser_live.model.archive import WEIGHTS_FILE, Arrays, take_array
from ser_live.model.classifier import temper
from ser_live.model.ensemble import Ensemble


@dataclass(frozen=True)
class Strangers:
    """An ensemble's mean answer over the voices of the training."""

    ensemble: Ensemble
    voices: Float64
    """Difference of each training speaker from their mean, shape (n_voices, n_inputs)."""
    temperature: Float64
    """Positive, shape ()."""

    @property
    def feature_mean(self) -> Float64:
        """Mean of each input in training, that of the ensemble."""
        return self.ensemble.feature_mean

    @property
    def feature_scale(self) -> Float64:
        """Spread of each input in training, that of the ensemble."""
        return self.ensemble.feature_scale

    def predict_proba(self, X: NDArray[np.floating[Any]]) -> Float64:
        """Calibrated probabilities, shape (n, n_labels), of inputs of shape (n, n_inputs)."""
        if len(X) == 1:
            # All voices at once: a live utterance comes alone.
            answers = self.ensemble.predict_proba(X - self.voices)
            return temper(answers.mean(axis=0, keepdims=True), float(self.temperature))
        total: Float64 = sum(
            (self.ensemble.predict_proba(X - voice) for voice in self.voices),
            start=np.zeros(()),
        )
        return temper(total / len(self.voices), float(self.temperature))

    def arrays(self) -> Arrays:
        """Everything but the ensemble as named arrays."""
        return {"voices": self.voices.astype(np.float32), "temperature": self.temperature}

    @classmethod
    def from_arrays(cls, arrays: Arrays, ensemble: Ensemble, n_inputs: int) -> Strangers:
        """The opposite of ``arrays``; raises ``ModelError`` where a shape does not fit."""
        rest = dict(arrays)
        voices = take_array(rest, "voices", (None, n_inputs))
        temperature = take_array(rest, "temperature", ())
        if rest or len(voices) == 0 or temperature <= 0:
            raise ModelError(
                f"{WEIGHTS_FILE} holds voices whose parts do not fit together: fetch or train "
                "the model again."
            )
        return cls(ensemble, voices, temperature)
