"""Results of an archive on disk: a folder of parts, each written whole or not at all.

A part holds the rows of some neighbours among the recordings and, in its own metadata, what those
were. It is written under another name and renamed, then told of in a manifest that is only ever
added to, one for each shard. What a run that was killed had renamed and not told is found again.
By address nothing is renamed or added to: an object is there when its last byte has arrived.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ser_live.archive.manifest import PATTERN, lines_of, opened_manifest
from ser_live.archive.names import Names, names_below
from ser_live.archive.plan import Shard, Source
from ser_live.archive.table import Form, as_bytes, schema_of
from ser_live.errors import OutputError, UsageError
from ser_live.events import Record
from ser_live.records.exports.parquet_table import arrow_values, pyarrow
from ser_live.records.long_list import LongList
from ser_live.records.private_files import create_private_file, make_private_folder
from ser_live.remote import Location, RemoteError, RemotePath

ABOUT = "archive.json"
"""Name of the file that says what all rows of a folder of parts hang on."""

_FILES = b"ser_live_files"
_FILE_FIELDS = ("duration_s", "speech_s", "n_utterances", "emotion", "state", "confidence", "note")


@dataclass(frozen=True, slots=True)
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

    def as_record(self) -> dict[str, Any]:
        """Form in a manifest; `dataclasses.asdict` takes twenty times as long for it."""
        source = self.source
        return {
            "source": {
                "file": source.file,
                "n_bytes": source.n_bytes,
                "changed_ns": source.changed_ns,
            },
            "n_rows": self.n_rows,
            "error": self.error,
            "summary": dict(self.summary),
        }

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> Heard:
        """Make it from what `as_record` made of it."""
        return cls(
            Source(**record["source"]), int(record["n_rows"]), record["error"], record["summary"]
        )


@dataclass(frozen=True)
class Part:
    """A file of rows and the recordings that they are of, in its order."""

    path: Location
    heard: tuple[Heard, ...]


def _pass_over(_: Heard) -> None:
    """Stand in where nobody asks what was done before."""


class Parts:
    """A folder of parts that a run adds to; a context manager.

    Parameters
    ----------
    folder : Path or RemotePath
        Made where it is missing.
    form : Form
    shard : Shard
    begins_anew : bool
        Remove the parts of earlier runs first.
    on_told : callable
        Called with each recording that parts hold rows of, as it was; later ones count. They
        are not kept, for there may be a million.

    Raises
    ------
    UsageError
        The folder is another thing's, of another run, or one is at work there.
    OutputError
        It cannot be written.
    """

    def __init__(
        self,
        folder: Location,
        form: Form,
        shard: Shard,
        *,
        begins_anew: bool = False,
        on_told: Callable[[Heard], object] = _pass_over,
    ) -> None:
        self.folder = folder
        self._form = form
        self._own = f"-{shard.number}-of-{shard.n_shards}"
        self._known = Names()
        """Parts that manifests tell of."""
        try:
            self._open(shard, begins_anew, on_told)
        except OSError as error:
            raise _refusal(folder, error) from error

    def _open(self, shard: Shard, begins_anew: bool, on_told: Callable[[Heard], object]) -> None:
        is_other = self.folder.is_dir() and not (self.folder / ABOUT).exists()
        if is_other and next(iter(self.folder.iterdir()), None) is not None:
            raise UsageError(
                f"{self.folder} holds other things than parts of an archive, which would be mixed "
                "with them: name a new folder."
            )
        if isinstance(self.folder, Path):
            make_private_folder(self.folder)
        if begins_anew:
            remove_parts(self.folder)
        self._say_what_for()
        self._manifest = opened_manifest(self.folder, shard)
        try:
            for part in told_parts(self.folder):
                self._known.add(part.path.name)
                for heard in part.heard:
                    on_told(heard)
            for part in self._untold():
                self._tell(part)
                for heard in part.heard:
                    on_told(heard)
        except BaseException:
            self._manifest.close()
            raise

    def _say_what_for(self) -> None:
        about = self.folder / ABOUT
        data = as_bytes(self._form.told) + b"\n"
        if not about.exists():
            write_whole(about, data, f"about{self._own}.writing")
        _compare(self.folder, about_of(self.folder), json.loads(data))

    def _untold(self) -> Iterator[Part]:
        """Parts of this shard that no manifest tells of, for a kill came between; no half ones."""
        for path in _sorted(self.folder, f"*{self._own}.writing"):
            path.unlink()
        names = names_below(self.folder, f"part-*{self._own}.parquet")
        for name in sorted(name for name in names if name not in self._known):
            yield read_part(self.folder / name)

    def add(self, heard: Sequence[Heard], rows: Iterable[Record]) -> None:
        """Write a part.

        Raises
        ------
        OutputError
            It cannot be written; then nothing of it is there.
        """
        pa = pyarrow()
        files = as_bytes([one.as_record() for one in heard])
        schema = schema_of(self._form, {_FILES: files})
        table = pa.Table.from_pylist([arrow_values(row) for row in rows], schema=schema)
        named = [asdict(one.source) for one in heard]
        name = hashlib.sha256(as_bytes([named, self._form.told])).hexdigest()[:24]
        path = self.folder / f"part-{name}{self._own}.parquet"
        data = io.BytesIO()
        try:
            pa.parquet.write_table(table, data, compression="zstd")
            write_whole(path, data.getvalue(), f"{name}{self._own}.writing")
            self._tell(Part(path, tuple(heard)))
        except OSError as error:
            raise _refusal(self.folder, error) from error

    def _tell(self, part: Part) -> None:
        told = {"part": part.path.name, "files": [one.as_record() for one in part.heard]}
        self._manifest.add(as_bytes(told) + b"\n")
        self._known.add(part.path.name)

    def __enter__(self) -> Parts:
        return self

    def __exit__(self, *error: object) -> None:
        self._manifest.close()
        self._known.close()


def write_whole(path: Location, data: bytes, draft_name: str) -> None:
    """Write a file that is there whole or not at all, for its owner only.

    Parameters
    ----------
    path : Path or RemotePath
    data : bytes
    draft_name : str
        Name of the file until it is whole; by address none is needed.

    Raises
    ------
    OSError
        It cannot be written.
    """
    if isinstance(path, RemotePath):
        path.write_bytes(data)
        return
    draft = path.with_name(draft_name)
    try:
        with suppress(FileNotFoundError):
            draft.unlink()
        with os.fdopen(create_private_file(draft), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise


def read_part(path: Location) -> Part:
    """Recordings that a part says it holds.

    Raises
    ------
    UsageError
        It is no part of an archive.
    """
    pa = pyarrow()
    try:
        metadata = pa.parquet.read_schema(io.BytesIO(path.read_bytes())).metadata
        heard = tuple(Heard.read(one) for one in json.loads(metadata[_FILES]))
    except (OSError, ValueError, TypeError, KeyError, pa.ArrowException) as error:
        raise UsageError(
            f"{path} cannot be read as a part of an archive ({error}): remove it, and run again "
            "what made it."
        ) from error
    return Part(path, heard)


def told_parts(folder: Location) -> Iterator[Part]:
    """Parts that the manifests of a folder tell of.

    Raises
    ------
    UsageError
        A manifest is damaged.
    OSError
    """
    is_there = _presence(folder)
    for manifest in _sorted(folder, PATTERN):
        for line in lines_of(manifest):
            try:
                told = json.loads(line)
                heard = tuple(Heard.read(one) for one in told["files"])
                name = str(told["part"])
            except (ValueError, TypeError, KeyError) as error:
                raise UsageError(
                    f"{manifest} is damaged, but tells what is done: remove it, and run again; "
                    "parts that are whole are found."
                ) from error
            if is_there(name):
                yield Part(folder / name, heard)


def _presence(folder: Location) -> Callable[[str], bool]:
    """Give what says whether a folder holds a part; by address it is listed once."""
    if isinstance(folder, Path):
        return lambda name: (folder / name).exists()
    return set(names_below(folder, "part-*.parquet")).__contains__


def _sorted(folder: Location, pattern: str) -> list[Location]:
    found: list[Location] = list(folder.glob(pattern))
    return sorted(found, key=str)


def about_of(folder: Location) -> dict[str, Any]:
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
    except RemoteError as error:
        raise UsageError(
            f"{folder} holds no archive that can be read ({error.strerror}): check address, "
            "network and credentials, and name the folder of --out that `ser-live analyze` wrote."
        ) from error
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UsageError(
            f"{folder} holds no archive ({ABOUT} cannot be read): name the folder of --out that "
            "`ser-live analyze` wrote."
        ) from error


def remove_parts(folder: Location) -> None:
    """Remove an archive's own files from a folder."""
    for pattern in ("part-*.parquet", "*.writing", PATTERN, ABOUT):
        for name in LongList(names_below(folder, pattern)):
            (folder / name).unlink()


def _compare(folder: Location, theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> None:
    for name in dict.fromkeys([*theirs, *ours]):
        before, now = theirs.get(name), ours.get(name)
        if isinstance(before, dict) and isinstance(now, dict):
            _compare(folder, before, now)
        elif before != now:
            raise UsageError(
                f"{folder} was begun with {name} {before} and not {now}, but rows of one archive "
                "hang on the same: give the same options, or another --out."
            )


def _refusal(folder: Location, error: OSError) -> OutputError | UsageError:
    cause = str(error.strerror or error)
    if isinstance(error, RemoteError):
        return UsageError(
            f"{folder} cannot be written ({cause}): check address, network and credentials, and "
            "run the same command again; what is done stays done."
        )
    return OutputError(
        f"{folder} cannot be written ({cause.lower()}): make room or choose another place, and run "
        "the same command again; what is done stays done."
    )
