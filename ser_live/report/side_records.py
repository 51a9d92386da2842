"""Additions of people to a session: marks, notes with a rating, and labels of their own.

These records stand in the log or in a file beside it, and may come from other versions of the
program, so they are read leniently: one that is not whole is counted and left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ser_live.emotions import is_label
from ser_live.events import Record
from ser_live.events.forms import MAX_NUMBER
from ser_live.records.log_reading import MAX_LINE_BYTES, parsed_line
from ser_live.report.session_data import Correction, Remark, SessionData

CORRECTIONS_SUFFIX = ".corrections.jsonl"
"""Ending of the file beside a log that holds a person's own labels."""

_TYPES = ("mark", "note", "correction")
_WANTED = tuple(f'"type": "{kind}"'.encode() for kind in _TYPES) + tuple(
    f'"type":"{kind}"'.encode() for kind in _TYPES
)
_MAX_RATING = 5


def corrections_file(log: Path) -> Path:
    """The file beside a log that holds a person's own labels, whether it exists or not."""
    return log.with_name(log.name.removesuffix(".jsonl") + CORRECTIONS_SUFFIX)


def add_side_records(data: SessionData, logs: list[Path]) -> None:
    """Add marks' sources, notes and corrections of these logs and the files beside them."""
    sources: dict[tuple[float, str], str] = {}
    for log in logs:
        for record in _records(log, corrections_file(log)):
            match record["type"]:
                case "mark":
                    _learn_source(sources, record, data)
                case "note":
                    _add_note(record, data)
                case "correction":
                    _add_correction(record, data)
    data.remarks = [
        remark
        if remark.kind != "mark" or remark.start_s is None
        else Remark(
            kind="mark",
            start_s=remark.start_s,
            text=remark.text,
            source=sources.get((round(remark.start_s, 3), remark.text), ""),
        )
        for remark in data.remarks
    ]
    data.remarks.sort(key=lambda r: -1.0 if r.start_s is None else r.start_s)


def _records(*files: Path) -> Iterator[Record]:
    for path in files:
        with suppress(OSError), path.open("rb") as lines:
            while line := lines.readline(MAX_LINE_BYTES + 1):
                # Most lines of a long log are none of these: they are not parsed.
                if any(wanted in line[:64] for wanted in _WANTED):
                    record = parsed_line(line)
                    if record is not None and record["type"] in _TYPES:
                        yield record


def _learn_source(sources: dict[tuple[float, str], str], record: Record, data: SessionData) -> None:
    place_s, label, source = _place_s(record, data), record.get("label"), record.get("source")
    if place_s is not None and isinstance(label, str) and isinstance(source, str):
        sources[round(place_s, 3), label] = source


def _add_note(record: Record, data: SessionData) -> None:
    text, rating = record.get("text"), record.get("rating")
    if not isinstance(text, str) or not (rating is None or _is_count(rating, _MAX_RATING)):
        data.n_unread += 1
        return
    data.remarks.append(
        Remark(
            kind="note",
            start_s=_place_s(record, data),
            text=text,
            rating=rating if isinstance(rating, int) else None,
        )
    )


def _add_correction(record: Record, data: SessionData) -> None:
    emotion, number = record.get("emotion"), record.get("id")
    stream = record.get("stream", data.parts[0].stream.number if len(data.parts) == 1 else None)
    is_known = emotion is None or is_label(emotion)
    if not is_known or not isinstance(number, int) or not isinstance(stream, int):
        data.n_unread += 1
        return
    by = _text(record.get("by"))
    # A later one of the same person about the same utterance takes the place of the earlier, and
    # one without a label takes it back.
    data.corrections = [
        c for c in data.corrections if (c.stream, c.id, c.by) != (stream, number, by)
    ]
    if emotion is not None:
        at = _text(record.get("at"))
        data.corrections.append(
            Correction(stream=stream, id=number, emotion=str(emotion), by=by, at=at)
        )


def _place_s(record: Record, data: SessionData) -> float | None:
    start_s, number = record.get("start_s"), record.get("stream")
    if isinstance(start_s, bool) or not isinstance(start_s, int | float):
        return None
    if not 0 <= start_s <= MAX_NUMBER:
        return None
    part = data.part_of(number) if isinstance(number, int) else None
    if part is None and len(data.parts) == 1:
        part = data.parts[0]
    return None if part is None else part.offset_s + float(start_s)


def _is_count(value: object, most: float = MAX_NUMBER) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= most


def _text(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)[:80]
