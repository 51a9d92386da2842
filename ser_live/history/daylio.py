"""Notes and ratings out of the CSV export of the mood diary Daylio.

Its header is ``full_date,date,weekday,time,mood,activities,note_title,note``. Moods have names,
which people may change; activities stand behind each other with a bar between them.
"""

from __future__ import annotations

import csv
import html
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from ser_live.errors import LogError, UsageError
from ser_live.history.notes import MAX_TAG, MAX_TAGS, MAX_TEXT, Note
from ser_live.terminal.text import printable

MOODS: Mapping[str, int] = {"rad": 5, "good": 4, "meh": 3, "bad": 2, "awful": 1}
"""Ratings of the moods that Daylio begins with."""
HEADER = ("full_date", "time", "mood", "activities", "note_title", "note")
"""Columns that are read, in any order and among any others."""

_NEEDED = ("full_date", "mood")
_MAX_BYTES = 64 << 20
_MAX_SHOWN = 8
"""Most names of moods that a sentence lists."""
_TIME = re.compile(r"(\d{1,2})[:.h](\d\d)(?:[:.]\d\d)?\s*(?:([ap])\.?\s*m\.?)?", re.IGNORECASE)
_LINE_END = re.compile(r"<(?:br|/p|/div|/li)\b[^>]*>", re.IGNORECASE)
_MARKUP = re.compile(r"</?(?:b|i|u|s|p|div|span|strong|em|font|ul|ol|li|h[1-6])\b[^>]*>", re.I)
_NOON = 12, 0


@dataclass(frozen=True, slots=True)
class Diary:
    """Entries of an export, in its order."""

    notes: Sequence[Note]
    passed_over: Mapping[str, int]
    """Lines that are no entry, by reason."""
    altered: Mapping[str, int]
    """Entries that were taken with a part of them left out, by reason."""


def read_daylio(path: Path, moods: Mapping[str, int] | None = None) -> Diary:
    """Read an export; times are those of this machine's zone.

    Parameters
    ----------
    path : Path
    moods : mapping, optional
        Ratings by names of moods, beside those of `MOODS`; small letters.

    Raises
    ------
    LogError
        The file cannot be read or is no such export.
    UsageError
        It has moods whose rating is not known; the sentence names them.
    """
    known = {**MOODS, **(moods or {})}
    rows = _rows(path)
    unknown = Counter(row["mood"].strip() for row in rows if row["mood"].strip())
    for mood in list(unknown):
        if mood.lower() in known:
            del unknown[mood]
    if unknown:
        raise _unknown(unknown)
    passed_over: Counter[str] = Counter()
    altered: Counter[str] = Counter()
    notes = []
    latest = datetime.now().astimezone() + timedelta(days=1)
    for row in rows:
        at = _moment(row, altered)
        rating = known.get(row["mood"].strip().lower())
        if at is None:
            passed_over["without a date that can be read"] += 1
        elif at > latest:
            passed_over["of days still to come"] += 1
        elif rating is None:
            passed_over["without a mood"] += 1
        else:
            text = _text(row, altered)
            notes.append(Note(at=at, text=text, rating=rating, tags=_tags(row, altered)))
    return Diary(notes, passed_over, altered)


def not_yet_noted(diary: Sequence[Note], there: Sequence[Note]) -> list[Note]:
    """Entries that are not among the notes yet, so that an import may be done again.

    They are told by the clock on the wall, rating, text and tags; the zone of the machine may
    have been another then.
    """
    left = Counter(map(_identity, there))
    found = []
    for note in diary:
        if left[_identity(note)] > 0:
            left[_identity(note)] -= 1
        else:
            found.append(note)
    return found


def _identity(note: Note) -> tuple[datetime, int | None, str, tuple[str, ...]]:
    at = note.at.replace(tzinfo=None, second=0, microsecond=0)
    return at, note.rating, note.text, note.tags


