"""Caution with what is unlike anything in training: another language, microphone or room.

How far an utterance lies from every corpus of the training tells how far its answer can be
trusted. The distance is Mahalanobis's, between the utterance's averaged hidden states and the
nearest corpus, with the covariance within corpora; it sets a temperature::

    d^2 = min_c (z - m_c)' S^-1 (z - m_c) / n
    T = exp(clip(intercept + slope * log d, 0, 3))
    p = q^(1/T) / sum q^(1/T)

Intercept and slope were fitted to corpora left out. S is kept as its strongest directions and one
variance for all others. What was decided in the end, under whatever base rates, is then doubted::

    e = DOUBT * clip((log d - log near) / (log far - log near), 0, 1)
    p' = (1 - e) * p + e / n_labels

The share e of the answer says nothing: beyond `far` no label gets .90, because no corpus that was
left out bore such answers out. Between `near` and `far` lie the voices of the main corpus.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ser_live.arrays import Float64, Int64
from ser_live.errors import ModelError
from ser_live.model.archive import WEIGHTS_FILE, Arrays, take_array
from ser_live.model.classifier import softmax

LOG_TEMPERATURES = (0.0, 3.0)
"""Least and largest logarithm of a temperature: what is near is not made surer for that."""
DOUBT = 0.12
"""Share of an answer about something unfamiliar that goes to all labels alike."""


@dataclass(frozen=True)
class Familiarity:
    """Distance of inputs from the corpora of the training."""

    used: Int64
    """Positions of the inputs that count, shape (n_used,)."""
    mean: Float64
    """Shape (n_used,), like `scale`."""
    scale: Float64
    """Positive."""
    limit: Float64
    """Standardised inputs are cut at plus and minus this, shape ()."""
    centres: Float64
    """Mean of each corpus, standardised, shape (n_corpora, n_used)."""
    directions: Float64
    """Strongest directions within corpora, orthonormal, shape (n_used, n_directions)."""
    variances: Float64
    """Variance along each, positive, shape (n_directions,)."""
    other_variance: Float64
    """Variance along any other, positive, shape ()."""

    def distance(self, X: NDArray[np.floating[Any]]) -> Float64:
        """Root of the mean squared deviation from the nearest corpus, shape (n,), positive."""
        z = (X[:, self.used] - self.mean) / self.scale
        z = np.clip(np.where(np.isnan(z), 0.0, z), -self.limit, self.limit)
        along = z @ self.directions
        # |z - c|^2 over all directions, then what the strong ones differ from the others.
        squares = np.square(z).sum(axis=1)[:, None] - 2.0 * z @ self.centres.T
        squared_centres, centres_along, gain = self._of_centres
        total = (squares + squared_centres) / self.other_variance
        for place, centre in enumerate(centres_along):
            total[:, place] += np.square(along - centre) @ gain
        nearest = total.min(axis=1) / len(self.used)
        return np.asarray(np.sqrt(np.maximum(nearest, 1e-9)))

    @cached_property
    def _of_centres(self) -> tuple[Float64, Float64, Float64]:
        """Parts of a distance that are the same in every call.

        Squared lengths of the centres, the centres along the directions, and what a square along
        each direction counts beyond one along any other.
        """
        gain = 1.0 / self.variances - 1.0 / self.other_variance
        return np.square(self.centres).sum(axis=1), self.centres @ self.directions, gain


@dataclass(frozen=True)
class CautionRule:
    """Loss of confidence with distance; all arrays have shape ()."""

    intercept: Float64
    slope: Float64
    near: Float64
    """Distance from which on doubt grows, positive."""
    far: Float64
    """Distance from which on it is whole, greater than `near`."""

    def temperature(self, distance: Float64) -> Float64:
        """Temperature of answers at these distances, shape (n,)."""
        exponent = self.intercept + self.slope * np.log(distance)
        return np.asarray(np.exp(np.clip(exponent, *LOG_TEMPERATURES)))

    def temper(self, probabilities: Float64, distance: Float64) -> Float64:
        """Answers as sure as the distance allows, shape (n, n_labels)."""
        log_p = np.log(np.maximum(probabilities, 1e-300))
        return softmax(log_p / self.temperature(distance)[:, None])

    def doubt(self, probabilities: Float64, distance: Float64) -> Float64:
        """Answers of which a share says nothing, shape (n, n_labels)."""
        way = np.log(distance / self.near) / np.log(self.far / self.near)
        share = DOUBT * np.clip(way, 0.0, 1.0)[:, None]
        return np.asarray((1.0 - share) * probabilities + share / probabilities.shape[1])


_RULE = tuple(field.name for field in fields(CautionRule))


@dataclass(frozen=True)
class Caution:
    """Confidence of an answer by how familiar the utterance is."""

    familiarity: Familiarity
    rule: CautionRule

    def arrays(self) -> Arrays:
        """Everything as named arrays."""
        f = self.familiarity
        return {
            "used": f.used,
            "mean": f.mean.astype(np.float32),
            "scale": f.scale.astype(np.float32),
            "limit": f.limit,
            "centres": f.centres.astype(np.float32),
            "directions": f.directions.astype(np.float32),
            "variances": f.variances,
            "other_variance": f.other_variance,
            **{name: getattr(self.rule, name) for name in _RULE},
        }

    @classmethod
    def from_arrays(cls, arrays: Arrays, n_inputs: int) -> Caution:
        """The opposite of ``arrays``; raises ``ModelError`` where a shape does not fit."""
        rest = dict(arrays)
        used = take_array(rest, "used", (None,), kind="i")
        n_used = len(used)
        familiarity = Familiarity(
            used=used,
            mean=take_array(rest, "mean", (n_used,)),
            scale=take_array(rest, "scale", (n_used,)),
            limit=take_array(rest, "limit", ()),
            centres=take_array(rest, "centres", (None, n_used)),
            directions=take_array(rest, "directions", (n_used, None)),
            variances=take_array(rest, "variances", (None,)),
            other_variance=take_array(rest, "other_variance", ()),
        )
        rule = CautionRule(**{name: take_array(rest, name, ()) for name in _RULE})
        f = familiarity
        fits = (
            n_used > 0
            and used.min() >= 0
            and used.max() < n_inputs
            and len(f.centres) > 0
            and len(f.variances) == f.directions.shape[1]
            and all((a > 0).all() for a in (f.scale, f.limit, f.variances, f.other_variance))
            and 0.0 < rule.near < rule.far
        )
        if rest or not fits:
            raise ModelError(
                f"{WEIGHTS_FILE} holds a caution whose parts do not fit together: fetch or train "
                "the model again."
            )
        return cls(familiarity, rule)
