"""Places of decoded sound in time, from the timestamps that a container gives."""

from __future__ import annotations

_JUMP_S = 0.05
"""Time by which sound has to come late to be placed later. Containers round timestamps, and
what runs late by less is pressed together by players too."""

_BACK_S = 1.0
"""Time by which a timestamp has to be early to count as the beginning of a new clock."""

_MAX_JUMP_S = 86_400.0
"""Longest gap that is believed; after more the clock itself was set anew."""


class Timeline:
    """Counts samples, and tells how many are missing before the next ones.

    Parameters
    ----------
    sample_rate : int
        Hertz.
    origin_s : float
        Timestamp of the moment that counts as 0.
    """

    def __init__(self, sample_rate: int, origin_s: float) -> None:
        self.position = 0
        """Samples so far, missing ones included."""
        self.n_restarts = 0
        """Times that the clock was set anew."""
        self._rate = sample_rate
        self._origin_s = origin_s

    @property
    def position_s(self) -> float:
        """Length so far, in seconds."""
        return self.position / self._rate

    def n_missing(self, timestamp_s: float | None) -> int:
        """Samples that are missing before sound with this timestamp."""
        if timestamp_s is None:
            return 0
        late_s = timestamp_s - self._origin_s - self.position_s
        if -_BACK_S < late_s <= _JUMP_S:
            return 0
        if late_s <= -_BACK_S or late_s > _MAX_JUMP_S:
            self.n_restarts += 1
            self._origin_s = timestamp_s - self.position_s
            return 0
        return round(late_s * self._rate)
