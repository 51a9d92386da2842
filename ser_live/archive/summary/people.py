"""Values of people and groups out of the rows of an archive."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from pathlib import Path, PurePath

import numpy as np

from ser_live.archive.summary.results import PROBABILITY, Results, Rows
from ser_live.archive.summary.sums import Grouped, PersonSums
from ser_live.arrays import Bool
from ser_live.errors import UsageError

DAY = "day"
"""Word of ``--by`` for the date that stands in the name or the folder of a recording."""
_DATE = re.compile(r"(?<!\d)(\d{4})([-_.]?)(\d{2})\2(\d{2})(?!\d)")

RECORDING = "recording"
PERSON = "speaker"
"""Column of a table of groups that says who spoke."""
ROLE = "role"
"""Column of the rows that says whose channel it was."""

_OF_WORKERS = re.compile(
    r"(?i)(agent|employee|worker|staff|operator|seller|clerk|student|pupil|trainee|candidate)s?"
)
"""Names of people whose emotions nobody may infer at work and in education (EU 2024/1689, 5.1f)."""


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


def grouped(
    results: Results, by: str, groups: Mapping[str, Mapping[str, str]] | None = None
) -> Grouped:
    """Put people into groups, each person with the mean of what they said there.

    A person's share of a label is the mean of its calibrated probability over their classified
    utterances, weighted by speech time.

    Parameters
    ----------
    results : Results
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
    said = {} if groups is None else _matched(results, groups)
    has_people = any(PERSON in one for one in said.values())
    name_of = _naming(results, said, by)
    wanted = [name for name in dict.fromkeys([ROLE, by]) if name in results.names]
    sums = PersonSums(results.labels)
    n_nameless = n_workers = n_rejected = n_taken = 0
    for rows in results.chunks(wanted):
        is_classified = _is_classified(rows)
        n_rejected += int((~is_classified).sum())
        members: dict[tuple[str, str], list[int]] = {}
        roles = rows.columns.get(ROLE) or [""] * len(rows.files)
        for row, (role, file) in enumerate(zip(roles, rows.files, strict=True)):
            if _OF_WORKERS.fullmatch(str(role)):
                n_workers += 1
            elif not (name := name_of(rows, row)):
                n_nameless += 1
            else:
                who = (has_people and said.get(file, {}).get(PERSON)) or file
                members.setdefault((name, who), []).append(row)
                n_taken += 1
        sums.add(rows, members, is_classified)
    if not n_taken:
        raise _nothing_in(by)
    remarks = []
    if n_workers:
        remarks.append(f"{n_workers} utterances of people at work are left out")
    if n_nameless:
        remarks.append(f"{n_nameless} utterances have nothing in {by} and are left out")
    if n_rejected:
        remarks.append(f"{n_rejected} utterances were not classified and count in no share")
    unit = PERSON if has_people else RECORDING
    return Grouped(sums.groups(), unit, tuple(remarks), sums.n_people, sums)


def _is_classified(rows: Rows) -> Bool:
    shares = np.stack([rows.values[PROBABILITY + label] for label in rows.labels], axis=1)
    return np.asarray(np.isfinite(shares).all(axis=1) & (rows.values["speech_s"] > 0))


def _nothing_in(by: str) -> UsageError:
    if by == DAY:
        return UsageError(
            "No recording has a date in its name or folder, but --by day goes by that: name files "
            "like 2026-03-14-call.wav, or give a table with the columns file and day by --groups."
        )
    return UsageError(
        f"No utterance has anything in {by}, but groups are made by it: check the table of "
        "--groups, or group by folder."
    )


def _naming(
    results: Results, said: Mapping[str, Mapping[str, str]], by: str
) -> Callable[[Rows, int], str]:
    """Give what tells the group of a row; empty for none."""
    if any(by in one for one in said.values()):
        return lambda rows, row: said.get(rows.files[row], {}).get(by, "")
    if by == "folder":
        return lambda rows, row: _folder_of(rows.files[row])
    if by in results.names:
        return lambda rows, row: _text(rows.columns[by][row])
    if by == DAY:
        return lambda rows, row: day_of(rows.files[row])
    known = {"folder", DAY, *results.names, *(name for one in said.values() for name in one)}
    raise UsageError(
        f"Found --by {by}, which is no column: choose one of {', '.join(sorted(known))}, or name a "
        "table with it by --groups."
    )


@lru_cache(maxsize=1_000)
def _folder_of(file: str) -> str:
    return str(PurePath(file).parent)


def _text(value: object) -> str:
    return "" if value is None else str(value)


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


def _matched(
    results: Results, groups: Mapping[str, Mapping[str, str]]
) -> dict[str, Mapping[str, str]]:
    """Find what the table says of recordings: by their paths, else by their names alone.

    Of the recordings only those are held whose name the table has.
    """
    of_table = {PurePath(file).name for file in groups}
    known: set[str] = set()
    by_name: dict[str, set[str]] = {}
    example = "talk.wav"
    for number, rows in enumerate(results.chunks()):
        if number == 0 and rows.files:
            example = rows.files[0]
        for file in set(rows.files):
            if (name := PurePath(file).name) in of_table:
                known.add(file)
                by_name.setdefault(name, set()).add(file)
    found: dict[str, Mapping[str, str]] = {}
    for file, said in groups.items():
        files = {file} if file in known else by_name.get(PurePath(file).name, set())
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
            f"paths (such as {example}): check it."
        )
    return found
