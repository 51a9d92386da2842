"""Fitting the rule that turns a model's answers into those of one person.

Few labels are all there is, so the rule begins as the one that changes nothing, and is held there.
A person's words may differ in three ways: what they call what the model means, how often they mean
each label, and how sure an answer should be. Which of these take part and how strongly they are
held is chosen by the log-likelihood of sessions left out; changing nothing is among the choices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize

from ser_live.arrays import Float64, Int64
from ser_live.model.classifier import softmax
from ser_live.model.correction import FLOOR, CorrectionRule

MAX_FOLDS = 10
"""Most folds of sessions left out; where there are more sessions, some are left out together."""
_MAX_STEPS = 200
_ENOUGH = 1e-4
"""Change of shares in a step below which they are taken as found."""
_SEED = 0


@dataclass(frozen=True, slots=True)
class Freedom:
    """One choice; larger numbers hold the rule nearer to changing nothing."""

    name: str
    words: float | None
    """Labels that each label counts as having been meant as the model means it, before any was
    given; None: the person's words are the model's."""
    shares: float | None
    """Penalty on the squared logarithm of how much more often a label is meant; None: as often."""


CHOICES = (
    Freedom("how often each label is meant, held firmly", None, 20.0),
    Freedom("how often each label is meant", None, 4.0),
    Freedom("words, held firmly", 20.0, None),
    Freedom("words", 6.0, None),
    Freedom("words, held loosely", 2.0, None),
    Freedom("words, and how often each label is meant", 6.0, 10.0),
)
_SURENESS = 5.0
"""Penalty on the squared change of how sure answers are."""


def fit_rule(probabilities: Float64, y: Int64, freedom: Freedom) -> CorrectionRule:
    """The rule of this freedom that fits labels best.

    Parameters
    ----------
    probabilities : float64 array, shape (n, n_labels)
        Answers of the model.
    y : int array, shape (n,)
        Label that the person gave to each.
    freedom : Freedom
    """
    n_labels = probabilities.shape[1]
    mixing = np.eye(n_labels)
    if freedom.words is not None:
        mixing = _fit_words(np.maximum(probabilities, FLOOR), y, freedom.words)
    sureness, intercept = 1.0, np.zeros(n_labels)
    if freedom.shares is not None:
        logs = np.log(np.maximum(probabilities @ mixing, FLOOR))
        sureness, intercept = _fit_shares(logs, y, freedom.shares)
    return CorrectionRule(mixing, np.array(sureness), intercept)


def _fit_words(probabilities: Float64, y: Int64, held: float) -> Float64:
    """Shares in which each label of the model is called each label.

    The mode under a Dirichlet prior that counts `held` labels as called by the same word, by
    expectation and maximization. The likelihood is concave in the shares, so it is the only one.
    """
    n_labels = probabilities.shape[1]
    prior = held * np.eye(n_labels)
    given = np.eye(n_labels)[y]
    mixing = 0.8 * np.eye(n_labels) + 0.2 / n_labels
    for _ in range(_MAX_STEPS):
        meant = probabilities * mixing[:, y].T
        meant /= meant.sum(axis=1, keepdims=True)
        counts = prior + meant.T @ given
        before, mixing = mixing, counts / counts.sum(axis=1, keepdims=True)
        if np.abs(mixing - before).max() < _ENOUGH:
            break
    return np.asarray(mixing)


def _fit_shares(logs: Float64, y: Int64, held: float) -> tuple[float, Float64]:
    """Find how sure answers should be, positive, and how much more often each label is meant."""
    n_labels = logs.shape[1]
    target = np.eye(n_labels)[y]

    def loss(parameters: Any) -> tuple[float, Any]:
        change, shares = parameters[0], parameters[1:]
        sureness = np.exp(change)
        answers = softmax(sureness * logs + shares)
        picked = np.maximum(answers[np.arange(len(y)), y], 1e-300)
        error = answers - target
        value = -np.log(picked).sum() + 0.5 * (
            _SURENESS * change**2 + held * float(shares @ shares)
        )
        slope = np.concatenate(
            [
                [sureness * (error * logs).sum() + _SURENESS * change],
                error.sum(axis=0) + held * shares,
            ]
        )
        return float(value), slope

    start = np.zeros(1 + n_labels)
    options = {"maxiter": _MAX_STEPS}
    solve: Any = minimize  # its types know no function that gives a slope of any array
    found = solve(loss, start, jac=True, method="L-BFGS-B", options=options).x
    return float(np.exp(found[0])), np.asarray(found[1:])


def chosen_rule(
    probabilities: Float64, y: Int64, sessions: Int64
) -> tuple[CorrectionRule | None, Freedom | None]:
    """The rule whose freedom tells sessions left out best; None where changing nothing does.

    Labels of sessions left out must be no less often the most probable answer than before.

    Parameters
    ----------
    probabilities : float64 array, shape (n, n_labels)
    y : int array, shape (n,)
    sessions : int array, shape (n,)
        Session of each answer, at least two.
    """
    folds = folds_of_sessions(sessions)
    best, least = None, mean_loss(probabilities, y)
    n_right = _n_right(probabilities, y)
    for freedom in CHOICES:
        answers = np.empty_like(probabilities)
        for fold in np.unique(folds):
            out = folds == fold
            rule = fit_rule(probabilities[~out], y[~out], freedom)
            answers[out] = rule.applied(probabilities[out])
        loss = mean_loss(answers, y)
        if loss < least and _n_right(answers, y) >= n_right:
            best, least = freedom, loss
    if best is None:
        return None, None
    return fit_rule(probabilities, y, best), best


def folds_of_sessions(sessions: Int64) -> Int64:
    """Fold of each answer; no session is in two, and there are at most `MAX_FOLDS`.

    Sessions with many labels are spread first, so that folds are of about one size.
    """
    names, inverse, counts = np.unique(sessions, return_inverse=True, return_counts=True)
    chance = np.random.default_rng(_SEED).permutation(len(names))
    sizes = np.zeros(min(MAX_FOLDS, len(names)), dtype=np.int64)
    fold_of = np.empty(len(names), dtype=np.int64)
    for session in np.lexsort((chance, -counts)):
        fold_of[session] = int(sizes.argmin())
        sizes[fold_of[session]] += counts[session]
    return np.asarray(fold_of[inverse], dtype=np.int64)


def mean_loss(probabilities: Float64, y: Int64) -> float:
    """Mean negative log-probability of the labels that were given."""
    picked = np.maximum(probabilities[np.arange(len(y)), y], FLOOR)
    return float(-np.log(picked).mean())


def _n_right(probabilities: Float64, y: Int64) -> int:
    return int((probabilities.argmax(axis=1) == y).sum())
