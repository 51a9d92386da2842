"""The moment captured audio was spoken, and audio that is missing, from when blocks come."""

from __future__ import annotations

import math

from ser_live.events.kinds import Cause
from ser_live.sources.ring_buffer import Lost

_PAUSE_S = 0.25
"""Pause between two blocks after which audio may be missing. A busy computer makes such
pauses too; then what was spoken meanwhile comes at once after them."""

_DOUBT_S = 0.5
"""Time without a pause and without late audio after which what is missing counts as lost."""

_MAX_DOUBT_S = 5.0
"""Time after which it counts as lost in any case: blocks are kept back meanwhile."""

_LATE_S = 0.02
"""Share of a delay, in seconds, that a block has to make up for to count as late audio."""

_CREEP = 0.005
"""Speed at which the estimate follows a device whose clock is slow; a share of time."""


class CaptureClock:
    """Places the samples of one device on the steady clock.

    A block cannot come before its last sample was spoken, so the least late of the
    blocks tells when the stream began. A sound card that was suspended for a second goes
    on afterwards without a word, and what is missing shows only in that all blocks come
    a second later from then on. The times that PortAudio gives with a block are not used:
    they come from the wall clock, and were seen to be wrong by half a second.

    Parameters
    ----------
    sample_rate : int
        Of the device, hertz.

    Attributes
    ----------
    origin_s : float
        When the first sample was spoken, in seconds of the clock given to `take`; sample
        ``n`` follows ``n / sample_rate`` later. Infinite before the first block.
    """

    def __init__(self, sample_rate: int) -> None:
        self.origin_s = math.inf
        self._rate = sample_rate
        self._n_samples = 0
        self._came_s = math.nan
        self._slept_s = 0.0
        # While in doubt: from when until when, where the stream would begin, why.
        self._doubted_s = math.nan
        self._doubt_until_s: float | None = None
        self._late_origin_s = math.inf
        self._cause = Cause.STALLED

    def take(
        self, n_samples: int, now_s: float, slept_s: float = 0.0, *, has_overflowed: bool = False
    ) -> list[Lost] | None:
        """Note that a block came, tell whether something is missing before it.

        Parameters
        ----------
        n_samples : int
            Length of the block.
        now_s : float
            ``steady_s()``.
        slept_s : float
            ``slept_s()``.
        has_overflowed : bool
            The device says that it lost something before this block.

        Returns
        -------
        list of Lost, or None
            What was lost before this block and those kept back; empty when all is well.
            ``None`` in doubt: keep the block back until the answer comes with a later one.
        """
        pause_s = now_s - self._came_s - n_samples / self._rate
        has_slept = slept_s - self._slept_s > _PAUSE_S
        self._came_s, self._slept_s = now_s, slept_s
        self._n_samples += n_samples
        origin_s = now_s - self._n_samples / self._rate
        if self._doubt_until_s is None:
            if not (has_overflowed or pause_s > _PAUSE_S) or math.isinf(self.origin_s):
                creep_s = _CREEP * n_samples / self._rate
                self.origin_s = min(origin_s, self.origin_s + creep_s)
                return []
            self._doubted_s, self._late_origin_s = now_s, math.inf
            if has_slept:
                self._cause = Cause.SUSPENDED
            else:
                self._cause = Cause.DEVICE if has_overflowed else Cause.STALLED
        if pause_s > _PAUSE_S or origin_s < self._late_origin_s - _LATE_S:
            self._doubt_until_s = min(now_s + _DOUBT_S, self._doubted_s + _MAX_DOUBT_S)
        self._late_origin_s = min(self._late_origin_s, origin_s)
        return self._judge(now_s)

    def _judge(self, now_s: float) -> list[Lost] | None:
        missing_s = self._late_origin_s - self.origin_s
        is_made_up = missing_s <= _PAUSE_S / 2 and self._cause is not Cause.DEVICE
        if is_made_up or now_s >= (self._doubt_until_s or 0.0):
            self._doubt_until_s = None
            if is_made_up:
                return []
            n_missing = max(0, round(missing_s * self._rate))
            self._n_samples += n_missing
            return [Lost(n_missing, self._cause)]
        return None
