"""Places of the rows of a million recordings, sorted in bounded memory."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from itertools import groupby

from ser_live.archive.parts import Heard, told_parts
from ser_live.remote import Location

_CACHE_KB = 32_768


@dataclass(frozen=True)
class Place:
    """Where the rows of a recording are."""

    part: Location
    first: int
    heard: Heard


class Places:
    """Places in the order of their recordings, to be iterated more than once.

    They are sorted by SQLite in a file of its own for temporary data, which it removes.
    """

    def __init__(self) -> None:
        self._folders: list[Location] = []
        self._sorter = sqlite3.connect("")
        self._sorter.execute(f"PRAGMA cache_size = -{_CACHE_KB}")
        self._sorter.execute("PRAGMA journal_mode = OFF")
        self._sorter.execute(
            "CREATE TABLE places (file BLOB, changed_ns INTEGER, n_bytes INTEGER, part TEXT, "
            "folder INTEGER, first INTEGER, heard TEXT)"
        )

    def take(self, folder: Location, only: Collection[str] | None) -> None:
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
            "INSERT INTO places VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                (
                    place.heard.source.file.encode("utf-8", "surrogatepass"),
                    place.heard.source.changed_ns,
                    place.heard.source.n_bytes,
                    place.part.name,
                    len(self._folders) - 1,
                    place.first,
                    json.dumps(asdict(place.heard)),
                )
                for place in _places_of(folder)
                if only is None or place.heard.source.file in only
            ),
        )

    def __iter__(self) -> Iterator[Place]:
        """Give the place of each recording, of several that of the file changed last."""
        found = self._sorter.execute(
            "SELECT file, part, folder, first, heard FROM places "
            "ORDER BY file, changed_ns DESC, n_bytes DESC, part DESC, rowid"
        )
        for _, same in groupby(found, key=lambda row: row[0]):
            _, part, folder, first, heard = next(same)
            yield Place(self._folders[folder] / part, first, Heard.read(json.loads(heard)))

    def close(self) -> None:
        """Let go of the sorted places."""
        self._sorter.close()


def _places_of(folder: Location) -> Iterator[Place]:
    for part in told_parts(folder):
        first = 0
        for heard in part.heard:
            yield Place(part.path, first, heard)
            first += heard.n_rows
