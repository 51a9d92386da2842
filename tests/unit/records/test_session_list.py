"""The list of sessions: newest first, running and killed ones too."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from made_log import AGENT, CALLER, began, final, session_ended, stream_began, write_log

from ser_live.cli.log import command
from ser_live.emotions import Emotion
from ser_live.errors import LogError
from ser_live.events import Recorded, StreamId
from ser_live.records import session_files, session_list
from ser_live.records.session_list import logged_sessions, session_log_named, summed_up
from ser_live.records.session_log import SessionLog


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of sessions."""
    found = tmp_path / "ser-live" / "sessions"
    found.mkdir(parents=True)
    for module in (session_files, session_list):
        monkeypatch.setattr(module, "sessions_folder", lambda: found)
    monkeypatch.setattr(session_files.session_log, "temporary_folders", list)
    return found


def talk(started_at: str) -> list[Recorded]:
    """A session of three utterances that goes on."""
    other = StreamId(number=3, source="second.wav", file="second.wav")
    return [
        began(started_at),
        stream_began(AGENT, started_at),
        stream_began(CALLER, started_at),
        final(AGENT, 1, 1.0, 2.0, Emotion.HAPPY),
        final(CALLER, 1, 3.0, 4.0, Emotion.SAD),
        final(other, 2, 60.0, 62.5, Emotion.SAD),
        stream_began(other, None),
    ]


def run(*arguments: object) -> Any:
    return CliRunner().invoke(command, [*map(str, arguments)], catch_exceptions=False)


def test_newest_first_by_the_moment_and_not_by_the_clock_on_the_wall(folder: Path) -> None:
    """In the hour that comes twice the later one has the smaller offset."""
    moments = [
        "2026-10-25T02:30:00+02:00",
        "2026-10-25T02:10:00+01:00",
        "2026-10-25T01:00:00+02:00",
    ]
    paths = [
        write_log(folder / f"{n}.jsonl", [*talk(t), session_ended(75.0, sad=2, happy=1)])
        for n, t in enumerate(moments)
    ]
    assert logged_sessions() == [paths[1], paths[0], paths[2]]
    assert session_log_named(None) == session_log_named("1") == paths[1]
    assert session_log_named("3") == paths[2]
    assert session_log_named("./3") == Path("3")
    for name in ("4", "0", "9" * 5000):
        with pytest.raises(LogError, match="Found 3 session logs"):
            session_log_named(name)


def test_a_session_that_ended_and_one_that_was_killed(folder: Path) -> None:
    """The end's sums where there is one, else those of what the log holds."""
    ended = write_log(
        folder / "a.jsonl", [*talk("2026-01-01T10:00:00+00:00"), session_ended(75.0, sad=7)]
    )
    killed = write_log(folder / "b.jsonl", talk("2026-01-01T11:00:00+00:00"), rest='{"type":"emo')
    row = summed_up(ended)
    assert (row.state, row.duration_s, row.n_utterances, row.most_frequent) == (
        "end",
        75,
        7,
        "sad 7",
    )
    assert row.source == "call.wav and 1 more"  # two channels are one source
    row = summed_up(killed)
    assert (row.state, row.duration_s, row.n_utterances) == ("cut off", 2.0 + 4.0 + 62.5, 3)
    assert row.most_frequent == "sad 2, happy 1"
    assert row.source == "call.wav and 1 more"


def test_the_sums_of_the_end_are_those_of_the_whole(folder: Path) -> None:
    """Reading only the lines about the whole gives what reading every line gives."""
    path = write_log(
        folder / "a.jsonl",
        [*talk("2026-01-01T10:00:00+00:00"), session_ended(68.5, sad=2, happy=1)],
    )
    assert session_list._summed_up_by_its_end(path) == session_list._summed_up_entry_by_entry(path)


def test_a_session_that_is_written_is_running(folder: Path) -> None:
    """Until its program lets go of the log."""
    with SessionLog.create(folder / "a.jsonl") as log:
        for entry in talk("2026-01-01T10:00:00+00:00"):
            log.write(entry)  # type: ignore[arg-type]
        assert summed_up(log.path).state == "running"
    assert summed_up(log.path).state == "cut off"


def test_a_log_that_cannot_be_read_has_a_row_and_a_sentence(folder: Path) -> None:
    """It hides no other."""
    write_log(folder / "a.jsonl", [began("2026-01-01T10:00:00+00:00")], rest="rubbish\n[]\n")
    write_log(folder / "b.jsonl", [began("2026-01-02T10:00:00+00:00"), session_ended(1.0)])
    result = run("list", "--format", "jsonl")
    assert [json.loads(line)["state"] for line in result.stdout.splitlines()] == [
        "end",
        "unreadable",
    ]
    assert "line 3 of" in result.stderr


def test_the_list_in_every_form(folder: Path, tmp_path: Path) -> None:
    """A table for people, rows for programs, the same into a file."""
    write_log(
        folder / "a.jsonl",
        [*talk("2026-01-01T10:00:00.123+01:00"), session_ended(75.0, sad=2, happy=1, calm=0)],
    )
    table = run("list").stdout.splitlines()
    assert re.split("  +", table[1].strip()) == [
        "1", "2026-01-01 10:00", "01:15", "3", "sad 2, happy 1", "end", "call.wav and 1 more",
    ]  # fmt: skip
    (row,) = csv.DictReader(io.StringIO(run("list", "--format", "csv").stdout))
    assert (row["number"], row["started_at"]) == ("1", "2026-01-01T10:00:00.123+01:00")
    assert row["path"] == str(folder / "a.jsonl")
    assert run("list", "--format", "csv", "--output", tmp_path / "list.csv").stdout == ""
    assert list(csv.DictReader((tmp_path / "list.csv").read_text().splitlines())) == [row]
    with pytest.raises(LogError, match="exists and is not overwritten"):
        run("list", "--output", tmp_path / "list.csv")
    assert "utterances 3" in run("show").stdout == run("show", 1).stdout
    run("show", "--output", tmp_path / "sums")
    assert (tmp_path / "sums").read_text() == run("show").stdout


def test_nothing_logged_yet(folder: Path) -> None:
    """A sentence each; the list is empty, and what needs a log fails."""
    result = run("list")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "no session was logged in" in result.stderr
    for name in ("show", "export", "follow"):
        with pytest.raises(LogError, match="Found no session log in"):
            run(name)
