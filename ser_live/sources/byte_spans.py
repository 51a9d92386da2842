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
    n_claimed: int = 0
    """Length that decoders are told who guess from it how much there is to hear, and would stop
    there; 0 for the true one."""


class SpanFile(io.RawIOBase):
    """A span as a file that can be read and sought in.

    Parameters
    ----------
    path : str or path
    span : Span
    is_claiming : bool
        Whether the end seems to lie where the span claims. Zeros stand behind the true one, for
        whoever seeks there; whoever reads up to it finds the end.
    """

    def __init__(
        self, path: str | os.PathLike[str], span: Span, *, is_claiming: bool = False
    ) -> None:
        self._file = Path(path).open("rb")  # noqa: SIM115 - closed in `close`
        self._span = span
        lengths = [len(span.head), *(end - start for start, end in span.pieces)]
        self._ends = list(accumulate(lengths))
        self._claimed_end = max(self._ends[-1], span.n_claimed if is_claiming else 0)
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
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._claimed_end}
        self._position = max(0, base[whence] + offset)
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Read into a buffer, as much as fits."""
        view = memoryview(buffer).cast("B")
        if self._ends[-1] < self._position < self._claimed_end:
            n_zeros = min(len(view), self._claimed_end - self._position)
            view[:n_zeros] = bytes(n_zeros)
            self._position += n_zeros
            return n_zeros
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
