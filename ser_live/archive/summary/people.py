"""Values of people and groups out of the rows of an archive."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from ser_live.archive.table import METADATA
from ser_live.arrays import Float64
from ser_live.errors import UsageError
from ser_live.records.exports.parquet_table import pyarrow
from ser_live.remote import Location

PROBABILITY = "probability_"
MEASURES = ("valence", "arousal")
"""Columns that are summarized beside the shares of the labels."""

DAY = "day"
"""Word of ``--by`` for the date that stands in the name or the folder of a recording."""
_DATE = re.compile(r"(?<!\d)(\d{4})([-_.]?)(\d{2})\2(\d{2})(?!\d)")

RECORDING = "recording"
PERSON = "speaker"
"""Column of a table of groups that says who spoke."""

_OF_WORKERS = re.compile(
    r"(?i)(agent|employee|worker|staff|operator|seller|clerk|student|pupil|trainee|candidate)s?"
)
"""Names of people whose emotions nobody may infer at work and in education (EU 2024/1689, 5.1f)."""


@dataclass(frozen=True)
class Rows:
    """Utterances of an archive, a column each."""

    files: list[str]
    """Recording of each."""
    values: Mapping[str, Float64]
    """``speech_s``, measures and shares of the labels; NaN where undefined."""
    columns: Mapping[str, list[Any]]
    """The texts that groups may be made by."""
    labels: tuple[str, ...]
    told: Mapping[str, Any]
    """Metadata of the archive; empty for a file of CSV."""


@dataclass
class Group:
    """One value a person for each measure, NaN where they never were classified."""

    name: str
    people: list[str]
    values: dict[str, Float64] = field(default_factory=dict)
    """Shape (n_people,) each: shares of labels, valence, arousal."""
    speech_s: float = 0.0
    n_utterances: int = 0


@dataclass(frozen=True)
class Grouped:
    """Groups and what could not be put into one."""

    groups: list[Group]
    unit: str
    """Kind of person: a speaker, or for want of them a recording."""
    remarks: tuple[str, ...]


def read_rows(path: Location) -> Rows:
    """Read the file that an archive became.

    Raises
    ------
    UsageError
        It is no such file.
    """
    pa = pyarrow()
    try:
        with path.open("rb") as stream:
            is_text = path.suffix.lower() == ".csv"
            table = pa.csv.read_csv(stream) if is_text else pa.parquet.read_table(stream)
    except (OSError, ValueError, pa.ArrowException) as error:
        cause = str(getattr(error, "strerror", None) or error).splitlines()[0]
        raise UsageError(
            f"{path} cannot be read ({cause}), but a .parquet or .csv file of `ser-live analyze "
            "--out` or `ser-live merge` is needed: name one."
        ) from error
    names = table.column_names
    labels = tuple(n.removeprefix(PROBABILITY) for n in names if n.startswith(PROBABILITY))
    missing = [n for n in ("file", "speech_s", *MEASURES) if n not in names]
    if missing or not labels:
        raise UsageError(
            f"{path} lacks the columns {', '.join(missing or ['probability_*'])}, but a row an "
            "utterance is needed: name a file of `ser-live analyze --out`."
        )
    wanted = ("speech_s", *MEASURES, *(PROBABILITY + label for label in labels))
    values = {name: _numbers(table, name) for name in wanted}
    texts = [n for n in names if n not in wanted and n != "reasons"]
    told = json.loads((table.schema.metadata or {}).get(METADATA, b"{}"))
    return Rows(
        files=table["file"].to_pylist(),
        values=values,
        columns={name: table[name].to_pylist() for name in texts},
        labels=labels,
        told=told,
    )


def _numbers(table: Any, name: str) -> Float64:
    numbers: Float64 = table[name].cast("float64").to_numpy()
    return numbers


def read_groups(path: Path) -> dict[str, dict[str, str]]:
    """Read what a table says of each recording, by its name.

    Parameters
    ----------
    path : Path
        CSV with the column ``file`` and any others, such as ``speaker`` and ``group``.

    Raises
    ------
    UsageError
        It cannot be read, lacks the column, or says two things of one recording.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, ValueError, csv.Error) as error:
        cause = getattr(error, "strerror", None) or str(error)
        raise UsageError(
            f"{path} cannot be read ({cause}), but a CSV with the column file is needed: check it."
        ) from error
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        file = row.pop("file", None)
        if not file:
            raise UsageError(
                f"{path} has a row without a file, but each row says something of one recording: "
                "add the column file, with paths as in the results."
            )
        said = {name: value.strip() for name, value in row.items() if name and value}
        if found.setdefault(file, said) != said:
            raise UsageError(
                f"{path} says two things of {file}, but a recording is in one group: keep one row."
            )
    if not found:
        raise UsageError(f"{path} has no rows, but it says who is in which group: fill it.")
    return found


def refuse_workers(by: str) -> None:
    """Refuse emotions by people at work or in education.

    Raises
    ------
    UsageError
        The name says that the groups are such.
    """
    if _OF_WORKERS.fullmatch(by.strip()):
        raise UsageError(
            f"Found --by {by}, but emotions of people at work or in education are not summarized "
            "(EU 2024/1689, article 5.1f): group by something else, such as folder."
        )


