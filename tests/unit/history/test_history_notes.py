"""Notes of one's own in their file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from ser_live.errors import LogError
from ser_live.history.notes import Note, add_note, read_notes

AT = datetime(2026, 3, 2, 23, 30, tzinfo=timezone(timedelta(hours=1)))


def test_notes_come_back_as_they_were_written(tmp_path: Path) -> None:
    """Text with line ends, rating, tags, and the offset of the place."""
    path = tmp_path / "state" / "notes.jsonl"
    first = Note(at=AT, text='slept "badly"\nagain', rating=2, tags=("sleep", "work"))
    second = Note(at=AT - timedelta(hours=2), text="", rating=5)
    add_note(first, path)
    add_note(second, path)
    found = read_notes(path)
    assert list(found.notes) == [second, first]
    assert found.n_passed_over == 0
    assert first.day == "2026-03-02"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_cut_line_loses_itself_alone(tmp_path: Path) -> None:
    """What a kill left is passed over and counted; the note after it is whole."""
    path = tmp_path / "notes.jsonl"
    add_note(Note(at=AT, text="one"), path)
    with path.open("a") as file:
        file.write('{"type":"note","at":"2026-')
    add_note(Note(at=AT, text="two"), path)
    found = read_notes(path)
    assert [note.text for note in found.notes] == ["one", "two"]
    assert found.n_passed_over == 1


@pytest.mark.parametrize(
    "change",
    [
        {"rating": 6},
        {"rating": True},
        {"rating": "5"},
        {"at": "2026-03-02T10:00"},
        {"at": 5},
        {"text": None},
        {"tags": "sleep"},
        {"tags": [5]},
        {"type": "mark"},
    ],
)
def test_what_does_not_fit_is_passed_over(tmp_path: Path, change: dict[str, object]) -> None:
    """A rating out of range, a time without its offset, a text that is none."""
    path = tmp_path / "notes.jsonl"
    add_note(Note(at=AT, text="good"), path)
    record = {**Note(at=AT, text="bad", rating=5).as_record(), **change}
    with path.open("a") as file:
        file.write(json.dumps(record) + "\n")
    found = read_notes(path)
    assert ([note.text for note in found.notes], found.n_passed_over) == (["good"], 1)


def test_a_file_of_something_else_is_left_alone(tmp_path: Path) -> None:
    """Neither read nor added to; nor is a link followed, nor a newer form read."""
    path = tmp_path / "notes.jsonl"
    path.write_text("dear diary\n")
    for act in (lambda: add_note(Note(at=AT, text="x"), path), lambda: read_notes(path)):
        with pytest.raises(LogError, match="move it away"):
            act()
    assert path.read_text() == "dear diary\n"
    link = tmp_path / "link.jsonl"
    link.symlink_to(tmp_path / "target")
    with pytest.raises(LogError):
        add_note(Note(at=AT, text="x"), link)
    assert not (tmp_path / "target").exists()
    path.write_text('{"type":"notes","schema":"ser-live-notes","schema_version":9}\n')
    with pytest.raises(LogError, match="update ser-live"):
        read_notes(path)


def test_two_programs_may_note_at_once(tmp_path: Path) -> None:
    """Every note of both is there, each on a line of its own."""
    path = tmp_path / "notes.jsonl"
    script = (
        "import sys; from pathlib import Path; from datetime import datetime, timezone\n"
        "from ser_live.history.notes import Note, add_note\n"
        "for n in range(50):\n"
        "    note = Note(at=datetime.now(timezone.utc), text=sys.argv[2] * 500, rating=1)\n"
        "    add_note(note, Path(sys.argv[1]))\n"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", script, str(path), letter]) for letter in "ab"
    ]
    assert [process.wait(timeout=120) for process in processes] == [0, 0]
    found = read_notes(path)
    assert found.n_passed_over == 0
    assert sorted(note.text for note in found.notes) == ["a" * 500] * 50 + ["b" * 500] * 50


def test_a_disk_that_takes_nothing_is_told(tmp_path: Path) -> None:
    """One sentence with what to do."""
    if os.geteuid() == 0 and not os.path.exists("/proc/version"):  # noqa: PTH110
        pytest.skip("no folder that the administrator cannot write to")
    with pytest.raises(LogError, match="note it again"):
        add_note(Note(at=AT, text="x"), Path("/proc/none/notes.jsonl"))
