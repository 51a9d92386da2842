"""The recipe ``classic``: hand-made features, principal components, kernel ridge.

1. Features that depend on the recording's gain are left out, the rest is imputed
   with its median, standardised (mean and deviation of values cut at the 1st and 99th
   percentile) and cut at 4 deviations.
2. Principal components of the whole utterances, without rescaling: distances stay, the
   arithmetic becomes ten times cheaper.
3. Kernel ridge regression on one target per label with a Gaussian kernel whose centres
   are the whole, unchanged utterances (Nyström); every clip has the same weight within
   its label, every label the same weight.
4. Kernel width, ridge and temperature are chosen by the log-likelihood of probabilities
   predicted for speakers left out, in inner folds by speaker.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from ser_live.classifier import Classifier, RbfHead, softmax
from ser_live.emotions import LABELS
from ser_live.errors import DatasetError
from ser_live.features import FEATURE_NAMES, LEVEL_DEPENDENT
from ser_live.training.augmentation import PLAIN
from ser_live.training.augmentation import VARIANTS as ALL_VARIANTS
from ser_live.training.examples import Examples

FloatArray = NDArray[np.float64]

DESCRIPTION = (
    "Kernel ridge regression on principal components of hand-made prosodic, spectral and "
    "voice-quality features."
)
VARIANTS = ALL_VARIANTS

LIMIT = 4.0
"""Standardised features are cut at this many deviations."""
N_COMPONENTS = 256
WIDTHS = (0.15, 0.3, 0.6)
"""Kernel exponents to choose from: ``exp(-width * mean squared distance per component)``."""
RIDGES = (0.03, 0.1, 0.3)
"""Ridge penalties to choose from."""
N_INNER_FOLDS = 5
PARTIAL_WEIGHT = 0.3
"""Weight of all beginnings of an utterance together; the whole utterance has 1."""
VARIANT_WEIGHT = 0.5
"""Weight of a varied recording; the unchanged one has 1."""

_K = len(LABELS)


def fit(examples: Examples, seed: int = 0) -> Classifier:
    """Fit the recipe; everything chosen is chosen in inner folds by speaker.

    Parameters
    ----------
    examples : Examples
        Of at least two speakers, with whole utterances of unchanged recordings of
        every label.
    seed : int
        Of the assignment of speakers to inner folds.

    Raises
    ------
    DatasetError
        Fewer than two speakers, or a label without examples.
    """
    is_centre = examples.is_final & (examples.variants == PLAIN)
    _check(examples, is_centre)
    scaling = _Scaling.fit(examples.X[is_centre])
    z = scaling.apply(examples.X)
    projection = _components(z[is_centre])
    z = z @ projection
    # Stored in single precision, so the centres are rounded before anything is fitted.
    centres = z[is_centre].astype(np.float32).astype(np.float64)
    distances = _squared_distances(z, centres) / len(scaling.used)
    weights = row_weights(examples)
    targets = np.eye(_K)[examples.y] - 1.0 / _K
    folds = speaker_folds(examples.speakers, N_INNER_FOLDS, seed)
    judged = examples.is_final
    trials: list[tuple[float, float, float, float]] = []
    for width, ridge, scores in _trials(distances, is_centre, targets, weights, folds):
        temperature, loss = best_temperature(scores[judged], examples.y[judged], weights[judged])
        trials.append((loss, width, ridge, temperature))
    _, width, ridge, temperature = min(trials)
    machine = _KernelRidge(np.exp(-width * distances), is_centre, targets, weights)
    return Classifier(
        impute=scaling.impute,
        mean=scaling.mean,
        scale=scaling.scale,
        limit=np.array(LIMIT),
        used=scaling.used,
        projection=projection,
        heads=(
            RbfHead(
                support=centres,
                dual=machine.solve(ridge),
                intercept=np.zeros(_K),
                gamma=np.array(width / len(scaling.used)),
            ),
        ),
        head_weights=np.ones(1),
        temperature=np.array(temperature),
    )


def row_weights(examples: Examples) -> FloatArray:
    """Weight of each row: whole or beginning, varied or not, every label the same sum.

    Returns
    -------
    float64 array, shape (n_rows,), sum = number of whole, unchanged utterances
    """
    weights = np.where(examples.is_final, 1.0, 0.0)
    keys = np.char.add(examples.variants, examples.clips.astype(np.str_))
    _, inverse, counts = np.unique(
        keys[~examples.is_final], return_inverse=True, return_counts=True
    )
    weights[~examples.is_final] = PARTIAL_WEIGHT / counts[inverse]
    weights[examples.variants != PLAIN] *= VARIANT_WEIGHT
    per_label = np.bincount(examples.y, weights=weights, minlength=_K)
    weights /= per_label[examples.y]
    n_whole = np.count_nonzero(examples.is_final & (examples.variants == PLAIN))
    return np.asarray(weights * n_whole / weights.sum())


def speaker_folds(speakers: NDArray[np.str_], n_folds: int, seed: int) -> NDArray[np.int64]:
    """Fold of each row; all rows of a speaker are in one fold, speakers spread evenly."""
    names, inverse = np.unique(speakers, return_inverse=True)
    order = np.random.default_rng(seed).permutation(len(names))
    fold_of_speaker = np.empty(len(names), dtype=np.int64)
    fold_of_speaker[order] = np.arange(len(names)) % n_folds
    folds: NDArray[np.int64] = fold_of_speaker[inverse]
    return folds


def best_temperature(
    scores: FloatArray, y: NDArray[np.int64], weights: FloatArray
) -> tuple[float, float]:
    """Temperature with the smallest weighted negative log-likelihood, and that loss.

    Parameters
    ----------
    scores : float64 array, shape (n, K)
        Of samples the scorer was not fitted to.
    y : int array, shape (n,)
    weights : float64 array, shape (n,)
    """
    temperatures = np.geomspace(0.02, 5.0, 120)
    losses = []
    for temperature in temperatures:
        probability = softmax(scores / temperature)[np.arange(len(y)), y]
        losses.append(np.average(-np.log(np.maximum(probability, 1e-300)), weights=weights))
    best = int(np.argmin(losses))
    return float(temperatures[best]), float(losses[best])


@dataclass(frozen=True)
class _Scaling:
    """Imputation, standardisation and choice of features."""

    impute: FloatArray
    mean: FloatArray
    scale: FloatArray
    used: NDArray[np.int64]

    @classmethod
    def fit(cls, X: FloatArray) -> _Scaling:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a feature that is never defined
            impute = np.nan_to_num(np.nanmedian(X, axis=0))
        filled = np.where(np.isnan(X), impute, X)
        low, high = np.percentile(filled, [1, 99], axis=0)
        filled = np.clip(filled, low, high)
        mean, scale = filled.mean(axis=0), filled.std(axis=0)
        varies = scale > 1e-9 * np.maximum(1.0, np.abs(mean))
        free_of_level = np.array([name not in LEVEL_DEPENDENT for name in FEATURE_NAMES])
        return cls(
            impute, mean, np.where(varies, scale, 1.0), np.flatnonzero(varies & free_of_level)
        )

    def apply(self, X: FloatArray) -> FloatArray:
        z = (np.where(np.isnan(X), self.impute, X) - self.mean) / self.scale
        return np.clip(z[:, self.used], -LIMIT, LIMIT)


def _components(z: FloatArray) -> FloatArray:
    """Orthonormal directions of greatest variance, shape (n_used, n_components)."""
    centred = z - z.mean(axis=0)
    _, _, directions = linalg.svd(centred, full_matrices=False)
    kept = directions[:N_COMPONENTS].T
    # The sign of a singular vector is arbitrary; fixed here, results repeat everywhere.
    signs = np.sign(kept[np.abs(kept).argmax(axis=0), np.arange(kept.shape[1])])
    return np.asarray((kept * signs).astype(np.float32).astype(np.float64))


def _squared_distances(a: FloatArray, b: FloatArray) -> FloatArray:
    squared = np.sum(a * a, axis=1)[:, None] + np.sum(b * b, axis=1) - 2.0 * (a @ b.T)
    return np.asarray(np.maximum(squared, 0.0))


class _KernelRidge:
    """Weighted ridge regression on kernel values at chosen centres (Nyström)."""

    def __init__(
        self,
        kernel: FloatArray,
        is_centre: NDArray[np.bool_],
        targets: FloatArray,
        weights: FloatArray,
    ) -> None:
        self._kernel = kernel
        self._weighted = kernel * weights[:, None]
        self._targets = targets
        self._penalty = kernel[is_centre]
        self._gram = self._weighted.T @ kernel
        self._moment = self._weighted.T @ targets

    def solve(self, ridge: float, without: NDArray[np.bool_] | None = None) -> FloatArray:
        """Dual weights, shape (n_centres, K), leaving out the rows of `without`."""
        gram, moment = self._gram, self._moment
        if without is not None:
            out = self._weighted[without]
            gram = gram - out.T @ self._kernel[without]
            moment = moment - out.T @ self._targets[without]
        # Copies of a clip make the matrix singular; a trace of the identity repairs that.
        system = gram + ridge * self._penalty + 1e-6 * np.eye(len(gram))
        return np.asarray(linalg.solve(system, moment, assume_a="pos"))

    def out_of_fold(self, ridge: float, folds: NDArray[np.int64]) -> FloatArray:
        """Scores of each row by a machine that saw no row of its fold."""
        scores = np.empty_like(self._targets)
        for fold in np.unique(folds):
            out = folds == fold
            scores[out] = self._kernel[out] @ self.solve(ridge, out)
        return scores


def _trials(
    distances: FloatArray,
    is_centre: NDArray[np.bool_],
    targets: FloatArray,
    weights: FloatArray,
    folds: NDArray[np.int64],
) -> Iterator[tuple[float, float, FloatArray]]:
    """Every width and ridge with its out-of-fold scores."""
    for width in WIDTHS:
        machine = _KernelRidge(np.exp(-width * distances), is_centre, targets, weights)
        for ridge in RIDGES:
            yield width, ridge, machine.out_of_fold(ridge, folds)


def _check(examples: Examples, is_centre: NDArray[np.bool_]) -> None:
    n_speakers = len(np.unique(examples.speakers))
    if n_speakers < 2:
        raise DatasetError(
            f"found utterances of {n_speakers} speakers, but at least 2 are needed to choose "
            "anything for unseen speakers: add recordings of others."
        )
    missing = sorted(set(range(_K)) - set(examples.y[is_centre].tolist()))
    if missing:
        raise DatasetError(
            f"found no utterance labelled {', '.join(LABELS[label] for label in missing)}, but "
            "every label needs examples: complete the corpus."
        )
