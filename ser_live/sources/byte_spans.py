"""Parts of files as files of their own, for decoders that begin at the first byte."""

from __future__ import annotations

import io
import os
from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Span:
    """Pieces of a file that are read one behind the other."""

    pieces: tuple[tuple[int, int], ...]
    """Bytes of the file, each ``[start, end)``."""
    head: bytes = b""
    """Bytes in front of them, such as a header put right."""


class SpanFile(io.RawIOBase):
    """A span as a file that can be read and sought in.

    Parameters
    ----------
    path : str or path
    span : Span
    """

    def __init__(self, path: str | os.PathLike[str], span: Span) -> None:
        self._file = Path(path).open("rb")  # noqa: SIM115 - closed in `close`
        self._span = span
        lengths = [len(span.head), *(end - start for start, end in span.pieces)]
        self._ends = list(accumulate(lengths))
        self._position = 0

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that it can be sought in."""
        return True

    def tell(self) -> int:
        """Place of the next byte."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._ends[-1]}
        self._position = max(0, base[whence] + offset)
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Read into a buffer, as much as fits."""
        view = memoryview(buffer).cast("B")
        n_read = 0
        while n_read < len(view) and self._position < self._ends[-1]:
            part = self._read_piece(len(view) - n_read)
            if not part:
                break  # the file became shorter meanwhile
            view[n_read : n_read + len(part)] = part
            n_read += len(part)
            self._position += len(part)
        return n_read

    def _read_piece(self, n_wanted: int) -> bytes:
        """Read to the end of the piece at hand at most."""
        index = bisect_right(self._ends, self._position)
        if index == 0:
            return self._span.head[self._position : self._position + n_wanted]
        start, _ = self._span.pieces[index - 1]
        self._file.seek(start + self._position - self._ends[index - 1])
        return self._file.read(min(n_wanted, self._ends[index] - self._position))

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
        super().close()
