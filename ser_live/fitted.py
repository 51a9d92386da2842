"""Everything that training found, and the answer it gives for an utterance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ser_live.classifier import Arrays, FloatArray, softmax, split_arrays
from ser_live.ensemble import MIN_PROBABILITY, Ensemble
from ser_live.errors import ModelError
from ser_live.gate import Gate
from ser_live.inputs import N_INPUTS
from ser_live.model_file import WEIGHTS_FILE
from ser_live.speaker import ShiftRule, SpeakerShift
from ser_live.strangers import Strangers


@dataclass(frozen=True)
class Fitted:
    """The weights of a model."""

    cold: Ensemble | Strangers
    """Judges a voice it knows nothing about; `Strangers` ask `warm`, and never come without."""
    warm: Ensemble | None = None
    """Judges what is left when the speaker's own difference is taken off."""
    shift: ShiftRule | None = None
    """How that difference is learned; given with `warm` and never without."""
    gate: Gate | None = None
    """Tells speech from other sounds, for a model with the learned encoder."""

    @property
    def feature_scale(self) -> FloatArray:
        """Spread of each input in training, shape (n_inputs,)."""
        return self.cold.members[0].scale

    def predict_proba(
        self, X: NDArray[np.floating[Any]], speaker: SpeakerShift | None = None
    ) -> FloatArray:
        """Calibrated probabilities of utterances of one speaker.

        Parameters
        ----------
        X : float array, shape (n, n_inputs)
            NaN where undefined.
        speaker : SpeakerShift or None
            What is known of the speaker; None or without any past: nothing.

        Returns
        -------
        float64 array, shape (n, 8)
            In the order of ``EMOTIONS``, positive, sum 1.
        """
        cold = self.cold.predict_proba(X)
        if self.warm is None or speaker is None or speaker.share == 0.0:
            return cold
        warm = self.warm.predict_proba(X - speaker.offset)
        share = speaker.share
        return softmax(
            (1.0 - share) * np.log(cold + MIN_PROBABILITY) + share * np.log(warm + MIN_PROBABILITY)
        )

    def arrays(self) -> Arrays:
        """Everything as named arrays, for ``model_file.write_arrays``."""
        parts = {"cold": self.cold, "warm": self.warm, "shift": self.shift, "gate": self.gate}
        return {
            f"{part}.{name}": array
            for part, content in parts.items()
            if content is not None
            for name, array in content.arrays().items()
        }

    @classmethod
    def from_arrays(cls, arrays: Arrays, n_inputs: int, n_labels: int) -> Fitted:
        """The opposite of ``arrays``; raises ``ModelError`` where a shape does not fit."""
        rest = dict(arrays)
        cold_arrays, warm_arrays = split_arrays(rest, "cold."), split_arrays(rest, "warm.")
        shift_arrays = split_arrays(rest, "shift.")
        gate_arrays = split_arrays(rest, "gate.") if n_inputs == N_INPUTS else {}
        gate = Gate.from_arrays(gate_arrays) if gate_arrays else None
        if rest or bool(warm_arrays) != bool(shift_arrays):
            name = sorted(rest or warm_arrays or shift_arrays)[0]
            raise ModelError(
                f"{WEIGHTS_FILE} holds {name!r}, which has no place or lacks its counterpart: "
                "update ser-live or train the model again."
            )
        if not warm_arrays:
            return cls(Ensemble.from_arrays(cold_arrays, n_inputs, n_labels), gate=gate)
        warm = Ensemble.from_arrays(warm_arrays, n_inputs, n_labels)
        return cls(
            Strangers.from_arrays(cold_arrays, warm, n_inputs)
            if "voices" in cold_arrays
            else Ensemble.from_arrays(cold_arrays, n_inputs, n_labels),
            warm,
            ShiftRule.from_arrays(shift_arrays, n_inputs),
            gate,
        )
