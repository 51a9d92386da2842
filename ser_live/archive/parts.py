"""Results of an archive on disk: a folder of parts, each written whole or not at all.

A part holds the rows of some neighbours among the recordings and, in its own metadata, what those
were. It is written under another name and renamed, then told of in a manifest that is only ever
added to, one for each shard. What a run that was killed had renamed and not told is found again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from ser_live.archive.plan import Shard, Source
from ser_live.archive.table import Form, as_bytes, schema_of
from ser_live.errors import OutputError, UsageError
from ser_live.events import Record
from ser_live.records.exports.parquet_table import arrow_values, pyarrow
from ser_live.records.private_files import create_private_file, make_private_folder

ABOUT = "archive.json"
"""Name of the file that says what all rows of a folder of parts hang on."""

_FILES = b"ser_live_files"
_MANIFEST = "manifest-{}-of-{}.jsonl"
_MOST_LINE_BYTES = 1 << 20
_FILE_FIELDS = ("duration_s", "speech_s", "n_utterances", "emotion", "state", "confidence", "note")


@dataclass(frozen=True)
class Heard:
    """One recording, and what came of it."""

    source: Source
    n_rows: int
    error: str | None
    """One sentence where it could not be heard to its end."""
    summary: Mapping[str, Any]
    """`Recording.summary`, as far as the table of recordings has its fields."""

    @classmethod
    def of(
        cls, source: Source, rows: Sequence[Record], error: str | None, summary: Record
    ) -> Heard:
        """Take what is kept of a recording beside its rows."""
        return cls(source, len(rows), error, {name: summary.get(name) for name in _FILE_FIELDS})

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> Heard:
        """Make it from what `asdict` made of it."""
        return cls(
            Source(**record["source"]), int(record["n_rows"]), record["error"], record["summary"]
        )


@dataclass(frozen=True)
class Part:
    """A file of rows and the recordings that they are of, in its order."""

    path: Path
    heard: tuple[Heard, ...]


class Parts:
    """A folder of parts that a run adds to; a context manager.

    Parameters
    ----------
    folder : Path
        Made where it is missing.
    form : Form
    shard : Shard
    begins_anew : bool
        Remove the parts of earlier runs first.

    Raises
    ------
    UsageError
        The folder is another thing's, of another run, or one is at work there.
    OutputError
        It cannot be written.
    """

    def __init__(self, folder: Path, form: Form, shard: Shard, *, begins_anew: bool = False):
        self.folder = folder
        self._form = form
        self._manifest = folder / _MANIFEST.format(shard.number, shard.n_shards)
        self._own = f"-{shard.number}-of-{shard.n_shards}"
        try:
            self._open(begins_anew)
        except OSError as error:
            raise _refusal(folder, error) from error

    def _open(self, begins_anew: bool) -> None:
        is_other = self.folder.is_dir() and not (self.folder / ABOUT).exists()
        if is_other and next(iter(self.folder.iterdir()), None) is not None:
            raise UsageError(
                f"{self.folder} holds other things than parts of an archive, which would be mixed "
                "with them: name a new folder."
            )
        make_private_folder(self.folder)
        if begins_anew:
            remove_parts(self.folder)
        self._say_what_for()
        if not self._manifest.exists():
            with suppress(FileExistsError):
                os.close(create_private_file(self._manifest))
        self._lines: IO[bytes] = self._manifest.open("ab")
        try:
            _claim(self._lines)
            self._cut_to_lines()
            self.known = {part.path.name: part for part in told_parts(self.folder)}
            for part in self._untold():
                self._tell(part)
        except BaseException:
            self._lines.close()
            raise

    def _say_what_for(self) -> None:
        about = self.folder / ABOUT
        ours = json.loads(as_bytes(self._form.told))
        try:
            descriptor = create_private_file(about)
        except FileExistsError:
            _compare(self.folder, about_of(self.folder), ours)
            return
        with os.fdopen(descriptor, "wb") as file:
            file.write(as_bytes(ours) + b"\n")

    def _cut_to_lines(self) -> None:
        """Cut off what a run that was killed left of a line."""
        with self._manifest.open("r+b") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(0, end - _MOST_LINE_BYTES))
            tail = file.read()
            file.truncate(end - len(tail) + tail.rfind(b"\n") + 1)

    def _untold(self) -> Iterator[Part]:
        """Parts of this shard that no manifest tells of, for a kill came between; no half ones."""
        for path in sorted(self.folder.glob(f"*{self._own}.writing")):
            path.unlink()
        for path in sorted(self.folder.glob(f"part-*{self._own}.parquet")):
            if path.name not in self.known:
                yield read_part(path)

    def done(self) -> dict[str, Heard]:
        """Recordings that parts hold rows of, as they were, by their paths."""
        return {heard.source.file: heard for part in self.known.values() for heard in part.heard}

    def add(self, heard: Sequence[Heard], rows: Iterable[Record]) -> None:
        """Write a part.

        Raises
        ------
        OutputError
            It cannot be written; then nothing of it is there.
        """
        pa = pyarrow()
        files = as_bytes([asdict(one) for one in heard])
        schema = schema_of(self._form, {_FILES: files})
        table = pa.Table.from_pylist([arrow_values(row) for row in rows], schema=schema)
        named = [asdict(one.source) for one in heard]
        name = hashlib.sha256(as_bytes([named, self._form.told])).hexdigest()[:24]
        path = self.folder / f"part-{name}{self._own}.parquet"
        written = path.with_name(f"{name}{self._own}.writing")
        try:
            with suppress(FileNotFoundError):
                written.unlink()
            with os.fdopen(create_private_file(written), "wb") as file:
                pa.parquet.write_table(table, file, compression="zstd")
                file.flush()
                os.fsync(file.fileno())
            written.replace(path)
            self._tell(Part(path, tuple(heard)))
        except OSError as error:
            with suppress(OSError):
                written.unlink()
            raise _refusal(self.folder, error) from error

    def _tell(self, part: Part) -> None:
        told = {"part": part.path.name, "files": [asdict(one) for one in part.heard]}
        self._lines.write(as_bytes(told) + b"\n")
        self._lines.flush()
        self.known[part.path.name] = part

    def __enter__(self) -> Parts:
        return self

    def __exit__(self, *error: object) -> None:
        self._lines.close()


def read_part(path: Path) -> Part:
    """Recordings that a part says it holds.

    Raises
    ------
    UsageError
        It is no part of an archive.
    """
    pa = pyarrow()
    try:
        metadata = pa.parquet.read_schema(path).metadata
        heard = tuple(Heard.read(one) for one in json.loads(metadata[_FILES]))
    except (OSError, ValueError, TypeError, KeyError, pa.ArrowException) as error:
        raise UsageError(
            f"{path} cannot be read as a part of an archive ({error}): remove it, and run again "
            "what made it."
        ) from error
    return Part(path, heard)


def told_parts(folder: Path) -> Iterator[Part]:
    """Parts that the manifests of a folder tell of.

    Raises
    ------
    UsageError
        A manifest is damaged.
    """
    for manifest in sorted(folder.glob("manifest-*.jsonl")):
        with manifest.open("rb") as lines:
            for line in lines:
                if not line.endswith(b"\n"):
                    break  # a run is writing it, or was killed
                try:
                    told = json.loads(line)
                    heard = tuple(Heard.read(one) for one in told["files"])
                    part = Part(folder / str(told["part"]), heard)
                except (ValueError, TypeError, KeyError) as error:
                    raise UsageError(
                        f"{manifest} is damaged, but tells what is done: remove it, and run "
                        "again; parts that are whole are found."
                    ) from error
                if part.path.exists():
                    yield part


def about_of(folder: Path) -> dict[str, Any]:
    """Conditions that all rows of a folder of parts hang on.

    Raises
    ------
    UsageError
        It holds no archive.
    """
    try:
        about = json.loads((folder / ABOUT).read_bytes())
        if about["format"] != 1:
            raise UsageError(
                f"{folder} is an archive of format {about['format']}, but this ser-live reads "
                "format 1: use the version that made it."
            )
        return dict(about)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UsageError(
            f"{folder} holds no archive ({ABOUT} cannot be read): name the folder of --out that "
            "`ser-live analyze` wrote."
        ) from error


def remove_parts(folder: Path) -> None:
    """Remove an archive's own files from a folder, and the folder where nothing else is there."""
    for pattern in ("part-*.parquet", "*.writing", "manifest-*.jsonl", ABOUT):
        for path in folder.glob(pattern):
            path.unlink()


def _compare(folder: Path, theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> None:
    for name in dict.fromkeys([*theirs, *ours]):
        before, now = theirs.get(name), ours.get(name)
        if isinstance(before, dict) and isinstance(now, dict):
            _compare(folder, before, now)
        elif before != now:
            raise UsageError(
                f"{folder} was begun with {name} {before} and not {now}, but rows of one archive "
                "hang on the same: give the same options, or another --out."
            )


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


def _refusal(folder: Path, error: OSError) -> OutputError:
    cause = str(error.strerror or error).lower()
    return OutputError(
        f"{folder} cannot be written ({cause}): make room or choose another place, and run the "
        "same command again; what is done stays done."
    )
