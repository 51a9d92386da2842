"""Lists of the parts of a shard: a file that is only added to, or small objects by address."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import IO, Protocol

from ser_live.archive.plan import Shard
from ser_live.errors import UsageError
from ser_live.records.private_files import create_private_file
from ser_live.remote import Location, RemotePath

PATTERN = "manifest-*.jsonl"
"""Names of all manifests in a folder of parts."""

_MOST_LINE_BYTES = 1 << 20
_LINES_OF_AN_OBJECT = 100
"""Parts that one object tells of. It is replaced as a whole with each of them, for objects cannot
be added to: fewer would make many objects of a large archive, more much writing."""


class Manifest(Protocol):
    """List that tells of each part in a line, once the part is whole."""

    def add(self, line: bytes) -> None:
        """Tell of a part.

        Raises
        ------
        OSError
        """

    def close(self) -> None:
        """Let another run have it."""


def opened_manifest(folder: Location, shard: Shard) -> Manifest:
    """Open the manifest of a shard, which is made where there is none.

    Raises
    ------
    UsageError
        Another run writes to it.
    OSError
    """
    name = f"manifest-{shard.number}-of-{shard.n_shards}"
    if isinstance(folder, RemotePath):
        return _Objects(folder, name)
    return _File(folder / f"{name}.jsonl")


def lines_of(manifest: Location) -> Iterator[bytes]:
    """Whole lines; one that is being written, or was when its run was killed, is not given."""
    with closing(manifest.open("rb")) as lines:
        for line in lines:
            if not line.endswith(b"\n"):
                break
            yield line


class _File:
    """Manifest on a disk."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            with suppress(FileExistsError):
                os.close(create_private_file(path))
        self._lines: IO[bytes] = path.open("ab")
        try:
            _claim(self._lines)
            _cut_to_lines(path)
        except BaseException:
            self._lines.close()
            raise

    def add(self, line: bytes) -> None:
        self._lines.write(line)
        self._lines.flush()

    def close(self) -> None:
        self._lines.close()


class _Objects:
    """Manifest by address: numbered objects of so many lines each."""

    def __init__(self, folder: RemotePath, name: str) -> None:
        self._folder = folder
        self._name = name
        written = sorted(path.name for path in folder.glob(f"{name}.*.jsonl"))
        self._number = max(1, len(written))
        self._lines = list(lines_of(folder / written[-1])) if written else []

    def add(self, line: bytes) -> None:
        if len(self._lines) >= _LINES_OF_AN_OBJECT:
            self._number, self._lines = self._number + 1, []
        self._lines.append(line)
        object_ = self._folder / f"{self._name}.{self._number:06d}.jsonl"
        try:
            object_.write_bytes(b"".join(self._lines))
        except OSError:
            self._lines.pop()
            raise

    def close(self) -> None:
        """Do nothing: where two runs work on one shard, both write the same parts."""


def _cut_to_lines(path: Path) -> None:
    """Cut off what a run that was killed left of a line."""
    with path.open("r+b") as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(0, end - _MOST_LINE_BYTES))
        tail = file.read()
        file.truncate(end - len(tail) + tail.rfind(b"\n") + 1)


def _claim(manifest: IO[bytes]) -> None:
    """Keep a manifest to this run as long as it is open."""
    if os.name == "nt":
        return
    import fcntl

    try:
        fcntl.flock(manifest.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise UsageError(
            f"Another run writes to {manifest.name} at this moment, but each shard is one run's: "
            "wait for its end, or give this one another --shard."
        ) from error
    except OSError:  # a file system without locks
        return
