"""A file of JSON lines that is only ever added to, each addition whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import count
from pathlib import Path

from ser_live.records.json_line import json_line
from ser_live.records.private_files import create_private_file, make_private_folder

_LATE_FAILURES = (errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.ESTALE)
"""Errors of ``fsync`` where earlier writes did not reach the disk after all."""


class LogFile:
    """New file, readable by its owner alone.

    A line is handed to the operating system before `append` returns, so that a killed
    process loses none.

    Parameters
    ----------
    path : Path
        Place of the file.
    descriptor : int
        Open for writing at its end, owned by this object from now on. Use `create` or
        `create_dated`.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor
        # Some file systems do not count names at all.
        self._counts_names = os.fstat(descriptor).st_nlink > 0
        self._broken: OSError | None = None

    @classmethod
    def create(cls, path: Path) -> LogFile:
        """Make the file `path`; an existing one raises FileExistsError and stays as it is."""
        return cls(path, create_private_file(path, appends=True))

    @classmethod
    def create_dated(cls, folder: Path) -> LogFile:
        """Make a file named by the local time in `folder`, which is made where it is missing."""
        stem = f"{datetime.now().astimezone():%Y-%m-%dT%H%M%S}"
        make_private_folder(folder)
        for number in count(1):
            path = folder / (f"{stem}.jsonl" if number == 1 else f"{stem}-{number}.jsonl")
            with suppress(FileExistsError):
                return cls.create(path)
        raise AssertionError("unreachable: count() has no end")

    def append(self, lines: Sequence[Mapping[str, object]]) -> None:
        """Add all of `lines` or, where that fails, nothing.

        Raises
        ------
        OSError
            There is no room, the file was deleted, its disk is gone. After half a line that
            could not be taken back every later call fails too: a line behind it would be
            lost with it.
        """
        if self._broken is not None:
            raise self._broken
        if self._counts_names and os.fstat(self._descriptor).st_nlink == 0:
            # Writing would succeed, into a file that nobody can find any more.
            raise FileNotFoundError(errno.ENOENT, "the file was deleted")
        data = "".join(json_line(line) + "\n" for line in lines).encode()
        n_written = 0
        try:
            while n_written < len(data):
                n_written += os.write(self._descriptor, data[n_written:])
        except OSError as error:
            if n_written and not self._take_back(n_written):
                self._broken = error
            raise

    def _take_back(self, n_bytes: int) -> bool:
        try:
            size = os.lseek(self._descriptor, 0, os.SEEK_END)
            os.ftruncate(self._descriptor, size - n_bytes)
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Bring everything to the disk and close.

        Raises
        ------
        OSError
            The disk says only now that it did not take everything; the file is closed.
        """
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            if error.errno in _LATE_FAILURES:  # others have no disk behind them, like a pipe
                raise
        finally:
            with suppress(OSError):
                os.close(self._descriptor)

    def discard(self) -> None:
        """Close the file and delete it."""
        with suppress(OSError):
            self.close()
        with suppress(OSError):
            self.path.unlink()
