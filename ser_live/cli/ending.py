"""The end of a session on the command line: signals, output that goes away, last words."""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, TextIO

from ser_live.errors import OutputError
from ser_live.process.ending_signals import EXIT_CODES, EndedBySignal, said
from ser_live.terminal.printing import echo

if TYPE_CHECKING:
    from ser_live.outputs.wiring import Outcome
    from ser_live.session.live import LiveSession

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def signals(session: LiveSession, received: list[signal.Signals]) -> Iterator[None]:
    """Let the first signal end the session in order and another Ctrl-C at once.

    A third Ctrl-C kills the process, should it wait for a reader of its output. Other
    signals may repeat: a terminal that closes sends more than one. A signal that was ignored
    before stays ignored, as ``nohup`` wants it.

    Parameters
    ----------
    session : LiveSession
    received : list of signal.Signals
        Every signal is added here, in order.
    """

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
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


class BatchEnding:
    """Context manager: the first signal ends work on files where that does no harm.

    Outside of `interruptible` it waits for the next such time, so that rows are written whole;
    the second one ends the work at once, should it wait for a reader. A signal that was ignored
    before stays ignored, as ``nohup`` wants it.
    """

    def __init__(self) -> None:
        self.received: list[signal.Signals] = []
        self._may_raise = False
        self._previous: dict[signal.Signals, Any] = {}

    def __enter__(self) -> BatchEnding:
        self._previous = {
            number: signal.signal(number, self._handle)
            for number in EXIT_CODES
            if signal.getsignal(number) is not signal.SIG_IGN
        }
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        self.received.append(signal.Signals(number))
        is_impatient = number == signal.SIGINT and len(self.received) > 1
        if self._may_raise or is_impatient:
            self._may_raise = False
            raise EndedBySignal(self.received[0])

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """A time in which a signal ends the work at once, also one that came before."""
        self._may_raise = True
        try:
            if self.received:
                raise EndedBySignal(self.received[0])
            yield
        finally:
            self._may_raise = False


def say_ended(error: BaseException) -> int:
    """Say which signal ended a command that has no session; its exit code."""
    number = error.number if isinstance(error, EndedBySignal) else signal.SIGINT
    say(said(number))
    leave_quietly()
    return EXIT_CODES[number]


@contextmanager
def watched_output() -> Iterator[None]:
    """Turn errors of writing to standard output outside of sessions into `OutputError`."""
    try:
        try:
            yield
        except KeyboardInterrupt:
            with suppress(OSError):  # the end by a signal is what counts
                sys.stdout.flush()
            raise
        except BaseException:
            sys.stdout.flush()
            raise
        sys.stdout.flush()
    except OSError as error:
        # What opens or names a file reports its own failures, with its name.
        gone = (errno.EPIPE, errno.EIO)
        if error.filename is not None or error.errno not in (*gone, *_NO_ROOM):
            raise
        raise OutputError(
            f"standard output cannot be written ({str(error.strerror).lower()}): "
            "what is missing there is printed nowhere else, so make room and run it again."
        ) from error


def open_missing_streams() -> None:
    """Let standard streams that were closed (``>&-``) go nowhere.

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
    """Discard what is still buffered for standard output and error, once they are gone.

    The interpreter would try again at exit.
    """
    for stream in (sys.stdout, sys.stderr):
        _flush_or_drop(stream)


def _flush_or_drop(stream: TextIO) -> None:
    try:
        stream.flush()
    except OSError:
        with suppress(OSError, ValueError), Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), stream.fileno())


def print_end(outcome: Outcome, *, says_failure: bool = False, is_quiet: bool = False) -> None:
    """Print the sums of a session, and where its log is, on standard error.

    Parameters
    ----------
    outcome : Outcome
    says_failure : bool
        Say which source failed first, where the display showed that only as long as it was there.
    is_quiet : bool
        Leave out what tells of no trouble: the sums, and a log that lies where it was meant to.
    """
    from ser_live.records.summary import tally_lines

    if says_failure and outcome.first_failure is not None:
        say(f"ser-live: {outcome.first_failure}")
    for line in tally_lines(outcome.tally) if outcome.has_begun and not is_quiet else ():
        say(line)
    for path in outcome.log_paths if not is_quiet else ():
        say(f"log        {path}")
    for sentence in outcome.failures:
        say(f"ser-live: {sentence}")
