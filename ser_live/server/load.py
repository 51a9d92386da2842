"""Load of a process that analyzes, and what is put off or given up for it.

Nothing of this changes a final result, or when it comes: sound is put off only where no utterance
can become final with it, and only partial results are given up.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

MEMORY_S = 2.0
"""Time over which the share of busy time is taken, in seconds; older work counts ever less."""

FREE_SHARE = 0.25
"""Busy share up to which sound goes to the process as it comes."""

FULL_SHARE = 0.5
"""Busy share from which as much sound as possible is put off."""

HOLD_S = 0.24
"""Most sound that is put off, in seconds. Eight frames at once cost a fifth of one after the other
at real time: each waking finds the processor's caches filled by somebody else."""

RATIONED_SHARE = 0.6
"""Busy share that partial results may bring a process to, where they are of live sound."""

LEAST_RATION = 0.05
"""Share of the time that they have in any case."""

MOST_SAVED_S = 1.0
"""Time for them that is saved up at the most, in seconds."""


class Load:
    """Busy shares of a process that does one step after the other.

    Parameters
    ----------
    clock : callable
        In seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen_s = clock()
        self._share = 0.0
        self._owed_share = 0.0
        self._saved_s = MOST_SAVED_S

    @property
    def share(self) -> float:
        """Share of the latest time that was spent on steps."""
        idle_s = max(0.0, self._clock() - self._seen_s)
        return self._share * math.exp(-idle_s / MEMORY_S)

    @property
    def hold_s(self) -> float:
        """Sound that may be put off at present, in seconds."""
        over = (self.share - FREE_SHARE) / (FULL_SHARE - FREE_SHARE)
        return HOLD_S * min(1.0, max(0.0, over))

    @property
    def spares_partials(self) -> bool:
        """Whether the present load leaves time for a partial result of live sound."""
        return self._saved_s > 0.0

    def note(self, began_s: float, ended_s: float, *, is_owed: bool) -> None:
        """Count a step.

        Parameters
        ----------
        began_s, ended_s : float
            By the clock.
        is_owed : bool
            Whether it had to be done: of live sound, and no partial result.
        """
        passed_s, took_s = max(0.0, ended_s - self._seen_s), ended_s - began_s
        self._saved_s += passed_s * max(LEAST_RATION, RATIONED_SHARE - self._owed_share)
        if not is_owed:
            self._saved_s -= took_s
        self._saved_s = min(MOST_SAVED_S, max(-MOST_SAVED_S, self._saved_s))
        idle = math.exp(-max(0.0, began_s - self._seen_s) / MEMORY_S)
        busy = math.exp(-took_s / MEMORY_S)
        self._share = 1.0 - (1.0 - self._share * idle) * busy
        owed = self._owed_share * idle
        self._owed_share = 1.0 - (1.0 - owed) * busy if is_owed else owed * busy
        self._seen_s = ended_s
