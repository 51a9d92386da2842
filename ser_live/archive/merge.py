"""Parts of an archive as one file: sorted by recording, the same bytes however they were made."""

from __future__ import annotations

import io
import os
from collections import OrderedDict
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import IO, Any

from ser_live.archive.parts import Heard, about_of, told_parts
from ser_live.archive.table import FILE_FIELDS, Form, file_schema_of, schema_of
from ser_live.errors import OutputError, UsageError
from ser_live.records.csv_rows import CsvLines
from ser_live.records.exports.parquet_table import arrow_values, pyarrow
from ser_live.records.private_files import create_private_file

_N_ROWS = 10_000
"""Rows of one row group."""
_MOST_OPEN = 64
"""Parts whose rows are held at a time."""
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Merged:
    """Result of a merger."""

    path: Path
    """Rows, one an utterance."""
    files_path: Path
    """Rows, one a recording."""
    n_files: int
    n_rows: int
    failures: list[tuple[str, str]]
    """Recordings that could not be heard to their end, with the reason."""

    @property
    def in_words(self) -> str:
        """One sentence of what is where."""
        return (
            f"{self.n_rows} utterances of {self.n_files} recordings are in {self.path}; "
            f"{self.files_path.name} lists the recordings."
        )


@dataclass(frozen=True)
class _Place:
    """Where the rows of a recording are."""

    part: Path
    first: int
    heard: Heard


def merge(folders: Sequence[Path], target: Path, *, only: Collection[str] | None = None) -> Merged:
    """Write all rows of folders of parts into one file, and what the recordings were beside it.

    Memory is bounded by the parts that are open at a time; where a recording is in several parts
    the one whose file was changed last counts.

    Parameters
    ----------
    folders : sequence of Path
        Of one archive or several of the same model, settings and version.
    target : Path
        ``.parquet`` or ``.csv``; replaced as a whole where it exists.
    only : collection of str, optional
        Recordings that are wanted; ``None`` for all.

    Raises
    ------
    UsageError
        A folder holds no archive, or of something else than the others.
    OutputError
        The target cannot be written.
    """
    form = _common_form(folders)
    places = _places(folders, only)
    files_path = target.with_name(f"{target.stem}.files{target.suffix}")
    open_rows = _CsvTarget if target.suffix.lower() == ".csv" else _ParquetTarget
    n_rows = 0
    try:
        with ExitStack() as stack:
            rows = stack.enter_context(_replaced(target))
            files = stack.enter_context(_replaced(files_path))
            writer = open_rows(rows, schema_of(form))
            for table in _Slices(places):
                writer.write(table)
                n_rows += len(table)
            writer.close()
            writer = open_rows(files, file_schema_of(form))
            writer.write(_files_table(form, places))
            writer.close()
    except OSError as error:
        cause = str(error.strerror or error).lower()
        raise OutputError(
            f"{target} cannot be written ({cause}): make room or choose another place, and run "
            "the same command again."
        ) from error
    failures = [(p.heard.source.file, p.heard.error) for p in places if p.heard.error]
    return Merged(target, files_path, len(places), n_rows, failures)


def _common_form(folders: Sequence[Path]) -> Form:
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


def _places(folders: Sequence[Path], only: Collection[str] | None) -> list[_Place]:
    """Where the rows of each recording are, in the order of their names."""
    best: dict[str, _Place] = {}
    for folder in folders:
        for part in told_parts(folder):
            first = 0
            for heard in part.heard:
                place = _Place(part.path, first, heard)
                first += heard.n_rows
                file = heard.source.file
                if only is not None and file not in only:
                    continue
                if file not in best or _rank(place) > _rank(best[file]):
                    best[file] = place
    return [best[file] for file in sorted(best)]


def _rank(place: _Place) -> tuple[int, int, str]:
    source = place.heard.source
    return source.changed_ns, source.n_bytes, place.part.name


class _Slices:
    """Rows of places as tables, each part read when its first row is due."""

    def __init__(self, places: Sequence[_Place]) -> None:
        self._places = places
        self._open: OrderedDict[Path, Any] = OrderedDict()

    def __iter__(self) -> Iterator[Any]:
        for place in self._places:
            if place.heard.n_rows:
                yield self._part(place.part).slice(place.first, place.heard.n_rows)

    def _part(self, path: Path) -> Any:
        if path not in self._open:
            pa = pyarrow()
            try:
                self._open[path] = pa.parquet.read_table(path)
            except (OSError, ValueError, pa.ArrowException) as error:
                raise UsageError(
                    f"{path} cannot be read ({error}), but holds rows: remove it, and run again "
                    "what made it."
                ) from error
            if len(self._open) > _MOST_OPEN:
                self._open.popitem(last=False)
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
        while self._n_waiting >= _N_ROWS:
            self._write(_N_ROWS)

    def _write(self, n_rows: int) -> None:
        whole = self._pa.concat_tables(self._waiting).combine_chunks()
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


def _files_table(form: Form, places: Sequence[_Place]) -> Any:
    pa = pyarrow()
    rows = [
        arrow_values(
            {
                "file": place.heard.source.file,
                "n_bytes": place.heard.source.n_bytes,
                "error": place.heard.error,
                **place.heard.summary,
            }
        )
        | {"changed_at": _changed_at(place.heard.source.changed_ns)}
        for place in places
    ]
    columns = [{name: row.get(name) for name in FILE_FIELDS} for row in rows]
    return pa.Table.from_pylist(columns, schema=file_schema_of(form))


def _changed_at(changed_ns: int) -> datetime | None:
    return _EPOCH + timedelta(microseconds=changed_ns // 1000) if changed_ns else None


@contextmanager
def _replaced(path: Path) -> Iterator[IO[bytes]]:
    """Give a new file that takes the place of `path` when it is whole."""
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
