"""When captured audio was spoken, and what is missing, from the times of the blocks alone."""

from __future__ import annotations

import itertools
import math
import random

import pytest

from ser_live.events.kinds import Cause
from ser_live.sources import Lost
from ser_live.sources.capture_clock import CaptureClock

RATE = 16_000
BLOCK = 960
BLOCK_S = BLOCK / RATE


def fed(clock: CaptureClock, times_s: list[float]) -> list[list[Lost] | None]:
    return [clock.take(BLOCK, time_s) for time_s in times_s]


def regular(start_s: float, n: int) -> list[float]:
    return [start_s + k * BLOCK_S for k in range(1, n + 1)]


class TestOrigin:
    def test_before_the_first_block(self):
        """Nothing is known before the first block."""
        assert math.isinf(CaptureClock(RATE).origin_s)

    def test_first_sample_of_the_first_block(self):
        """The stream began a block's length before its first block came."""
        clock = CaptureClock(RATE)
        clock.take(BLOCK, 100.0)
        assert clock.origin_s == pytest.approx(100.0 - BLOCK_S)

    def test_first_blocks_late_and_at_once(self):
        """Of blocks that come late and all at once, the least late tells when it began."""
        clock = CaptureClock(RATE)
        fed(clock, [10.5] * 8 + regular(10.48, 5))
        assert clock.origin_s == pytest.approx(10.0, abs=0.01)

    def test_late_blocks_move_nothing(self):
        """Every third block up to 0.2 s late, and those behind it, leave the origin alone."""
        clock, rng = CaptureClock(RATE), random.Random(1)
        late = [t + (rng.random() < 1 / 3) * rng.uniform(0.0, 0.2) for t in regular(0.0, 1000)]
        answers = fed(clock, list(itertools.accumulate(late, max)))
        assert all(answer in ([], None) for answer in answers)
        assert clock.origin_s == pytest.approx(0.0, abs=0.03)

    @pytest.mark.parametrize("ppm", [-300, 300])
    def test_a_device_whose_clock_is_off(self, ppm):
        """Two hours of a clock 300 ppm off lose nothing, and the origin follows it."""
        clock = CaptureClock(RATE)
        pace_s = BLOCK_S * (1 + ppm * 1e-6)
        n = round(7_200 / pace_s)
        assert all(clock.take(BLOCK, k * pace_s) == [] for k in range(1, n + 1))
        assert clock.origin_s == pytest.approx(7_200 * ppm * 1e-6, rel=0.01)


class TestLoss:
    def test_a_silent_gap(self):
        """After a pause that is not made up for, what is missing is told half a second later."""
        clock = CaptureClock(RATE)
        fed(clock, regular(0.0, 50))
        answers = fed(clock, regular(3.0 + 1.5, 20))
        n_held = answers.count(None)
        assert 0.4 <= n_held * BLOCK_S <= 0.6
        assert answers[n_held] == [Lost(round(1.5 * RATE), Cause.STALLED)]
        assert answers[n_held + 1 :] == [[]] * (20 - n_held - 1)
        assert clock.origin_s == pytest.approx(0.0, abs=0.01)

    def test_a_pause_that_is_made_up_for(self):
        """Blocks that all come at once after a pause are late, not lost."""
        clock = CaptureClock(RATE)
        fed(clock, regular(0.0, 50))
        answers = fed(clock, [4.5] * 25 + regular(4.5, 20))
        assert [answer for answer in answers if answer] == []
        assert answers[-1] == []

    def test_a_starved_computer(self):
        """Blocks that come in spells, between pauses of their own, are late, not lost."""
        clock = CaptureClock(RATE)
        fed(clock, regular(0.0, 50))
        spells = [5.0] * 20 + [6.2] * 10 + [6.9] * 15 + [7.2] * 25 + regular(7.2, 20)
        answers = fed(clock, spells)
        assert [answer for answer in answers if answer] == []
        assert answers[-1] == []

    def test_doubt_has_an_end(self):
        """However often it pauses, no block is kept back for longer than five seconds."""
        clock = CaptureClock(RATE)
        fed(clock, regular(0.0, 50))
        answers = fed(clock, [3.0 + 0.4 * k for k in range(1, 20)])
        n_held = next(k for k, answer in enumerate(answers) if answer is not None)
        assert 5.0 <= n_held * 0.4 <= 5.4

    def test_an_overflow_that_the_device_reports(self):
        """A reported loss is told even where it is short, with its length from the clock."""
        clock = CaptureClock(RATE)
        fed(clock, regular(0.0, 50))
        times = regular(3.0 + 0.1, 12)
        answers = [clock.take(BLOCK, times[0], has_overflowed=True), *fed(clock, times[1:])]
        assert [answer for answer in answers if answer] == [[Lost(round(0.1 * RATE), Cause.DEVICE)]]

    def test_an_hour_of_sleep(self):
        """An hour for which the computer slept is a gap of an hour, and says so."""
        clock = CaptureClock(RATE)
        fed(clock, regular(0.0, 50))
        answers = [clock.take(BLOCK, t, 3600.0) for t in regular(3.0 + 3600.0, 12)]
        assert [answer for answer in answers if answer] == [[Lost(3600 * RATE, Cause.SUSPENDED)]]

    def test_every_sample_is_heard_or_lost(self):
        """Over many pauses, blocks and losses together are as long as the time that passed."""
        clock, rng = CaptureClock(RATE), random.Random(2)
        now_s, n_heard, n_lost = 0.0, 0, 0
        for _ in range(200):
            now_s += rng.uniform(0.3, 3.0)
            for t in regular(now_s, 40):
                n_heard += BLOCK
                n_lost += sum(loss.n_samples for loss in clock.take(BLOCK, t) or [])
            now_s += 40 * BLOCK_S
        elapsed = round((now_s - clock.origin_s) * RATE)
        assert n_heard + n_lost == pytest.approx(elapsed, abs=0.02 * RATE)
