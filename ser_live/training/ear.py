"""The recipe ``ear``: what a speech encoder hears, adapting to the speaker.

1. Three classifiers (``ear_members``): logistic regression and a discriminant on the encoder's
   pooled states, a discriminant on hand-made features; their log-probabilities are averaged. The
   speech level is used by none: it tells more about microphones than about voices.
2. Beginnings of utterances and varied copies weigh less than whole, unchanged utterances.
   RAVDESS, whose labels all weigh the same, has as much weight as all other corpora. Those
   that lack labels or intensities leave these open (``masked_regression``).
3. In inner folds by speaker, models that did not hear a speaker judge them: what a live
   model would have given to the utterances of their past.
4. The classifiers are fitted to inputs from which the shift of a random past was taken
   off, or nothing (``histories``). So the same ones serve strangers and known voices.
5. Strangers are judged as if they were each of the training speakers (``model.strangers``).
6. Corpora left out teach caution with what is unfamiliar, and a judge of whether anything is
   expressed, which everyday speech takes part in (``unfamiliar``).
7. Inner folds choose the temperatures, so that what caution leaves is calibrated: one for
   strangers, one for the random pasts.

The constants were settled while the recipe was made, with results on the EmoBox folds in view;
between the values tried, results differed less than between speakers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ser_live.arrays import Bool, Float64, Int64
from ser_live.datasets.everyday import CORPUS_PREFIX
from ser_live.emotions import LABELS
from ser_live.model.card import UNCERTAIN_BELOW
from ser_live.model.caution import Caution
from ser_live.model.classifier import Classifier, softmax
from ser_live.model.ensemble import MIN_PROBABILITY, Ensemble
from ser_live.model.fitted import Fitted
from ser_live.model.speaker_shift import ShiftRule
from ser_live.model.strangers import Strangers
from ser_live.training.augmentation import (
    EAR_VARIANTS,
    LINE,
    MILD,
    NOISE,
    NOISE_AGAIN,
    PLAIN,
    ROOM,
    ROOM_AGAIN,
    STRONG,
)
from ser_live.training.classic import check_examples, speaker_folds
from ser_live.training.ear_members import (
    Standardised,
    Table,
    discriminant_head,
    hand_made_member,
    logistic_head,
    moments_by_fold,
    targets_of,
)
from ser_live.training.examples import Examples
from ser_live.training.familiarity import distances_unheard
from ser_live.training.heads import Moments, best_temperature
from ser_live.training.histories import offsets, residuals
from ser_live.training.unfamiliar import fit_unfamiliar

DESCRIPTION = (
    "Logistic regression and a discriminant on pooled hidden states of the first layers of "
    "Whisper-base, averaged with a discriminant on hand-made features; all adapted to the speaker "
    "while listening."
)
VARIANTS = EAR_VARIANTS
MAIN_CORPUS = "ravdess"
CORPORA = (MAIN_CORPUS, "nemo", "crema_d", "ased", "iesc")
"""Corpora it trains on. ``etts_ko`` is left out: its anger and sadness sound swapped."""

VARIANT_WEIGHTS = {
    PLAIN: 1.0,
    MILD: 0.5,
    STRONG: 0.5,
    NOISE: 0.5,
    ROOM: 0.5,
    LINE: 0.5,
    NOISE_AGAIN: 0.5,
    ROOM_AGAIN: 0.5,
}
PARTIAL_WEIGHT = 0.3
"""Weight of all beginnings of an utterance together; the whole utterance has 1."""
OTHER_CORPORA_WEIGHT = 1.0
"""Weight of all other corpora together; RAVDESS has 1. Each of them counts the same."""
OTHER_VARIANTS = (PLAIN, STRONG)
"""Variants of other corpora and of everyday speech, without beginnings."""
WITH_BEGINNINGS = (PLAIN, MILD)
"""Variants whose beginnings are trained on too; of the others only whole utterances are."""
MEMBER_WEIGHTS = (0.1, 0.6, 0.3)
"""Weights of the hand-made features, logistic regression and the discriminant on the states."""
N_INNER_FOLDS = 5
CORRECTION = 0.75
"""Degree to which emotion is taken out of the shift, see ``ser_live.model.speaker_shift``."""
KAPPA = 3.0

_K = len(LABELS)

Answers = Callable[[Float64], Float64]
"""Makes probabilities of scores, both of shape (n, n_labels)."""


def fit(examples: Examples, seed: int = 0) -> Fitted:
    """Fit the recipe; temperatures and the judgement of pasts come from inner folds by speaker.

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
    caution, expression = fit_unfamiliar(examples, MAIN_CORPUS, UNCERTAIN_BELOW, seed)
    examples = examples.where(
        (examples.is_final | np.isin(examples.variants, WITH_BEGINNINGS))
        & ~np.char.startswith(examples.corpora, CORPUS_PREFIX)
    )
    is_main = examples.corpora == MAIN_CORPUS
    is_whole = examples.is_final & (examples.variants == PLAIN)
    check_examples(examples, is_main & is_whole)
    table = Table(
        X=examples.X,
        y=examples.y,
        weights=row_weights(examples),
        targets=targets_of(examples),
        speakers=examples.speakers,
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
    sober = _sobering(caution, past, folds[is_whole])
    warm, cold = _judges(table, adapted, folds, voices_of(past, rule), sober)
    return Fitted(cold, warm, rule, caution=caution, expression=expression)


def _sobering(caution: Caution | None, whole: Examples, folds: Int64) -> Answers:
    """Caution about whole utterances of RAVDESS, by voices never heard."""
    if caution is None:
        return softmax
    used, rule = caution.familiarity.used, caution.rule
    distances = distances_unheard(whole.X[:, used], whole.corpora, folds)
    at_home = distances[whole.corpora == MAIN_CORPUS]
    return lambda scores: rule.doubt(rule.temper(softmax(scores), at_home), at_home)


def voices_of(whole: Examples, rule: ShiftRule) -> dict[str, Float64]:
    """Difference of each speaker of the main corpus, emotions known, by speaker."""
    main = whole.where(whole.corpora == MAIN_CORPUS)
    rest = np.nan_to_num(main.X - rule.label_means[main.y])
    return {
        str(speaker): rest[main.speakers == speaker].sum(axis=0)
        / (np.count_nonzero(main.speakers == speaker) + KAPPA)
        for speaker in np.unique(main.speakers)
    }


def row_weights(examples: Examples) -> Float64:
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
    _, inverse = np.unique(examples.corpora, return_inverse=True)
    per_corpus = np.bincount(inverse, weights)
    n_others = len(per_corpus) - 1
    if n_others:
        total = weights[main].sum() * OTHER_CORPORA_WEIGHT / n_others
        weights[~main] *= (total / per_corpus)[inverse[~main]]
    per_label = np.bincount(examples.y[main], weights=weights[main], minlength=_K)
    weights[main] *= (per_label.mean() / per_label)[examples.y[main]]
    return weights


def shift_rule(examples: Examples, is_main: Bool) -> ShiftRule:
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


def _thoughts(table: Table, folds: Int64, is_final: Bool) -> Float64:
    """Probabilities of whole, unchanged utterances by models that never heard the speaker."""
    states = Standardised.of(table)
    rows = np.flatnonzero(is_final)
    moments = moments_by_fold(table.where(rows), states.z[rows], folds[rows])
    scores = np.zeros((len(table.y), _K))
    for index, fold in enumerate(np.unique(folds)):
        out = (folds == fold) & table.is_whole
        member = states.classifier(discriminant_head(_others(moments, index)))
        scores[out] = np.log(member.predict_proba(table.X[out]) + MIN_PROBABILITY)
    temperature = _temperature(scores, table)
    return softmax(scores[table.is_whole] / temperature)


def _judges(
    table: Table,
    adapted: Table,
    folds: Int64,
    voices: dict[str, Float64],
    sober: Answers,
) -> tuple[Ensemble, Strangers]:
    """Ensembles for known voices and for strangers: same members, inner-fold temperatures.

    With the last temperatures what caution leaves of the answers is calibrated.
    """
    states = Standardised.of(adapted)
    moments = moments_by_fold(adapted, states.z, folds)
    n = len(table.y)
    warm = np.zeros((len(MEMBER_WEIGHTS), n, _K))
    # NaN: nobody is judged as a speaker that the members of the fold were not fitted to.
    as_voice = np.full((len(voices), len(MEMBER_WEIGHTS), n, _K), np.nan, dtype=np.float32)
    for number, fold in enumerate(np.unique(folds)):
        # Temperatures are chosen on the main corpus alone.
        out = np.flatnonzero((folds == fold) & table.is_whole & table.is_main)
        heard = np.flatnonzero(folds != fold)
        known = set(table.speakers[heard].tolist())
        members = _members(adapted.where(heard), states, heard, _others(moments, number))
        for index, member in enumerate(members):
            warm[index, out] = _log_proba(member, adapted.X[out])
            for place, (speaker, voice) in enumerate(voices.items()):
                if speaker in known:
                    as_voice[place, index, out] = _log_proba(member, table.X[out] - voice)
    members = tuple(
        replace(member, temperature=np.array(_temperature(scores, table)))
        for member, scores in zip(
            _members(adapted, states, np.arange(n), moments), warm, strict=True
        )
    )
    weights = np.array(MEMBER_WEIGHTS)
    mean = _mean(warm, members, weights)
    known_voice = Ensemble(members, weights, np.array(_temperature(mean, table, sober)))
    judged = np.flatnonzero(table.is_main & table.is_whole)
    answers = np.stack(
        [
            softmax(
                _mean(scores[:, judged].astype(np.float64), members, weights)
                / float(known_voice.temperature)
            )
            for scores in as_voice
        ]
    )
    stranger = np.zeros((n, _K))
    stranger[judged] = np.log(np.nanmean(answers, axis=0) + MIN_PROBABILITY)
    return known_voice, Strangers(
        known_voice, np.stack(list(voices.values())), np.array(_temperature(stranger, table, sober))
    )


def _log_proba(member: Classifier, X: NDArray[np.floating[Any]]) -> Float64:
    return np.asarray(np.log(member.predict_proba(X) + MIN_PROBABILITY))


def _others(moments: list[Moments], index: int) -> list[Moments]:
    return moments[:index] + moments[index + 1 :]


def _members(
    table: Table, states: Standardised, rows: Int64, moments: list[Moments]
) -> tuple[Classifier, ...]:
    """Members fitted to a table, which holds these rows of the states; moments are given.

    The hand-made one comes first: an ensemble's first member describes the features.
    """
    return (
        hand_made_member(table),
        states.classifier(logistic_head(table, states.z[rows])),
        states.classifier(discriminant_head(moments)),
    )


def _mean(scores: Float64, members: tuple[Classifier, ...], weights: Float64) -> Float64:
    """Value of ``Ensemble.log_mean`` for members with these log-probabilities."""
    tempered = [
        np.log(softmax(score / float(member.temperature)) + MIN_PROBABILITY)
        for score, member in zip(scores, members, strict=True)
    ]
    return np.asarray(np.tensordot(weights, np.stack(tempered), axes=1))


def _temperature(scores: Float64, table: Table, answers: Answers = softmax) -> float:
    """Best temperature on whole utterances of RAVDESS, whose speakers the scorer did not hear."""
    judged = table.is_main & table.is_whole
    temperature, _ = best_temperature(
        scores[judged], table.y[judged], table.weights[judged], answers
    )
    return temperature
