"""The work of a session: what is given up is told at its place, and small blocks are joined."""

from __future__ import annotations

import numpy as np
import pytest

from ser_live import Cause, EmotionModel, Settings, StreamEnded, StreamGap
from ser_live.server.protocol import Start
from ser_live.server.sound_queue import STEP_S, Ask
from ser_live.server.stream_work import Done, Outcome, StreamWork

pytest.importorskip("starlette", reason="needs the extra server")


@pytest.fixture(scope="module")
def model() -> EmotionModel:
    return EmotionModel.load()


def made(model: EmotionModel) -> tuple[StreamWork, list[Outcome]]:
    told: list[Outcome] = []
    return StreamWork(Start(), model, Settings(), None, told.extend), told


def finish(work: StreamWork) -> int:
    """Do all steps; their number."""
    n = 0
    while work.urgency() is not None:
        work.step()
        n += 1
    return n


def test_the_oldest_sound_is_given_up_and_told(model: EmotionModel) -> None:
    """Of ten seconds that wait six go: a gap at the beginning, and the clock counts all ten."""
    work, told = made(model)
    for _ in range(10):
        work.put(np.zeros((16_000, 1), np.float32))
    work.put(Ask("end", "x"))
    work.give_up(4.0)
    assert work.backlog_s == 4.0
    finish(work)
    (gap,) = [event for event in told if isinstance(event, StreamGap)]
    assert (gap.start_s, gap.duration_s, gap.cause) == (0.0, 6.0, Cause.OVERFLOW)
    (ended,) = [event for event in told if isinstance(event, StreamEnded)]
    assert ended.duration_s == 10.0
    (done,) = [event for event in told if isinstance(event, Done)]
    assert (done.ask.request, done.end_s) == ("x", 10.0)
    assert work.backlog_s == 0.0


def test_requests_keep_their_place_when_sound_is_given_up(model: EmotionModel) -> None:
    """A flush among sound that is lost is answered where it stood, on the stream's clock."""
    work, told = made(model)
    work.put(np.zeros((16_000, 1), np.float32))
    work.put(Ask("flush"))
    work.put(np.zeros((32_000, 1), np.float32))
    work.give_up(0.5)
    finish(work)
    (done,) = [event for event in told if isinstance(event, Done)]
    assert done.end_s == 1.0
    gaps = [event.duration_s for event in told if isinstance(event, StreamGap)]
    assert gaps == [1.0, 1.5]


def test_small_blocks_are_joined_and_large_ones_cut(model: EmotionModel) -> None:
    """A thousand tiny blocks take one step, and four seconds take as many as there are parts."""
    work, _ = made(model)
    finish(work)
    for _ in range(1000):
        work.put(np.zeros((2, 1), np.float32))
    assert finish(work) == 1
    work.put(np.zeros((64_000, 1), np.float32))
    n_steps = finish(work)
    assert 4 / STEP_S <= n_steps <= 2 * 4 / STEP_S + 2
