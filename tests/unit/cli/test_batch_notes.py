"""Notes of a run: each at once while they are few, counted by kind where they would drown all."""

from __future__ import annotations

import wave
from pathlib import Path

import pytest
from batch_trial import command, undisturbed

from ser_live.cli.batch_notes import FEW_FILES, MOST_KINDS, BatchNotes

SILENT = "no speech found; there are only zeros."


def notes_of(n_files: int, *, says_each: bool = False) -> tuple[BatchNotes, list[str]]:
    lines: list[str] = []
    return BatchNotes(n_files, says_each=says_each, say=lines.append), lines


def soft(dbfs: int) -> str:
    return f"no speech found; the loudest sample is at {dbfs} dBFS."


@pytest.mark.parametrize(("n_files", "says_each"), [(FEW_FILES, False), (10_000, True)])
def test_each_is_said_at_once(n_files: int, says_each: bool) -> None:
    """A run of few recordings, or one that was asked to, says each note as soon as it is known."""
    notes, lines = notes_of(n_files, says_each=says_each)
    notes.add("a/b.wav", [SILENT, "The track 2 is heard."])
    assert lines == [f"ser-live: a/b.wav: {SILENT}", "ser-live: a/b.wav: The track 2 is heard."]
    notes.report()
    assert len(lines) == 2


def test_many_are_counted_by_kind_at_the_end() -> None:
    """Notes that differ in numbers and in the recording's name are one kind, with an example."""
    notes, lines = notes_of(5000)
    for number in range(3000):
        notes.add(f"calls/{number}.wav", [soft(-30 - number % 40)])
    for number in range(7):
        notes.add(
            f"old/x{number}.wav", [f"The header of x{number}.wav says {number} samples more."]
        )
    notes.add("one.m4a", ["Of its 3 tracks the second is heard."])
    assert lines == []
    notes.report()
    assert lines == [
        f"ser-live: 3000 recordings, such as calls/0.wav: {soft(-30)}",
        "ser-live: 7 recordings, such as old/x0.wav: The header of x0.wav says 0 samples more.",
        "ser-live: one.m4a: Of its 3 tracks the second is heard.",
        "ser-live: -v says each of these notes with its recording.",
    ]


def test_a_recording_counts_once_for_a_kind() -> None:
    """Twice the same about one recording is one recording."""
    notes, lines = notes_of(5000)
    for name in ("a.ogg", "b.ogg"):
        notes.add(name, ["A jump over 5.00 s at 1.00 s.", "A jump over 2.00 s at 9.00 s."])
    notes.report()
    assert lines[0] == "ser-live: 2 recordings, such as a.ogg: A jump over 5.00 s at 1.00 s."


def test_notes_of_any_number_stay_few_lines_and_none_is_lost() -> None:
    """Sentences that are all unlike each other are cut off, and what was left out is counted."""
    notes, lines = notes_of(5000)
    for number in range(3000):
        word = "".join(chr(ord("a") + int(digit)) for digit in str(number))
        notes.add(f"{number}.wav", [f"It says {word}."])
    notes.report()
    assert len(lines) == MOST_KINDS + 2
    n_left_out = 3000 - MOST_KINDS
    assert lines[-2] == f"ser-live: {n_left_out} other notes of rarer kinds were left out here."


def test_nothing_is_said_where_nothing_is_to_be_said() -> None:
    """A run without notes ends without a line about them."""
    notes, lines = notes_of(5000)
    notes.add("a.wav", [])
    notes.report()
    assert lines == []


def test_the_program_counts_them(tmp_path: Path) -> None:
    """Silent recordings of a folder are one line at the end; -v names each of them."""
    n_files = FEW_FILES + 2
    for number in range(n_files):
        with wave.open(str(tmp_path / f"{number:02}.wav"), "wb") as file:
            file.setparams((1, 2, 16000, 0, "NONE", ""))
            file.writeframes(bytes(3200))
    ended = undisturbed(command(tmp_path, "--model", "classic"))
    example = tmp_path / "00.wav"
    assert ended.stderr.splitlines() == [
        f"ser-live: {n_files} recordings, such as {example}: {SILENT}",
        "ser-live: -v says each of these notes with its recording.",
    ]
    ended = undisturbed(command(tmp_path, "--model", "classic", "-v"))
    assert ended.stderr.count(SILENT) == n_files
