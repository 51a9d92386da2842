"""Parts of an archive as one file: sorted by recording, the same bytes however they were made."""

from __future__ import annotations

import io
import os
import sqlite3
import tempfile
from collections import OrderedDict
from collections.abc import Container, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import islice
from pathlib import Path
from typing import IO, Any

from ser_live.archive.parts import Heard, about_of
from ser_live.archive.sorting import Places, Span
from ser_live.archive.table import FILE_FIELDS, Form, file_schema_of, schema_of
from ser_live.errors import OutputError, UsageError
from ser_live.records.csv_rows import CsvLines
from ser_live.records.exports.parquet_table import arrow_values, pyarrow
from ser_live.records.long_list import LongList
from ser_live.records.private_files import create_private_file
from ser_live.remote import Location, RemoteError, RemotePath

_N_ROWS = 10_000
"""Rows of one row group."""
_MOST_BYTES = 64 << 20
"""Rows of parts that are held at a time. Each of N shards has a part open wherever the merger is,
so their number is not what is bounded; a part whose rows are all given is let go of before."""
_MOST_PIECES = 256
"""Tables that wait to become a row group: each takes more memory than a few rows."""
_BYTES_OF_A_TABLE = 30_000
"""Memory of a table beside its rows."""
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Merged:
    """Result of a merger."""

    path: Location
    """Rows, one an utterance."""
    files_path: Location
    """Rows, one a recording."""
    n_files: int
    n_rows: int
    failures: Sequence[tuple[str, str]]
    """Recordings that could not be heard to their end, with the reason."""

    @property
    def in_words(self) -> str:
        """One sentence of what is where."""
        return (
            f"{self.n_rows} utterances of {self.n_files} recordings are in {self.path}; "
            f"{self.files_path.name} lists the recordings."
        )


def merge(
    folders: Sequence[Location], target: Location, *, only: Container[str] | None = None
) -> Merged:
    """Write all rows of folders of parts into one file, and what the recordings were beside it.

    Memory is bounded by the parts that are open at a time; where a recording is in several parts
    the one whose file was changed last counts.

    Parameters
    ----------
    folders : sequence of Path or RemotePath
        Of one archive or several of the same model, settings and version.
    target : Path or RemotePath
        ``.parquet`` or ``.csv``; replaced as a whole where it exists.
    only : container of str, optional
        Recordings that are wanted; ``None`` for all.

    Raises
    ------
    UsageError
        A folder holds no archive, or of something else than the others.
    OutputError
        The target cannot be written.
    """
    form = _common_form(folders)
    files_path = target.with_name(f"{target.stem}.files{target.suffix}")
    open_rows = _CsvTarget if target.suffix.lower() == ".csv" else _ParquetTarget
    n_files = n_rows = 0
    failures: LongList[tuple[str, str]] = LongList()
    try:
        with ExitStack() as stack:
            places = stack.enter_context(closing(Places()))
            for folder in folders:
                _take(places, folder, only)
            rows = stack.enter_context(_replaced(target))
            files = stack.enter_context(_replaced(files_path))
            writer = open_rows(rows, schema_of(form))
            for table in _Slices(places.spans()):
                writer.write(table)
                n_rows += len(table)
            writer.close()
            writer = open_rows(files, file_schema_of(form))
            for some in _some_of(places.recordings()):
                writer.write(_files_table(form, some))
                n_files += len(some)
                failures.extend((one.source.file, one.error) for one in some if one.error)
            writer.close()
    except (OSError, sqlite3.Error) as error:
        raise _refusal(target, error) from error
    return Merged(target, files_path, n_files, n_rows, failures)


def _take(places: Places, folder: Location, only: Container[str] | None) -> None:
    try:
        places.take(folder, only)
    except OSError as error:
        raise UsageError(
            f"{folder} cannot be read ({error.strerror or error}), but holds what is to be joined: "
            "make it readable, and run the same command again."
        ) from error


def _refusal(target: Location, error: OSError | sqlite3.Error) -> OutputError | UsageError:
    if isinstance(error, RemoteError):
        return UsageError(
            f"{target} cannot be written ({error.strerror}, at {error.filename}): check address, "
            "network and credentials, and run the same command again."
        )
    cause = str(getattr(error, "strerror", None) or error).lower()
    return OutputError(
        f"{target} cannot be written ({cause}): make room or choose another place, and run the "
        "same command again."
    )


def _common_form(folders: Sequence[Location]) -> Form:
    first, *others = [about_of(folder) for folder in folders]
    for folder, other in zip(folders[1:], others, strict=True):
        for name in first:
            if first[name] != other.get(name):
                raise UsageError(
                    f"{folder} holds rows of another {name} than {folders[0]}, but rows of one "
                    "table hang on the same: merge them apart."
                )
    told = {k: v for k, v in first.items() if k not in ("format", "labels", "limits")}
    return Form(tuple(first["labels"]), told)


