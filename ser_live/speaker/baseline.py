"""The speaker's own baseline: the mean of their voice so far in the session."""

from __future__ import annotations

import numpy as np

from ser_live.arrays import Float64
from ser_live.events import Reason
from ser_live.features import FEATURE_NAMES
from ser_live.features.explained import EXPLAINED, phrase
from ser_live.model.archive import Arrays

MIN_PAST_UTTERANCES = 2
"""Utterances heard before anything is compared with their mean."""

MIN_Z = 0.5
"""A difference below this many standard deviations is not mentioned."""

MAX_REASONS = 4

MAX_PAST_UTTERANCES = 100_000
"""More utterances than a session ever has; a profile that claims more is wrong."""

_EXPLAINED = tuple(EXPLAINED)
_INDEX = np.array([FEATURE_NAMES.index(name) for name in _EXPLAINED], dtype=np.intp)


class SpeakerBaseline:
    """Running mean of the explained features over the utterances of one speaker.

    Parameters
    ----------
    feature_std : float64 array, shape (n_features,)
        Spread of each feature in the training data, in the feature's unit; makes
        differences of different features comparable.
    """

    def __init__(self, feature_std: Float64) -> None:
        self._std = feature_std[_INDEX]
        self._sum = np.zeros(len(_INDEX))
        self._n = np.zeros(len(_INDEX))
        self.n_utterances = 0
        """Utterances of this speaker heard so far, those of an enrolment included."""

    @property
    def is_known(self) -> bool:
        """Whether enough was heard to compare with."""
        return self.n_utterances >= MIN_PAST_UTTERANCES

    def update(self, features: Float64) -> None:
        """Add one finished utterance; undefined (NaN) features are left out."""
        values = features[_INDEX]
        defined = np.isfinite(values)
        self._sum[defined] += values[defined]
        self._n += defined
        self.n_utterances += 1

    def usual(self) -> Float64 | None:
        """The speaker's mean of each feature, in the order of ``FEATURE_NAMES``.

        NaN for features that are not explained or were never defined; None before
        ``MIN_PAST_UTTERANCES`` utterances.
        """
        if not self.is_known:
            return None
        values = np.full(len(FEATURE_NAMES), np.nan)
        values[_INDEX] = self._mean()
        return values

    def reasons(self, features: Float64) -> tuple[Reason, ...]:
        """Features that stand out against the speaker's own past, farthest first.

        Empty before ``MIN_PAST_UTTERANCES`` utterances and when nothing stands out.
        """
        if not self.is_known:
            return ()
        difference = features[_INDEX] - self._mean()
        with np.errstate(invalid="ignore", divide="ignore"):
            z = difference / self._std
        z[~np.isfinite(z)] = 0.0
        order = np.argsort(-np.abs(z), kind="stable")[:MAX_REASONS]
        return tuple(
            Reason(
                feature=_EXPLAINED[i],
                difference=float(difference[i]),
                z=float(z[i]),
                text=phrase(_EXPLAINED[i], float(difference[i])),
            )
            for i in order
            if abs(z[i]) >= MIN_Z
        )

    def to_arrays(self) -> Arrays:
        """Statistics so far, as named arrays."""
        return {"sum": self._sum, "n": self._n, "n_utterances": np.array(self.n_utterances)}

    @classmethod
    def from_arrays(cls, arrays: Arrays, feature_std: Float64) -> SpeakerBaseline:
        """The opposite of `to_arrays`; raises ``ValueError`` where an array does not fit."""
        baseline = cls(feature_std)
        if set(arrays) != {"sum", "n", "n_utterances"}:
            raise ValueError(f"arrays {', '.join(sorted(arrays))}")
        total, n, n_utterances = (arrays[name] for name in ("sum", "n", "n_utterances"))
        if total.shape != baseline._sum.shape or n.shape != total.shape or n_utterances.shape:
            raise ValueError("arrays of another shape")
        if not (np.isfinite(total).all() and np.isfinite(n).all()):
            raise ValueError("NaN or infinity")
        baseline.n_utterances = int(n_utterances)
        if not 0 <= baseline.n_utterances <= MAX_PAST_UTTERANCES:
            raise ValueError(f"{baseline.n_utterances} utterances")
        if (n < 0).any() or (n > baseline.n_utterances).any():
            raise ValueError("counts that no speech gives")
        baseline._sum, baseline._n = total.astype(np.float64), n.astype(np.float64)
        return baseline

    def _mean(self) -> Float64:
        mean: Float64 = np.divide(
            self._sum, self._n, out=np.full(len(_INDEX), np.nan), where=self._n > 0
        )
        return mean
