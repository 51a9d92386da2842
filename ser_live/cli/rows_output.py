"""Where a command puts its rows: standard output, or a new file."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TextIO

import click

from ser_live.errors import LogError, SerLiveError
from ser_live.records.private_files import create_private_file


@contextmanager
def rows_output(output: Path | None, *, is_utf8: bool = False) -> Iterator[Callable[[str], None]]:
    """Give what writes text, as UTF-8 into a file; half a file is not left behind.

    Parameters
    ----------
    output : Path or None
        ``None`` for standard output.
    is_utf8 : bool
        Standard output gets UTF-8 too, whatever the encoding of the terminal.

    Raises
    ------
    LogError
        The file exists or cannot be written.
    """
    if output is None and is_utf8:
        yield lambda text: _written(sys.stdout.buffer, text)
        return
    if output is None:
        yield lambda text: click.echo(text, nl=False)
        return
    with new_file(output) as stream:
        yield lambda text: _written(stream, text)


def _written(stream: IO[bytes], text: str) -> None:
    stream.write(text.encode("utf-8", "backslashreplace"))


@contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
    """Give a new file to write, which is removed again where anything goes wrong.

    Raises
    ------
    LogError
        It exists or cannot be written.
    """
    try:
        stream = path.open("xb")
    except FileExistsError:
        raise _exists(path) from None
    except (OSError, ValueError) as error:
        raise _unwritable(path, error) from error
    try:
        with stream:
            yield stream
    except BaseException as error:
        with suppress(OSError):
            path.unlink()
        if isinstance(error, OSError):
            raise _unwritable(path, error) from error
        raise


@contextmanager
def rows_file(path: Path) -> Iterator[TextIO]:
    """Give a new file for lines that come one by one; it stays, unless nothing could begin.

    For its owner only, as a session log is.

    Raises
    ------
    LogError
        It exists or cannot be written.
    """
    try:
        descriptor = create_private_file(path)
    except FileExistsError:
        raise _exists(path) from None
    except (OSError, ValueError) as error:
        raise _unwritable(path, error) from error
    stream = os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace", newline="\n")
    try:
        yield stream
    except SerLiveError:
        with suppress(OSError):
            if path.stat().st_size == 0:
                path.unlink()
        raise
    finally:
        with suppress(OSError):  # what could not be written was told when it happened
            stream.close()


def _exists(path: Path) -> LogError:
    return LogError(f"{path} exists and is not overwritten: give --output another name.")


def _unwritable(path: Path, error: Exception) -> LogError:
    cause = getattr(error, "strerror", None) or str(error)
    return LogError(f"{path} cannot be written ({cause}): give --output a writable place.")
