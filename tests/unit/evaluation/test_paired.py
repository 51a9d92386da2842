"""Paired differences with their intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ser_live.evaluation.paired import kappa_of, paired_difference


def test_the_interval_of_a_mean_over_equal_groups_is_students() -> None:
    """For the mean of groups of one size the jackknife is the t-interval over their means."""
    rng = np.random.default_rng(0)
    values = rng.standard_normal(24)
    groups = np.repeat(np.arange(6), 4)
    found = paired_difference(lambda rows: float(values[rows].mean()), groups)
    means = values.reshape(6, 4).mean(axis=1)
    half = 2.5706 * means.std(ddof=1) / math.sqrt(6)
    assert (found.value, found.n_groups) == (pytest.approx(means.mean()), 6)
    assert (found.low, found.high) == (
        pytest.approx(means.mean() - half, abs=1e-4),
        pytest.approx(means.mean() + half, abs=1e-4),
    )


def test_one_group_has_no_interval() -> None:
    """Nothing is known of what varies between groups."""
    found = paired_difference(lambda rows: float(len(rows)), np.zeros(5, dtype=np.int64))
    assert found.value == 5.0
    assert math.isnan(found.low)


def test_intervals_of_few_groups_cover_the_truth() -> None:
    """Of 400 samples of six groups about 95 % hold the true difference."""
    rng = np.random.default_rng(1)
    hits = 0
    for _ in range(400):
        values = np.repeat(rng.standard_normal(6), 5) + rng.standard_normal(30)
        found = paired_difference(
            lambda rows, v=values: float(v[rows].mean()),  # type: ignore[misc]
            np.repeat(np.arange(6), 5),
        )
        hits += found.low <= 0.0 <= found.high
    assert 0.92 <= hits / 400 <= 0.98


def test_many_groups_are_put_together() -> None:
    """A thousand recordings are left out in at most a hundred pieces."""
    calls: list[int] = []

    def counted(rows: np.ndarray) -> float:
        calls.append(len(rows))
        return float(rows.mean())

    found = paired_difference(counted, np.arange(1000))
    assert found.n_groups == 100
    assert len(calls) == 101
    assert set(calls[1:]) == {990}


def test_always_one_label_is_no_better_than_chance() -> None:
    """Kappa of an answer that never changes is 0, that of the right ones 1."""
    y = np.array([0, 0, 0, 1])
    assert kappa_of(y, np.tile([0.9, 0.1], (4, 1))) == pytest.approx(0.0)
    assert kappa_of(y, np.eye(2)[y]) == pytest.approx(1.0)
    assert math.isnan(kappa_of(np.zeros(3, dtype=np.int64), np.tile([1.0, 0.0], (3, 1))))