def grouped(rows: Rows, by: str, groups: Mapping[str, Mapping[str, str]] | None = None) -> Grouped:
    """Put people into groups, each person with the mean of what they said there.

    A person's share of a label is the mean of its calibrated probability over their classified
    utterances, weighted by speech time.

    Parameters
    ----------
    rows : Rows
    by : str
        ``folder``, ``day``, ``speaker``, or a column of the rows or of the table of groups.
    groups : mapping, optional
        As `read_groups` gives it.

    Raises
    ------
    UsageError
        There is no such column, it is of workers, or no row of the table fits.
    """
    refuse_workers(by)
    said = _matched(rows, groups) if groups is not None else [{} for _ in rows.files]
    has_people = any(PERSON in one for one in said)
    is_kept = [not _OF_WORKERS.fullmatch(str(role)) for role in _column(rows, "role")]
    names = _names(rows, said, by)
    probabilities = np.stack([rows.values[PROBABILITY + label] for label in rows.labels], axis=1)
    is_classified = np.isfinite(probabilities).all(axis=1) & (rows.values["speech_s"] > 0)
    members: dict[str, dict[str, list[int]]] = {}
    n_nameless = n_workers = 0
    for row, (name, file) in enumerate(zip(names, rows.files, strict=True)):
        if not is_kept[row]:
            n_workers += 1
        elif not name:
            n_nameless += 1
        else:
            who = said[row].get(PERSON) or file if has_people else file
            members.setdefault(name, {}).setdefault(who, []).append(row)
    if not members and by == DAY:
        raise UsageError(
            "No recording has a date in its name or folder, but --by day goes by that: name files "
            "like 2026-03-14-call.wav, or give a table with the columns file and day by --groups."
        )
    if not members:
        raise UsageError(
            f"No utterance has anything in {by}, but groups are made by it: check the table of "
            "--groups, or group by folder."
        )
    made = [_group(rows, name, members[name], is_classified) for name in sorted(members)]
    remarks = []
    if n_workers:
        remarks.append(f"{n_workers} utterances of people at work are left out")
    if n_nameless:
        remarks.append(f"{n_nameless} utterances have nothing in {by} and are left out")
    if n_rejected := int((~is_classified).sum()):
        remarks.append(f"{n_rejected} utterances were not classified and count in no share")
    return Grouped(made, PERSON if has_people else RECORDING, tuple(remarks))


def _column(rows: Rows, name: str) -> list[Any]:
    return rows.columns.get(name) or [""] * len(rows.files)


def _names(rows: Rows, said: Sequence[Mapping[str, str]], by: str) -> list[str]:
    if any(by in one for one in said):
        return [one.get(by, "") for one in said]
    if by == "folder":
        return [str(PurePath(file).parent) for file in rows.files]
    if by in rows.columns:
        return ["" if value is None else str(value) for value in rows.columns[by]]
    if by == DAY:
        return [day_of(file) for file in rows.files]
    known = sorted({"folder", DAY, *rows.columns, *(name for one in said for name in one)})
    raise UsageError(
        f"Found --by {by}, which is no column: choose one of {', '.join(known)}, or name a table "
        "with it by --groups."
    )


def day_of(file: str) -> str:
    """Date in a path as ``2026-03-14``, the last one that is any; empty where there is none.

    Not the file's own times: those are of the latest copy.
    """
    found = ""
    for year, _, month, day in _DATE.findall(file):
        with suppress(ValueError):
            date = datetime(int(year), int(month), int(day))
            found = f"{date:%Y-%m-%d}" if 1900 <= date.year <= 2199 else found
    return found


def _matched(rows: Rows, groups: Mapping[str, Mapping[str, str]]) -> list[Mapping[str, str]]:
    """Find what the table says of each row's recording: by its path, else by its name alone."""
    by_name: dict[str, list[str]] = {}
    known = set(rows.files)
    for file in known:
        by_name.setdefault(PurePath(file).name, []).append(file)
    found: dict[str, Mapping[str, str]] = {}
    for file, said in groups.items():
        files = [file] if file in known else by_name.get(PurePath(file).name, [])
        if len(files) > 1:
            raise UsageError(
                f"The table of groups names {file}, which {len(files)} recordings are called: give "
                "whole paths, as in the results."
            )
        for one in files:
            found[one] = said
    if not found:
        raise UsageError(
            "The table of groups names no recording of the results, but its column file has their "
            f"paths (such as {rows.files[0] if rows.files else 'talk.wav'}): check it."
        )
    return [found.get(file, {}) for file in rows.files]


def _group(
    rows: Rows, name: str, members: Mapping[str, Sequence[int]], is_classified: Any
) -> Group:
    people = sorted(members)
    group = Group(name, people)
    wanted = (*(PROBABILITY + label for label in rows.labels), *MEASURES)
    values = {key: np.full(len(people), np.nan) for key in wanted}
    for number, person in enumerate(people):
        every = np.array(members[person])
        group.n_utterances += len(every)
        own = every[is_classified[every]]
        weights = rows.values["speech_s"][own]
        group.speech_s += float(np.nansum(rows.values["speech_s"][every]))
        for key in wanted:
            known = np.isfinite(rows.values[key][own])
            if known.any():
                value = np.average(rows.values[key][own][known], weights=weights[known])
                values[key][number] = value
    group.values = {key.removeprefix(PROBABILITY): value for key, value in values.items()}
    return group
