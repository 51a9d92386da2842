"""Answers turned into the words of a person who corrected some."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from synthetic_model import K, N, adapting_fitted

from ser_live.errors import ModelError
from ser_live.model.archive import read_arrays, write_arrays
from ser_live.model.correction import CorrectionRule
from ser_live.model.fitted import Fitted
from ser_live.model.inputs import InputLayout


def test_the_identity_changes_nothing() -> None:
    """With the identity and zeros an answer stays what it was."""
    p = np.random.default_rng(0).dirichlet(np.ones(K), size=5) * 0.99 + 0.01 / K
    rule = CorrectionRule(np.eye(K), np.array(1.0), np.zeros(K))
    assert rule.applied(p) == pytest.approx(p, rel=1e-9)


def test_a_raised_intercept_is_bayes_rule() -> None:
    """A logarithm of 2 makes a label twice as probable against every other."""
    p = np.array([[0.5, 0.3, 0.2]])
    found = CorrectionRule(np.eye(3), np.array(1.0), np.log([1.0, 2.0, 1.0])).applied(p)
    assert found == pytest.approx(np.array([[0.5, 0.6, 0.2]]) / 1.3)


def test_a_correction_comes_last_and_outlives_the_disk(tmp_path: Path) -> None:
    """Weights with a rule are written and read, and answer as the rule says of the others."""
    plain = adapting_fitted()
    rule = CorrectionRule(np.roll(np.eye(K), 1, axis=1), np.array(1.5), np.arange(K) / 10)
    arrays = replace(plain, correction=rule).arrays()
    read = read_arrays(tmp_path / "w.npz", write_arrays(tmp_path / "w.npz", arrays))
    found = Fitted.from_arrays(read, InputLayout.of(None), K)
    X = np.random.default_rng(1).standard_normal((4, N))
    shares = np.full(K, 1 / K)
    assert np.array_equal(
        found.predict_proba(X, None, shares), rule.applied(plain.predict_proba(X, None, shares))
    )


def test_mixing_calls_one_label_another() -> None:
    """What the model means by the second label, the person calls the first."""
    mixing = np.array([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    rule = CorrectionRule(mixing, np.array(1.0), np.zeros(3))
    found = rule.applied(np.array([[0.2, 0.5, 0.3]]))
    assert found == pytest.approx(np.array([[0.7, 0.0, 0.3]]), abs=2e-4)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mixing", np.eye(3)),
        ("mixing", 2 * np.eye(K)),
        ("mixing", np.eye(K) - 0.1 + 0.1 * K * np.eye(K)),
        ("sureness", np.array(0.0)),
        ("intercept", np.zeros(3)),
        ("surplus", np.zeros(K)),
    ],
)
def test_a_correction_that_cannot_be_is_refused(name: str, value: np.ndarray) -> None:
    """Rows of shares for each label, a positive exponent, and nothing else."""
    rule = CorrectionRule(np.eye(K), np.array(1.0), np.zeros(K))
    arrays = replace(adapting_fitted(), correction=rule).arrays()
    arrays[f"correction.{name}"] = value
    with pytest.raises(ModelError):
        Fitted.from_arrays(arrays, InputLayout.of(None), K)
