"""The models of all folds, each fitted once and without the speakers it will be tested on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ser_live.arrays import Bool, Float64, Int64
from ser_live.emotions import LABELS
from ser_live.errors import DatasetError
from ser_live.model.clip_mean import mean_probabilities
from ser_live.model.fitted import Fitted
from ser_live.training.augmentation import PLAIN
from ser_live.training.code_hash import code_hash
from ser_live.training.examples import Examples
from ser_live.training.recipe import Recipe


class Predicts(Protocol):
    """Anything that answers with probabilities."""

    def predict_proba(self, X: Any) -> Float64: ...


@dataclass(frozen=True, eq=False)
class FoldFit:
    """One fold: who is tested, and the model that heard none of them."""

    name: str
    is_test: Bool
    """Shape (n_recordings,)."""
    fitted: Fitted

    def tested(self, examples: Examples) -> Examples:
        """Whole utterances of the unchanged test recordings."""
        return examples.where(
            self.is_test[examples.clips] & examples.is_final & (examples.variants == PLAIN)
        )


def fit_folds(
    recipe: Recipe,
    examples: Examples,
    masks: Sequence[tuple[str, Bool]],
    *,
    seed: int,
    n_jobs: int = 1,
    fits_dir: Path | None = None,
    on_fold: Callable[[], None] = lambda: None,
) -> list[FoldFit]:
    """Fit the recipe once a fold, to everything but the fold's test speakers.

    Parameters
    ----------
    recipe : Recipe
    examples : Examples
    masks : sequence of (name, bool array)
        Test recordings of each fold, shape (n_recordings,).
    seed : int
    n_jobs : int
        Processes.
    fits_dir : Path or None
        Where fits are kept between runs, found by the content of the training rows and
        the code of the fit; None keeps none.
    on_fold : callable
        Called after each fit.

    Raises
    ------
    DatasetError
        A speaker would be trained on and tested.
    """
    from joblib import Parallel, delayed

    # The examples are large. Processes share one copy of them, which the rows of every fold
    # would not be: joblib keeps what it shares until the last fold.
    fits = Parallel(n_jobs=n_jobs, return_as="generator", pre_dispatch="n_jobs")(
        delayed(_fit_fold)(recipe, examples, training_rows(examples, is_test), seed, fits_dir)
        for _, is_test in masks
    )
    result = []
    for (name, is_test), fitted in zip(masks, fits, strict=True):
        result.append(FoldFit(name, is_test, fitted))
        on_fold()
    return result


def training_rows(examples: Examples, is_test: Bool) -> Bool:
    """Rows that may be trained on when these recordings are tested.

    What tested speakers say in a corpus that is not tested, such as the song of an actor whose
    speech is, may not.

    Raises
    ------
    DatasetError
        A speaker of one corpus is on both sides.
    """
    row_is_test = is_test[examples.clips]
    is_of_tested = np.isin(examples.speakers, examples.speakers[row_is_test])
    is_of_corpus = np.isin(examples.corpora, examples.corpora[row_is_test])
    both = np.unique(examples.speakers[is_of_tested & is_of_corpus & ~row_is_test])
    if len(both):
        raise DatasetError(
            f"found {', '.join(both)} among those tested and those trained on, but whole speakers "
            "must be held out: split by speaker."
        )
    return ~is_of_tested


def _fit_fold(
    recipe: Recipe, examples: Examples, is_trained_on: Bool, seed: int, fits_dir: Path | None
) -> Fitted:
    from joblib import Memory

    training = examples.where(is_trained_on)
    fit = Memory(fits_dir, verbose=0).cache(_fit, ignore=["recipe", "training"])
    fitted: Fitted = fit(_key(recipe, training) if fits_dir else "", seed, recipe, training)
    return fitted


def _fit(key: str, seed: int, recipe: Recipe, training: Examples) -> Fitted:
    """Fit kept by `key` and `seed`, which say everything that decides it."""
    return recipe.fit(training, seed)


def _key(recipe: Recipe, training: Examples) -> str:
    """Identity of a fit: recipe, code and training rows."""
    digest = hashlib.sha256(f"{recipe.name} {code_hash(recipe.fit)}".encode())
    for field in fields(training):
        digest.update(np.ascontiguousarray(getattr(training, field.name)).tobytes())
    return digest.hexdigest()


def clip_probabilities(
    classifier: Predicts,
    tested: Examples,
    items: Int64,
    wanted: Int64,
    n_labels: int = len(LABELS),
) -> tuple[Float64, int]:
    """Probabilities of whole clips from those of their utterances.

    The mean over a clip's utterances, weighted by their speech time. A clip in which
    no utterance was found has equal probabilities for all labels.

    Parameters
    ----------
    classifier : anything with ``predict_proba(X)``
    tested : Examples
    items : int array, shape (n_rows,)
        Which clip each row belongs to.
    wanted : int array, shape (n_clips,)
        Clips to answer for, in this order.
    n_labels : int

    Returns
    -------
    probabilities : float64 array, shape (n_clips, n_labels)
    n_empty : int
        Clips without an utterance.
    """
    position = {int(item): index for index, item in enumerate(wanted)}
    rows = np.array([position[int(item)] for item in items], dtype=np.int64)
    answers = classifier.predict_proba(tested.X) if len(tested) else np.zeros((0, n_labels))
    return mean_by_clip(answers, rows, tested.speech_s, len(wanted))


def mean_by_clip(
    probabilities: Float64, clips: Int64, speech_s: Float64, n_clips: int
) -> tuple[Float64, int]:
    """Mean over the utterances of each clip, weighted by speech time, and the empty clips.

    Parameters
    ----------
    probabilities : float64 array, shape (n_rows, n_labels)
    clips : int array, shape (n_rows,)
        In ``0 .. n_clips - 1``.
    speech_s : float64 array, shape (n_rows,)
    n_clips : int

    Returns
    -------
    probabilities : float64 array, shape (n_clips, n_labels)
        Equal for all labels where a clip has no utterance.
    n_empty : int
    """
    n_labels = probabilities.shape[1]
    result = np.full((n_clips, n_labels), 1.0 / n_labels)
    heard = np.unique(clips[speech_s > 0.0])
    order = np.argsort(clips, kind="stable")
    starts = np.searchsorted(clips[order], heard, side="left")
    ends = np.searchsorted(clips[order], heard, side="right")
    for clip, start, end in zip(heard, starts, ends, strict=True):
        rows = order[start:end]
        result[clip] = mean_probabilities(probabilities[rows], speech_s[rows])
    return result, n_clips - len(heard)
