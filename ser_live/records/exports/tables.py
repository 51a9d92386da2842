"""Rows of a table, an utterance each, for CSV and Parquet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ser_live.emotions import LABELS
from ser_live.events import (
    Drop,
    EmotionResult,
    Kind,
    Mark,
    Note,
    OfStream,
    Record,
    Recorded,
    SessionStarted,
    StreamGap,
)
from ser_live.records.csv_rows import emotion_fields
from ser_live.records.exports.wall_clock import WallClock

WALL_TIME = "started_at"
"""Column with the wall time of an utterance's start."""


@dataclass(slots=True)
class Rows:
    """The rows of a log, as they are read.

    Parameters
    ----------
    entries : iterable of Recorded
    partials : bool
        Also rows of partial results.
    gaps : bool
        Also rows of gaps, of what was dropped, of marks and of notes.
    only : int, optional
        Number of the one stream wanted.
    """

    entries: Iterable[Recorded]
    partials: bool = False
    gaps: bool = False
    only: int | None = None
    labels: tuple[str, ...] = LABELS
    """The model's labels, known before the first row."""
    n_left_out: int = 0
    """Gaps, drops, marks and notes that were passed over."""

    @property
    def fields(self) -> list[str]:
        """Columns, with the wall time behind the seconds."""
        found = list(emotion_fields(self.labels))
        found.insert(found.index("end_s") + 1, WALL_TIME)
        return found

    def __iter__(self) -> Iterator[Record]:
        clock = WallClock()
        for entry in self.entries:
            clock.learn(entry)
            if isinstance(entry, SessionStarted):
                self.labels = entry.labels
            if not isinstance(entry, OfStream):
                continue
            if self.only is not None and entry.stream.number != self.only:
                continue
            record = self._row(entry)
            if record is not None:
                start_s = record["start_s"]
                assert isinstance(start_s, float | int)  # noqa: S101  every row has one
                yield {**record, WALL_TIME: clock.at(entry.stream, start_s)}

    def _row(self, entry: OfStream) -> Record | None:
        if isinstance(entry, EmotionResult):
            wanted = self.partials or entry.kind is Kind.FINAL
            return entry.as_record() if wanted else None
        if isinstance(entry, Drop):
            if entry.kind is Kind.PARTIAL:
                return None
            state, end_s = "dropped", entry.end_s
        elif isinstance(entry, StreamGap):
            state, end_s = f"gap ({entry.cause})", entry.start_s + entry.duration_s
        elif isinstance(entry, Mark):
            state, end_s = f"mark: {entry.label}", entry.start_s
        elif isinstance(entry, Note):
            state, end_s = f"note: {entry.words}", entry.start_s
        else:
            return None
        if not self.gaps:
            self.n_left_out += 1
            return None
        return {**entry.as_record(), "state": state, "end_s": round(end_s, 6)}


def peeked(rows: Rows) -> tuple[Sequence[Record], Iterator[Record]]:
    """The first row, if there is one, and all that follow: by then the labels are known."""
    rest = iter(rows)
    first = next(rest, None)
    return ([] if first is None else [first]), rest
