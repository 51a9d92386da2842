"""Places of decoded sound in time, from the timestamps that a container gives."""

from __future__ import annotations

from typing import Any

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


_COUNTED_ON = ("aac", "loas", "ac3", "eac3", "dts", "mp3", "mpegts", "mpeg")
"""Families of containers in which FFmpeg itself counts the timestamps of most packets on, by the
length of a frame at the beginning."""


class PacketClock:
    """Tells timestamps that a container gave from those that were counted on by a wrong length.

    Where a stream goes on at another sample rate its frames have another length, which FFmpeg does
    not heed as it counts.

    Parameters
    ----------
    sample_rate : int
        Hertz, at the beginning.
    family : str
        Name that FFmpeg gives the container.
    """

    def __init__(self, sample_rate: int, family: str) -> None:
        self._rate = sample_rate
        self._may_count = family in _COUNTED_ON
        self._is_other = False
        """Whether a frame of another rate came."""
        self._is_counted = False
        """Whether the last packet stands where the one before it is said to end."""
        self._end: int | None = None

    def note(self, packet: Any) -> None:
        """Take the next packet, before its frames."""
        self._is_counted = packet.pts is not None and packet.pts == self._end
        self._end = None if packet.pts is None else packet.pts + (packet.duration or 0)

    def is_right(self, frame: Any) -> bool:
        """Whether the timestamp of a frame of that packet may be believed."""
        self._is_other |= frame.sample_rate != self._rate
        return not (self._may_count and self._is_other and self._is_counted)
