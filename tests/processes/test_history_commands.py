"""``ser-live history`` and ``ser-live note`` as people run them."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from made_history import write_days, write_session
from terminal_run import HOSTILE, assert_harmless, on_terminal

from ser_live.cli import cli
from ser_live.records.folders import history_file, notes_file

START = datetime(2026, 1, 5, 20, 0, tzinfo=timezone(timedelta(hours=1)))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of session logs of a user who has nothing yet."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path / "state" / "ser-live" / "sessions"


def run(*arguments: str) -> Result:
    """A command that ends well."""
    result = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def test_the_list_is_filtered_by_day_speaker_and_tag(folder: Path) -> None:
    """Newest first; JSON and CSV say the same as the table."""
    write_days(folder, START, 5, lambda n: n / 10)
    write_session(folder, START + timedelta(days=1), [(0.1, 0.1, 2.0)], speaker="ben")
    run("note", "rainy", "--tag", "rain", "--at", "2026-01-06")

    def listed(*options: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(
            run("history", *options, "--format", "json").stdout
        )
        return found

    assert [row["started_at"][:10] for row in listed("--speaker", "anna")] == [
        f"2026-01-0{day}" for day in (9, 8, 7, 6, 5)
    ]
    assert len(listed("--since", "2026-01-06", "--until", "2026-01-07")) == 3
    assert {row["speaker"] for row in listed("--tag", "rain")} == {"anna", "ben"}
    assert listed("--tag", "sun") == []
    rows = list(csv.DictReader(io.StringIO(run("history", "--format", "csv").stdout)))
    assert [row["path"] for row in rows] == [row["path"] for row in listed()]
    table = run("history", "--limit", "2")
    assert table.stdout.count("\n") == 3
    assert "4 older sessions are not shown" in table.stderr


def test_every_view_has_something_to_say(folder: Path) -> None:
    """Calendar, weekday, trend and letter, as tables and as data."""
    write_days(folder, START, 20, lambda n: n % 3 / 10)
    assert "2026  Jan" in run("history", "calendar").stdout
    assert "Minutes of speech" in run("history", "weekday").stdout
    assert len(json.loads(run("history", "calendar", "--format", "json").stdout)) == 20
    assert len(json.loads(run("history", "weekday", "--format", "json").stdout)) == 7
    assert "anna: 2026-01-05 to 2026-01-24" in run("history", "trend").stdout
    found = json.loads(run("history", "trend", "--weeks", "2", "--format", "json").stdout)
    assert found["first_day"] == "2026-01-11"
    days = list(csv.DictReader(io.StringIO(run("history", "trend", "--format", "csv").stdout)))
    assert len(days) == 20
    assert "# January 2026: anna" in run("history", "letter", "--month", "2026-01").stdout
    assert "20 logs" in run("history", "rebuild").stdout


def test_the_page_is_a_new_file(folder: Path, tmp_path: Path) -> None:
    """One that exists is not overwritten."""
    write_days(folder, START, 3, lambda n: 0.1)
    page = tmp_path / "trend.html"
    run("history", "trend", "--html", str(page))
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    result = CliRunner().invoke(cli, ["history", "trend", "--html", str(page)])
    assert "exists and is not overwritten" in str(result.exception)


def test_nothing_yet_is_said(folder: Path) -> None:
    """Without a session every view ends well, with a sentence."""
    for view in ([], ["calendar"], ["weekday"]):
        assert "no session fits" in run("history", *view).stderr
    assert "voices without a name" in run("history", "trend").stdout
    assert "There is no session" in run("history", "letter").stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["note"], "nothing to note"),
        (["note", "--at", "yesterday", "x"], "2026-03-14T21:30 is needed"),
        (["note", "--at", "9999-01-01", "x"], "still to come"),
        (["note", "--tag", "y" * 41], "tags that do not fit"),
        (["note", "z" * 10_001], "shorten it"),
        (["history", "trend", "--speaker", "zoe"], "no session of zoe"),
        (["history", "trend", "--speaker", "a", "--unnamed"], "give one"),
        (["history", "letter", "--month", "May"], "2026-03 is needed"),
        (["history", "--tag", "x", "calendar"], "write them behind the command"),
    ],
)
def test_what_does_not_fit_is_one_sentence(
    folder: Path, arguments: list[str], sentence: str
) -> None:
    """Found, needed, to do."""
    write_days(folder, START, 1, lambda n: 0.1)
    result = CliRunner().invoke(cli, arguments)
    assert sentence in str(result.exception)
    assert not notes_file().exists()


def test_a_note_is_of_the_moment_it_is_about(folder: Path) -> None:
    """A day alone is its noon, a time without offset that of this machine, one with it its own."""
    for at in ("2026-01-06", "2026-01-06T07:30", "2026-01-06T23:30+09:00"):
        run("note", "--rating", "3", "--at", at)
    notes = [json.loads(line) for line in notes_file().read_text().splitlines()[1:]]
    assert [note["at"][:16] for note in notes] == [
        "2026-01-06T12:00",
        "2026-01-06T07:30",
        "2026-01-06T23:30",
    ]
    assert notes[2]["at"].endswith("+09:00")


def test_purging_a_log_takes_it_out_of_the_history(folder: Path) -> None:
    """Not one byte of its speaker or text stays in the index; notes go when they are asked for."""
    [old, *_] = write_days(folder, START, 2, lambda n: 0.1, speaker="quite-secret")
    [young] = write_days(folder, START + timedelta(days=5), 1, lambda n: 0.1, speaker="other")
    run("note", "--rating", "3")
    run("history")
    assert b"quite-secret" in history_file().read_bytes()
    for path in folder.iterdir():
        if path != young:
            os.utime(path, (1e9, 1e9))
    run("history")
    run("purge", "--sessions", "--older-than", "30", "--yes")
    assert not old.exists()
    data = history_file().read_bytes()
    assert b"quite-secret" not in data
    assert b"other" in data
    assert notes_file().exists()
    run("purge", "--yes")
    assert not folder.parent.exists()


def test_an_index_that_purge_cannot_change_is_told(folder: Path) -> None:
    """The logs are gone; that the index still tells of them is said, with exit code 1."""
    write_days(folder, START, 1, lambda n: 0.1)
    history_file().write_text("something else " * 50)
    result = CliRunner().invoke(cli, ["purge", "--sessions", "--yes"])
    assert result.exit_code == 1
    assert "it still tells of removed logs" in result.stderr


def test_names_cannot_command_the_terminal(folder: Path, tmp_path: Path) -> None:
    """Speakers, microphones, notes and tags in every view."""
    write_days(folder, START, 3, lambda n: 0.1, speaker=HOSTILE, source=HOSTILE)
    run("note", HOSTILE, "--tag", HOSTILE[:30], "--at", "2026-01-06")
    for view in ([], ["trend"], ["letter", "--month", "2026-01"], ["calendar"]):
        assert_harmless(
            on_terminal(
                "history", *view, XDG_STATE_HOME=str(tmp_path / "state"), TMPDIR=str(tmp_path)
            )
        )


def test_the_list_loads_no_numbers(folder: Path) -> None:
    """Neither numpy nor SciPy nor jinja2 for the list; a table of one day needs numpy alone."""
    write_days(folder, START, 1, lambda n: 0.1)
    script = (
        "import sys; from ser_live.cli import cli\n"
        "cli(sys.argv[1:], standalone_mode=False)\n"
        "print(sorted({'numpy', 'scipy', 'jinja2'} & set(sys.modules)), file=sys.stderr)"
    )
    for arguments, loaded in ((["history"], "[]"), (["history", "trend"], "['numpy']")):
        result = subprocess.run(
            [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True
        )
        assert result.stderr.splitlines()[-1] == loaded
