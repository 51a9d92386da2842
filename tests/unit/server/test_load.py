"""How busy a process is: shares of time, and what follows for sound and partial results."""

from __future__ import annotations

import pytest

from ser_live.server.load import HOLD_S, LEAST_RATION, RATIONED_SHARE, Load


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def worked(load: Load, clock: Clock, *, busy_s: float, idle_s: float, n: int, owed: bool) -> None:
    """Steps of one length with pauses of one length."""
    for _ in range(n):
        began_s = clock.now_s
        clock.now_s += busy_s
        load.note(began_s, clock.now_s, is_owed=owed)
        clock.now_s += idle_s


def test_the_share_is_that_of_the_latest_seconds() -> None:
    """Three tenths of the time give three tenths; after ten idle seconds hardly anything."""
    clock = Clock()
    load = Load(clock)
    assert load.share == 0.0
    worked(load, clock, busy_s=0.03, idle_s=0.07, n=200, owed=True)
    assert load.share == pytest.approx(0.3, abs=0.03)
    clock.now_s += 10.0
    assert load.share < 0.01


def test_sound_is_put_off_only_where_there_is_much_to_do() -> None:
    """A process that is idle for most of the time gets sound at once, a busy one in pieces."""
    clock = Clock()
    load = Load(clock)
    worked(load, clock, busy_s=0.02, idle_s=0.08, n=200, owed=True)
    assert load.hold_s == 0.0
    worked(load, clock, busy_s=0.08, idle_s=0.02, n=200, owed=True)
    assert load.hold_s == HOLD_S


def test_what_has_to_be_done_leaves_partial_results_the_rest() -> None:
    """Beside owed work of half the time, partial results get what is missing to the limit."""
    clock = Clock()
    load = Load(clock)
    n_given, n = 0, 4000
    for _ in range(n):
        worked(load, clock, busy_s=0.05, idle_s=0.0, n=1, owed=True)
        if load.spares_partials:
            n_given += 1
            worked(load, clock, busy_s=0.05, idle_s=0.0, n=1, owed=False)
        else:
            clock.now_s += 0.05
    # In half of the time owed work was done, and each partial result took as long as one of that.
    assert n_given / (2 * n) == pytest.approx(RATIONED_SHARE - 0.5, abs=0.03)


def test_partial_results_never_end_altogether() -> None:
    """A process that has no moment free still spends its least ration on them."""
    clock = Clock()
    load = Load(clock)
    given_s, began_s = 0.0, clock.now_s
    while clock.now_s < began_s + 300.0:
        worked(load, clock, busy_s=0.05, idle_s=0.0, n=1, owed=True)
        if load.spares_partials:
            given_s += 0.05
            worked(load, clock, busy_s=0.05, idle_s=0.0, n=1, owed=False)
    assert given_s / 300.0 == pytest.approx(LEAST_RATION, abs=0.02)


def test_an_idle_process_rations_nothing() -> None:
    """Partial results of a tenth of the time are always given."""
    clock = Clock()
    load = Load(clock)
    for _ in range(500):
        assert load.spares_partials
        worked(load, clock, busy_s=0.05, idle_s=0.25, n=1, owed=True)
        worked(load, clock, busy_s=0.05, idle_s=0.15, n=1, owed=False)
