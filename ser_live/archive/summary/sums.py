"""Sums of people, gathered row by row in a temporary file: memory for a million as for ten."""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import IO, Any

import numpy as np

from ser_live.archive.summary.results import MEASURES, PROBABILITY, Rows
from ser_live.arrays import Bool, Float64, Int64
from ser_live.records.scratch import Scratch, key_text, no_room, text_key

_N_PEOPLE = 1_000
"""People whose values are held at a time."""


@dataclass
class Group:
    """One value a person for each measure, NaN where they never were classified."""

    name: str
    n_people: int
    values: Mapping[str, Float64]
    """Shape (n_people,) each, read when it is asked for: shares of labels, valence, arousal."""
    speech_s: float = 0.0
    n_utterances: int = 0


@dataclass(frozen=True)
class Grouped:
    """Groups and what could not be put into one."""

    groups: list[Group]
    unit: str
    """Kind of person: a speaker, or for want of them a recording."""
    remarks: tuple[str, ...]
    n_people: int
    """People in all groups together, each counted once."""
    sums: PersonSums = field(repr=False)

    def both(self, first: Group, second: Group) -> tuple[Int64, Int64]:
        """Places, in one group and in the other, of the people who are in both."""
        return self.sums.both(first.name, second.name)


class PersonSums:
    """Sums of what people said in groups, which come in any order.

    Parameters
    ----------
    labels : sequence of str
    """

    def __init__(self, labels: Sequence[str]) -> None:
        self._columns = (*(PROBABILITY + label for label in labels), *MEASURES)
        self._scratch = Scratch("CREATE TABLE sums (name BLOB, person BLOB, data BLOB)")
        self._values: IO[bytes] | None = None
        self._has_places = False

    def add(
        self, rows: Rows, members: Mapping[tuple[str, str], Sequence[int]], is_classified: Bool
    ) -> None:
        """Take up rows of some people in some groups.

        Parameters
        ----------
        rows : Rows
        members : mapping
            Rows of a group (its name first) and a person.
        is_classified : bool array, shape (n_rows,)
            Whether a row counts in shares.
        """
        if not members:
            return
        lengths = [len(every) for every in members.values()]
        order = np.fromiter((row for every in members.values() for row in every), np.int64)
        who = np.repeat(np.arange(len(lengths)), lengths)
        counts = is_classified[order]
        speech_s = rows.values["speech_s"][order]
        sums = [np.array(lengths, np.float64), _summed(who, speech_s, np.isfinite(speech_s))]
        for name in self._columns:
            value = rows.values[name][order]
            is_known = counts & np.isfinite(value)
            weights = np.where(is_known, speech_s, 0.0)
            sums += [_summed(who, value * weights, is_known), _summed(who, weights, is_known)]
        table = np.stack(sums, axis=1)
        self._scratch.run_each(
            "INSERT INTO sums VALUES (?, ?, ?)",
            (
                (text_key(name), text_key(person), row.tobytes())
                for (name, person), row in zip(members, table, strict=True)
            ),
        )

    def groups(self) -> list[Group]:
        """Give all groups by name, people within them by theirs."""
        found = self._scratch.rows("SELECT name, person, data FROM sums ORDER BY 1, 2, rowid")
        return [
            self._group(key_text(name), people)
            for name, people in groupby(found, key=lambda row: row[0])
        ]

    def _group(self, name: str, rows: Iterator[tuple[Any, ...]]) -> Group:
        first, n_people, n_utterances, speech_s = self._end(), 0, 0, 0.0
        for some in _some_of(rows):
            n_people += len(some)
            n_utterances += int(some[:, 0].sum())
            for one in some[:, 1].tolist():
                speech_s += one
            totals, weights = some[:, 2::2], some[:, 3::2]
            means = np.full(totals.shape, np.nan)
            np.divide(totals, weights, out=means, where=weights > 0)
            self._write(means)
        values = _Values(self, self._columns, first, n_people)
        return Group(name, n_people, values, speech_s, n_utterances)

    def _end(self) -> int:
        return 0 if self._values is None else self._values.seek(0, 2)

    def _write(self, means: Float64) -> None:
        try:
            if self._values is None:
                self._values = tempfile.TemporaryFile(prefix="ser-live-")  # noqa: SIM115
                weakref.finalize(self, self._values.close)
            self._values.seek(0, 2)
            self._values.write(means.tobytes())
            self._values.flush()
        except OSError as error:
            raise no_room(error) from error

    def column(self, number: int, first: int, n_people: int) -> Float64:
        """Values of people who lie one after the other from a byte on."""
        found = np.empty(n_people)
        if self._values is None:
            return found
        self._values.seek(first)
        n_bytes = 8 * len(self._columns)
        for begin in range(0, n_people, _N_PEOPLE):
            end = min(begin + _N_PEOPLE, n_people)
            some = np.frombuffer(self._values.read(n_bytes * (end - begin)))
            found[begin:end] = some.reshape(end - begin, -1)[:, number]
        return found

    @property
    def n_people(self) -> int:
        """People in all groups together, each counted once."""
        found = self._scratch.first("SELECT COUNT(DISTINCT person) FROM sums")
        return 0 if found is None else int(found[0])

    def both(self, first: str, second: str) -> tuple[Int64, Int64]:
        """Places, in one group and in the other, of the people who are in both."""
        if not self._has_places:
            self._has_places = True
            self._scratch.run(
                "CREATE TABLE places AS SELECT name, person, ROW_NUMBER() OVER (PARTITION BY name "
                "ORDER BY person) - 1 AS place FROM (SELECT DISTINCT name, person FROM sums)"
            )
            self._scratch.run("CREATE UNIQUE INDEX by_name ON places (name, person, place)")
        found = self._scratch.rows(
            "SELECT a.place, b.place FROM places a JOIN places b ON a.person = b.person "
            "WHERE a.name = ? AND b.name = ? ORDER BY a.person",
            (text_key(first), text_key(second)),
        )
        pairs = np.fromiter((place for pair in found for place in pair), np.int64)
        return pairs[::2], pairs[1::2]


class _Values(Mapping[str, Float64]):
    """Values of a group, a measure at a time."""

    def __init__(self, sums: PersonSums, columns: Sequence[str], first: int, n_people: int) -> None:
        self._sums = sums
        self._numbers = {c.removeprefix(PROBABILITY): number for number, c in enumerate(columns)}
        self._first = first
        self._n_people = n_people

    def __getitem__(self, measure: str) -> Float64:
        return self._sums.column(self._numbers[measure], self._first, self._n_people)

    def __iter__(self) -> Iterator[str]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)


def _summed(who: Int64, values: Float64, is_known: Bool) -> Float64:
    known = np.where(is_known, values, 0.0)
    return np.bincount(who, weights=known, minlength=who[-1] + 1).astype(np.float64)


def _some_of(rows: Iterator[tuple[Any, ...]]) -> Iterator[Float64]:
    """Sums of people, so many at a time; those of one person put together."""
    some: list[Float64] = []
    for _, own in groupby(rows, key=lambda row: row[1]):
        first, *others = (np.frombuffer(data) for _, _, data in own)
        for other in others:
            first = first + other
        some.append(first)
        if len(some) == _N_PEOPLE:
            yield np.array(some)
            some = []
    if some:
        yield np.array(some)
