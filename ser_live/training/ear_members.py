"""The classifiers of the learned ear: two on what the encoder hears, one on hand-made features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ser_live.arrays import Bool, Float32, Float64, Int64, Str
from ser_live.emotions import LABELS, Emotion
from ser_live.model.classifier import Classifier, LinearHead
from ser_live.model.inputs import InputLayout
from ser_live.training import classic
from ser_live.training.examples import Examples
from ser_live.training.heads import Moments, discriminant
from ser_live.training.masked_regression import MaskedTargets, fit_masked

LIMIT = 6.0
"""Standardised states are cut at this many deviations."""
PENALTY = 0.08
N_ITERATIONS = 60
SHRINKAGE = 0.5
"""Share of a spherical covariance in the discriminant on hand-made features."""
LEARNED_SHRINKAGE = 0.5
"""Share of a spherical covariance in the one on the encoder's states."""

_K = len(LABELS)
_NEUTRAL = LABELS.index(Emotion.NEUTRAL.value)
_INTENSITIES = ("normal", "strong")


@dataclass(frozen=True, eq=False)
class Table:
    """Training rows; inputs may have a speaker's shift taken off."""

    X: Float32
    """Shape (n, n_inputs)."""
    y: Int64
    weights: Float64
    targets: MaskedTargets
    speakers: Str
    is_main: Bool
    """Rows of the corpus with all labels."""
    is_whole: Bool
    """Whole, unchanged utterances."""

    @property
    def layout(self) -> InputLayout:
        """Places of the parts in a row of `X`."""
        return InputLayout.of_length(self.X.shape[1])

    def where(self, mask: Bool | Int64) -> Table:
        """The rows chosen by `mask`, or at these positions."""
        return Table(
            self.X[mask],
            self.y[mask],
            self.weights[mask],
            self.targets.where(mask),
            self.speakers[mask],
            self.is_main[mask],
            self.is_whole[mask],
        )


def targets_of(examples: Examples) -> MaskedTargets:
    """Right and possible outputs of each row; output ``j + 8`` is label j, strong."""
    n = len(examples)
    right, allowed = np.zeros((n, 2 * _K), bool), np.zeros((n, 2 * _K), bool)
    for corpus in np.unique(examples.corpora):
        own = examples.corpora == corpus
        labels = np.unique(examples.y[own])
        allowed[np.ix_(own, np.append(labels, labels + _K))] = True
    # Where a corpus says nothing, or names an intensity of its own, both outputs are right.
    is_open = ~np.isin(examples.intensity, _INTENSITIES)
    for group, intensity in enumerate(_INTENSITIES):
        fits = np.flatnonzero(is_open | (examples.intensity == intensity))
        right[fits, examples.y[fits] + group * _K] = True
    # Neutral has one intensity; its second output learns to stay away.
    right[:, _NEUTRAL] |= right[:, _NEUTRAL + _K]
    right[:, _NEUTRAL + _K] = False
    return MaskedTargets(right, allowed)


@dataclass(frozen=True, eq=False)
class Standardised:
    """The encoder's states of a table, as its two classifiers see them."""

    layout: InputLayout
    """Layout of the table."""
    mean: Float32
    scale: Float32
    z: Float32
    """Shape (n, n_embedding)."""

    @classmethod
    def of(cls, table: Table) -> Standardised:
        """Bring to weighted mean 0 and deviation 1, cut at ``LIMIT``."""
        x = table.X[:, np.r_[table.layout.embedding]]
        share = (table.weights / table.weights.sum()).astype(np.float32)
        # A click too short for the encoder has no states; the mean says nothing about it.
        defined = ~np.isnan(x)
        total = np.maximum(share @ defined, np.float32(1e-12))
        mean = (share @ np.where(defined, x, np.float32(0.0))) / total
        centred = np.where(defined, x - mean, np.float32(0.0))
        scale = np.sqrt(share @ np.square(centred)) + np.float32(1e-6)
        return cls(table.layout, mean, scale, np.clip(centred / scale, -LIMIT, LIMIT))

    def classifier(self, head: LinearHead) -> Classifier:
        """A head on these states."""
        learned = np.r_[self.layout.embedding]
        description = (self.mean, self.mean, self.scale)
        return _classifier(self.layout.n_inputs, learned, learned, description, LIMIT, head)


def logistic_head(table: Table, z: Float32) -> LinearHead:
    """Masked logistic regression on the states of the encoder."""
    return fit_masked(z, table.targets, table.weights, PENALTY, N_ITERATIONS)


def moments_by_fold(table: Table, z: Float32, folds: Int64) -> list[Moments]:
    """Moments that discriminants on the states follow from, for each fold on its own.

    They add up, so that any fold can be left out without going through the rows again.
    """
    return [
        Moments.of(z[folds == fold], table.y[folds == fold], table.weights[folds == fold])
        for fold in np.unique(folds)
    ]


def discriminant_head(moments: Sequence[Moments]) -> LinearHead:
    """Discriminant on the states, from some folds: little to fit, and so steadier."""
    return sum(moments[1:], start=moments[0]).discriminant(LEARNED_SHRINKAGE)


def hand_made_member(table: Table) -> Classifier:
    """Discriminant analysis on principal components of the hand-made features.

    Components and coefficients are multiplied out: what is stored is one small matrix.
    """
    x = table.X[:, table.layout.hand_made]
    main_whole = table.is_main & table.is_whole
    scaling = classic.Scaling.fit(x[main_whole])
    z = scaling.apply(x)
    directions = classic.components(z[main_whole])
    head = discriminant(z @ directions, table.y, table.weights, SHRINKAGE)
    return _classifier(
        table.layout.n_inputs,
        scaling.used,
        np.arange(table.layout.n_hand_made),
        (scaling.impute, scaling.mean, scaling.scale),
        classic.LIMIT,
        LinearHead(directions @ head.coef, head.intercept),
    )


def _classifier(
    n_inputs: int,
    used: Int64,
    described: Int64,
    description: tuple[NDArray[np.floating], ...],
    limit: float,
    head: LinearHead,
) -> Classifier:
    """One head on the used inputs; inputs not described have mean 0 and scale 1."""
    impute, mean, scale = np.zeros(n_inputs), np.zeros(n_inputs), np.ones(n_inputs)
    for whole, part in zip((impute, mean, scale), description, strict=True):
        whole[described] = part
    return Classifier(
        impute=impute,
        mean=mean,
        scale=scale,
        limit=np.array(limit),
        used=used,
        projection=None,
        heads=(head,),
        head_weights=np.ones(1),
        temperature=np.array(1.0),
    )
