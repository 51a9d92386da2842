"""The moment at which a sample was spoken, on the steady clock, from when its level came."""

from __future__ import annotations

from collections import deque

from ser_live.config import SAMPLE_RATE_HZ

WINDOW_S = 5.0
"""Time over which the least late level counts: longer than a busy computer keeps one back, and
short enough to follow a device whose clock goes wrong, or a pipe that stood still."""


class SpokenClock:
    """Places the samples of one stream on the steady clock.

    A level cannot come before its last sample was spoken, so the least late of the latest ones
    tells when the stream began. What a device keeps back itself is not known and not taken off.
    """

    def __init__(self) -> None:
        self._least: deque[tuple[float, float]] = deque()
        """Times at which levels came, and where the stream would begin by each: rising in both,
        so that the first is the least of all that are not too old."""

    @property
    def is_known(self) -> bool:
        """Whether any level came."""
        return bool(self._least)

    def note(self, sample: int, now_s: float) -> None:
        """Note that the level of what ends before a sample came."""
        origin_s = now_s - sample / SAMPLE_RATE_HZ
        while self._least and self._least[-1][1] >= origin_s:
            self._least.pop()
        self._least.append((now_s, origin_s))
        while self._least[0][0] < now_s - WINDOW_S:
            self._least.popleft()

    def time_of(self, sample: int) -> float:
        """Give the time at which a sample was spoken, in seconds of the clock given to `note`."""
        return self._least[0][1] + sample / SAMPLE_RATE_HZ
