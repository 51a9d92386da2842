"""Functionals: equal to numpy's and scipy's, with known answers, NaN-proof."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ser_live.features.functionals import FUNCTIONALS, functionals

NAMES = tuple(FUNCTIONALS)


def of(values: list[float] | np.ndarray, hop_s: float = 0.01) -> dict[str, float]:
    """All functionals of one contour."""
    row = np.asarray(values, dtype=np.float64)[None, :]
    return dict(zip(NAMES, functionals(row, NAMES, hop_s)[0], strict=True))


@pytest.fixture
def gappy() -> np.ndarray:
    """Twenty contours of 150 frames with a third missing at random."""
    rng = np.random.default_rng(3)
    values = rng.normal(5.0, 2.0, size=(20, 150)).cumsum(axis=1)
    values[rng.random(values.shape) < 0.33] = np.nan
    return values


@pytest.mark.parametrize("q", [5, 20, 50, 80, 95])
def test_percentiles_are_those_of_numpy(gappy: np.ndarray, q: int) -> None:
    """Percentiles equal np.nanpercentile."""
    found = functionals(gappy, (f"p{q:02d}",), 0.01)[:, 0]
    np.testing.assert_allclose(found, np.nanpercentile(gappy, q, axis=1), rtol=1e-12)


def test_moments_are_those_of_scipy(gappy: np.ndarray) -> None:
    """Mean, deviation, skewness and kurtosis equal scipy's population moments."""
    found = functionals(gappy, ("mean", "std", "skewness", "kurtosis"), 0.01)
    expected = np.column_stack(
        [
            np.nanmean(gappy, axis=1),
            np.nanstd(gappy, axis=1),
            scipy.stats.skew(gappy, axis=1, nan_policy="omit"),
            scipy.stats.kurtosis(gappy, axis=1, nan_policy="omit", fisher=False),
        ]
    )
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_course_over_time_is_that_of_polyfit(gappy: np.ndarray) -> None:
    """Slope and curvature equal np.polyfit on the frames that are defined."""
    found = functionals(gappy, ("slope_per_s", "curvature_per_s2", "residual"), 0.01)
    time = np.arange(gappy.shape[1]) * 0.01
    for row, (slope, curvature, residual) in zip(gappy, found, strict=True):
        there = ~np.isnan(row)
        line = np.polyfit(time[there], row[there], 1)
        assert slope == pytest.approx(line[0], rel=1e-8)
        assert curvature == pytest.approx(np.polyfit(time[there], row[there], 2)[0], rel=1e-7)
        rest = row[there] - np.polyval(line, time[there])
        assert residual == pytest.approx(np.std(rest), rel=1e-8)


def test_a_ramp_has_its_known_functionals() -> None:
    """A ramp of 3 units a second: slope 3, no curvature, only rises, highest at the end."""
    found = of(np.arange(101) * 0.03)
    assert found["slope_per_s"] == pytest.approx(3.0)
    assert found["curvature_per_s2"] == pytest.approx(0.0, abs=1e-9)
    assert found["rise_per_s"] == pytest.approx(3.0)
    assert np.isnan(found["fall_per_s"])
    assert found["rising_share"] == 1.0
    assert (found["min_at"], found["max_at"]) == (0.0, 1.0)
    assert found["p50"] == pytest.approx(1.5)
    assert found["range"] == pytest.approx(0.9 * 3.0)
    assert found["skewness"] == pytest.approx(0.0, abs=1e-9)


def test_a_triangle_rises_and_falls() -> None:
    """Up at 2 and down at 6 units a second gives both slopes and their mean change."""
    found = of(np.concatenate([np.arange(60) * 0.02, 1.2 - np.arange(21) * 0.06]))
    assert found["rise_per_s"] == pytest.approx(2.0)
    assert found["fall_per_s"] == pytest.approx(-6.0)
    assert found["rising_share"] == pytest.approx(0.75)
    assert found["change_per_s"] == pytest.approx(3.0)
    assert found["max_at"] == pytest.approx(0.75)


def test_a_parabola_has_its_curvature() -> None:
    """x = 4 t^2 has quadratic coefficient 4."""
    assert of(4.0 * (np.arange(80) * 0.01) ** 2)["curvature_per_s2"] == pytest.approx(4.0)


def test_steps_do_not_bridge_gaps() -> None:
    """A jump across undefined frames is no rise."""
    found = of([0.0, 0.0, np.nan, 9.0, 9.0])
    assert found["change_per_s"] == 0.0
    assert np.isnan(found["rise_per_s"])


def test_frames_left_out_are_the_same_as_frames_undefined(gappy: np.ndarray) -> None:
    """Leaving frames out of all contours and marking them NaN give the same."""
    values = np.nan_to_num(gappy)
    kept = np.flatnonzero(np.random.default_rng(5).random(values.shape[1]) < 0.6)
    kept = np.union1d(kept, [0, values.shape[1] - 1])
    masked = np.full(values.shape, np.nan)
    masked[:, kept] = values[:, kept]
    np.testing.assert_allclose(
        functionals(values[:, kept], NAMES, 0.01, kept),
        functionals(masked, NAMES, 0.01),
        rtol=1e-9,
    )


@pytest.mark.parametrize("n_frames", [0, 1, 2, 40])
def test_nothing_defined_gives_nothing(n_frames: int) -> None:
    """A contour without a defined frame has no functional, and there is no warning."""
    assert np.isnan(list(of(np.full(n_frames, np.nan)).values())).all()


def test_one_frame_has_a_mean_but_no_spread() -> None:
    """One defined frame has mean and percentiles; everything else is undefined."""
    found = of([np.nan, 7.0, np.nan])
    located = {name for name, about in FUNCTIONALS.items() if about.family == "location"}
    assert all(found[name] == 7.0 for name in located)
    assert all(np.isnan(found[name]) for name in FUNCTIONALS if name not in located)


def test_a_constant_has_no_shape() -> None:
    """A constant has deviation 0 and slope 0 but neither skewness nor kurtosis."""
    found = of(np.full(50, 0.1))
    assert found["std"] == pytest.approx(0.0, abs=1e-12)
    assert found["slope_per_s"] == pytest.approx(0.0, abs=1e-9)
    assert np.isnan(found["skewness"])
    assert np.isnan(found["kurtosis"])


@settings(deadline=None, max_examples=50)
@given(
    values=arrays(
        np.float64,
        st.tuples(st.integers(1, 4), st.integers(0, 30)),
        elements=st.one_of(st.floats(-1e6, 1e6), st.just(float("nan"))),
    ),
    shift=st.floats(-100, 100),
)
def test_families_of_functionals_keep_their_promise(values: np.ndarray, shift: float) -> None:
    """Adding a constant moves location by it and, up to rounding, nothing else; no warnings."""
    before = functionals(values, NAMES, 0.01)
    after = functionals(values + shift, NAMES, 0.01)
    assert before.shape == (len(values), len(NAMES))
    scale = np.nanmax(np.abs(values), initial=abs(shift) + 1.0)
    for column, about in enumerate(FUNCTIONALS.values()):
        if about.family == "location":
            np.testing.assert_allclose(
                after[:, column], before[:, column] + shift, atol=1e-9 * scale
            )


def test_order_and_choice_of_names_is_the_callers() -> None:
    """Columns come in the order asked for."""
    values = np.random.default_rng(0).normal(size=(3, 50))
    swapped = functionals(values, ("p80", "mean"), 0.01)
    np.testing.assert_array_equal(swapped[:, ::-1], functionals(values, ("mean", "p80"), 0.01))
