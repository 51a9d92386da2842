"""Lists that may grow to millions of members: most of them lie in a temporary file."""

from __future__ import annotations

import pickle
import tempfile
import weakref
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import IO, Any, Generic, TypeVar, overload

from ser_live.records.scratch import no_room

T = TypeVar("T")

_N_OF_A_BLOCK = 500
_N_OPEN = 4
"""Blocks that are kept as they were read: several readers go through a list at the same time."""


class LongList(Sequence[T], Generic[T]):
    """List that is only added to, and held in little memory however long it becomes.

    Up to 500 members nothing is written. The file has no name, so that nobody else sees it and
    nothing is left of it, whatever ends the program.

    Parameters
    ----------
    items : iterable
        First members.

    Raises
    ------
    OutputError
        There is no room for temporary files.
    """

    def __init__(self, items: Iterable[T] = ()) -> None:
        self._tail: list[T] = []
        self._starts: list[int] = []
        self._file: IO[bytes] | None = None
        self._open: OrderedDict[int, list[T]] = OrderedDict()
        self.extend(items)

    def append(self, item: T) -> None:
        """Add a member."""
        self._tail.append(item)
        if len(self._tail) == _N_OF_A_BLOCK:
            self._store()

    def extend(self, items: Iterable[T]) -> None:
        """Add members."""
        for item in items:
            self.append(item)

    def _store(self) -> None:
        data = pickle.dumps(self._tail, pickle.HIGHEST_PROTOCOL)
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="ser-live-")  # noqa: SIM115
                weakref.finalize(self, self._file.close)
            start = self._file.seek(0, 2)
            self._file.write(data)
            self._file.flush()
        except OSError as error:
            raise no_room(error) from error
        self._starts.append(start)
        self._tail = []

    def __len__(self) -> int:
        return len(self._starts) * _N_OF_A_BLOCK + len(self._tail)

    @overload
    def __getitem__(self, number: int) -> T: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[T]: ...
    def __getitem__(self, number: int | slice) -> T | Sequence[T]:
        if isinstance(number, slice):
            return [self[n] for n in range(*number.indices(len(self)))]
        place = number + len(self) if number < 0 else number
        if not 0 <= place < len(self):
            raise IndexError(f"{number} is beyond the {len(self)} members.")
        block, place = divmod(place, _N_OF_A_BLOCK)
        return self._tail[place] if block == len(self._starts) else self._block(block)[place]

    def _block(self, number: int) -> list[T]:
        if self._file is not None and number not in self._open:
            self._file.seek(self._starts[number])
            self._open[number] = pickle.load(self._file)  # noqa: S301  written by this program
            if len(self._open) > _N_OPEN:
                self._open.popitem(last=False)
        self._open.move_to_end(number)
        return self._open[number]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    __hash__: Any = None

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({list(self)!r})"
            if len(self) < _N_OF_A_BLOCK
            else (f"{type(self).__name__}({len(self)} members)")
        )
