"""Signals that do not reach a process which is started meanwhile."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def ending_signals_held_back() -> Iterator[None]:
    """Keep the signals that end a program from what this thread starts, for all its life.

    For a process whose parent says when it ends: the terminal, and a service manager, send
    these to all processes of a program at once.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(
        signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP, signal.SIGTERM}
    )
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
