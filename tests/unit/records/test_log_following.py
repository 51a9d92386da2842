"""A log that is read while it is written: every entry once, whatever happens to the file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from made_log import AGENT, began, final, mark, session_ended, stream_began, write_log

from ser_live.emotions import Emotion
from ser_live.errors import LogError
from ser_live.events import Event, Recorded
from ser_live.records import log_following, session_files, session_log
from ser_live.records.json_line import json_line
from ser_live.records.log_entries import LogContinued
from ser_live.records.log_following import LogFollower
from ser_live.records.session_log import SessionLog

pytestmark = pytest.mark.skipif(os.name == "nt", reason="no locks on files here")


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SessionLog]:
    """A log that is being written, and another folder for it to go on in."""
    (tmp_path / "ser-live").mkdir()
    for module in (session_files, session_log):
        monkeypatch.setattr(module, "sessions_folder", lambda: tmp_path / "ser-live" / "sessions")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with SessionLog.create(tmp_path / "log.jsonl") as made:
        yield made


def said(number: int) -> Event:
    return final(AGENT, number, number, number + 0.5, Emotion.SAD)


def records(entries: Iterator[Recorded]) -> list[dict[str, object]]:
    return [entry.as_record() for entry in entries]


def test_each_entry_comes_once_until_the_end(log: SessionLog) -> None:
    """What is there already, then what is added; the session's end is the end."""
    log.write(began())
    with LogFollower(log.path) as follower:
        assert records(follower.poll()) == [began().as_record()]
        assert records(follower.poll()) == []
        for number in (1, 2):
            log.write(said(number))
            assert records(follower.poll()) == [said(number).as_record()]
            assert not follower.is_over
        log.write(session_ended(3.0, sad=2))
        assert [r["type"] for r in records(follower.poll())] == ["session_ended"]
        assert follower.is_over
        assert follower.has_ended


def test_a_line_counts_once_it_is_whole(log: SessionLog) -> None:
    """Half of one waits; where it is taken back, what is written in its place counts."""
    line = json_line(said(1).as_record()).encode() + b"\n"
    with LogFollower(log.path) as follower, log.path.open("ab", buffering=0) as file:
        file.write(line[:20])
        assert records(follower.poll()) == []
        file.write(line[20:])
        assert records(follower.poll()) == [said(1).as_record()]
        size = log.path.stat().st_size
        file.write(line[:40])
        assert records(follower.poll()) == []
        file.truncate(size)
        file.write(json_line(mark(AGENT, 2.0, "x" * 200).as_record()).encode() + b"\n")
        assert [r["label"] for r in records(follower.poll())] == ["x" * 200]


def test_a_session_that_was_killed_is_over_without_an_end(log: SessionLog) -> None:
    """What it wrote last is given first; half a line at the end does no harm."""
    with LogFollower(log.path) as follower:
        log.write(said(1))
        with log.path.open("ab") as file:
            file.write(b'{"type":"emo')
        log.close()
        assert records(follower.poll()) == [said(1).as_record()]
        assert follower.is_over
        assert not follower.has_ended


def test_a_log_that_is_renamed_is_followed(log: SessionLog, tmp_path: Path) -> None:
    """As its writer does; a new file of the old name is none of the session's."""
    with LogFollower(log.path) as follower:
        log.path.rename(tmp_path / "log.jsonl.1")
        (tmp_path / "log.jsonl").write_text("")
        log.write(said(1))
        assert records(follower.poll()) == [said(1).as_record()]
        assert not follower.is_over


def test_a_log_that_is_emptied_is_read_on_from_its_beginning(log: SessionLog) -> None:
    """Copied and truncated: what comes then has no header before it."""
    with LogFollower(log.path) as follower:
        for number in (1, 2, 3):
            log.write(said(number))
        assert len(records(follower.poll())) == 3
        os.truncate(log.path, 0)
        assert records(follower.poll()) == []
        log.write(said(4))
        assert records(follower.poll()) == [said(4).as_record()]


def test_a_log_that_goes_on_elsewhere_is_followed_there(log: SessionLog) -> None:
    """The session's beginning and the stream's are not said again, why it moved is."""
    log.write(began())
    log.write(stream_began(AGENT, None))
    with LogFollower(log.path) as follower:
        assert len(records(follower.poll())) == 2
        log.path.unlink()
        log.write(said(1))
        log.write(session_ended(2.0, sad=1))
        found = records(follower.poll()) + records(follower.poll())
        assert [r["type"] for r in found] == [LogContinued.type, "emotion", "session_ended"]
        assert follower.path == log.path
        assert follower.is_over


def test_without_locks_only_the_end_is_an_end(
    log: SessionLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nobody can tell whether a log is written it is waited for."""
    monkeypatch.setattr(log_following, "is_being_written", lambda _: None)
    log.close()
    with LogFollower(log.path) as follower:
        assert records(follower.poll()) == []
        assert not follower.is_over


def test_files_that_are_no_logs_are_refused(tmp_path: Path) -> None:
    """With the sentences that `log show` has for them."""
    with pytest.raises(LogError, match="name an existing log file"):
        LogFollower(tmp_path / "missing")
    (tmp_path / "text").write_text("hello\n")
    with LogFollower(tmp_path / "text") as follower, pytest.raises(LogError, match="first line"):
        list(follower.poll())
    altered = write_log(tmp_path / "altered", [began()], rest="rubbish\n")
    with LogFollower(altered) as follower, pytest.raises(LogError, match="line 3 of"):
        list(follower.poll())
