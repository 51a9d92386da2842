"""A word to people who wait while the program gets ready."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ser_live.cli.ending import say

PATIENCE_S = 2.0
"""Time for which nobody needs to be told; a first start after an installation takes longer."""


@contextmanager
def said_if_slow(sentence: str, *, patience_s: float = PATIENCE_S) -> Iterator[None]:
    """Say on a terminal what is being done, once it takes longer than people like to wait."""
    if not sys.stderr.isatty():
        yield
        return
    timer = threading.Timer(patience_s, say, [sentence])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
