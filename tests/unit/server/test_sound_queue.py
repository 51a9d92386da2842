"""Sound that waits: nothing of it is lost, and who is ahead of time is known."""

from __future__ import annotations

import numpy as np
import pytest

from ser_live.events import Cause
from ser_live.server.sound_queue import STEP_S, Ask, SoundQueue
from ser_live.sources import Lost

RATE_HZ = 1000


def block(n: int, first: int = 0) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return np.arange(first, first + n, dtype=np.float32).reshape(-1, 1)


def test_small_blocks_are_joined_and_large_ones_cut() -> None:
    """Steps of half a second at most, every sample in its order, requests in their place."""
    queue = SoundQueue(RATE_HZ)
    for first in range(0, 300, 100):
        queue.put(block(100, first))
    queue.put(Ask("flush"))
    queue.put(block(1200, 300))
    found = []
    while (following := queue.next()) is not None:
        found.append(following[0])
    sizes = [len(item) if isinstance(item, np.ndarray) else item for item in found]
    assert sizes == [300, Ask("flush"), 500, 500, 200]
    sound = np.concatenate([item for item in found if isinstance(item, np.ndarray)])
    np.testing.assert_array_equal(sound, block(1500))
    assert queue.n_samples == 0
    assert STEP_S == 0.5


def test_what_is_given_up_is_counted_beside_what_was_lost_before() -> None:
    """A pause stays a pause: only sound that overflowed joins what overflowed."""
    queue = SoundQueue(RATE_HZ)
    queue.put(block(400))
    queue.put(Lost(70, Cause.PAUSED))
    queue.put(block(600))
    queue.give_up(0.3)
    found = []
    while (following := queue.next()) is not None:
        found.append(following[0])
    assert found[:3] == [Lost(400, Cause.OVERFLOW), Lost(70, Cause.PAUSED),
                         Lost(300, Cause.OVERFLOW)]  # fmt: skip
    assert len(found[3]) == 300


@pytest.mark.parametrize(
    ("block_s", "every_s", "is_live"), [(0.02, 0.02, True), (1.0, 1.0, True), (0.02, 0.01, False)]
)
def test_a_client_is_live_where_its_sound_comes_as_fast_as_it_is_spoken(
    block_s: float, every_s: float, is_live: bool
) -> None:
    """Whatever the size of its blocks; twice as fast is not."""
    queue = SoundQueue(RATE_HZ)
    for number in range(200):
        queue.put(block(round(block_s * RATE_HZ)), came_s=100.0 + number * every_s)
    assert queue.is_live is is_live


def test_a_flood_after_silence_is_not_live() -> None:
    """What was not sent while a connection was lost comes at once: it may wait its turn."""
    queue = SoundQueue(RATE_HZ)
    queue.put(block(20), came_s=100.0)
    queue.put(block(3000), came_s=130.0)
    assert not queue.is_live
    queue.put(block(20), came_s=133.0)
    assert queue.is_live
