"""Bytes of a file as if all were in memory, read piece by piece.

A file that is mapped instead ends the whole program where another one cuts it meanwhile.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import overload

_WINDOW_BYTES = 1 << 20
_LONGEST_MATCH = 64
"""Bytes that overlap where something is looked for across windows."""


class FileWindow:
    """A file that is looked through more or less in order.

    What is missing because the file became shorter meanwhile reads as zeros.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        self._n_bytes = os.fstat(self._file.fileno()).st_size
        self._start = 0
        self._window = b""

    def __len__(self) -> int:
        return self._n_bytes

    @overload
    def __getitem__(self, place: int) -> int: ...

    @overload
    def __getitem__(self, place: slice) -> bytes: ...

    def __getitem__(self, place: int | slice) -> int | bytes:
        if isinstance(place, int):
            if not 0 <= place < self._n_bytes:
                raise IndexError(place)
            return self._bytes(place, place + 1)[0]
        start, stop, _ = place.indices(self._n_bytes)
        return self._bytes(start, stop)

    def _bytes(self, start: int, stop: int) -> bytes:
        begin = start - self._start
        if begin >= 0 and stop - self._start <= len(self._window):
            return self._window[begin : stop - self._start]
        if stop <= start:
            return b""
        self._file.seek(start)
        n_wanted = min(max(stop - start, _WINDOW_BYTES), self._n_bytes - start)
        parts = []
        while n_wanted > 0 and (part := self._file.read(n_wanted)):
            parts.append(part)
            n_wanted -= len(part)
        self._start, self._window = start, b"".join(parts) + bytes(n_wanted)
        return self._window[: stop - start]

    def find(self, what: bytes, start: int = 0) -> int:
        """Place where bytes begin, -1 where they do not."""
        found = self.search(re.compile(re.escape(what)), start)
        return -1 if found is None else found

    def search(self, pattern: re.Pattern[bytes], start: int) -> int | None:
        """Place where a short pattern is met first."""
        start = max(0, start)
        if self._start <= start < self._start + len(self._window):
            if found := pattern.search(self._window, start - self._start):
                return self._start + found.start()
            start = max(start, self._start + len(self._window) - _LONGEST_MATCH)
        while start < self._n_bytes:
            stop = min(start + _WINDOW_BYTES, self._n_bytes)
            if found := pattern.search(self._bytes(start, stop)):
                return start + found.start()
            if stop == self._n_bytes:
                break
            start = stop - _LONGEST_MATCH
        return None

    def places(
        self, pattern: re.Pattern[bytes], start: int, stop: int | None = None
    ) -> Iterator[int]:
        """Give every place before `stop` where a short pattern is met."""
        place = self.search(pattern, start)
        while place is not None and (stop is None or place < stop):
            yield place
            place = self.search(pattern, place + 1)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
