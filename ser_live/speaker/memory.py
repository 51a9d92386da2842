"""A session's knowledge of the speaker it listens to, and the answers that follow from it.

Three things follow from a voice's past: its usual values, which the reasons compare
with (`SpeakerBaseline`); how it differs from the training speakers, which the model takes
off (`SpeakerShift`); and how it sounds when neutral, which arousal is measured from.
"""

from __future__ import annotations

import numpy as np

from ser_live.arrays import Float64
from ser_live.events import Reason
from ser_live.model.archive import Arrays
from ser_live.model.emotion_model import EmotionModel
from ser_live.model.speaker_shift import SpeakerShift
from ser_live.speaker.affect import Affect, AffectScale, neutral_of
from ser_live.speaker.baseline import MAX_PAST_UTTERANCES, MIN_PAST_UTTERANCES, SpeakerBaseline
from ser_live.speaker.profile import SpeakerProfile, unusable

MAX_TOTAL = 1e12
"""Larger than any sum of inputs; a profile that claims more is wrong."""


class SpeakerMemory:
    """One speaker, from the first utterance on or from an enrolment.

    Parameters
    ----------
    model : EmotionModel
    adapt : bool
        Whether judgements follow this stream's past too, not the enrolment alone. Reasons
        compare with the stream's past in any case.
    profile : SpeakerProfile or None
        Enrolled speaker to begin with.

    Raises
    ------
    ProfileError
        The profile was made with another model, or does not fit this one.
    """

    def __init__(
        self, model: EmotionModel, *, adapt: bool = True, profile: SpeakerProfile | None = None
    ) -> None:
        self._hand_made = model.layout.hand_made
        self._labels = model.card.labels
        self._scale = AffectScale.of(model)
        self._adapts = adapt
        self._past = SpeakerBaseline(model.fitted.feature_scale[self._hand_made])
        shift = model.new_speaker()
        if profile is not None:
            card = model.card
            profile.check_fits(card.id, card.weights_sha256, card.feature_set_version)
            self._past, shift = _recalled(profile, model, shift)
        self._n_enrolled = self._past.n_utterances
        self._enrolled_usual = self._past.usual()
        self._shift = shift

    @property
    def n_past(self) -> int:
        """Past utterances of this speaker that judgements rest on."""
        return self._past.n_utterances if self._adapts else self._n_enrolled

    @property
    def shift(self) -> SpeakerShift | None:
        """Shift that the model takes off; None for a stranger or a model that does not adapt."""
        return self._shift if self._adapts or self._n_enrolled else None

    def reasons(self, x: Float64) -> tuple[Reason, ...]:
        """Features of an utterance that stand out against the speaker's own past."""
        return self._past.reasons(x[self._hand_made])

    def affect(self, probabilities: Float64, x: Float64) -> Affect | None:
        """Valence and arousal of an utterance of this speaker; None where they are undefined."""
        if self._scale is None:
            return None
        return self._scale.judge(probabilities, x, self._usual())

    def _usual(self) -> Float64 | None:
        shift = self.shift
        if shift is not None:
            known = shift.weight >= MIN_PAST_UTTERANCES
            return neutral_of(shift, self._labels) if known else None
        return self._past.usual() if self._adapts else self._enrolled_usual

    def learn(self, x: Float64, probabilities: Float64) -> None:
        """Take in one finished utterance and its predicted probabilities."""
        self._past.update(x[self._hand_made])
        if self._adapts and self._shift is not None:
            self._shift.update(x, probabilities)

    def to_arrays(self) -> Arrays:
        """Everything learned, for a profile."""
        arrays = {f"baseline.{name}": a for name, a in self._past.to_arrays().items()}
        if self._shift is not None:
            arrays["shift.total"] = self._shift.total
            arrays["shift.weight"] = np.array(self._shift.weight)
        return arrays


def _recalled(
    profile: SpeakerProfile, model: EmotionModel, shift: SpeakerShift | None
) -> tuple[SpeakerBaseline, SpeakerShift | None]:
    """Baseline and shift as the profile left them; raises ``ProfileError``."""
    name = profile.card.name
    try:
        past = SpeakerBaseline.from_arrays(
            profile.part("baseline"), model.fitted.feature_scale[model.layout.hand_made]
        )
    except ValueError as error:
        raise unusable(name, f"its baseline has {error}") from error
    parts = profile.part("shift")
    if shift is None:
        return past, None
    if set(parts) != {"total", "weight"}:
        raise unusable(name, "it lacks how the speaker differs from others")
    total, weight = parts["total"], parts["weight"]
    if (
        total.shape != shift.total.shape
        or weight.shape != ()
        or not 0 <= float(weight) <= MAX_PAST_UTTERANCES
        or not (np.abs(total) <= MAX_TOTAL).all()
    ):
        raise unusable(name, "its difference from other speakers has impossible values")
    return past, SpeakerShift(shift.rule, total, float(weight))