def _rows(path: Path) -> list[dict[str, str]]:
    """Lines below the header, with an empty text for what is missing."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise LogError(
                f"{printable(str(path))} has {path.stat().st_size} bytes, but at most {_MAX_BYTES} "
                "are read: give an export of Daylio."
            )
        with path.open(encoding="utf-8-sig", newline="") as file:
            head = file.readline()
            file.seek(0)
            delimiter = max(",;\t", key=head.count)
            table = csv.DictReader(file, delimiter=delimiter, restval="", restkey="")
            names = [(name or "").strip().lower() for name in table.fieldnames or ()]
            missing = [name for name in _NEEDED if name not in names]
            if missing:
                raise LogError(
                    f"{printable(str(path))} has no column {' and '.join(missing)}, but an export "
                    "of Daylio has them: export your entries as CSV in Daylio and give that file."
                )
            table.fieldnames = names
            return [{name: str(row.get(name) or "") for name in HEADER} for row in table]
    except (OSError, ValueError, csv.Error) as error:
        cause = getattr(error, "strerror", None) or str(error)
        raise LogError(
            f"{printable(str(path))} cannot be read as CSV ({printable(str(cause))[:100]}): export "
            "your entries again as CSV in Daylio."
        ) from error


def _unknown(moods: Counter[str]) -> UsageError:
    shown = [printable(mood[:MAX_TAG]) for mood, _ in moods.most_common(_MAX_SHOWN)]
    more = f" and {len(moods) - len(shown)} more" if len(moods) > len(shown) else ""
    named = ", ".join(f"'{mood}'" for mood in shown) + more
    plural = len(moods) > 1
    return UsageError(
        f"Found the mood{'s' * plural} {named}, but a rating from 1 to 5 is needed for each: give "
        f'--map "{shown[0]}=4"{" and so on" * plural}.'
    )


def _moment(row: Mapping[str, str], altered: Counter[str]) -> datetime | None:
    """Moment of an entry; noon where its time cannot be read."""
    try:
        day = datetime.fromisoformat(row["full_date"].strip()[:10])
    except ValueError:
        return None
    hour, minute = _NOON
    found = _TIME.fullmatch(row["time"].replace("\u202f", " ").replace("\xa0", " ").strip())
    if found is not None:
        hour, minute = int(found[1]), int(found[2])
        if found[3]:
            hour = hour % 12 + (12 if found[3].lower() == "p" else 0)
    try:
        at = day.replace(hour=hour, minute=minute)
    except ValueError:
        at, found = day.replace(hour=_NOON[0], minute=_NOON[1]), None
    altered["without a time that can be read, taken for noon"] += found is None
    try:
        return at.astimezone()
    except (OverflowError, OSError, ValueError):
        return None


def _text(row: Mapping[str, str], altered: Counter[str]) -> str:
    """Title and note as plain text."""
    parts = [_plain(row["note_title"]), _plain(row["note"])]
    text = "\n".join(part for part in parts if part)
    altered[f"longer than {MAX_TEXT} characters, cut"] += len(text) > MAX_TEXT
    return text[:MAX_TEXT]


def _plain(text: str) -> str:
    without = _MARKUP.sub("", _LINE_END.sub("\n", text))
    plain = html.unescape(without).replace("\xa0", " ").strip()
    return plain.encode("utf-8", "replace").decode()


def _tags(row: Mapping[str, str], altered: Counter[str]) -> tuple[str, ...]:
    named = [_plain(name) for name in row["activities"].split("|")]
    tags = tuple(dict.fromkeys(name[:MAX_TAG].strip() for name in named if name))
    altered[f"with tags longer than {MAX_TAG} characters, cut"] += any(
        len(name) > MAX_TAG for name in named
    )
    altered[f"with more than {MAX_TAGS} tags, the others left out"] += len(tags) > MAX_TAGS
    return tags[:MAX_TAGS]
