"""Signals that end the program, from its first line to its last: each has its exit code.

While the program is being loaded nothing was begun, so a signal leaves at once. While a command
runs, one raises `EndedBySignal` in the main thread, and another one leaves at once. Sessions and
batches, which end in order, put handlers of their own in front. Once the exit code is decided,
no signal changes it: Python itself ends by a signal that comes while it is taken apart.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

EXIT_CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
if hasattr(signal, "SIGHUP"):
    EXIT_CODES[signal.SIGHUP] = 129


class EndedBySignal(KeyboardInterrupt):
    """End of a command by a signal, in place of Ctrl-C's own exception."""

    def __init__(self, number: signal.Signals) -> None:
        super().__init__(number)
        self.number = number


def said(number: int) -> str:
    """Sentence about the signal that ended the program."""
    name = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name
    return f"ser-live: ended by {name}."


def leave_on_signals() -> None:
    """Let a signal end the process at once, with its code and a sentence."""
    _handle_with(_leave)


def raise_on_signals() -> None:
    """Let the first signal raise `EndedBySignal`, and another one end the process at once.

    What an exception is raised in may swallow it, such as a destructor: hence the second.
    """
    received: list[signal.Signals] = []

    def handle(number: int, frame: FrameType | None) -> None:
        if received:
            _leave(received[0], frame)
        received.append(signal.Signals(number))
        raise EndedBySignal(received[0])

    _handle_with(handle)


def ignore_signals() -> None:
    """Let no signal change how the process ends: all is done, and its code is decided."""
    for number in _ours():
        signal.signal(number, signal.SIG_IGN)


def _handle_with(handle: Callable[[int, FrameType | None], object]) -> None:
    for number in _ours():
        signal.signal(number, handle)


def _ours() -> Iterator[signal.Signals]:
    """Signals that are not ignored, as ``nohup`` wants it, and that this thread may handle."""
    if threading.current_thread() is threading.main_thread():
        yield from (n for n in EXIT_CODES if signal.getsignal(n) is not signal.SIG_IGN)


def _leave(number: int, _frame: FrameType | None) -> None:
    try:
        os.write(2, f"{said(number)}\n".encode())
    except OSError:
        pass  # standard error is gone; the code says it
    finally:
        os._exit(EXIT_CODES[signal.Signals(number)])
