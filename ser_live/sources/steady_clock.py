"""A clock that nobody sets and that runs on while the computer sleeps.

``time.monotonic()`` stands still during sleep on Linux and macOS; a stream that was not
heard meanwhile would seem to have no gap. Wall time jumps when it is corrected.
"""

from __future__ import annotations

import sys
import time

_CLOCK: int | None = getattr(time, "CLOCK_BOOTTIME", None)
if sys.platform == "darwin":
    _CLOCK = time.CLOCK_MONOTONIC
# Elsewhere, on Windows, the monotonic clock itself counts sleep.


def steady_s() -> float:
    """Seconds since some fixed moment, sleep included."""
    return time.monotonic() if _CLOCK is None else time.clock_gettime(_CLOCK)


def slept_s() -> float:
    """Seconds slept since some fixed moment; only differences mean something.

    Always the same on Windows, where the two clocks do not differ.
    """
    return steady_s() - time.monotonic()
