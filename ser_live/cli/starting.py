"""A word to people who wait while the program gets ready."""

from __future__ import annotations

import sys
import threading

from ser_live.cli.ending import say

PATIENCE_S = 2.0
"""Time for which nobody needs to be told; a first start after an installation takes longer."""


class Starting:
    """The time until a session can begin, of which people on a terminal hear if it is long."""

    def __init__(self) -> None:
        self._timer: threading.Timer | None = None

    def begin(self, *, patience_s: float = PATIENCE_S) -> None:
        """Say once that the program gets ready, unless `end` comes before `patience_s`."""
        if not sys.stderr.isatty():
            return
        sentence = "ser-live: getting ready; the first start takes longest."
        self._timer = threading.Timer(patience_s, say, [sentence])
        self._timer.daemon = True
        self._timer.start()

    def end(self) -> None:
        """Say nothing any more; harmless when repeated."""
        if self._timer is not None:
            self._timer.cancel()


STARTING = Starting()
"""The start of this process."""
