"""Which recordings are worked on together, and by which machine."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from ser_live.errors import UsageError
from ser_live.remote import Location

AUDIO_OF_A_PART_S = 600.0
"""Audio, as far as sizes tell, whose results make one part: about a minute of work on a core."""

MOST_FILES_OF_A_PART = 64

_BYTES_PER_S = {".wav": 32_000, ".aif": 32_000, ".aiff": 32_000, ".au": 32_000, ".flac": 16_000}
"""Bytes of a second of speech in the forms that are not made small."""
_SMALL_BYTES_PER_S = 8_000


@dataclass(frozen=True, slots=True)
class Source:
    """A recording as it lay there when it was listed."""

    file: str
    """Path as given."""
    n_bytes: int
    """0 where it is not there."""
    changed_ns: int
    """Time of its last change, nanoseconds since 1970; 0 where it is not there."""

    @classmethod
    def of(cls, path: Location) -> Source:
        """Ask the file system, or the server, about `path`."""
        with suppress(OSError, ValueError):
            status = path.stat()
            return cls(str(path), status.st_size, status.st_mtime_ns)
        return cls(str(path), 0, 0)

    @property
    def audio_s(self) -> float:
        """Rough length in seconds, guessed from its size and the end of its name."""
        suffix = os.path.splitext(self.file)[1].lower()  # noqa: PTH122  a name may be no path
        return self.n_bytes / _BYTES_PER_S.get(suffix, _SMALL_BYTES_PER_S)


@dataclass(frozen=True)
class Shard:
    """One of several machines' part of all recordings; they need not know each other."""

    number: int
    """From 1."""
    n_shards: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Read ``2/8``.

        Raises
        ------
        UsageError
            It is no such pair, or the number is not among them.
        """
        parts = text.split("/")
        if len(parts) != 2 or not all(p.strip().isascii() and p.strip().isdigit() for p in parts):
            raise UsageError(
                f"Found --shard {text}, but a number and how many there are is needed: give for "
                "example --shard 2/8."
            )
        number, n_shards = (int(part) for part in parts)
        if not 1 <= number <= n_shards:
            raise UsageError(
                f"Found --shard {text}, but the shards are numbered from 1 to their count: give "
                f"--shard 1/{n_shards or 1} to {n_shards or 1}/{n_shards or 1}, one each."
            )
        return cls(number, n_shards)

    def holds(self, path: Location) -> bool:
        """Whether a recording is this shard's, by its path alone."""
        if self.n_shards == 1:
            return True
        digest = hashlib.sha256(os.fsencode(path)).digest()
        return int.from_bytes(digest[:8], "big") % self.n_shards == self.number - 1


WHOLE = Shard(1, 1)
"""Everything on one machine."""


def grouped(sources: Iterable[Source]) -> Iterator[range]:
    """Numbers of neighbours whose results make a part, the same for the same sources."""
    first, end, audio_s = 0, 0, 0.0
    for source in sources:
        is_full = audio_s >= AUDIO_OF_A_PART_S or end - first >= MOST_FILES_OF_A_PART
        if end > first and is_full:
            yield range(first, end)
            first, audio_s = end, 0.0
        audio_s += source.audio_s
        end += 1
    if first < end:
        yield range(first, end)
