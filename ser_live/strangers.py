"""Judging a voice that nobody knows.

An ensemble that was fitted to voices with their own difference taken off is surer than it may be
of a voice whose difference is not known. So it is asked as often as there are voices in training,
each time as if the stranger were that speaker, and the answers are averaged::

    p = temper(mean_v ensemble(x - offset_v), T)

Answers that hang on who speaks come out less sure; the others stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ser_live.classifier import Arrays, Classifier, FloatArray, take, temper
from ser_live.emotions import LABELS
from ser_live.ensemble import Ensemble
from ser_live.errors import ModelError
from ser_live.model_file import WEIGHTS_FILE


@dataclass(frozen=True)
class Strangers:
    """An ensemble's mean answer over the voices of the training."""

    ensemble: Ensemble
    voices: FloatArray
    """How each training speaker differs from their mean, shape (n_voices, n_inputs)."""
    temperature: FloatArray
    """Positive, shape ()."""

    @property
    def members(self) -> tuple[Classifier, ...]:
        """Of the ensemble."""
        return self.ensemble.members

    def predict_proba(self, X: NDArray[np.floating[Any]]) -> FloatArray:
        """Calibrated probabilities, shape (n, 8), of inputs of shape (n, n_inputs)."""
        if len(X) == 1:
            # All voices at once: a live utterance comes alone.
            answers = self.ensemble.predict_proba(X - self.voices)
            return temper(answers.mean(axis=0, keepdims=True), float(self.temperature))
        total = np.zeros((len(X), len(LABELS)))
        for voice in self.voices:
            total += self.ensemble.predict_proba(X - voice)
        return temper(total / len(self.voices), float(self.temperature))

    def arrays(self) -> Arrays:
        """Everything but the ensemble as named arrays."""
        return {"voices": self.voices.astype(np.float32), "temperature": self.temperature}

    @classmethod
    def from_arrays(cls, arrays: Arrays, ensemble: Ensemble, n_inputs: int) -> Strangers:
        """The opposite of ``arrays``; raises ``ModelError`` where a shape does not fit."""
        rest = dict(arrays)
        voices = take(rest, "voices", (None, n_inputs))
        temperature = take(rest, "temperature", ())
        if rest or len(voices) == 0 or temperature <= 0:
            raise ModelError(
                f"{WEIGHTS_FILE} holds voices whose parts do not fit together: fetch or train "
                "the model again."
            )
        return cls(ensemble, voices, temperature)
