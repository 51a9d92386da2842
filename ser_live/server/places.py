"""Places for uploads: few at a time, and whoever dawdles gives way where another one waits."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from ser_live.server.problems import Problem
from ser_live.server.upload_work import UPLOAD

SLOW_BYTES_PER_S = 64 << 10
"""Rate below which an upload gives way: speech in any usual form comes faster than that."""

GRACE_S = 2.0
"""Age from which on its rate is looked at, in seconds."""


class Place:
    """One upload: the file that its body goes into, and how far that is."""

    def __init__(self, places: Places) -> None:
        self.n_bytes = 0
        self.is_whole = False
        """Whether all of it is there."""
        self.is_gone = asyncio.Event()
        """Set when another one got the place."""
        self._places = places
        self._loop = asyncio.get_running_loop()
        self._began_s = self._loop.time()
        self._around = ExitStack()
        self.file, self.path = self._around.enter_context(_held())

    @property
    def rate(self) -> float:
        """Bytes a second since it began; infinite where it is whole, or too young to tell."""
        age_s = self._loop.time() - self._began_s
        return float("inf") if self.is_whole or age_s < GRACE_S else self.n_bytes / age_s

    def give_back(self) -> None:
        """Let another one have the place, and forget what came; harmless when repeated."""
        self._places.taken.discard(self)
        self._around.close()


class Places:
    """Places for uploads that are received or analyzed.

    Parameters
    ----------
    n_most : int
        Uploads at the same time.
    """

    def __init__(self, n_most: int) -> None:
        self.taken: set[Place] = set()
        self._n_most = n_most

    def take(self) -> Place:
        """Take a place, of an upload that dawdles where none is free.

        Raises
        ------
        Problem
            All are in use.
        """
        if len(self.taken) >= self._n_most:
            slowest = min(self.taken, key=lambda place: place.rate)
            if slowest.rate >= SLOW_BYTES_PER_S:
                raise Problem(
                    "server_full",
                    f"{self._n_most} uploads are analyzed already: try again later.",
                    retry_after_s=10.0,
                )
            self.taken.discard(slowest)
            slowest.is_gone.set()
        place = Place(self)
        self.taken.add(place)
        return place


@contextmanager
def _held() -> Iterator[tuple[BinaryIO, str]]:
    """A file for an upload and its path: in memory on Linux, private and removed elsewhere."""
    if sys.platform == "linux":
        with open(os.memfd_create("ser-live upload"), "wb") as file:  # noqa: PTH123  a descriptor
            yield file, f"/proc/{os.getpid()}/fd/{file.fileno()}"
    else:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / UPLOAD
            with path.open("wb") as file:
                yield file, str(path)
