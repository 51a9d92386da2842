"""When a sample was spoken: known delays of the levels, known answers."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
import told_events as made

from ser_live.bridges.running import Running
from ser_live.bridges.spoken_clock import WINDOW_S, SpokenClock
from ser_live.events import StreamId

RATE = 16_000


def test_the_least_late_level_tells() -> None:
    """Of levels that come 2 to 90 ms late, the one of 2 ms decides."""
    rng = random.Random(0)
    clock = SpokenClock()
    assert not clock.is_known
    for number in range(40):
        late_s = 0.002 if number == 20 else rng.uniform(0.01, 0.09)
        sample = 1440 * number
        clock.note(sample, 100.0 + sample / RATE + late_s)
    assert clock.is_known
    assert clock.time_of(16_000) == pytest.approx(101.002, abs=1e-9)


def test_it_follows_a_pipe_that_stood_still() -> None:
    """Ten seconds without sound move what is spoken afterwards, once the window is over."""
    clock = SpokenClock()
    for number in range(200):
        paused_s = 10.0 if number >= 100 else 0.0
        clock.note(1440 * number, 50.0 + 0.09 * number + paused_s)
    assert clock.time_of(0) == pytest.approx(60.0)
    assert WINDOW_S < 0.09 * 100


def test_it_keeps_few_levels() -> None:
    """However many come, those that can never count are not kept."""
    clock = SpokenClock()
    for number in range(10_000):
        clock.note(1440 * number, 0.09 * number - 1e-6 * number)
    assert len(clock._least) < 100


def test_the_running_emotion_is_of_who_spoke_last() -> None:
    """Of two sides it is the one who speaks; a recording that follows takes over at once."""
    running = Running()
    one, other = (StreamId(number=n, source="call", channel=n - 1) for n in (1, 2))
    after = StreamId(number=3, source="next")

    def number() -> int:
        state = running.now()
        assert state is not None
        return state.stream.number

    assert running.now() is None
    running.take(replace(made.stream_started(), stream=one))
    running.take(replace(made.stream_started(), stream=other))
    assert number() == 1
    running.take(replace(made.speaking(1.0), stream=other))
    assert number() == 2
    running.take(replace(made.level(2.0), stream=one))
    assert number() == 2
    running.take(replace(made.stream_started(), stream=after))
    assert number() == 3
