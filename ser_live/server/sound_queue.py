"""Sound and requests of one session that wait to be heard."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ser_live.events import Cause
from ser_live.sources import Lost

STEP_S = 0.5
"""Most sound that is looked through in one step, in seconds."""

AHEAD_S = 1.0
"""Sound by which a client may be ahead of real time and still count as live, in seconds."""


@dataclass(frozen=True)
class Ask:
    """A request at its place in the sound."""

    type: str
    """``flush``, ``reset``, ``mark``, ``note``, ``pause`` or ``end``."""
    request: str | None = None
    label: str = ""
    """Label of a mark, or text of a note."""
    start_s: float | None = None
    rating: int | None = None


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
        self.is_live = True
        """Whether the sound comes as fast as it is spoken; what comes faster has time to wait."""
        self._lock = threading.Lock()
        self._inputs: deque[tuple[Input, float]] = deque()
        """With the time when each came."""
        self._n_others = 0
        """Requests and notes of lost sound that wait."""
        self._came_s = 0.0
        self._ahead_s = 0.0
        """Sound that came earlier than it could be spoken, in seconds."""

    def __len__(self) -> int:
        return len(self._inputs)

    def waited_s(self) -> float:
        """Time for which the oldest has waited, in seconds."""
        with self._lock:
            return time.monotonic() - self._inputs[0][1] if self._inputs else 0.0

    @property
    def is_all_sound(self) -> bool:
        """Whether neither a request nor news of lost sound waits."""
        return self._n_others == 0

    def has(self, sound_s: float) -> bool:
        """Whether so much sound waits, or a request, or news of lost sound."""
        with self._lock:
            is_other = bool(self._inputs) and not isinstance(self._inputs[-1][0], np.ndarray)
            return is_other or self.n_samples >= sound_s * self.rate_hz

    def put(self, item: Input, came_s: float | None = None) -> None:
        """Add sound, a note of lost sound, or a request.

        Parameters
        ----------
        item : array, Lost or Ask
        came_s : float or None
            When it came, by ``time.monotonic``; ``None`` for now.
        """
        if came_s is None:
            came_s = time.monotonic()
        n_samples = len(item) if isinstance(item, np.ndarray) else 0
        n_lost = item.n_samples if isinstance(item, Lost) else 0
        with self._lock:
            # As a bucket that leaks: what was not sent yesterday is no excuse for a flood today.
            self._ahead_s = max(0.0, self._ahead_s - (came_s - self._came_s))
            self._ahead_s += (n_samples + n_lost) / self.rate_hz
            self._came_s = came_s
            self.is_live = self._ahead_s <= AHEAD_S
            self._inputs.append((item, came_s))
            self.n_samples += n_samples
            self._n_others += not isinstance(item, np.ndarray)

    def next(self) -> tuple[Input, float] | None:
        """Take what comes next: half a second of sound at most, joined of many small blocks."""
        with self._lock:
            if not self._inputs:
                return None
            item, came_s = self._inputs.popleft()
            if isinstance(item, np.ndarray):
                item = self._joined(item, came_s)
            else:
                self._n_others -= 1
            return item, came_s

    def _joined(self, first: NDArray[np.float32], came_s: float) -> NDArray[np.float32]:
        n_step = max(1, round(STEP_S * self.rate_hz))
        blocks, n = [first], len(first)
        while n < n_step and self._inputs and isinstance(self._inputs[0][0], np.ndarray):
            block, came_s = self._inputs.popleft()
            assert isinstance(block, np.ndarray)  # noqa: S101  looked at just before
            blocks.append(block)
            n += len(block)
        whole = np.concatenate(blocks) if len(blocks) > 1 else first
        if n > n_step:
            self._inputs.appendleft((whole[n_step:], came_s))
        self.n_samples -= min(n, n_step)
        return whole[:n_step]

    def give_up(self, keep_s: float) -> None:
        """Give up the oldest sound, and put a note of it in its place."""
        with self._lock:
            n_extra = self.n_samples - round(keep_s * self.rate_hz)
            kept: deque[tuple[Input, float]] = deque()
            while n_extra > 0 and self._inputs:
                item, came_s = self._inputs.popleft()
                if not isinstance(item, np.ndarray):
                    kept.append((item, came_s))
                    continue
                n_lost = min(n_extra, len(item))
                n_extra -= n_lost
                self.n_samples -= n_lost
                _add_lost(kept, n_lost, came_s)
                if n_lost < len(item):
                    kept.append((item[n_lost:], came_s))
            self._inputs.extendleft(reversed(kept))
            self._n_others = sum(not isinstance(item, np.ndarray) for item, _ in self._inputs)

    def clear(self) -> None:
        """Give up everything that waits."""
        with self._lock:
            self._inputs.clear()
            self.n_samples = self._n_others = 0


def _add_lost(kept: deque[tuple[Input, float]], n_lost: int, came_s: float) -> None:
    """Note lost samples, joined with those lost just before."""
    before = kept[-1][0] if kept else None
    if isinstance(before, Lost) and before.cause is Cause.OVERFLOW:
        kept[-1] = (Lost(before.n_samples + n_lost, Cause.OVERFLOW), kept[-1][1])
    else:
        kept.append((Lost(n_lost, Cause.OVERFLOW), came_s))
