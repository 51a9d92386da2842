"""Valence and arousal: how pleasant and how excited a voice sounds, each from -1 to +1.

Nothing here is trained. Both numbers follow from values that are known already::

    valence  = sum_c p_c v_c
    arousal  = (1 - w) sum_c p_c a_c + w A        w = 1/2;  w = 0 where A is undefined
    A        = tanh(mean_i clip((x_i - usual_i) / spread_i, -3, +3))

- ``p_c`` are the probabilities of the emotions, ``(v_c, a_c)`` the places of
  `COORDINATES`.
- ``x_i`` are the five features of `ACOUSTIC`, those that rise with arousal in speech in
  every review since Scherer (1986) and Juslin & Laukka (2003): louder, higher, livelier,
  brighter, faster. All weigh the same; undefined ones are left out.
- ``usual_i`` is how this voice sounds when it is neutral, if the speaker is known:
  the training speakers' neutral mean plus how this speaker differs from them (see
  ``speaker``). For a stranger it is the training speakers' neutral mean alone, and level
  and pitch are left out: they would measure the microphone's gain and whether the voice
  is a child's, a woman's or a man's. A model without a shift compares with the
  plain mean of the speaker's past, or of the training.
- ``spread_i`` is the spread of the feature over the training data.

How far this agrees with what actors were asked for is measured by
``ser_live.evaluation.affect_agreement``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ser_live.arrays import Float64
from ser_live.emotions import EMOTIONS, Emotion
from ser_live.features import FEATURE_NAMES
from ser_live.model.fitted import Fitted
from ser_live.model.speaker_shift import ShiftRule, SpeakerShift

COORDINATES: dict[Emotion, tuple[float, float]] = {
    Emotion.NEUTRAL: (0.0, 0.0),
    Emotion.CALM: (0.3, -0.5),
    Emotion.HAPPY: (0.8, 0.5),
    Emotion.SAD: (-0.6, -0.3),
    Emotion.ANGRY: (-0.5, 0.6),
    Emotion.FEARFUL: (-0.6, 0.6),
    Emotion.DISGUST: (-0.6, 0.4),
    Emotion.SURPRISED: (0.4, 0.7),
}
"""Valence and arousal of each emotion: a convention of this project.

The six full emotions are the mean ratings of these words by Russell & Mehrabian (1977,
J. Research in Personality 11, 273-294), rounded to 0.1. Neutral is the origin by
definition. Calm is this project's own choice: the calm of RAVDESS is a second, slightly
pleasant baseline (Livingstone & Russo 2018), not the contentment the word may mean.
"""

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

_VALENCES = np.array([COORDINATES[emotion][0] for emotion in EMOTIONS])
_AROUSALS = np.array([COORDINATES[emotion][1] for emotion in EMOTIONS])
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
    """

    def __init__(self, stranger: Float64, spread: Float64) -> None:
        self._stranger = np.where(_NEEDS_SPEAKER, np.nan, stranger[_INDEX])
        self._spread = spread[_INDEX]

    @classmethod
    def of(cls, fitted: Fitted) -> AffectScale:
        """The scale of a model."""
        stranger = fitted.feature_mean if fitted.shift is None else neutral_mean(fitted.shift)
        return cls(stranger, fitted.feature_scale)

    def judge(
        self, probabilities: Sequence[float] | Float64, x: Float64, usual: Float64 | None
    ) -> Affect:
        """Valence and arousal of one utterance.

        Parameters
        ----------
        probabilities : shape (8,)
            In the order of ``EMOTIONS``.
        x : float64 array, shape (n,)
            Features, NaN where undefined.
        usual : float64 array, shape (n,), or None
            The speaker's usual values of the same features, NaN where not known yet;
            None for an unknown speaker.
        """
        p = np.asarray(probabilities, dtype=np.float64)
        valence, arousal = float(p @ _VALENCES), float(p @ _AROUSALS)
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


def neutral_mean(rule: ShiftRule) -> Float64:
    """Mean input of the training speakers when they are neutral."""
    mean: Float64 = rule.label_means[EMOTIONS.index(Emotion.NEUTRAL)]
    return mean


def neutral_of(speaker: SpeakerShift) -> Float64:
    """Mean input of a speaker with a past when neutral: that past without its emotion."""
    return np.asarray(neutral_mean(speaker.rule) + speaker.total / speaker.weight)
