"""The input vector of an utterance: what a model gets to see of it.

::

    [ hand-made features (2538) | embedding (2048) | speech level (1) ]

A model without the learned encoder sees the hand-made features alone. Training and live
use this same code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ser_live.features import FEATURE_NAMES, FeatureStream

if TYPE_CHECKING:
    from ser_live.encoder import SpeechEncoder
    from ser_live.events import Utterance

N_HAND_MADE = len(FEATURE_NAMES)
N_EMBEDDING = 2048
HAND_MADE = slice(0, N_HAND_MADE)
EMBEDDING = slice(N_HAND_MADE, N_HAND_MADE + N_EMBEDDING)
LEVEL = N_HAND_MADE + N_EMBEDDING
"""Position of the speech level, dB relative to a power of 1."""
N_INPUTS = LEVEL + 1
"""Length of the vector with the learned encoder."""


class InputMaker:
    """Input vectors of the utterances of one stream, partial after partial.

    The low-level descriptors of the utterance in progress are kept, so that its next
    partial and its final only cost the audio that is new. The encoder attends to the
    whole utterance and hears it again each time.

    Parameters
    ----------
    encoder : SpeechEncoder or None
    """

    def __init__(self, encoder: SpeechEncoder | None = None) -> None:
        self._encoder = encoder
        self._stream = FeatureStream()
        self._id: int | None = None
        self._n_pushed = 0

    def of(self, utterance: Utterance) -> NDArray[np.float64]:
        """Input vector of an utterance.

        Returns
        -------
        float64 array, shape (2538,) without encoder, else (4587,)
            NaN where undefined.
        """
        if utterance.id != self._id:
            self._stream, self._id, self._n_pushed = FeatureStream(), utterance.id, 0
        samples = utterance.samples
        # A final is trimmed, so it may end before what a partial already brought.
        self._stream.push(samples[self._n_pushed :])
        self._n_pushed = max(self._n_pushed, len(samples))
        return join(self._stream.features(len(samples)).values, samples, self._encoder)


def join(
    features: NDArray[np.float64],
    samples: NDArray[np.float32],
    encoder: SpeechEncoder | None,
) -> NDArray[np.float64]:
    """Hand-made features and what the encoder makes of the same samples, as one vector."""
    if encoder is None:
        return features
    return np.concatenate([features, embedding_and_level(samples, encoder)])


def embedding_and_level(
    samples: NDArray[np.float32], encoder: SpeechEncoder
) -> NDArray[np.float64]:
    """The learned part of the vector, shape (2049,); NaN where undefined."""
    from ser_live.encoder import speech_level_db

    level_db = speech_level_db(samples)
    return np.append(encoder.embed(samples), level_db if np.isfinite(level_db) else np.nan)
