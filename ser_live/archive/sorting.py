"""Places of the rows of a million recordings, sorted in bounded memory."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Container, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from ser_live.archive.parts import Heard, told_parts
from ser_live.remote import Location

_CACHE_KB = 4_096
"""Memory of the sorter; more of it made nothing faster, even for a million recordings."""


@dataclass(frozen=True)
class Span:
    """Rows of a part that follow one another in the sorted rows, too."""

    part: Location
    first: int
    n_rows: int


_BEST_FIRST = "ORDER BY file, changed_ns DESC, n_bytes DESC, part DESC, rowid"
"""Of several places of a recording that of the file changed last comes first."""


class Places:
    """Places of recordings, sorted by these; a recording has its rows in one of them.

    They are sorted by SQLite in a file of its own for temporary data, which it removes.
    """

    def __init__(self) -> None:
        self._folders: list[Location] = []
        self._sorter = sqlite3.connect("")
        self._sorter.execute(f"PRAGMA cache_size = -{_CACHE_KB}")
        self._sorter.execute("PRAGMA journal_mode = OFF")
        self._sorter.execute(
            "CREATE TABLE places (file BLOB, changed_ns INTEGER, n_bytes INTEGER, part TEXT, "
            "folder INTEGER, first INTEGER, n_rows INTEGER, heard TEXT)"
        )

    def take(self, folder: Location, only: Container[str] | None) -> None:
        """Take all places that the manifests of a folder tell of, or only some recordings'.

        Raises
        ------
        UsageError
            A manifest is damaged.
        OSError, sqlite3.Error
            It cannot be read, or there is no room to sort.
        """
        self._folders.append(folder)
        # A surrogate stands for a byte of a name that is no text; UTF-8 sorts as the texts do.
        self._sorter.executemany(
            "INSERT INTO places VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (
                    heard.source.file.encode("utf-8", "surrogatepass"),
                    heard.source.changed_ns,
                    heard.source.n_bytes,
                    part,
                    len(self._folders) - 1,
                    first,
                    heard.n_rows,
                    json.dumps(heard.as_record()),
                )
                for part, first, heard in _places_of(folder)
                if only is None or heard.source.file in only
            ),
        )

    def spans(self) -> Iterator[Span]:
        """Rows of each recording, in the order of these; those of neighbours in one piece."""
        folder, part, first, end = 0, "", 0, 0
        for _, *place in self._best("part, folder, first, n_rows"):
            if (place[1], place[0], place[2]) != (folder, part, end):
                if end > first:
                    yield Span(self._folders[folder] / part, first, end - first)
                part, folder, first, end = place[0], place[1], place[2], place[2]
            end += place[3]
        if end > first:
            yield Span(self._folders[folder] / part, first, end - first)

    def recordings(self) -> Iterator[Heard]:
        """Each recording once, sorted."""
        for _, heard in self._best("heard"):
            yield Heard.read(json.loads(heard))

    def _best(self, columns: str) -> Iterator[tuple[Any, ...]]:
        found = self._sorter.execute(f"SELECT file, {columns} FROM places {_BEST_FIRST}")  # noqa: S608
        for _, same in groupby(found, key=lambda row: row[0]):
            yield next(same)

    def close(self) -> None:
        """Let go of the sorted places."""
        self._sorter.close()


def _places_of(folder: Location) -> Iterator[tuple[str, int, Heard]]:
    for part in told_parts(folder):
        first = 0
        for heard in part.heard:
            yield part.path.name, first, heard
            first += heard.n_rows
