"""The ring buffer keeps order, loses nothing unnoticed, and tears no block."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_live.events.kinds import Cause
from ser_live.sources.ring_buffer import Lost, RingBuffer

N_CHANNELS = 2


def counting(start: int, n: int) -> np.ndarray:
    """Samples that carry their own index, the same in every channel."""
    index = np.arange(start, start + n, dtype=np.float32)
    return np.repeat(index[:, np.newaxis], N_CHANNELS, axis=1)


def drain(ring: RingBuffer) -> list[np.ndarray | Lost]:
    """Everything readable, blocks and losses in their order."""
    items: list[np.ndarray | Lost] = []
    while True:
        block = ring.read()
        losses = ring.take_losses()
        if len(block):
            items.append(block)
        items.extend(losses)
        if not len(block) and not losses:
            return items


def replayed(items: list[np.ndarray | Lost], start: int = 0) -> int:
    """Walk over blocks and losses, checking that each continues the one before."""
    clock = start
    for item in items:
        if isinstance(item, Lost):
            clock += item.n_samples
        else:
            assert np.array_equal(item, counting(clock, len(item)))
            clock += len(item)
    return clock


steps = st.lists(st.one_of(st.integers(0, 40), st.just("read")), max_size=60)


class TestProperties:
    @settings(max_examples=300)
    @given(capacity=st.integers(1, 64), steps=steps)
    def test_every_sample_is_delivered_or_counted(self, capacity, steps):
        """Whatever is written and read, blocks and losses together are the whole stream."""
        ring = RingBuffer(capacity, N_CHANNELS)
        clock, n_refused, heard = 0, 0, 0
        for step in steps:
            if step == "read":
                heard = replayed(drain(ring), heard)
            else:
                n_refused += ring.write(counting(clock, step))
                clock += step
            assert 0 <= len(ring) <= capacity
        ring.finish()
        rest = drain(ring)
        assert replayed(rest, heard) == clock
        assert len(ring) == 0

    def test_refuses_what_does_not_fit(self):
        """A block too large is refused whole; the loss stands where the samples would have been."""
        ring = RingBuffer(10, N_CHANNELS)
        assert ring.write(counting(0, 8)) == 0
        assert ring.write(counting(8, 3)) == 3
        assert ring.write(counting(11, 4)) == 4
        assert ring.take_losses() == []
        assert len(ring.read()) == 8
        assert ring.write(counting(15, 5)) == 0
        assert len(ring.read()) == 0
        assert ring.take_losses() == [Lost(7, Cause.OVERFLOW)]
        assert np.array_equal(ring.read(), counting(15, 5))

    def test_open_gap_is_shown_at_the_end(self):
        """A gap at the very end of the stream is shown after finish()."""
        ring = RingBuffer(4, 1)
        ring.write(np.zeros((5, 1), np.float32))
        assert ring.take_losses() == []
        ring.finish()
        assert ring.take_losses() == [Lost(5, Cause.OVERFLOW)]

    def test_device_loss_keeps_its_place(self):
        """A loss noted by the device lies between the blocks before and after it."""
        ring = RingBuffer(10, N_CHANNELS)
        ring.write(counting(0, 3))
        ring.note_loss(Lost(5, Cause.DEVICE))
        ring.write(counting(8, 2))
        assert np.array_equal(ring.read(), counting(0, 3))
        assert not ring.is_empty
        assert ring.take_losses() == [Lost(5, Cause.DEVICE)]
        assert np.array_equal(ring.read(), counting(8, 2))
        assert ring.is_empty

    def test_device_loss_within_a_gap(self):
        """A loss noted while the buffer is full belongs to the gap that is open."""
        ring = RingBuffer(2, 1)
        ring.write(np.zeros((3, 1), np.float32))
        ring.note_loss(Lost(4, Cause.DEVICE))
        ring.finish()
        assert ring.take_losses() == [Lost(7, Cause.OVERFLOW)]

    def test_read_gives_a_copy(self):
        """What was read stays as it was when the memory is used again."""
        ring = RingBuffer(4, N_CHANNELS)
        ring.write(counting(0, 4))
        block = ring.read()
        ring.write(counting(4, 4))
        assert np.array_equal(block, counting(0, 4))

    def test_impossible_size(self):
        """A buffer without room or channels is a mistake of the program."""
        with pytest.raises(ValueError, match="must be positive"):
            RingBuffer(0, 1)
        with pytest.raises(ValueError, match="must be positive"):
            RingBuffer(1, 0)


@pytest.fixture
def hurried_threads() -> Iterator[None]:
    """Threads change a thousand times more often than usual."""
    usual_s = sys.getswitchinterval()
    sys.setswitchinterval(5e-6)
    yield
    sys.setswitchinterval(usual_s)


@pytest.mark.stress
@pytest.mark.usefixtures("hurried_threads")
class TestTwoThreads:
    @pytest.mark.parametrize("reader_pause_s", [0.0, 0.002])
    def test_no_torn_block(self, reader_pause_s):
        """With a hurried writer, and a reader that keeps up or not, nothing is torn or lost."""
        ring = RingBuffer(4096, N_CHANNELS)
        rng = np.random.default_rng(1)
        sizes = rng.integers(1, 700, 4000)
        done = threading.Event()

        def write_all() -> None:
            clock = 0
            for size in sizes.tolist():
                ring.write(counting(clock, size))
                clock += size
            ring.finish()
            done.set()

        writer = threading.Thread(target=write_all)
        writer.start()
        heard, n_lost = 0, 0
        while True:
            is_last = done.is_set()
            items = drain(ring)
            heard = replayed(items, heard)
            n_lost += sum(item.n_samples for item in items if isinstance(item, Lost))
            if is_last:
                break
            time.sleep(reader_pause_s)
        writer.join(timeout=5)
        assert heard == int(sizes.sum()) < 2**24  # float32 counts exactly up to here
        if reader_pause_s:
            assert n_lost > 0
