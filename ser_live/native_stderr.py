"""Keep what native libraries print on standard error off the screen, but keep it.

PortAudio, ALSA, JACK and mpg123 write to file descriptor 2 directly, past
``sys.stderr``, and would smear a dashboard.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Iterator
from typing import IO, TextIO

_KEPT_LINES = 200

_lock = threading.Lock()
_depth = 0
_file: IO[bytes] | None = None
_lines: deque[str] = deque(maxlen=_KEPT_LINES)
_real: TextIO | None = None
"""Duplicate of the real descriptor 2. Made once and never closed, for a thread that took
it as ``sys.stderr`` may write to it at any later time."""
_python_stderr: TextIO | None = None
"""What ``sys.stderr`` was before the redirection."""


@contextlib.contextmanager
def captured_native_stderr() -> Iterator[None]:
    """Send descriptor 2 into a file while the context lasts; ``sys.stderr`` stays visible.

    The redirection belongs to the whole process. Contexts may be nested and may overlap
    in several threads: the first one in redirects, the last one out restores. Where
    there is no descriptor 2, nothing happens. What was printed is in `native_messages`.
    """
    _enter()
    try:
        yield
    finally:
        _leave()


def native_messages() -> list[str]:
    """Lines captured so far, the last 200, for ``--debug``."""
    return list(_lines)


def _enter() -> None:
    global _depth, _file, _real, _python_stderr
    with _lock:
        _depth += 1
        if _depth > 1:
            return
        try:
            if _real is None:
                _real = os.fdopen(os.dup(2), "w", 1, errors="backslashreplace")
            else:
                os.dup2(2, _real.fileno())
        except OSError:
            return
        if _is_descriptor_2(sys.stderr):
            sys.stderr.flush()
            _python_stderr, sys.stderr = sys.stderr, _real
        _file = tempfile.TemporaryFile()  # noqa: SIM115 - closed in _leave
        os.dup2(_file.fileno(), 2)


def _leave() -> None:
    global _depth, _file, _python_stderr
    with _lock:
        _depth -= 1
        if _depth > 0 or _file is None or _real is None:
            return
        _real.flush()
        os.dup2(_real.fileno(), 2)
        if sys.stderr is _real and _python_stderr is not None:
            sys.stderr = _python_stderr
        _python_stderr = None
        _file.seek(0)
        _lines.extend(_file.read().decode(errors="replace").splitlines())
        _file.close()
        _file = None


def _is_descriptor_2(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.fileno() == 2
    except (OSError, ValueError):
        return False
