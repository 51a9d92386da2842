"""Parquet: the rows of CSV with their types, for data frames and databases."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from typing import IO, Any

from ser_live.errors import UsageError
from ser_live.events import Record
from ser_live.records.csv_rows import flat
from ser_live.records.exports.plain import plain
from ser_live.records.exports.tables import WALL_TIME, Rows, peeked

_N_ROWS = 10_000
"""Rows that are held at a time."""
_TEXTS = {"type", "kind", "emotion", "state", "reasons", "file", "role"}
_COUNTS = {"id", "n_past", "stream", "channel"}


def write_parquet(rows: Rows, stream: IO[bytes]) -> None:
    """Write all rows; the wall time is in UTC.

    Raises
    ------
    UsageError
        pyarrow is not there.
    """
    pa = pyarrow()
    first, rest = peeked(rows)
    schema = pa.schema([(name, arrow_type(pa, name)) for name in rows.fields])
    every = (arrow_values(row) for row in chain(first, rest))
    with pa.parquet.ParquetWriter(stream, schema) as writer:
        for some in _batches(every):
            writer.write_table(pa.Table.from_pylist(some, schema=schema))


def _batches(rows: Iterator[dict[str, object]]) -> Iterator[list[dict[str, object]]]:
    while some := list(islice(rows, _N_ROWS)):
        yield some


def pyarrow() -> Any:
    """Library of Parquet files, with the parts of it that read and write them.

    Raises
    ------
    UsageError
        It is not there.
    """
    try:
        import pyarrow as pa
        import pyarrow.csv
        import pyarrow.parquet
    except ImportError as error:
        raise UsageError(
            "Found no pyarrow, but Parquet needs it (170 MB): install ser-live with the extra "
            "parquet (`pip install 'ser-live[parquet]'`), or choose csv."
        ) from error
    return pa


def arrow_values(row: Record) -> dict[str, object]:
    """Flatten a record into values that a Parquet file can hold."""
    return {
        name: plain(value) if isinstance(value, str) else value for name, value in flat(row).items()
    }


def arrow_type(pa: Any, name: str) -> Any:
    """Type of a column by its name."""
    if name == WALL_TIME:
        return pa.timestamp("ms", tz="UTC")
    if name in _TEXTS:
        return pa.string()
    return pa.int64() if name in _COUNTS else pa.float64()
