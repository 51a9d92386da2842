"""The recipe ``own``: recordings of one's own, with labels of one's own.

One logistic regression on what the speech encoder of the model ``ear`` hears, standardised. Varied
copies and beginnings of utterances weigh less than whole, unchanged ones, and every label
weighs the same. How strongly it is regularised, and the temperature, are chosen by the
log-likelihood of voices left out, in inner folds; where only one voice is there, of recordings
left out. The hand-made features decide nothing: they are described for the reasons in words.

The speech check is that of the model ``ear``, which heard far more sounds that are not speech.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ser_live.arrays import Float64, Int64, Str
from ser_live.datasets.recording import content_hash
from ser_live.errors import DatasetError
from ser_live.model.classifier import Classifier, LinearHead
from ser_live.model.emotion_model import EmotionModel
from ser_live.model.ensemble import Ensemble
from ser_live.model.fitted import Fitted
from ser_live.model.speech_check import SpeechCheck
from ser_live.training.augmentation import MILD, PLAIN
from ser_live.training.classic import Scaling
from ser_live.training.ear_members import LIMIT, N_ITERATIONS, Standardised, Table
from ser_live.training.examples import Examples
from ser_live.training.heads import best_temperature
from ser_live.training.masked_regression import MaskedTargets, fit_masked

DESCRIPTION = (
    "Logistic regression on pooled hidden states of the first layers of Whisper-base, trained on "
    "recordings of one's own."
)
VARIANTS = (PLAIN, MILD)
VARIANT_WEIGHTS = {PLAIN: 1.0, MILD: 0.5}
PARTIAL_WEIGHT = 0.3
"""Weight of all beginnings of an utterance together; the whole utterance has 1."""
PENALTIES = (0.02, 0.08, 0.3)
"""Penalties on the coefficients to choose from."""
N_FOLDS = 5
"""Most folds; fewer where there are fewer voices."""


def fit(examples: Examples, seed: int, *, n_labels: int) -> Fitted:
    """Fit the recipe; penalty and temperature come from inner folds.

    Parameters
    ----------
    examples : Examples
        With learned inputs.
    seed : int
        Of the assignment of voices to inner folds.
    n_labels : int
        Number of labels; one without examples is never the answer.

    Raises
    ------
    DatasetError
        Fewer than two recordings with speech in them.
    """
    is_whole = examples.is_final & (examples.variants == PLAIN)
    voices = examples.speakers
    if len(np.unique(voices[is_whole])) < 2:
        voices = examples.clips.astype(np.str_)
    if len(np.unique(voices[is_whole])) < 2:
        raise DatasetError(
            "found speech in fewer than two recordings, but more are needed to learn from: add "
            "recordings."
        )
    table = _table(examples, n_labels)
    states = Standardised.of(table)
    folds = folds_of(voices, examples.y, N_FOLDS, seed)
    losses = {}
    for penalty in PENALTIES:
        scores = np.zeros((len(examples), n_labels))
        for fold in np.unique(folds):
            out = folds == fold
            scores[out] = _head(table, states, ~out, penalty).scores(states.z[out])
        judged = is_whole
        temperature, loss = best_temperature(scores[judged], table.y[judged], table.weights[judged])
        losses[penalty] = loss, temperature
    penalty = min(losses, key=lambda p: losses[p][0])
    head = _head(table, states, np.ones(len(examples), dtype=np.bool_), penalty)
    return Fitted(Ensemble.of(_classifier(table, states, head, losses[penalty][1], n_labels)))


def folds_of(voices: Str, y: Int64, n_folds: int, seed: int) -> Int64:
    """Fold of each row: none shares a voice, and each has its part of every label.

    Parameters
    ----------
    voices : str array, shape (n,)
    y : int array, shape (n,)
    n_folds : int
        At most; each voice is a fold of its own where there are no more voices than that.
    seed : int
    """
    names, first, inverse = np.unique(voices, return_index=True, return_inverse=True)
    chance = np.random.default_rng(seed).permutation(len(names))
    # Voices with the same label, which single recordings are, follow each other.
    order = np.lexsort((chance, y[first]))
    fold_of_voice = np.empty(len(names), dtype=np.int64)
    fold_of_voice[order] = np.arange(len(names)) % n_folds
    return np.asarray(fold_of_voice[inverse], dtype=np.int64)


def shipped_check(encoder: Path) -> SpeechCheck | None:
    """The speech check of the default model; None where it belongs to another encoder."""
    model = EmotionModel.load()
    if model.card.encoder_sha256 != content_hash(encoder):
        return None
    return model.fitted.speech_check


def _table(examples: Examples, n_labels: int) -> Table:
    n = len(examples)
    right = np.zeros((n, n_labels), dtype=np.bool_)
    right[np.arange(n), examples.y] = True
    return Table(
        X=examples.X,
        y=examples.y,
        weights=row_weights(examples, n_labels),
        targets=MaskedTargets(right, np.ones_like(right)),
        speakers=examples.speakers,
        is_main=np.ones(n, dtype=np.bool_),
        is_whole=examples.is_final & (examples.variants == PLAIN),
    )


def row_weights(examples: Examples, n_labels: int) -> Float64:
    """Weight of each row: variant, whole or beginning; every label the same sum."""
    weights = np.array([VARIANT_WEIGHTS[variant] for variant in examples.variants])
    partial = ~examples.is_final
    keys = np.char.add(examples.variants[partial], examples.clips[partial].astype(np.str_))
    _, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
    weights[partial] *= PARTIAL_WEIGHT / counts[inverse]
    per_label = np.bincount(examples.y, weights=weights, minlength=n_labels)
    return np.asarray(weights / per_label[examples.y])


def _head(
    table: Table, states: Standardised, rows: NDArray[np.bool_], penalty: float
) -> LinearHead:
    return fit_masked(
        states.z[rows], table.targets.where(rows), table.weights[rows], penalty, N_ITERATIONS
    )


def _classifier(
    table: Table, states: Standardised, head: LinearHead, temperature: float, n_labels: int
) -> Classifier:
    """The head on the states; the hand-made features are described, and used by nothing."""
    layout = table.layout
    described = Scaling.fit(table.X[table.is_whole][:, layout.hand_made])
    impute, mean = np.zeros(layout.n_inputs), np.zeros(layout.n_inputs)
    scale = np.ones(layout.n_inputs)
    impute[layout.hand_made] = described.impute
    mean[layout.hand_made] = described.mean
    scale[layout.hand_made] = described.scale
    impute[layout.embedding] = mean[layout.embedding] = states.mean
    scale[layout.embedding] = states.scale
    return Classifier(
        impute=impute,
        mean=mean,
        scale=scale,
        limit=np.array(LIMIT),
        used=np.arange(layout.embedding.start, layout.embedding.stop),
        projection=None,
        heads=(head,),
        head_weights=np.ones(1),
        temperature=np.array(temperature),
        n_labels=n_labels,
    )
