"""Logistic regression for corpora that do not name everything."""

from __future__ import annotations

import numpy as np
import pytest

from ser_live.model.classifier import softmax
from ser_live.training.masked_regression import MaskedTargets, fit_masked


def one_of(y: np.ndarray, n_outputs: int) -> MaskedTargets:
    """Plain labels: one right output, all possible."""
    return MaskedTargets(np.eye(n_outputs, dtype=bool)[y], np.ones((len(y), n_outputs), bool))


def clouds(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Three labels around the corners of a triangle."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 3
    centres = 2.0 * np.array([[1.0, 0.0], [-0.5, 0.9], [-0.5, -0.9]])
    return (centres[y] + rng.standard_normal((n, 2))).astype(np.float32), y


def test_with_all_known_it_is_multinomial_logistic_regression() -> None:
    """The same coefficients as scikit-learn's, whose C is 1 / (n penalty)."""
    from sklearn.linear_model import LogisticRegression

    z, y = clouds(300, 0)
    head = fit_masked(z, one_of(y, 3), np.ones(len(y)), penalty=0.1, n_iterations=500)
    other = LogisticRegression(C=1 / (0.1 * len(y)), tol=1e-8, max_iter=1000).fit(z, y)
    assert head.coef == pytest.approx(other.coef_.T, abs=5e-3)
    differences = head.intercept - head.intercept.mean()
    assert differences == pytest.approx(other.intercept_ - other.intercept_.mean(), abs=5e-3)


def test_weights_count_as_repetitions() -> None:
    """A row of weight 2 is worth the row given twice."""
    z, y = clouds(60, 1)
    twice = np.arange(60) < 20
    weighted = fit_masked(z, one_of(y, 3), 1.0 + twice, 0.1, 500)
    z2, y2 = np.concatenate([z, z[twice]]), np.concatenate([y, y[twice]])
    repeated = fit_masked(z2, one_of(y2, 3), np.ones(80), 0.1, 500)
    assert weighted.coef == pytest.approx(repeated.coef, abs=5e-3)


def test_a_corpus_without_a_label_does_not_teach_that_there_is_none() -> None:
    """Many rows that could not be label 2 leave its probability where the rest has it."""
    z, y = clouds(300, 2)
    z2 = np.concatenate([z, np.repeat(z[y != 2], 10, axis=0)])
    y2 = np.concatenate([y, np.repeat(y[y != 2], 10)])
    masked = one_of(y2, 3)
    masked.allowed[300:, 2] = False
    naive, fair, before = (
        softmax(z @ head.coef + head.intercept)[:, 2].mean()
        for head in (
            fit_masked(z2, one_of(y2, 3), np.ones(len(y2)), 0.01, 500),
            fit_masked(z2, masked, np.ones(len(y2)), 0.01, 500),
            fit_masked(z, one_of(y, 3), np.ones(300), 0.01, 500),
        )
    )
    assert fair == pytest.approx(before, abs=0.02)
    assert naive < before - 0.05


def test_two_right_outputs_share_a_row() -> None:
    """Where outputs 0 and 2 both stand for a label, it is their sum that is fitted."""
    z, y = clouds(300, 3)
    targets = one_of(y % 2, 4)
    targets.right[:, 2:] = targets.right[:, :2]
    head = fit_masked(z, targets, np.ones(300), 0.01, 500)
    probabilities = softmax(z @ head.coef + head.intercept).reshape(-1, 2, 2).sum(axis=1)
    assert np.mean(probabilities.argmax(axis=1) == y % 2) > 0.75
