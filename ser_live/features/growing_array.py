"""Rows that arrive in pieces and are read as one array."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ser_live.arrays import Int64


class GrowingArray:
    """Append-only array with amortised cost, for samples and for frames.

    One owner appends and reads; a view taken from ``rows`` stays valid but does
    not show what is appended later. Not for sharing between threads.

    Parameters
    ----------
    row_shape : shape of one row; ``()`` for plain samples
    dtype : type of the elements
    """

    def __init__(self, row_shape: tuple[int, ...] = (), dtype: DTypeLike = np.float64) -> None:
        self._store: NDArray[Any] = np.empty((1024 // max(1, *row_shape, 1) + 1, *row_shape), dtype)
        self._length = 0

    def __len__(self) -> int:
        return self._length

    @property
    def rows(self) -> NDArray[Any]:
        """Everything appended so far, ``(n, *row_shape)``, a read-only view."""
        view = self._store[: self._length]
        view.flags.writeable = False
        return view

    def append(self, rows: NDArray[Any]) -> None:
        """Add ``(m, *row_shape)`` at the end; ``m`` may be 0."""
        needed = self._length + len(rows)
        if needed > len(self._store):
            grown = np.empty(
                (max(needed, 2 * len(self._store)), *self._store.shape[1:]), self._store.dtype
            )
            grown[: self._length] = self._store[: self._length]
            self._store = grown
        self._store[self._length : needed] = rows
        self._length = needed

    def truncate(self, length: int) -> None:
        """Forget every row from ``length`` on."""
        self._length = min(self._length, length)

    def replace(self, indices: Int64, rows: NDArray[Any]) -> None:
        """Overwrite rows ``(m, *row_shape)`` at indices ``(m,)`` that exist."""
        self._store[indices] = rows
