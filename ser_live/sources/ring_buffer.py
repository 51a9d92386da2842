"""The ring buffer between the capture callback and the reading thread."""

from __future__ import annotations

import mmap
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ser_live.events.kinds import Cause


@dataclass(frozen=True, slots=True)
class Lost:
    """Audio that existed and never arrived."""

    n_samples: int
    """Native samples per channel."""
    cause: Cause


class _Placed(NamedTuple):
    """A loss at its place."""

    position: int
    """Accepted samples before it, counted from the beginning."""
    lost: Lost


class RingBuffer:
    """Fixed memory for samples on their way from one writer to one reader.

    One thread writes, one thread reads, no lock: each side alone changes its own counter,
    after the samples are in place, so the other never sees half a block. This holds on
    builds of Python with the GIL. A block that does not fit is refused whole and counted;
    overwriting the oldest would tear the block being read. For several writers or readers
    use ``queue.Queue`` instead.

    Refused samples become visible to the reader when the gap is over, that is with the
    next accepted block or after `finish`; `read` stops before a loss, so that blocks and
    losses come in their true order.

    Parameters
    ----------
    capacity : int
        Samples per channel that fit.
    n_channels : int
        Channels of every block.
    """

    def __init__(self, capacity: int, n_channels: int) -> None:
        if capacity < 1 or n_channels < 1:
            raise ValueError(f"capacity {capacity} and n_channels {n_channels} must be positive")
        self.capacity = capacity
        self.n_channels = n_channels
        # Pages of its own, given back whole. From malloc, buffers of microphones that came and
        # went left megabytes in the arenas of the threads that had made them.
        pages = mmap.mmap(-1, capacity * n_channels * np.dtype(np.float32).itemsize)
        self._memory = np.frombuffer(pages, np.float32).reshape(capacity, n_channels)
        self._n_written = 0  # changed by the writer only
        self._n_refused = 0  # changed by the writer only: the gap still open
        self._n_read = 0  # changed by the reader only
        # append and popleft of a deque are atomic. It stays small: between two refusals
        # at least one sample was accepted.
        self._losses: deque[_Placed] = deque()

    def __len__(self) -> int:
        """Samples per channel waiting to be read."""
        return self._n_written - self._n_read

    def write(self, block: NDArray[np.float32]) -> int:
        """Copy a block in; the writer's side.

        Parameters
        ----------
        block : float32 ndarray, shape (n, n_channels)

        Returns
        -------
        int
            Refused samples: 0, or all ``n`` of the block when it does not fit.
        """
        n = len(block)
        if n > self.capacity - (self._n_written - self._n_read):
            self._n_refused += n
            return n
        if n == 0:
            return 0
        self.finish()
        start = self._n_written % self.capacity
        n_first = min(n, self.capacity - start)
        self._memory[start : start + n_first] = block[:n_first]
        self._memory[: n - n_first] = block[n_first:]
        self._n_written += n
        return 0

    def note_loss(self, lost: Lost) -> None:
        """Note what was lost on its way to the writer, before the next block."""
        if self._n_refused:  # one gap, which the full buffer began
            self._n_refused += lost.n_samples
        else:
            self._losses.append(_Placed(self._n_written, lost))

    def finish(self) -> None:
        """Make a gap that is still open visible to the reader; the writer's side."""
        if self._n_refused:
            lost = Lost(self._n_refused, Cause.OVERFLOW)
            self._losses.append(_Placed(self._n_written, lost))
            self._n_refused = 0

    def read(self) -> NDArray[np.float32]:
        """Take out everything up to the next loss; the reader's side.

        Returns
        -------
        float32 ndarray, shape (n, n_channels)
            A copy; ``n`` is 0 when nothing waits or a loss stands next.
        """
        # Losses are published before the samples that follow them: read in that order.
        n_written = self._n_written
        end = min(self._losses[0].position, n_written) if self._losses else n_written
        n = end - self._n_read
        start = self._n_read % self.capacity
        n_first = min(n, self.capacity - start)
        block = np.concatenate([self._memory[start : start + n_first], self._memory[: n - n_first]])
        self._n_read += n
        return block

    def take_losses(self) -> list[Lost]:
        """Take out the losses that are exactly where the reader stands; the reader's side."""
        losses = []
        while self._losses and self._losses[0].position <= self._n_read:
            losses.append(self._losses.popleft().lost)
        return losses

    @property
    def is_empty(self) -> bool:
        """Neither samples nor losses wait; the reader's side."""
        return not self._losses and self._n_written == self._n_read
