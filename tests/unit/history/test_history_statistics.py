"""Bands, changes and correlations of day values, against formulas and simulations."""

from __future__ import annotations

import math

import numpy as np
import pytest
from places import SCRIPTS

from ser_live.history import statistics
from ser_live.history.sentences import SMALLEST_SEEN_SD


@pytest.fixture
def simulation(monkeypatch: pytest.MonkeyPatch) -> object:
    """The script that measures the trend, with fewer shuffles."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    monkeypatch.setattr(statistics, "N_PERMUTATIONS", 300)
    import simulate_trends

    return simulate_trends


def days(n: int) -> np.ndarray:
    return np.arange(n, dtype=np.int64)


def test_independent_days_give_students_interval() -> None:
    """Without autocorrelation the band is the t-interval of the textbook."""
    from scipy import stats

    values = np.array([0.1, 0.4, -0.2, 0.3, 0.15, 0.0, 0.22])
    sd, freedom = statistics.deviation([(values, days(7))], 0.0)
    band = statistics.mean_band(values, days(7), 0.0, sd, freedom)
    expected = stats.t.interval(0.95, 6, values.mean(), stats.sem(values))
    assert (band.low, band.high) == pytest.approx(expected)


def test_a_band_ends_where_the_scale_ends() -> None:
    """Few days give wide intervals; values beyond the scale cannot be."""
    few = statistics.Band(-0.2, -9.8, 9.4, 2, 1.6)
    assert few.within(-1.0, 1.0) == statistics.Band(-0.2, -1.0, 1.0, 2, 1.6)
    assert statistics.Band(0.1, -0.2, 0.4, 9, 9.0).within(-1.0, 1.0).high == 0.4
    assert all(map(math.isnan, statistics.within((math.nan, math.nan), -1.0, 1.0)))


def test_days_that_hang_together_are_worth_fewer() -> None:
    """In a long row of days, (1 + r) / (1 - r) of them are worth one; days apart are worth more."""
    assert statistics.inflation(days(2000), 0.5) == pytest.approx(3.0, rel=0.01)
    assert statistics.inflation(7 * days(50), 0.5) == pytest.approx(1.0, abs=0.05)
    assert statistics.inflation(days(5), 0.0) == 1.0


def test_a_large_step_is_found_where_it_is() -> None:
    """A step of three deviations is marked; its span and its interval hold the truth."""
    values = np.random.default_rng(1).normal(size=60)
    values[25:] += 3.0
    p = statistics.change_p(values)
    assert p < statistics.MAX_P
    change = statistics.change_of(values, days(60), p)
    assert change.first <= 25 <= change.last
    assert change.last - change.first < 10
    assert change.low <= 3.0 <= change.high


def test_the_same_days_always_give_the_same_answer() -> None:
    """Shuffles have a seed."""
    values = np.random.default_rng(2).normal(size=40)
    assert statistics.change_p(values) == statistics.change_p(values.copy())


@pytest.mark.parametrize("values", [np.zeros(40), np.arange(13.0), np.array([])])
def test_too_few_days_or_equal_ones_have_no_change(values: np.ndarray) -> None:
    """There is nothing to test: the p value is undefined, and not 1 or 0."""
    assert math.isnan(statistics.change_p(values))


def test_rank_correlation_is_that_of_scipy() -> None:
    """Spearman's, with ties; its interval holds it and widens where days hang together."""
    from scipy import stats

    rng = np.random.default_rng(3)
    x = rng.integers(1, 6, size=40).astype(float)
    y = x + rng.normal(size=40)
    found = statistics.rank_correlation(x, y, days(40))
    assert found is not None
    assert found.rho == pytest.approx(stats.spearmanr(x, y).statistic)
    assert found.low < found.rho < found.high
    slow = np.repeat([1.0, 2.0, 4.0, 5.0], 10)
    tied = statistics.rank_correlation(slow, slow + 0.01 * y, days(40))
    free = statistics.rank_correlation(x, x + 0.01 * y, days(40))
    assert tied is not None
    assert free is not None
    assert math.atanh(tied.high) - math.atanh(tied.low) > math.atanh(free.high) - math.atanh(
        free.low
    )


def test_a_correlation_needs_fourteen_ratings_that_vary() -> None:
    """Fewer, or ratings that are all the same, give none."""
    x = np.arange(13.0)
    assert statistics.rank_correlation(x, x, days(13)) is None
    assert statistics.rank_correlation(np.ones(20), np.arange(20.0), days(20)) is None


def test_series_without_a_change_are_hardly_ever_marked(simulation: object) -> None:
    """Autocorrelation .3: at most 3 %; .5: at most 7 %; and bands cover: the bars, made short.

    Of 100 series with a true share of 3 %, more than 9 are marked once in a thousand times.
    """
    for autocorrelation, most in ((0.3, 0.09), (0.5, 0.15)):
        found = simulation.measure(56, autocorrelation, 100)  # type: ignore[attr-defined]
        assert found.false <= most
        assert found.covered >= 0.86
        assert found.weeks_covered >= 0.9


def test_a_step_of_one_and_a_half_deviations_is_mostly_found(simulation: object) -> None:
    """In 84 days nine of ten, made short: of 60 series at most 12 are missed."""
    found = simulation.measure(84, 0.3, 60)  # type: ignore[attr-defined]
    assert found.found >= 0.8
    assert found.inside >= 0.8


def test_the_page_names_limits_in_falling_order() -> None:
    """More days show smaller changes."""
    n_days, sizes = zip(*SMALLEST_SEEN_SD, strict=True)
    assert list(n_days) == sorted(n_days)
    assert list(sizes) == sorted(sizes, reverse=True)
