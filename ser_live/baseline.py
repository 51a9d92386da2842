"""The speaker's own baseline: how this voice has sounded so far in the session."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ser_live.events import Reason
from ser_live.features import FEATURE_NAMES
from ser_live.features.explained import EXPLAINED, phrase

MIN_PAST_UTTERANCES = 2
"""Utterances heard before anything is compared with their mean."""

MIN_Z = 0.5
"""A difference below this many standard deviations is not worth a word."""

MAX_REASONS = 4

_EXPLAINED = tuple(EXPLAINED)
_INDEX = np.array([FEATURE_NAMES.index(name) for name in _EXPLAINED], dtype=np.intp)


class SpeakerBaseline:
    """Running mean of the explained features over the utterances of one stream.

    Parameters
    ----------
    feature_std : float64 array, shape (n_features,)
        Spread of each feature in the training data, in the feature's unit; makes
        differences of different features comparable.
    """

    def __init__(self, feature_std: NDArray[np.float64]) -> None:
        self._std = feature_std[_INDEX]
        self._sum = np.zeros(len(_INDEX))
        self._n = np.zeros(len(_INDEX))
        self._n_utterances = 0

    def update(self, features: NDArray[np.float64]) -> None:
        """Add one finished utterance; undefined (NaN) features are left out."""
        values = features[_INDEX]
        defined = np.isfinite(values)
        self._sum[defined] += values[defined]
        self._n += defined
        self._n_utterances += 1

    def reasons(self, features: NDArray[np.float64]) -> tuple[Reason, ...]:
        """What stands out against the speaker's own past, farthest first.

        Empty before ``MIN_PAST_UTTERANCES`` utterances and when nothing stands out.
        """
        if self._n_utterances < MIN_PAST_UTTERANCES:
            return ()
        with np.errstate(invalid="ignore", divide="ignore"):
            difference = features[_INDEX] - self._sum / self._n
            z = difference / self._std
        z[~np.isfinite(z)] = 0.0
        order = np.argsort(-np.abs(z), kind="stable")[:MAX_REASONS]
        return tuple(
            Reason(
                _EXPLAINED[i],
                float(difference[i]),
                float(z[i]),
                phrase(_EXPLAINED[i], float(difference[i])),
            )
            for i in order
            if abs(z[i]) >= MIN_Z
        )
