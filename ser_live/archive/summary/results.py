"""Rows of the file that an archive became, some at a time: there may be millions."""

from __future__ import annotations

import json
import tempfile
import weakref
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ser_live.archive.table import METADATA
from ser_live.arrays import Float64
from ser_live.errors import UsageError
from ser_live.records.exports.parquet_table import pyarrow
from ser_live.remote import Location, RemotePath

PROBABILITY = "probability_"
MEASURES = ("valence", "arousal")
"""Columns that are summarized beside the shares of the labels."""
TIMES = ("start_s", "end_s")

_N_ROWS = 10_000
"""Rows that are held at a time."""


@dataclass(frozen=True)
class Rows:
    """Utterances of an archive, a column each."""

    files: Sequence[str]
    """Recording of each."""
    values: Mapping[str, Float64]
    """``speech_s``, measures and shares of the labels; NaN where undefined."""
    columns: Mapping[str, Sequence[Any]]
    """The texts that groups may be made by, and the times."""
    labels: tuple[str, ...]
    told: Mapping[str, Any]
    """Metadata of the archive; empty for a file of CSV."""

    @property
    def names(self) -> Collection[str]:
        """Columns that groups may be made by."""
        return self.columns

    def chunks(self, columns: Collection[str] = ()) -> Iterator[Rows]:
        """Give all rows, for these are in memory already."""
        del columns
        yield self


class Results(Protocol):
    """Rows in a file or in memory."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of the model."""

    @property
    def told(self) -> Mapping[str, Any]:
        """Metadata of the archive; empty for a file of CSV."""

    @property
    def names(self) -> Collection[str]:
        """Columns that groups may be made by."""

    def chunks(self, columns: Collection[str] = ()) -> Iterator[Rows]:
        """Give all rows from the first on, some at a time.

        Parameters
        ----------
        columns : collection of str
            Those of `names` that are needed.
        """


class StoredResults:
    """The file that an archive became, read from its beginning each time.

    Parameters
    ----------
    path : Path or RemotePath
        One by address is copied to a folder for temporary files first.

    Raises
    ------
    UsageError
        It is no such file.
    """

    def __init__(self, path: Location) -> None:
        self._path = path
        self._is_text = path.suffix.lower() == ".csv"
        with self._readable():
            self._file = _on_this_machine(self, path)
            schema = self._schema()
        names = schema.names
        self.labels = tuple(n.removeprefix(PROBABILITY) for n in names if _is_share(n))
        missing = [n for n in ("file", "speech_s", *MEASURES) if n not in names]
        if missing or not self.labels:
            raise UsageError(
                f"{path} lacks the columns {', '.join(missing or ['probability_*'])}, but a row an "
                "utterance is needed: name a file of `ser-live analyze --out`."
            )
        self._values = ("speech_s", *MEASURES, *(n for n in names if _is_share(n)))
        self.names = tuple(n for n in names if n not in self._values and n != "reasons")
        with self._readable():
            self.told: Mapping[str, Any] = json.loads((schema.metadata or {}).get(METADATA, b"{}"))

    def _schema(self) -> Any:
        pa = pyarrow()
        with self._file.open("rb") as stream:
            if self._is_text:
                return pa.csv.open_csv(stream).schema
            return pa.parquet.ParquetFile(stream).schema_arrow

    def chunks(self, columns: Collection[str] = ()) -> Iterator[Rows]:
        """Give all rows from the first on, some at a time.

        Parameters
        ----------
        columns : collection of str
            Those of `names` that are needed.

        Raises
        ------
        UsageError
            The file is damaged.
        """
        wanted = list(dict.fromkeys(["file", *self._values, *columns]))
        with self._readable():
            for batch in self._batches(wanted):
                held = {name: batch.column(place) for place, name in enumerate(wanted)}
                yield Rows(
                    files=["" if f is None else str(f) for f in held["file"].to_pylist()],
                    values={name: _numbers(held[name]) for name in self._values},
                    columns={name: held[name].to_pylist() for name in ("file", *columns)},
                    labels=self.labels,
                    told=self.told,
                )

    def _batches(self, wanted: Sequence[str]) -> Iterator[Any]:
        pa = pyarrow()
        with self._file.open("rb") as stream:
            if not self._is_text:
                reader = pa.parquet.ParquetFile(stream)
                for batch in reader.iter_batches(_N_ROWS, columns=wanted, use_threads=False):
                    yield batch.select(wanted)
                return
            numbers = (*self._values, *TIMES)
            types = {n: pa.float64() if n in numbers else pa.string() for n in wanted}
            options = pa.csv.ConvertOptions(column_types=types, include_columns=wanted)
            yield from pa.csv.open_csv(stream, convert_options=options)

    @contextmanager
    def _readable(self) -> Iterator[None]:
        pa = pyarrow()
        try:
            yield
        except (OSError, ValueError, pa.ArrowException) as error:
            said = str(getattr(error, "strerror", None) or error)
            cause = next(iter(said.splitlines()), type(error).__name__)
            raise UsageError(
                f"{self._path} cannot be read ({cause}), but a .parquet or .csv file of `ser-live "
                "analyze --out` or `ser-live merge` is needed: name one."
            ) from error


def _is_share(name: str) -> bool:
    return name.startswith(PROBABILITY)


def _numbers(column: Any) -> Float64:
    numbers: Float64 = column.cast("float64").to_numpy(zero_copy_only=False)
    return numbers


def _on_this_machine(owner: object, path: Location) -> Path:
    """Give a file of this machine; a copy is there as long as its owner."""
    if not isinstance(path, RemotePath):
        return path
    folder = tempfile.TemporaryDirectory(prefix="ser-live-")
    weakref.finalize(owner, folder.cleanup)
    copy = Path(folder.name) / "results"
    path.fetch(copy)
    return copy


def rows_of(results: Results, files: Iterable[str], columns: Collection[str]) -> Rows:
    """Rows of some recordings, all at once."""
    wanted = frozenset(files)
    some = []
    for rows in results.chunks(columns):
        every = [row for row, file in enumerate(rows.files) if file in wanted]
        if every:
            some.append(_taken(rows, every, columns))
    if not some:
        return Rows([], {}, {name: [] for name in columns}, results.labels, results.told)
    return Rows(
        files=[file for rows in some for file in rows.files],
        values={n: np.concatenate([rows.values[n] for rows in some]) for n in some[0].values},
        columns={n: [value for rows in some for value in rows.columns[n]] for n in columns},
        labels=results.labels,
        told=results.told,
    )


def _taken(rows: Rows, every: Sequence[int], columns: Collection[str]) -> Rows:
    return Rows(
        files=[rows.files[row] for row in every],
        values={name: values[every] for name, values in rows.values.items()},
        columns={name: [rows.columns[name][row] for row in every] for name in columns},
        labels=rows.labels,
        told=rows.told,
    )
