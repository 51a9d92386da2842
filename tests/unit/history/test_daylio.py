"""The diary Daylio, read from its CSV export."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from ser_live.errors import LogError, UsageError
from ser_live.history.daylio import not_yet_noted, read_daylio
from ser_live.history.notes import MAX_TAG, MAX_TEXT, add_notes, read_notes

HEADER = "full_date,date,weekday,time,mood,activities,note_title,note\n"


def export(tmp_path: Path, *lines: str, header: str = HEADER) -> Path:
    path = tmp_path / "daylio.csv"
    path.write_bytes(("\ufeff" + header + "".join(f"{line}\n" for line in lines)).encode())
    return path


def test_entries_become_ratings_tags_and_notes(tmp_path: Path) -> None:
    """Moods are ratings, activities tags, and titles and markup plain lines."""
    path = export(
        tmp_path,
        '2026-03-14,March 14,Saturday,9:05 PM,rad,"sport | good meal | sport","A day",'
        '"swam<br>far &amp; fast <b>oh</b>, 3 < 4"',
        '2026-03-13,March 13,Friday,07:30,Awful,"","",""',
    )
    first, second = read_daylio(path).notes
    assert (first.at.replace(tzinfo=None), first.rating) == (datetime(2026, 3, 14, 21, 5), 5)
    assert first.tags == ("sport", "good meal")
    assert first.text == "A day\nswam\nfar & fast oh, 3 < 4"
    assert first.at.tzinfo is not None
    assert (second.at.hour, second.at.minute, second.rating) == (7, 30, 1)
    assert (second.tags, second.text) == ((), "")


@pytest.mark.parametrize(
    ("text", "clock"),
    [
        ("12:00 AM", (0, 0)), ("12:15\u202fpm", (12, 15)), ("9.05", (9, 5)), ("23:59:10", (23, 59)),
        ("1:07 p.m.", (13, 7)), ("soon", (12, 0)), ("25:00", (12, 0)), ("", (12, 0)),
    ],
)  # fmt: skip
def test_times_of_every_country(tmp_path: Path, text: str, clock: tuple[int, int]) -> None:
    """What cannot be read is noon, and counted."""
    found = read_daylio(export(tmp_path, f"2026-03-14,,,{text},good,,,"))
    (note,) = found.notes
    assert (note.at.hour, note.at.minute) == clock
    assert sum(found.altered.values()) == (text in {"soon", "25:00", ""})


def test_moods_of_ones_own_are_named_and_mapped(tmp_path: Path) -> None:
    """One sentence names them; with a rating for each the import goes on."""
    path = export(tmp_path, "2026-03-14,,,10:00,Super,,,", "2026-03-15,,,10:00,so-so,,,")
    with pytest.raises(UsageError, match=r"moods 'Super', 'so-so'.*--map \"Super=4\" and so on"):
        read_daylio(path)
    found = read_daylio(path, {"super": 5, "so-so": 3})
    assert [note.rating for note in found.notes] == [5, 3]
    assert [n.rating for n in read_daylio(export(tmp_path, "2026-03-14,,,,rad,,,"), {"rad": 4}).notes] == [4]  # fmt: skip  # noqa: E501


def test_a_second_import_adds_what_is_new(tmp_path: Path) -> None:
    """The same entries are known again, two that are alike among them."""
    lines = ["2026-03-14,,,10:00,good,tea,,", "2026-03-14,,,10:00,good,tea,,"]
    store = tmp_path / "notes.jsonl"
    diary = read_daylio(export(tmp_path, *lines)).notes
    add_notes(not_yet_noted(diary, read_notes(store).notes), store)
    before = store.read_bytes()
    assert not_yet_noted(diary, read_notes(store).notes) == []
    longer = read_daylio(export(tmp_path, *lines, "2026-03-15,,,10:00,bad,,,late")).notes
    new = not_yet_noted(longer, read_notes(store).notes)
    assert [note.text for note in new] == ["late"]
    add_notes(new, store)
    assert store.read_bytes().startswith(before)
    assert len(read_notes(store).notes) == 3


def test_what_is_no_entry_is_counted(tmp_path: Path) -> None:
    """No date, no mood, a day still to come; and what is too long is cut."""
    tags = " | ".join(["x" * 60, *map(str, range(30))])
    found = read_daylio(
        export(
            tmp_path,
            "someday,,,10:00,good,,,",
            "2026-03-14,,,10:00,,,,",
            "9998-01-01,,,10:00,good,,,",
            f"2026-03-14,,,10:00,good,{tags},,{'y' * 12000}",
        )
    )
    assert {reason: n for reason, n in found.passed_over.items() if n} == {
        "without a date that can be read": 1,
        "without a mood": 1,
        "of days still to come": 1,
    }
    (note,) = found.notes
    assert (len(note.text), len(note.tags), len(note.tags[0])) == (MAX_TEXT, 20, MAX_TAG)
    assert sum(found.altered.values()) == 3


def test_semicolons_and_other_columns_are_understood(tmp_path: Path) -> None:
    """In any order, with more columns than are needed."""
    path = export(tmp_path, "good;2026-03-14;1;tea", header="mood;full_date;weight;activities\n")
    assert read_daylio(path).notes[0].tags == ("tea",)


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"\xff\xfe\x00", b"\x00" * 50])
def test_other_files_are_refused_in_one_sentence(tmp_path: Path, content: bytes) -> None:
    """Also those that are no text."""
    path = tmp_path / "other.csv"
    path.write_bytes(content)
    with pytest.raises(LogError, match="Daylio"):
        read_daylio(path)
    with pytest.raises(LogError, match="Daylio"):
        read_daylio(tmp_path / "missing.csv")
