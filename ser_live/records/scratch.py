"""Tables in a temporary file, for what is too much to hold: SQLite sorts and finds it again."""

from __future__ import annotations

import sqlite3
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from ser_live.errors import OutputError

_CACHE_KB = 4_096
"""Memory of a file's pages and of its sorting. More made nothing faster, for a million rows."""


class Scratch:
    """A database that nobody else sees and that leaves nothing, whatever ends the program.

    A context manager.

    Parameters
    ----------
    *statements : str
        What makes its tables.
    """

    def __init__(self, *statements: str) -> None:
        # Whichever thread clears away closes it; it is used by one.
        self._database = sqlite3.connect("", check_same_thread=False)
        weakref.finalize(self, self._database.close)
        for pragma in (f"cache_size = -{_CACHE_KB}", "journal_mode = OFF", "synchronous = OFF"):
            self._database.execute(f"PRAGMA {pragma}")
        for statement in statements:
            self.run(statement)

    def run(self, statement: str, values: Sequence[Any] = ()) -> None:
        """Do one thing.

        Raises
        ------
        OutputError
            There is no room for temporary files.
        """
        with _in_room():
            self._database.execute(statement, values)

    def run_each(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Do one thing with each of many rows.

        Raises
        ------
        OutputError
            There is no room for temporary files.
        """
        with _in_room():
            self._database.executemany(statement, rows)

    def first(self, statement: str, values: Sequence[Any] = ()) -> tuple[Any, ...] | None:
        """Give the first row of an answer; ``None`` where there is none."""
        with _in_room():
            found: tuple[Any, ...] | None = self._database.execute(statement, values).fetchone()
            return found

    def rows(self, statement: str, values: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """Give the rows of an answer, one after the other.

        Raises
        ------
        OutputError
            There is no room to sort.
        """
        with _in_room():
            for row in self._database.execute(statement, values):  # noqa: UP028
                yield row  # `yield from` would close the cursor, also after the database

    def close(self) -> None:
        """Let go of it."""
        self._database.close()

    def __enter__(self) -> Scratch:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def text_key(text: str) -> bytes:
    """Bytes that sort as texts do; a surrogate stands for a byte of a name that is no text."""
    return text.encode("utf-8", "surrogatepass")


def key_text(key: bytes) -> str:
    """Text of which `text_key` made these bytes."""
    return key.decode("utf-8", "surrogatepass")


def no_room(error: Exception) -> OutputError:
    """Say that temporary files cannot be written."""
    cause = str(getattr(error, "strerror", None) or error).lower()
    return OutputError(
        f"The folder for temporary files, {tempfile.gettempdir()}, cannot be written ({cause}), "
        "but what is too long to hold lies there: make room, or name another one by TMPDIR."
    )


@contextmanager
def _in_room() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        raise no_room(error) from error
