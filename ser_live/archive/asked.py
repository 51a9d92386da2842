"""Recordings that a run is asked for, and which of them are done, in a temporary file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ser_live.archive.parts import Heard
from ser_live.archive.plan import Source, grouped
from ser_live.records.scratch import Scratch, key_text, text_key
from ser_live.remote import Location


class Asked:
    """Recordings in their order as they lay there when they were listed.

    Memory is the same for ten of them and for a million. A container of their names, too.

    Parameters
    ----------
    sources : iterable of Source
    """

    def __init__(self, sources: Iterable[Source]) -> None:
        self._scratch = Scratch(
            "CREATE TABLE asked (number INTEGER PRIMARY KEY, file BLOB, n_bytes INTEGER, "
            "changed_ns INTEGER, is_done INTEGER DEFAULT 0, error TEXT)"
        )
        self._scratch.run_each(
            "INSERT INTO asked (number, file, n_bytes, changed_ns) VALUES (?, ?, ?, ?)",
            (
                (number, text_key(source.file), source.n_bytes, source.changed_ns)
                for number, source in enumerate(sources)
            ),
        )
        self._scratch.run("CREATE INDEX by_file ON asked (file)")

    @classmethod
    def of(cls, files: Iterable[Location]) -> Asked:
        """Ask the file system, or the server, about each."""
        return cls(Source.of(path) for path in files)

    def note(self, heard: Heard) -> None:
        """Take up what an earlier run did; later ones count. One that changed is not done."""
        source = heard.source
        self._scratch.run(
            "UPDATE asked SET is_done = (n_bytes = ? AND changed_ns = ?), error = ? WHERE file = ?",
            (source.n_bytes, source.changed_ns, _as_text(heard.error), text_key(source.file)),
        )

    @property
    def n_done(self) -> int:
        """Recordings that earlier runs were done with."""
        found = self._scratch.first("SELECT COUNT(*) FROM asked WHERE is_done")
        return 0 if found is None else int(found[0])

    def is_done(self, number: int) -> bool:
        """Whether a recording is done and has not changed since."""
        found = self._scratch.first("SELECT is_done FROM asked WHERE number = ?", (number,))
        return found is not None and bool(found[0])

    def errors(self) -> Iterator[tuple[str, str]]:
        """Recordings that are done and could not be heard, with the reason."""
        found = self._scratch.rows(
            "SELECT file, error FROM asked WHERE is_done AND error IS NOT NULL ORDER BY number"
        )
        return ((key_text(file), key_text(error)) for file, error in found)

    def source(self, number: int) -> Source:
        """Give one of them."""
        found = self._scratch.first(f"{_SOURCE} WHERE number = ?", (number,))
        if found is None:
            raise IndexError(number)
        return _source(*found)

    def ends(self) -> Iterator[int]:
        """Numbers of those that are the last ones of their part."""
        every = self._scratch.rows(f"{_SOURCE} ORDER BY number")
        return (group[-1] for group in grouped(_source(*one) for one in every))

    def __contains__(self, file: object) -> bool:
        if not isinstance(file, str):
            return False
        key = text_key(file)
        return self._scratch.first("SELECT 1 FROM asked WHERE file = ?", (key,)) is not None

    def close(self) -> None:
        """Let go of them."""
        self._scratch.close()


_SOURCE = "SELECT file, n_bytes, changed_ns FROM asked"


def _source(file: bytes, n_bytes: int, changed_ns: int) -> Source:
    return Source(key_text(file), n_bytes, changed_ns)


def _as_text(error: str | None) -> bytes | None:
    return None if error is None else text_key(error)
