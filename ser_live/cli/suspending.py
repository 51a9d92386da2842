"""Ctrl-Z: the terminal is given back while a program sleeps, and taken again by ``fg``."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

HAS_SUSPENDING = hasattr(signal, "SIGTSTP")
"""Whether this system lets a program sleep on Ctrl-Z."""


@contextmanager
def suspendable(
    give_back: Callable[[], object], take_again: Callable[[], object]
) -> Iterator[None]:
    """Call `give_back` before Ctrl-Z stops the process, and `take_again` when it goes on."""

    def sleep() -> None:
        give_back()
        fall_asleep()
        take_again()

    with on_suspend(sleep):
        yield


@contextmanager
def on_suspend(sleep: Callable[[], None]) -> Iterator[None]:
    """Call `sleep` on Ctrl-Z instead of stopping; it calls `fall_asleep`, now or soon."""
    if not HAS_SUSPENDING or signal.getsignal(signal.SIGTSTP) is signal.SIG_IGN:
        yield
        return

    def handle(_number: int, _frame: FrameType | None) -> None:
        sleep()

    previous = signal.signal(signal.SIGTSTP, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGTSTP, previous)


def fall_asleep() -> None:
    """Stop the process as Ctrl-Z does; returns when it goes on."""
    handler = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
    # To this thread: another one would take it a moment later.
    signal.raise_signal(signal.SIGTSTP)
    signal.signal(signal.SIGTSTP, handler)
