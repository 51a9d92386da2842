"""Standard error kept off the screen for a while, and the end of it printed afterwards.

PortAudio, ALSA, JACK and mpg123 write to descriptor 2 directly, past ``sys.stderr``, and
would smear a dashboard. The descriptor belongs to the whole process, so it is the program's
to redirect, in its main thread, and never the library's: a server or a notebook that opens
a microphone keeps its standard error.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, TextIO

_N_SHOWN_LINES = 20
_N_SHOWN_BYTES = 16_384

_visible: TextIO | None = None
"""Duplicate of the real descriptor 2. Made once and never closed, for a thread that took
it as ``sys.stderr`` may write to it at any later time."""
_is_captured = False


@contextmanager
def native_stderr_captured(*, shows_end: bool = False) -> Iterator[None]:
    """Send descriptor 2 into a file while the context lasts; ``sys.stderr`` stays visible.

    Within another such context, without a descriptor 2 or without room for the file,
    nothing happens. Child processes inherit the redirected descriptor.

    Parameters
    ----------
    shows_end : bool
        Print the last lines of the file on standard error when the context ends.
    """
    global _is_captured
    visible = None if _is_captured else _visible_stderr()
    kept = None if visible is None else _new_file()
    if visible is None or kept is None:
        yield
        return
    with kept:
        python_stderr = sys.stderr
        if _is_descriptor_2(python_stderr):
            python_stderr.flush()
            sys.stderr = visible
        os.dup2(kept.fileno(), 2)
        _is_captured = True
        try:
            yield
        finally:
            _is_captured = False
            with suppress(OSError):  # the terminal may have been closed
                visible.flush()
            os.dup2(visible.fileno(), 2)
            if sys.stderr is visible:
                sys.stderr = python_stderr
            if shows_end:
                _print_end(kept)


@contextmanager
def stderr_held_back() -> Iterator[None]:
    """Keep all that is written to standard error off the terminal; print the end of it after.

    Unlike `native_stderr_captured` this holds back what Python writes too. Inside of that
    one it holds back only what would still be visible. Where standard error is not a
    terminal, nothing happens.
    """
    descriptor = _visible.fileno() if _is_captured and _visible is not None else 2
    held = _new_file() if os.isatty(descriptor) else None
    if held is None:
        yield
        return
    with held:
        sys.stderr.flush()
        terminal = os.dup(descriptor)
        os.dup2(held.fileno(), descriptor)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(terminal, descriptor)
            os.close(terminal)
            _print_end(held)


def _visible_stderr() -> TextIO | None:
    """The duplicate of descriptor 2, brought up to date; ``None`` where there is none."""
    global _visible
    try:
        if _visible is None:
            encoding = getattr(sys.stderr, "encoding", None)
            _visible = os.fdopen(os.dup(2), "w", 1, encoding, errors="backslashreplace")
        else:
            os.dup2(2, _visible.fileno(), inheritable=False)
    except OSError:
        return None
    return _visible


def _new_file() -> IO[bytes] | None:
    try:
        return tempfile.TemporaryFile()
    except OSError:
        return None


def _print_end(file: IO[bytes]) -> None:
    """Print the last lines of a file on standard error, what commands a terminal taken out."""
    # Late: it draws in a library that most commands do not need.
    from ser_live.terminal.text import printable

    with suppress(OSError):  # the terminal may have been closed
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _N_SHOWN_BYTES))
        lines = file.read().decode(errors="replace").splitlines()
        if len(lines) > _N_SHOWN_LINES or size > _N_SHOWN_BYTES:
            lines = lines[-_N_SHOWN_LINES:]
            sys.stderr.write(f"(the last {len(lines)} lines of {size} bytes of messages:)\n")
        sys.stderr.writelines(f"{printable(line)}\n" for line in lines)


def _is_descriptor_2(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.fileno() == 2
    except (OSError, ValueError):
        return False
