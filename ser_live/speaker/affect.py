"""Valence and arousal: how pleasant and how excited a voice sounds, each from -1 to +1.

Nothing here is trained. Both numbers follow from values that are known already::

    valence  = sum_c p_c v_c
    arousal  = (1 - w) sum_c p_c a_c + w A        w = 1/2;  w = 0 where A is undefined
    A        = tanh(mean_i clip((x_i - usual_i) / spread_i, -3, +3))

- ``p_c`` are the probabilities of the model's labels, ``(v_c, a_c)`` their places: those of
  the model's card, else those of ``emotions.COORDINATES``. Where a label has none, valence and
  arousal are undefined.
- ``x_i`` are the five features of `ACOUSTIC`, those that rise with arousal in speech in
  every review since Scherer (1986) and Juslin & Laukka (2003): louder, higher, livelier,
  brighter, faster. All weigh the same; undefined ones are left out.
- ``usual_i`` is how this voice sounds when it is neutral, if the speaker is known:
  the training speakers' neutral mean plus how this speaker differs from them (see
  ``speaker``). For a stranger it is the training speakers' neutral mean alone, and level
  and pitch are left out: they would measure the microphone's gain and whether the voice
  is a child's, a woman's or a man's. A model without a shift compares with the
  plain mean of the speaker's past, or of the training; a shift that knows no neutral voice
  takes the mean of all labels for it.
- ``spread_i`` is the spread of the feature over the training data.

How far this agrees with what actors were asked for is measured by
``ser_live.evaluation.affect_agreement``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ser_live.arrays import Float64
from ser_live.emotions import COORDINATES, LABELS, Emotion
from ser_live.features import FEATURE_NAMES
from ser_live.model.emotion_model import EmotionModel
from ser_live.model.speaker_shift import ShiftRule, SpeakerShift

ACOUSTIC: tuple[str, ...] = (
    "level_dbfs_p80",
    "f0_semitones_p50",
    "f0_semitones_range",
    "alpha_ratio_db_voiced_mean",
    "articulation_rate_per_s",
)
"""Features that rise with arousal."""

NEEDS_SPEAKER = frozenset(["level_dbfs_p80", "f0_semitones_p50"])
"""Those of `ACOUSTIC` that say nothing before the speaker is known."""

ACOUSTIC_WEIGHT = 0.5
MAX_Z = 3.0
"""A feature further from usual than this many spreads counts as this far."""

KNOWN = tuple(COORDINATES[label] for label in LABELS)
"""Places of the eight emotions in their order."""

_INDEX = np.array([FEATURE_NAMES.index(name) for name in ACOUSTIC], dtype=np.intp)
_NEEDS_SPEAKER = np.array([name in NEEDS_SPEAKER for name in ACOUSTIC])


@dataclass(frozen=True)
class Affect:
    """Valence and arousal of one utterance."""

    valence: float
    """-1 unpleasant to +1 pleasant."""
    arousal: float
    """-1 sleepy to +1 excited."""


class AffectScale:
    """Valence and arousal on the scale of one model.

    Parameters
    ----------
    stranger, spread : float64 array, shape (n,)
        Usual values of an unknown voice, and standard deviation of the features over the
        training data, in the order of ``FEATURE_NAMES``; inputs that follow the features
        are ignored.
    coordinates : sequence of (float, float)
        Valence and arousal of each of the model's labels, in its order.
    """

    def __init__(
        self,
        stranger: Float64,
        spread: Float64,
        coordinates: Sequence[tuple[float, float]] = KNOWN,
    ) -> None:
        self._valences = np.array([valence for valence, _ in coordinates])
        self._arousals = np.array([arousal for _, arousal in coordinates])
        self._stranger = np.where(_NEEDS_SPEAKER, np.nan, stranger[_INDEX])
        self._spread = spread[_INDEX]

    @classmethod
    def of(cls, model: EmotionModel) -> AffectScale | None:
        """The scale of a model; None where one of its labels has no place on it."""
        coordinates, fitted = model.card.coordinates, model.fitted
        if coordinates is None:
            return None
        rule = fitted.shift
        stranger = fitted.feature_mean if rule is None else neutral_mean(rule, model.card.labels)
        return cls(stranger, fitted.feature_scale, coordinates)

    def judge(
        self, probabilities: Sequence[float] | Float64, x: Float64, usual: Float64 | None
    ) -> Affect:
        """Valence and arousal of one utterance.

        Parameters
        ----------
        probabilities : shape (n_labels,)
            In the order of the model's labels.
        x : float64 array, shape (n,)
            Features, NaN where undefined.
        usual : float64 array, shape (n,), or None
            The speaker's usual values of the same features, NaN where not known yet;
            None for an unknown speaker.
        """
        p = np.asarray(probabilities, dtype=np.float64)
        valence, arousal = float(p @ self._valences), float(p @ self._arousals)
        heard = self.acoustic_arousal(x, usual)
        if np.isfinite(heard):
            arousal += ACOUSTIC_WEIGHT * (heard - arousal)
        return Affect(valence, arousal)

    def acoustic_arousal(self, x: Float64, usual: Float64 | None) -> float:
        """Arousal by the five features alone, -1 to +1; NaN where none is defined."""
        own = np.full(len(_INDEX), np.nan) if usual is None else usual[_INDEX]
        # A feature that never varied is left out.
        spread = np.where(self._spread > 0, self._spread, np.nan)
        z = (x[_INDEX] - np.where(np.isfinite(own), own, self._stranger)) / spread
        defined = np.isfinite(z)
        if not defined.any():
            return float("nan")
        return float(np.tanh(np.clip(z[defined], -MAX_Z, MAX_Z).mean()))


def neutral_mean(rule: ShiftRule, labels: Sequence[str] = LABELS) -> Float64:
    """Mean input of the training speakers when they are neutral, or of all they said."""
    if Emotion.NEUTRAL not in labels:
        return rule.mean
    mean: Float64 = rule.label_means[labels.index(Emotion.NEUTRAL)]
    return mean


def neutral_of(speaker: SpeakerShift, labels: Sequence[str] = LABELS) -> Float64:
    """Mean input of a speaker with a past when neutral: that past without its emotion."""
    return np.asarray(neutral_mean(speaker.rule, labels) + speaker.total / speaker.weight)
