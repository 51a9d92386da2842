"""The recipe ``ear``: what a speech encoder hears, adapting to the speaker.

1. Two classifiers (``ear_members``): logistic regression on the encoder's pooled states,
   and a discriminant on hand-made features; their log-probabilities are averaged. The
   speech level is left to neither: it tells more about microphones than about voices.
2. Beginnings of utterances, varied copies and other corpora weigh less than whole,
   unchanged utterances of RAVDESS, whose labels all weigh the same. Corpora that lack
   labels or intensities leave these open (``masked_regression``).
3. In inner folds by speaker, regressions that did not hear a speaker judge him: what a
   live model would have thought of the utterances of his past.
4. The classifiers are fitted to inputs from which the shift of a random past was taken
   off, or nothing (``histories``). So the same ones serve strangers and known voices.
5. Inner folds choose the temperatures: one for no past, one for the random pasts.

The constants were settled while the recipe was made, with results on the EmoBox folds in view;
between the values tried, results differed less than between speakers.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ser_live.classifier import Classifier, softmax
from ser_live.emotions import LABELS
from ser_live.ensemble import MIN_PROBABILITY, Ensemble
from ser_live.fitted import Fitted
from ser_live.speaker import ShiftRule
from ser_live.training.augmentation import EAR_VARIANTS, MILD, PLAIN, STRONG
from ser_live.training.classic import check_examples, speaker_folds
from ser_live.training.ear_members import Table, hand_made_member, learned_member, targets_of
from ser_live.training.examples import Examples
from ser_live.training.heads import best_temperature
from ser_live.training.histories import offsets, residuals

FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]

DESCRIPTION = (
    "Logistic regression on pooled hidden states of the first layers of Whisper-base, averaged "
    "with a discriminant on hand-made features; both adapted to the speaker while listening."
)
VARIANTS = EAR_VARIANTS
MAIN_CORPUS = "ravdess"
CORPORA = (MAIN_CORPUS, "nemo", "crema_d", "ased")
"""Of the further corpora at hand ``etts_ko`` is left out: its anger and sadness sound swapped."""

VARIANT_WEIGHTS = {PLAIN: 1.0, MILD: 0.5, STRONG: 0.3}
PARTIAL_WEIGHT = 0.3
"""Weight of all beginnings of an utterance together; the whole utterance has 1."""
OTHER_CORPUS_WEIGHT = 0.2
"""Weight of an utterance of another corpus; one of RAVDESS has 1."""
HAND_MADE_WEIGHT = 0.3
"""Say of the hand-made features; the encoder has the rest."""
N_INNER_FOLDS = 4
CORRECTION = 1.0
"""How far emotion is taken out of the shift, see ``ser_live.speaker``."""
KAPPA = 3.0

_K = len(LABELS)


def fit(examples: Examples, seed: int = 0) -> Fitted:
    """Fit the recipe; temperatures and what is thought of pasts come from inner folds by speaker.

    Parameters
    ----------
    examples : Examples
        With learned inputs, of RAVDESS and any further corpora.
    seed : int
        Of the assignment of speakers to inner folds and of the random pasts.

    Raises
    ------
    DatasetError
        Fewer than two speakers of RAVDESS, or a label without examples.
    """
    is_main = examples.corpora == MAIN_CORPUS
    is_whole = examples.is_final & (examples.variants == PLAIN)
    check_examples(examples, is_main & is_whole)
    table = Table(
        X=examples.X,
        y=examples.y,
        weights=row_weights(examples),
        targets=targets_of(examples),
        is_main=is_main,
        is_whole=is_whole,
    )
    folds = speaker_folds(examples.speakers, N_INNER_FOLDS, seed)
    rule = shift_rule(examples, is_main & is_whole)
    thoughts = _thoughts(table, folds, examples.is_final)
    past = examples.where(is_whole)
    shifts = offsets(
        (examples.clips, examples.speakers),
        (past.clips, past.speakers),
        past.y,
        residuals(past.X, thoughts, rule),
        KAPPA,
        np.random.default_rng(seed),
    )
    adapted = replace(table, X=table.X - shifts)
    cold, warm = _ensembles(table, adapted, folds)
    return Fitted(cold, warm, rule)


def row_weights(examples: Examples) -> NDArray[np.float64]:
    """Weight of each row: corpus, variant, whole or beginning; RAVDESS's labels the same.

    Returns
    -------
    float64 array, shape (n_rows,)
    """
    weights = np.array([VARIANT_WEIGHTS[variant] for variant in examples.variants])
    partial = ~examples.is_final
    keys = np.char.add(examples.variants[partial], examples.clips[partial].astype(np.str_))
    _, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
    weights[partial] *= PARTIAL_WEIGHT / counts[inverse]
    main = examples.corpora == MAIN_CORPUS
    weights[~main] *= OTHER_CORPUS_WEIGHT
    per_label = np.bincount(examples.y[main], weights=weights[main], minlength=_K)
    weights[main] *= (per_label.mean() / per_label)[examples.y[main]]
    return weights


def shift_rule(examples: Examples, is_main: BoolArray) -> ShiftRule:
    """Means of the utterances of `is_main`, every label the same; 0 where never defined."""
    means = []
    for label in range(_K):
        values = examples.X[is_main & (examples.y == label)].astype(np.float64)
        defined = ~np.isnan(values)
        total = np.where(defined, values, 0.0).sum(axis=0)
        means.append(total / np.maximum(defined.sum(axis=0), 1))
    label_means = np.stack(means)
    return ShiftRule(
        mean=label_means.mean(axis=0),
        label_means=label_means,
        correction=np.array(CORRECTION),
        kappa=np.array(KAPPA),
        # The adapted ensemble was fitted to short pasts too: it needs no support.
        half_weight=np.array(0.0),
    )


def _thoughts(table: Table, folds: NDArray[np.int64], is_final: BoolArray) -> NDArray[np.float64]:
    """What models that heard none of the speaker say of each whole, unchanged utterance."""
    scores = np.zeros((len(table.y), _K))
    for fold in np.unique(folds):
        out = (folds == fold) & table.is_whole
        member = learned_member(table.where((folds != fold) & is_final))
        scores[out] = np.log(member.predict_proba(table.X[out]) + MIN_PROBABILITY)
    temperature = _temperature(scores, table)
    return softmax(scores[table.is_whole] / temperature)


def _ensembles(table: Table, adapted: Table, folds: NDArray[np.int64]) -> tuple[Ensemble, Ensemble]:
    """The same members for no past and for any, each with its temperature."""
    cold, warm = (np.zeros((2, len(table.y), _K)) for _ in range(2))
    for fold in np.unique(folds):
        out = (folds == fold) & table.is_whole
        for index, member in enumerate(_members(adapted.where(folds != fold))):
            for scores, inputs in ((cold, table), (warm, adapted)):
                scores[index, out] = np.log(member.predict_proba(inputs.X[out]) + MIN_PROBABILITY)
    members = tuple(
        replace(member, temperature=np.array(_temperature(scores, table)))
        for member, scores in zip(_members(adapted), warm, strict=True)
    )
    weights = np.array([HAND_MADE_WEIGHT, 1.0 - HAND_MADE_WEIGHT])
    return (
        Ensemble(members, weights, np.array(_temperature(_mean(cold, members, weights), table))),
        Ensemble(members, weights, np.array(_temperature(_mean(warm, members, weights), table))),
    )


def _members(table: Table) -> tuple[Classifier, Classifier]:
    """The hand-made one first: an ensemble's first member describes the features."""
    return hand_made_member(table), learned_member(table)


def _mean(
    scores: NDArray[np.float64], members: tuple[Classifier, ...], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """What ``Ensemble.log_mean`` would give for members with these log-probabilities."""
    tempered = [
        np.log(softmax(score / float(member.temperature)) + MIN_PROBABILITY)
        for score, member in zip(scores, members, strict=True)
    ]
    return np.asarray(np.tensordot(weights, np.stack(tempered), axes=1))


def _temperature(scores: NDArray[np.float64], table: Table) -> float:
    """Best on the whole utterances of RAVDESS, whose speakers the scorer did not hear."""
    judged = table.is_main & table.is_whole
    return best_temperature(scores[judged], table.y[judged], table.weights[judged])[0]
