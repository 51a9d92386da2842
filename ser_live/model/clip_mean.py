"""The answer for a whole recording, from those for its utterances."""

from __future__ import annotations

import numpy as np

from ser_live.arrays import Float64


def mean_probabilities(probabilities: Float64, speech_s: Float64) -> Float64:
    """Mean over utterances, weighted by their speech time.

    Parameters
    ----------
    probabilities : float64 array, shape (n_utterances, n_labels)
        At least one utterance.
    speech_s : float64 array, shape (n_utterances,)
        Speech time in seconds, not all zero.

    Returns
    -------
    float64 array, shape (n_labels,)
    """
    return np.asarray(np.average(probabilities, axis=0, weights=speech_s), dtype=np.float64)
