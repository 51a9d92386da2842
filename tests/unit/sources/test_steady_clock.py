"""The clock that counts sleep and that nobody sets."""

from __future__ import annotations

import time

import pytest

from ser_live.sources.steady_clock import slept_s, steady_s


def test_it_runs_with_the_monotonic_clock_while_awake() -> None:
    """Between two looks both clocks move alike, so no sleep is seen."""
    steady, monotonic, slept = steady_s(), time.monotonic(), slept_s()
    time.sleep(0.2)
    assert steady_s() - steady == pytest.approx(time.monotonic() - monotonic, abs=0.1)
    assert slept_s() == pytest.approx(slept, abs=0.1)


def test_it_is_not_the_wall_clock() -> None:
    """It begins with the computer, not with the epoch: setting the date does not move it."""
    assert abs(steady_s() - time.time()) > 1e6
