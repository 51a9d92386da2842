"""The recipe ``classic``: hand-made features, two classifiers, averaged.

1. Features that depend on the recording's gain are left out, the rest is imputed
   with its median, standardised (mean and deviation of values cut at the 1st and 99th
   percentile) and cut at 4 deviations.
2. Principal components of the whole utterances, without rescaling: distances stay,
   the arithmetic becomes cheaper.
3. Two classifiers see them: kernel ridge regression with a Gaussian kernel (centres: the
   whole, unchanged utterances) and linear discriminant analysis with a shrunken covariance.
   Every label weighs the same; beginnings and varied copies weigh less than whole
   utterances.
4. Kernel width, ridge, shrinkage and the temperature of each and of their mean are chosen
   by the log-likelihood of speakers left out, in inner folds by speaker.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from ser_live.arrays import Bool, Float64, Int64, Str
from ser_live.emotions import LABELS
from ser_live.errors import DatasetError
from ser_live.features import FEATURE_NAMES, LEVEL_DEPENDENT
from ser_live.model.classifier import Classifier, softmax
from ser_live.training.augmentation import PLAIN
from ser_live.training.augmentation import VARIANTS as ALL_VARIANTS
from ser_live.training.examples import Examples
from ser_live.training.heads import Rows, best_discriminant, best_kernel_ridge

DESCRIPTION = (
    "Kernel ridge regression and linear discriminant analysis, averaged, on principal "
    "components of hand-made prosodic, spectral and voice-quality features."
)
VARIANTS = ALL_VARIANTS

LIMIT = 4.0
"""Standardised features are cut at this many deviations."""
N_COMPONENTS = 512
WIDTHS = (0.3, 0.6)
"""Kernel exponents to choose from: ``exp(-width * mean squared difference per feature)``."""
RIDGES = (0.1, 0.3, 1.0)
"""Ridge penalties to choose from."""
SHRINKAGES = (0.1, 0.3, 0.6)
"""Shares of a spherical covariance to choose from."""
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
    check_examples(examples, is_centre)
    scaling = Scaling.fit(examples.X[is_centre])
    z = scaling.apply(examples.X)
    projection = components(z[is_centre])
    z = z @ projection
    rows = Rows(
        z=z,
        y=examples.y,
        weights=row_weights(examples),
        folds=speaker_folds(examples.speakers, N_INNER_FOLDS, seed),
        is_centre=is_centre,
        is_judged=examples.is_final,
    )
    kernel = best_kernel_ridge(rows, len(scaling.used), WIDTHS, RIDGES)
    linear = best_discriminant(rows, SHRINKAGES)
    mixed = (softmax(kernel.scores) + softmax(linear.scores)) / 2.0
    temperature, _ = rows.best_temperature(np.log(np.maximum(mixed, 1e-300)))
    return Classifier(
        impute=scaling.impute,
        mean=scaling.mean,
        scale=scaling.scale,
        limit=np.array(LIMIT),
        used=scaling.used,
        projection=projection,
        heads=(kernel.head, linear.head),
        head_weights=np.full(2, 0.5),
        temperature=np.array(temperature),
    )


def row_weights(examples: Examples) -> Float64:
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


def speaker_folds(speakers: Str, n_folds: int, seed: int) -> Int64:
    """Fold of each row; all rows of a speaker are in one fold, speakers spread evenly."""
    names, inverse = np.unique(speakers, return_inverse=True)
    order = np.random.default_rng(seed).permutation(len(names))
    fold_of_speaker = np.empty(len(names), dtype=np.int64)
    fold_of_speaker[order] = np.arange(len(names)) % n_folds
    folds: Int64 = fold_of_speaker[inverse]
    return folds


@dataclass(frozen=True)
class Scaling:
    """Imputation, standardisation and choice of features."""

    impute: Float64
    mean: Float64
    scale: Float64
    used: Int64

    @classmethod
    def fit(cls, X: NDArray[np.floating[Any]]) -> Scaling:
        X = X.astype(np.float64)
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

    def apply(self, X: NDArray[np.floating[Any]]) -> Float64:
        z = (np.where(np.isnan(X), self.impute, X) - self.mean) / self.scale
        return np.clip(z[:, self.used], -LIMIT, LIMIT)


def components(z: Float64) -> Float64:
    """Orthonormal directions of greatest variance, shape (n_used, n_components)."""
    centred = z - z.mean(axis=0)
    _, _, directions = linalg.svd(centred, full_matrices=False)
    kept = directions[:N_COMPONENTS].T
    # The sign of a singular vector is arbitrary; fixed here, results repeat everywhere.
    signs = np.sign(kept[np.abs(kept).argmax(axis=0), np.arange(kept.shape[1])])
    return np.asarray((kept * signs).astype(np.float32).astype(np.float64))


def check_examples(examples: Examples, is_centre: Bool) -> None:
    """Refuse what cannot be learned from; `is_centre` are the whole, unchanged utterances.

    Raises
    ------
    DatasetError
        Fewer than two speakers, or a label without examples.
    """
    n_speakers = len(np.unique(examples.speakers[is_centre]))
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
