"""Metrics against known answers and against scikit-learn."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
import sklearn.metrics as reference
from hypothesis import given
from hypothesis import strategies as st

from ser_live.evaluation import metrics

K = 8

label_pairs = st.lists(
    st.tuples(st.integers(0, K - 1), st.integers(0, K - 1)), min_size=1, max_size=200
)


@given(label_pairs)
def test_metrics_equal_those_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    """Accuracy, UAR, macro F1, recalls and the matrix agree on any labels, absent classes too."""
    y_true, y_predicted = np.array(pairs).T
    matrix = metrics.confusion_matrix(y_true, y_predicted, K)
    assert np.array_equal(
        matrix, reference.confusion_matrix(y_true, y_predicted, labels=np.arange(K))
    )
    assert metrics.accuracy(matrix) == pytest.approx(reference.accuracy_score(y_true, y_predicted))
    present = np.unique(y_true)
    assert metrics.uar(matrix) == pytest.approx(
        reference.recall_score(y_true, y_predicted, labels=present, average="macro")
    )
    assert metrics.macro_f1(matrix) == pytest.approx(
        reference.f1_score(y_true, y_predicted, average="macro")
    )
    recall = metrics.recall_per_class(matrix)
    assert np.array_equal(np.flatnonzero(~np.isnan(recall)), present)


@given(st.integers(0, K - 1), st.lists(st.integers(1, 30), min_size=K, max_size=K))
def test_predicting_one_class_gives_chance_uar(answer: int, sizes: list[int]) -> None:
    """Whatever the class sizes, one answer for everything scores 1/K."""
    y_true = np.repeat(np.arange(K), sizes)
    matrix = metrics.confusion_matrix(y_true, np.full_like(y_true, answer), K)
    assert metrics.uar(matrix) == pytest.approx(1 / K)
    assert metrics.chance_uar(K) == 1 / K


def test_rows_of_the_confusion_matrix_are_the_truth() -> None:
    """Two clips of class 0, both called 1, stand in row 0, column 1."""
    matrix = metrics.confusion_matrix(np.array([0, 0]), np.array([1, 1]), 2)
    assert matrix.tolist() == [[0, 2], [0, 0]]


def test_nothing_measured_is_nan() -> None:
    """Without samples every metric is undefined."""
    matrix = np.zeros((K, K), dtype=np.int64)
    assert np.isnan(metrics.accuracy(matrix))
    assert np.isnan(metrics.uar(matrix))
    assert np.isnan(metrics.macro_f1(matrix))
    assert np.isnan(metrics.recall_per_class(matrix)).all()
    none = np.zeros(0, dtype=np.int64)
    assert np.isnan(metrics.expected_calibration_error(none, np.zeros((0, K))))
    assert np.isnan(metrics.bootstrap_interval(matrix[None])).all()


def test_calibration_error_of_known_cases() -> None:
    """Always sure and always right is 0; always sure and right half the time is 0.5."""
    sure = np.array([[1.0, 0.0]] * 10)
    assert metrics.expected_calibration_error(np.zeros(10, dtype=np.int64), sure) == 0.0
    half = np.array([0, 1] * 5)
    assert metrics.expected_calibration_error(half, sure) == pytest.approx(0.5)
    hesitant = np.array([[0.8, 0.2]] * 10)
    right_eight_times = np.array([0] * 8 + [1] * 2)
    assert metrics.expected_calibration_error(right_eight_times, hesitant) == pytest.approx(0.0)


def test_confidences_on_a_bin_edge_belong_below() -> None:
    """With two bins, .5 and .6 fall apart: errors of opposite sign do not cancel."""
    probabilities = np.array([[0.5, 0.5], [0.6, 0.4]])
    y_true = np.array([0, 1])
    assert metrics.expected_calibration_error(y_true, probabilities, n_bins=2) == pytest.approx(
        (0.5 + 0.6) / 2
    )


def test_calibration_error_of_honest_probabilities_vanishes() -> None:
    """Labels drawn from the stated probabilities leave only the sampling error."""
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(K), size=50_000)
    drawn = (probabilities.cumsum(axis=1) > rng.random((50_000, 1))).argmax(axis=1)
    assert metrics.expected_calibration_error(drawn, probabilities) < 0.01


def test_bootstrap_of_equal_speakers_has_no_width() -> None:
    """Where every speaker gives the same matrix, every draw gives the same UAR."""
    matrix = np.diag([3] * K)
    matrix[0, 1] = 1
    low, high = metrics.bootstrap_interval(np.stack([matrix] * 24))
    assert low == pytest.approx(high) == pytest.approx(metrics.uar(matrix))


@pytest.mark.parametrize("name", ["uar", "accuracy"])
def test_bootstrap_by_name_equals_bootstrap_by_function(name: str) -> None:
    """The fast forms compute what the plain metric computes draw by draw."""
    rng = np.random.default_rng(1)
    matrices = rng.integers(1, 9, size=(24, K, K))
    plain = getattr(metrics, name)
    assert metrics.bootstrap_interval(matrices, name, n_draws=200) == pytest.approx(
        metrics.bootstrap_interval(matrices, plain, n_draws=200)
    )


def test_bootstrap_interval_covers_the_known_spread() -> None:
    """24 speakers with accuracies of spread s give an interval of about +-1.96 s / sqrt 24."""
    rng = np.random.default_rng(2)
    right = rng.binomial(60, rng.normal(0.6, 0.12, size=24).clip(0, 1))
    matrices = np.zeros((24, 2, 2), dtype=np.int64)
    matrices[:, 0, 0], matrices[:, 0, 1] = right, 60 - right
    low, high = metrics.bootstrap_interval(matrices, "accuracy")
    expected = 2 * 1.96 * np.std(right / 60) / np.sqrt(24)
    assert high - low == pytest.approx(expected, rel=0.1)
    with pytest.raises(ValueError, match="unknown metric"):
        metrics.bootstrap_interval(matrices, "luck")


def test_bootstrap_of_rows_is_that_of_matrices() -> None:
    """For what both can measure, accuracy, drawing rows gives the interval of drawing matrices."""
    rng = np.random.default_rng(3)
    speakers = np.array([f"{n:02d}" for n in range(20) for _ in range(30)])
    is_right = (rng.random(600) < np.repeat(rng.uniform(0.3, 0.9, 20), 30)).astype(np.int64)
    matrices = np.stack([[[n, 30 - n], [0, 0]] for n in is_right.reshape(20, 30).sum(axis=1)])
    ends = metrics.bootstrap_rows_interval(
        lambda rows: float(is_right[rows].mean()), speakers, n_draws=4000
    )
    assert ends == pytest.approx(metrics.bootstrap_interval(matrices, "accuracy"), abs=0.01)
    one = metrics.bootstrap_rows_interval(lambda rows: 1.0, np.array(["a", "a"]))
    assert np.isnan(one).all()


def test_matrices_per_group_add_up() -> None:
    """One matrix per speaker, in sorted order; their sum is the whole."""
    rng = np.random.default_rng(3)
    y_true, y_predicted = rng.integers(0, K, size=(2, 100))
    groups = np.array([f"s{n}" for n in rng.integers(0, 5, 100)])
    per_group = metrics.matrices_per_group(y_true, y_predicted, groups, K)
    assert list(per_group) == sorted(per_group)
    assert np.array_equal(sum(per_group.values()), metrics.confusion_matrix(y_true, y_predicted, K))


def test_examples_in_the_docstrings_hold() -> None:
    """Every docstring example prints what it claims."""
    assert doctest.testmod(metrics).failed == 0
