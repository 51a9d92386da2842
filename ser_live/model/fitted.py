"""The weights that training found, and the answer they give for an utterance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ser_live.arrays import Float64
from ser_live.errors import ModelError
from ser_live.model.archive import WEIGHTS_FILE, Arrays, take_part
from ser_live.model.caution import Caution
from ser_live.model.classifier import softmax
from ser_live.model.correction import CorrectionRule
from ser_live.model.ensemble import MIN_PROBABILITY, Ensemble
from ser_live.model.expression import ExpressionJudge
from ser_live.model.inputs import InputLayout
from ser_live.model.prior import under
from ser_live.model.speaker_shift import ShiftRule, SpeakerShift
from ser_live.model.speech_check import SpeechCheck
from ser_live.model.strangers import Strangers

_SPEECH_CHECK = "gate"
"""Name of the speech check's part in weights files."""


@dataclass(frozen=True)
class Fitted:
    """The weights of a model."""

    cold: Ensemble | Strangers
    """Judges an unknown voice; `Strangers` ask `warm`, so they never come without it."""
    warm: Ensemble | None = None
    """Judges the inputs with the speaker's own difference taken off."""
    shift: ShiftRule | None = None
    """Rule by which that difference is learned; given with `warm` and never without."""
    speech_check: SpeechCheck | None = None
    """Tells speech from other sounds, for a model with a learned encoder."""
    caution: Caution | None = None
    """Makes answers less sure for what is unlike anything in training."""
    expression: ExpressionJudge | None = None
    """Tells whether anything is expressed, where base rates are given."""
    correction: CorrectionRule | None = None
    """Turns answers into those of a person who corrected some, after everything else."""

    @property
    def feature_mean(self) -> Float64:
        """Mean of each input in training, shape (n_inputs,)."""
        return self.cold.feature_mean

    @property
    def feature_scale(self) -> Float64:
        """Spread of each input in training, shape (n_inputs,)."""
        return self.cold.feature_scale

    def predict_proba(
        self,
        X: NDArray[np.floating[Any]],
        speaker: SpeakerShift | None = None,
        shares: Float64 | None = None,
    ) -> Float64:
        """Calibrated probabilities of utterances of one speaker.

        Parameters
        ----------
        X : float array, shape (n, n_inputs)
            NaN where undefined.
        speaker : SpeakerShift or None
            The speaker's difference; None or without a past, the voice is unknown.
        shares : float64 array, shape (n_labels,), or None
            Base rates (``prior.shares_of``); None: all labels are expected the same.

        Returns
        -------
        float64 array, shape (n, n_labels)
            In the order of the model's labels, positive, sum 1.
        """
        cold = self.cold.predict_proba(X)
        if self.warm is None or speaker is None or speaker.share == 0.0:
            return self.considered(X, cold, shares)
        warm = self.warm.predict_proba(X - speaker.offset)
        return self.considered(X, blend(cold, warm, speaker.share), shares)

    def considered(
        self, X: NDArray[np.floating[Any]], named: Float64, shares: Float64 | None = None
    ) -> Float64:
        """Make what the ensembles named as sure as it may be, under these base rates."""
        answers = self._considered(X, named, shares)
        return answers if self.correction is None else self.correction.applied(answers)

    def _considered(
        self, X: NDArray[np.floating[Any]], named: Float64, shares: Float64 | None
    ) -> Float64:
        if self.caution is None:
            return self._under(X, named, shares)
        rule, distance = self.caution.rule, self.caution.familiarity.distance(X)
        return rule.doubt(self._under(X, rule.temper(named, distance), shares), distance)

    def _under(
        self, X: NDArray[np.floating[Any]], named: Float64, shares: Float64 | None
    ) -> Float64:
        if shares is None:
            return named
        if self.expression is None:
            return under(named, shares)
        return self.expression.under(X, named, shares)

    def arrays(self) -> Arrays:
        """Everything as named arrays, for ``archive.write_arrays``."""
        parts = {
            "cold": self.cold,
            "warm": self.warm,
            "shift": self.shift,
            _SPEECH_CHECK: self.speech_check,
            "caution": self.caution,
            "expression": self.expression,
            "correction": self.correction,
        }
        return {
            f"{part}.{name}": array
            for part, content in parts.items()
            if content is not None
            for name, array in content.arrays().items()
        }

    @classmethod
    def from_arrays(cls, arrays: Arrays, layout: InputLayout, n_labels: int) -> Fitted:
        """The opposite of ``arrays``; raises ``ModelError`` where a shape does not fit."""
        rest, n_inputs = dict(arrays), layout.n_inputs
        cold_arrays, warm_arrays = take_part(rest, "cold."), take_part(rest, "warm.")
        shift_arrays = take_part(rest, "shift.")
        check_arrays = take_part(rest, f"{_SPEECH_CHECK}.") if layout.n_embedding else {}
        speech_check = (
            SpeechCheck.from_arrays(check_arrays, layout.n_embedding) if check_arrays else None
        )
        caution_arrays = take_part(rest, "caution.")
        expression_arrays = take_part(rest, "expression.")
        correction_arrays = take_part(rest, "correction.")
        if rest or bool(warm_arrays) != bool(shift_arrays):
            name = sorted(rest or warm_arrays or shift_arrays)[0]
            raise ModelError(
                f"{WEIGHTS_FILE} holds {name!r}, which has no place or lacks its counterpart: "
                "update ser-live or train the model again."
            )
        warm = Ensemble.from_arrays(warm_arrays, n_inputs, n_labels) if warm_arrays else None
        return cls(
            cold=Strangers.from_arrays(cold_arrays, warm, n_inputs)
            if warm is not None and "voices" in cold_arrays
            else Ensemble.from_arrays(cold_arrays, n_inputs, n_labels),
            warm=warm,
            shift=None if warm is None else ShiftRule.from_arrays(shift_arrays, n_inputs, n_labels),
            speech_check=speech_check,
            caution=Caution.from_arrays(caution_arrays, n_inputs) if caution_arrays else None,
            expression=ExpressionJudge.from_arrays(expression_arrays, n_inputs, n_labels)
            if expression_arrays
            else None,
            correction=CorrectionRule.from_arrays(correction_arrays, n_labels)
            if correction_arrays
            else None,
        )


def blend(cold: Float64, warm: Float64, share: float | Float64) -> Float64:
    """Answers for a stranger and for a known voice, the latter with this weight."""
    return softmax(
        (1.0 - share) * np.log(cold + MIN_PROBABILITY) + share * np.log(warm + MIN_PROBABILITY)
    )
