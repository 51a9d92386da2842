"""How a session on the command line ends: signals, output that goes away, last words."""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, TextIO

from ser_live.cli.printing import echo

if TYPE_CHECKING:
    from ser_live.cli.live import Output
    from ser_live.recorder import UtteranceRecorder
    from ser_live.session import LiveSession
    from ser_live.session_log import SessionLog

EXIT_CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
if hasattr(signal, "SIGHUP"):
    EXIT_CODES[signal.SIGHUP] = 129

OUTPUT_EXIT_CODE = 141
"""Standard output did not take the results; the number of a process ended by SIGPIPE."""

_GONE = (errno.EPIPE, errno.EIO, errno.ENXIO, errno.EINVAL)
"""Errors of a pipe whose reader left and of a terminal that was closed."""


@contextmanager
def signals(session: LiveSession) -> Iterator[list[signal.Signals]]:
    """Let the first signal end the session in order and another Ctrl-C at once.

    A third Ctrl-C kills the process, should it wait for a reader of its output. Other
    signals may repeat: a terminal that closes sends more than one. A signal that was ignored
    before stays ignored, as ``nohup`` wants it.

    Yields
    ------
    list of signal.Signals
        What came, in order.
    """
    received: list[signal.Signals] = []

    def handle(number: int, _frame: FrameType | None) -> None:
        received.append(signal.Signals(number))
        if len(received) == 1:
            session.stop()
        elif number == signal.SIGINT:
            session.abort()
            signal.signal(signal.SIGINT, signal.SIG_DFL)

    previous = {
        number: signal.signal(number, handle)
        for number in EXIT_CODES
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield received
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


class GuardedOutput:
    """An output that may go away while the session lasts.

    Where the reader of a pipe left or the terminal was closed, the session ends in order and
    is logged to its end, unseen. Where there is no room, that is said and the next event is
    tried again.
    """

    def __init__(self, output: Output, session: LiveSession) -> None:
        self._output = output
        self._session = session
        self._is_gone = False
        self.has_lost = False
        """Something could not be shown."""

    def show(self, event: Any) -> None:
        self._try(self._output.show, event)

    def tick(self, session: LiveSession) -> None:
        self._try(self._output.tick, session)

    def note(self, message: str) -> None:
        self._try(self._output.note, message)

    def _try(self, call: Callable[[Any], None], argument: Any) -> None:
        if self._is_gone:
            return
        try:
            call(argument)
        except OSError as error:
            if error.errno in _GONE:
                self._is_gone = True
                self._session.stop()
            elif not self.has_lost:
                cause = str(error.strerror or error).lower()
                say(
                    f"ser-live: standard output cannot be written ({cause}): "
                    "the session goes on, some results are in its log alone."
                )
            self.has_lost = True


def say(line: str) -> None:
    """Print a line on standard error, which may be gone."""
    with suppress(OSError):
        echo(line, err=True)


def leave_quietly() -> None:
    """Let what standard output and error cannot take any more not be tried at exit again."""
    for stream in (sys.stdout, sys.stderr):
        _flush_or_drop(stream)


def _flush_or_drop(stream: TextIO) -> None:
    try:
        stream.flush()
    except OSError:
        with suppress(OSError, ValueError), Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), stream.fileno())


class Failures:
    """Sentences about a log or recordings that fail, each told once."""

    def __init__(self, *watched: SessionLog | UtteranceRecorder | None) -> None:
        self._watched = [thing for thing in watched if thing is not None]
        self._told: list[str | None] = [None] * len(self._watched)

    def new(self) -> list[str]:
        """Sentences that were not told yet."""
        now = [thing.failure for thing in self._watched]
        new = [text for text, told in zip(now, self._told, strict=True) if text and text != told]
        self._told = now
        return new

    def all(self) -> list[str]:
        """The last sentence of each, also where it was told."""
        return [thing.failure for thing in self._watched if thing.failure]


def print_end(session: LiveSession, log: SessionLog | None, failures: Failures) -> None:
    """What the session added up to, and where its log is, on standard error."""
    from ser_live.session_summary import tally_lines

    for line in tally_lines(session.tally):
        say(line)
    if log is not None:
        for path in (*log.earlier, log.path):
            say(f"log        {path}")
    for sentence in failures.all():
        say(f"ser-live: {sentence}")