def _some_of(recordings: Iterable[Heard]) -> Iterator[list[Heard]]:
    every = iter(recordings)
    while some := list(islice(every, _N_ROWS)):
        yield some


class _Slices:
    """Rows of spans as tables, each part read when its first row is due."""

    def __init__(self, spans: Iterable[Span]) -> None:
        self._spans = spans
        self._open: OrderedDict[Location, Any] = OrderedDict()
        self._n_bytes = 0
        self._n_given: dict[Location, int] = {}
        """Rows that were given of the parts that are open."""

    def __iter__(self) -> Iterator[Any]:
        for span in self._spans:
            table = self._part(span.part)
            yield table.slice(span.first, span.n_rows)
            self._n_given[span.part] += span.n_rows
            if self._n_given[span.part] >= len(table):
                self._let_go_of(span.part)

    def _let_go_of(self, path: Location) -> None:
        self._n_bytes -= self._open.pop(path).nbytes + _BYTES_OF_A_TABLE
        del self._n_given[path]

    def _part(self, path: Location) -> Any:
        if path not in self._open:
            pa = pyarrow()
            try:
                data = io.BytesIO(path.read_bytes())
                table = pa.parquet.ParquetFile(data).read(use_threads=False)
            except (OSError, ValueError, pa.ArrowException) as error:
                raise UsageError(
                    f"{path} cannot be read ({error}), but holds rows: remove it, and run again "
                    "what made it."
                ) from error
            self._open[path], self._n_given[path] = table, 0
            self._n_bytes += table.nbytes + _BYTES_OF_A_TABLE
            while self._n_bytes > _MOST_BYTES and len(self._open) > 1:
                self._let_go_of(next(iter(self._open)))
        self._open.move_to_end(path)
        return self._open[path]


class _ParquetTarget:
    """Row groups of one size, whatever came in at a time."""

    def __init__(self, stream: IO[bytes], schema: Any) -> None:
        self._pa = pyarrow()
        self._schema = schema
        self._writer = self._pa.parquet.ParquetWriter(stream, schema, compression="zstd")
        self._waiting: list[Any] = []
        self._n_waiting = 0

    def write(self, table: Any) -> None:
        self._waiting.append(table.replace_schema_metadata(self._schema.metadata))
        self._n_waiting += len(table)
        if len(self._waiting) >= _MOST_PIECES:
            self._waiting = [self._joined()]
        while self._n_waiting >= _N_ROWS:
            self._write(_N_ROWS)

    def _joined(self) -> Any:
        return self._pa.concat_tables(self._waiting).combine_chunks()

    def _write(self, n_rows: int) -> None:
        whole = self._joined()
        self._writer.write_table(whole.slice(0, n_rows))
        rest = whole.slice(n_rows)
        self._waiting, self._n_waiting = [rest], len(rest)

    def close(self) -> None:
        if self._n_waiting:
            self._write(self._n_waiting)
        self._writer.close()


class _CsvTarget:
    """Rows of CSV, cells safe in a spreadsheet."""

    def __init__(self, stream: IO[bytes], schema: Any) -> None:
        self._text = io.TextIOWrapper(
            stream, "utf-8", errors="backslashreplace", newline="", write_through=True
        )
        self._rows = CsvLines(self._text, schema.names)

    def write(self, table: Any) -> None:
        for row in table.to_pylist():
            if isinstance(row.get("changed_at"), datetime):
                row["changed_at"] = row["changed_at"].isoformat()
            self._rows.write(row)

    def close(self) -> None:
        self._text.detach()


def _files_table(form: Form, recordings: Sequence[Heard]) -> Any:
    pa = pyarrow()
    rows = [
        arrow_values(
            {
                "file": heard.source.file,
                "n_bytes": heard.source.n_bytes,
                "error": heard.error,
                **heard.summary,
            }
        )
        | {"changed_at": _changed_at(heard.source.changed_ns)}
        for heard in recordings
    ]
    columns = [{name: row.get(name) for name in FILE_FIELDS} for row in rows]
    return pa.Table.from_pylist(columns, schema=file_schema_of(form))


def _changed_at(changed_ns: int) -> datetime | None:
    return _EPOCH + timedelta(microseconds=changed_ns // 1000) if changed_ns else None


@contextmanager
def _replaced(path: Location) -> Iterator[IO[bytes]]:
    """Give a new file that takes the place of `path` when it is whole."""
    if isinstance(path, RemotePath):
        with tempfile.TemporaryDirectory(prefix="ser-live-") as folder:
            whole = Path(folder) / "whole"
            with whole.open("wb") as stream:
                yield stream
            path.put(whole)
        return
    written = path.with_name(f".{path.name}.writing")
    with suppress(FileNotFoundError):
        written.unlink()
    stream = os.fdopen(create_private_file(written), "wb")
    try:
        with stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        written.replace(path)
    except BaseException:
        with suppress(OSError):
            written.unlink()
        raise
