"""Names of files in a folder of parts, of which there may be too many to hold."""

from __future__ import annotations

import os
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from ser_live.records.scratch import Scratch, text_key
from ser_live.remote import Location


def names_below(folder: Location, pattern: str) -> Iterator[str]:
    """Names of the files directly in a folder that fit a pattern, in no order."""
    if not isinstance(folder, Path):
        yield from (path.name for path in folder.glob(pattern))
    elif folder.is_dir():
        with os.scandir(folder) as entries:  # `Path.glob` holds them all
            yield from (entry.name for entry in entries if fnmatchcase(entry.name, pattern))


class Names:
    """A set of names that lies in a temporary file."""

    def __init__(self) -> None:
        self._scratch = Scratch("CREATE TABLE names (name BLOB PRIMARY KEY) WITHOUT ROWID")

    def add(self, name: str) -> None:
        """Put a name in, once."""
        self._scratch.run("INSERT OR IGNORE INTO names VALUES (?)", (text_key(name),))

    def __contains__(self, name: str) -> bool:
        found = self._scratch.first("SELECT 1 FROM names WHERE name = ?", (text_key(name),))
        return found is not None

    def close(self) -> None:
        """Let go of them."""
        self._scratch.close()
