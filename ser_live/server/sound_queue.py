"""Sound and requests of one session that wait to be heard."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ser_live.events import Cause
from ser_live.sources import Lost

STEP_S = 0.5
"""Most sound that is looked through in one step, in seconds."""


@dataclass(frozen=True)
class Ask:
    """A request at its place in the sound."""

    type: str
    """``flush``, ``reset``, ``mark``, ``pause`` or ``end``."""
    request: str | None = None
    label: str = ""
    start_s: float | None = None


Input: TypeAlias = "NDArray[np.float32] | Lost | Ask"


class SoundQueue:
    """Blocks of sound and what is asked between them, in their order; from any thread.

    Parameters
    ----------
    rate_hz : int
        Native rate of the sound.
    """

    def __init__(self, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self.n_samples = 0
        """Native samples that wait."""
        self._lock = threading.Lock()
        self._inputs: deque[Input] = deque()

    def __len__(self) -> int:
        return len(self._inputs)

    def put(self, item: Input) -> None:
        """Add sound, a note of lost sound, or a request."""
        with self._lock:
            self._inputs.append(item)
            if isinstance(item, np.ndarray):
                self.n_samples += len(item)

    def next(self) -> Input | None:
        """Take what comes next: half a second of sound at most, joined of many small blocks."""
        with self._lock:
            if not self._inputs:
                return None
            item = self._inputs.popleft()
            return self._joined(item) if isinstance(item, np.ndarray) else item

    def _joined(self, first: NDArray[np.float32]) -> NDArray[np.float32]:
        n_step = max(1, round(STEP_S * self.rate_hz))
        blocks, n = [first], len(first)
        while n < n_step and self._inputs and isinstance(self._inputs[0], np.ndarray):
            block = self._inputs.popleft()
            assert isinstance(block, np.ndarray)  # noqa: S101  looked at just before
            blocks.append(block)
            n += len(block)
        whole = np.concatenate(blocks) if len(blocks) > 1 else first
        if n > n_step:
            self._inputs.appendleft(whole[n_step:])
        self.n_samples -= min(n, n_step)
        return whole[:n_step]

    def give_up(self, keep_s: float) -> None:
        """Give up the oldest sound, and put a note of it in its place."""
        with self._lock:
            n_extra = self.n_samples - round(keep_s * self.rate_hz)
            kept: deque[Input] = deque()
            while n_extra > 0 and self._inputs:
                item = self._inputs.popleft()
                if not isinstance(item, np.ndarray):
                    kept.append(item)
                    continue
                n_lost = min(n_extra, len(item))
                n_extra -= n_lost
                self.n_samples -= n_lost
                _add_lost(kept, n_lost)
                if n_lost < len(item):
                    kept.append(item[n_lost:])
            self._inputs.extendleft(reversed(kept))

    def clear(self) -> None:
        """Give up everything that waits."""
        with self._lock:
            self._inputs.clear()
            self.n_samples = 0


def _add_lost(kept: deque[Input], n_lost: int) -> None:
    """Note lost samples, joined with those lost just before."""
    if kept and isinstance(kept[-1], Lost) and kept[-1].cause is Cause.OVERFLOW:
        kept[-1] = Lost(kept[-1].n_samples + n_lost, Cause.OVERFLOW)
    else:
        kept.append(Lost(n_lost, Cause.OVERFLOW))
