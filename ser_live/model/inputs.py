"""The input vector of an utterance: everything that a model is given about it.

::

    [ hand-made features | embedding | speech level ]

All of it is made from what `high_pass.HighPass` lets through, started anew with each utterance. A
model without a learned encoder sees the hand-made features alone. Training and live use this
same code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ser_live.arrays import Float32, Float64
from ser_live.features import FEATURE_NAMES, FeatureStream, extract
from ser_live.high_pass import HighPass, high_passed
from ser_live.model.encoder import speech_level_db

if TYPE_CHECKING:
    from ser_live.events import Utterance

N_HAND_MADE = len(FEATURE_NAMES)


class Encoder(Protocol):
    """A learned encoder: one embedding for one utterance."""

    @property
    def sha256(self) -> str:
        """Hash of the weights: encoders of the same hash give the same embeddings."""

    @property
    def n_values(self) -> int:
        """Length of an embedding."""

    def embed(self, samples: Float32) -> Float64:
        """Embedding of an utterance, shape (n_values,).

        Parameters
        ----------
        samples : float32 array, shape (n_samples,)
            16 kHz, nominal range [-1, 1].

        Returns
        -------
        float64 array, shape (n_values,)
            NaN where undefined.
        """


@dataclass(frozen=True)
class InputLayout:
    """Places of the parts in an input vector."""

    n_hand_made: int
    n_embedding: int = 0
    """0 without a learned encoder; there is no speech level either then."""

    @classmethod
    def of(cls, encoder: Encoder | None) -> InputLayout:
        """Layout of the vectors that `InputMaker` makes with this encoder."""
        return cls(N_HAND_MADE, 0 if encoder is None else encoder.n_values)

    @classmethod
    def of_length(cls, n_inputs: int) -> InputLayout:
        """Layout of vectors of this length; raises ``ValueError`` if no encoder makes such."""
        n_learned = n_inputs - N_HAND_MADE
        if n_learned < 0 or n_learned == 1:
            raise ValueError(
                f"got {n_inputs} inputs, but {N_HAND_MADE} hand-made ones are needed, alone or "
                "with an embedding and a level: make them with ser_live.model.inputs."
            )
        return cls(N_HAND_MADE, max(n_learned - 1, 0))

    @property
    def n_inputs(self) -> int:
        """Length of the vector."""
        return self.n_hand_made + (self.n_embedding + 1 if self.n_embedding else 0)

    @property
    def hand_made(self) -> slice:
        """Place of the hand-made features."""
        return slice(0, self.n_hand_made)

    @property
    def embedding(self) -> slice:
        """Place of the embedding; empty without an encoder."""
        return slice(self.n_hand_made, self.n_hand_made + self.n_embedding)

    @property
    def level(self) -> slice:
        """Place of the speech level, dB relative to a power of 1; empty without an encoder."""
        return slice(self.embedding.stop, self.n_inputs)


class InputMaker:
    """Input vectors of the utterances of one stream, partial after partial.

    The low-level descriptors of the utterance in progress are kept, so that its next
    partial and its final only cost the audio that is new. The encoder attends to the
    whole utterance and hears it again each time.

    Parameters
    ----------
    encoder : Encoder or None
    """

    def __init__(self, encoder: Encoder | None = None) -> None:
        self._encoder = encoder
        self._id: int | None = None
        self._begin(None)

    def _begin(self, utterance_id: int | None) -> None:
        self._id = utterance_id
        self._stream = FeatureStream()
        self._high_pass = HighPass()
        self._heard = np.zeros(0, np.float32)
        self._n_pushed = 0
        self._learned: tuple[int, Float64] | None = None
        """The latest answer of `learned`, after so many samples."""

    def heard(self, utterance: Utterance) -> Float32:
        """Give the samples of an utterance without offset and hum, shape (n_samples,)."""
        if utterance.id != self._id:
            self._begin(utterance.id)
        new = utterance.samples[len(self._heard) :]
        if len(new):
            self._heard = np.concatenate([self._heard, self._high_pass.process(new)])
        # A final is trimmed, so it may end before the end of the last partial.
        return self._heard[: len(utterance.samples)]

    def learned(self, utterance: Utterance) -> Float64:
        """Give the learned part of the input vector alone: it tells what is no speech.

        Returns
        -------
        float64 array, shape (n_values + 1,)
            Embedding and level, NaN where undefined; empty without an encoder.
        """
        samples = self.heard(utterance)
        if self._encoder is None:
            return np.zeros(0)
        if self._learned is None or self._learned[0] != len(samples):
            self._learned = (len(samples), _embedding_and_level(samples, self._encoder))
        return self._learned[1]

    def of(self, utterance: Utterance) -> Float64:
        """Input vector of an utterance.

        Returns
        -------
        float64 array, shape (n_inputs,)
            As ``InputLayout.of(encoder)`` says, NaN where undefined.
        """
        samples = self.heard(utterance)
        self._stream.push(samples[self._n_pushed :])
        self._n_pushed = max(self._n_pushed, len(samples))
        features = self._stream.features(len(samples)).values
        return np.concatenate([features, self.learned(utterance)])


def whole_input(samples: Float32, encoder: Encoder | None) -> Float64:
    """Input vector of one whole utterance, shape (n_inputs,), as `InputMaker` makes it."""
    heard = high_passed(samples)
    features = extract(heard).values
    if encoder is None:
        return features
    return np.concatenate([features, _embedding_and_level(heard, encoder)])


def embedding_and_level(samples: Float32, encoder: Encoder) -> Float64:
    """The learned part of the vector, shape (n_values + 1,); NaN where undefined."""
    return _embedding_and_level(high_passed(samples), encoder)


def _embedding_and_level(heard: Float32, encoder: Encoder) -> Float64:
    level_db = speech_level_db(heard)
    return np.append(encoder.embed(heard), level_db if np.isfinite(level_db) else np.nan)
