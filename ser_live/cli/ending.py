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
from ser_live.errors import OutputError

if TYPE_CHECKING:
    from ser_live.cli.live import Output
    from ser_live.recorder import UtteranceRecorder
    from ser_live.session import LiveSession
    from ser_live.session_log import SessionLog

EXIT_CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
if hasattr(signal, "SIGHUP"):
    EXIT_CODES[signal.SIGHUP] = 129

_GONE = (errno.EPIPE, errno.EIO, errno.ENXIO, errno.EINVAL)
"""Errors of a pipe whose reader left and of a terminal that was closed."""

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


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


@contextmanager
def watched_output() -> Iterator[None]:
    """Turn into `OutputError` what writing to standard output raises outside of sessions."""
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except OSError as error:
        # What opens or names a file reports its own failures, with its name.
        if error.filename is not None or error.errno not in (errno.EPIPE, *_NO_ROOM):
            raise
        raise OutputError(
            f"standard output cannot be written ({str(error.strerror).lower()}): "
            "what is missing there is printed nowhere else, so make room and run it again."
        ) from error


def open_missing_streams() -> None:
    """Let standard streams that were closed (``>&-``) lead nowhere.

    Otherwise Python has none, and the next file that is opened takes their place: what a
    library prints would go into a log.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            nowhere = os.open(os.devnull, os.O_RDWR)  # the lowest free number
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, closefd=False, encoding="utf-8"))  # noqa: SIM115


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
