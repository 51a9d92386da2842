"""The index against the logs it is made of."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from made_history import LABELS, lines_of, text_of, write_days, write_session

from ser_live.errors import LogError
from ser_live.history import schema
from ser_live.history.index import HistoryIndex
from ser_live.history.refreshing import Refreshed, refresh
from ser_live.history.sessions import Filter, SessionRow, session_rows
from ser_live.records.folders import history_file

START = datetime(2026, 3, 2, 21, 30, tzinfo=timezone(timedelta(hours=1)))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of session logs of a user who has nothing yet."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path / "state" / "ser-live" / "sessions"


def contents(path: Path | None = None) -> list[str]:
    """Everything in the index except numbers that SQLite gave."""
    database = sqlite3.connect(path or history_file())
    try:
        parts = "log.path, stream, role, source, local_day, hour, " + ", ".join(schema.PART_SUMS)
        queries = (
            "SELECT path, inode, size, offset, day, started_ms, speaker, end_reason, duration_ms, "
            "reached, n_bad_lines, problem, continues, settings_sha256 FROM log",
            f"SELECT {parts} FROM part JOIN log ON log.id = log_id",  # noqa: S608  own names
            "SELECT path, stream, hour, label, label.n_named, named_ms, weight_ms, "
            "probability_sum, probability_square_sum FROM label JOIN part ON part.id = part_id "
            "JOIN log ON log.id = log_id",
            "SELECT path, kind, start_ms, text, rating FROM moment JOIN log ON log.id = log_id",
        )
        return [str(row) for query in queries for row in sorted(map(str, database.execute(query)))]
    finally:
        database.close()


def brought_up_to_date() -> Refreshed:
    with HistoryIndex() as index:
        return refresh(index)


def rebuilt(tmp_path: Path) -> list[str]:
    """Contents of an index that is made afresh elsewhere."""
    fresh = tmp_path / "fresh.sqlite3"
    fresh.unlink(missing_ok=True)
    with HistoryIndex(fresh) as index:
        refresh(index)
    return contents(fresh)


def rows() -> Iterator[SessionRow]:
    with HistoryIndex() as index:
        refresh(index)
        yield from session_rows(index.database, Filter())


def test_the_sums_are_those_of_the_log(folder: Path) -> None:
    """Utterances, speech, weighted means and label counts, recomputed by hand."""
    write_session(folder, START, [(0.5, -0.2, 2.0), (-0.1, 0.4, 6.0)])
    [row] = rows()
    assert row.n_utterances == 2
    assert row.speech_s == 8.0
    assert row.valence == pytest.approx((0.5 * 2 - 0.1 * 6) / 8)
    assert row.arousal == pytest.approx((-0.2 * 2 + 0.4 * 6) / 8)
    assert row.emotions == {"happy": 2}
    assert row.sources == ("headset",)
    assert row.duration_s == 10.0
    assert row.state == "end"


def test_rejected_and_partial_results_count_as_they_should(folder: Path) -> None:
    """Partials count nowhere; an utterance without a judgement has speech and no valence."""
    records = lines_of(START, [(0.5, 0.0, 2.0)])
    partial = {**records[3], "kind": "partial", "id": 2}
    rejected = {
        **records[3],
        "id": 2,
        "emotion": None,
        "state": "too noisy",
        "confidence": None,
        "probabilities": None,
        "valence": None,
        "arousal": None,
    }
    records[4:4] = [partial, rejected]
    folder.mkdir(parents=True)
    (folder / "2026-03-02T213000.jsonl").write_text(text_of(records))
    [row] = rows()
    assert (row.n_utterances, row.speech_s, row.valence) == (2, 4.0, 0.5)


def test_a_log_is_read_on_from_where_it_grew(folder: Path, tmp_path: Path) -> None:
    """Line by line, halves of lines included, the index ends as one that reads it whole."""
    records = lines_of(START, [(0.5, 0.1, 2.0), (0.3, 0.2, 3.3), (-0.6, 0.7, 1.7)])
    note = {"type": "note", "stream": 1, "start_s": 3.0, "text": "cold", "rating": 2}
    records.insert(5, note)
    text = text_of(records).encode()
    folder.mkdir(parents=True)
    log = folder / "2026-03-02T213000.jsonl"
    n_grown = 0
    for end in (0, 40, *range(150, len(text), 397), len(text)):
        log.write_bytes(b"") if end == 0 else None
        with log.open("ab") as file:
            file.write(text[log.stat().st_size : end])
        found = brought_up_to_date()
        n_grown += found.n_grown
        assert contents() == rebuilt(tmp_path)
    assert n_grown >= 5
    [row] = rows()
    assert (row.n_utterances, row.n_notes, row.state) == (3, 1, "end")


def test_the_microphone_may_change_within_a_session(folder: Path) -> None:
    """After a device was found again, sums are of that device, also where the log was read on."""
    records = lines_of(START, [(0.5, 0.1, 2.0), (0.3, 0.2, 3.0)])
    found = {
        "type": "device_found",
        "start_s": 3.2,
        "device": "laptop",
        "sample_rate": 44_100,
        "n_channels": 1,
        "lost_device": "headset",
        **{key: records[3][key] for key in ("file", "stream", "channel", "role")},
    }
    records.insert(4, found)
    folder.mkdir(parents=True)
    log = folder / "2026-03-02T213000.jsonl"
    log.write_text(text_of(records[:5]))
    brought_up_to_date()
    with log.open("a") as file:
        file.write(text_of(records[5:]))
    brought_up_to_date()
    with HistoryIndex() as index:
        parts = index.database.execute("SELECT source, sample_rate, n_finals FROM part").fetchall()
    assert sorted(parts) == [("headset", 48_000, 1), ("laptop", 44_100, 1)]


def test_what_did_not_change_is_not_read_again(folder: Path) -> None:
    """A second refresh reads nothing; a deleted log's rows go, an altered log is read anew."""
    logs = write_days(folder, START, 3, lambda n: 0.1)
    assert brought_up_to_date().n_new == 3
    again = brought_up_to_date()
    assert (again.n_new, again.n_grown, again.n_gone, again.n_bytes) == (0, 0, 0, 0)
    logs[0].unlink()
    logs[1].write_text(logs[1].read_text().replace('"valence":0.1', '"valence":0.9'))
    found = brought_up_to_date()
    assert (found.n_new, found.n_gone) == (1, 1)
    assert sorted(round(row.valence or 0, 2) for row in rows()) == [0.1, 0.9]


def test_a_log_that_was_cut_and_grew_is_read_anew(folder: Path, tmp_path: Path) -> None:
    """A line taken out and others put behind: larger, but not the same with more behind it."""
    [log] = write_days(folder, START, 1, lambda n: 0.1, n_utterances=30)
    brought_up_to_date()
    lines = log.read_text().splitlines(keepends=True)
    log.write_text("".join([*lines[:25], *lines[26:-2], *lines[3:8]]))
    assert log.stat().st_size > sum(map(len, lines))
    assert brought_up_to_date().n_new == 1
    assert contents() == rebuilt(tmp_path)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"type":"log","schema":"ser-live-session","schema_version":99}\n', "schema version 99"),
        ('{"type":"log","schema":"ser-live-session","schema_version":1}\n{"type":"emo', ""),
        ("", ""),
    ],
    ids=["newer", "cut", "empty"],
)
def test_odd_logs_are_listed(folder: Path, text: str, problem: str) -> None:
    """A log of a newer program, one cut in its first lines and an empty one: rows, no error."""
    folder.mkdir(parents=True)
    (folder / "2026-03-02T213000.jsonl").write_text(text)
    [row] = rows()
    assert problem in row.problem
    assert row.state == ("unreadable" if problem else "cut off")
    assert row.n_utterances == 0


def test_bad_lines_are_passed_over_and_counted(folder: Path) -> None:
    """Broken lines, records with fields of the wrong kind and lines without end."""
    records = lines_of(START, [(0.5, 0.1, 2.0), (0.3, 0.2, 3.0)])
    lines = text_of(records).splitlines(keepends=True)
    wrong = json.dumps({**records[3], "speech_s": "long"}) + "\n"
    lines[4:4] = ["{broken\n", wrong, "x" * (1 << 20) + "y\n", '{"type":"of the future"}\n']
    folder.mkdir(parents=True)
    (folder / "2026-03-02T213000.jsonl").write_text("".join(lines))
    [row] = rows()
    assert (row.n_bad_lines, row.n_utterances, row.state) == (3, 2, "end")


def test_hostile_texts_go_in_and_out(folder: Path) -> None:
    """Quotes, NUL, halves of characters and ten thousand signs in every name."""
    name = '"><script>\u202e\0 \ud800' + "x" * 10_000
    write_session(folder, START, [(0.5, 0.1, 2.0)], speaker=name, source=name)
    [row] = rows()
    assert row.speaker is not None
    assert row.speaker.startswith('"><script>')
    assert row.n_utterances == 1


def test_the_file_is_private_and_has_no_neighbours(folder: Path) -> None:
    """Only its owner may read it, whatever the umask; nothing is left beside it."""
    write_days(folder, START, 2, lambda n: 0.1)
    old = os.umask(0)
    try:
        brought_up_to_date()
    finally:
        os.umask(old)
    assert history_file().stat().st_mode & 0o777 == 0o600
    assert {path.name for path in folder.parent.iterdir()} == {"sessions", "history.sqlite3"}


@pytest.mark.parametrize("kind", ["damaged", "newer", "half", "empty"])
def test_an_index_that_cannot_be_used_is_made_again(
    folder: Path, tmp_path: Path, kind: str
) -> None:
    """One sentence says so where there was something; the logs have everything."""
    write_days(folder, START, 5, lambda n: 0.1)
    brought_up_to_date()
    path = history_file()
    whole = path.read_bytes()
    if kind == "damaged":
        path.write_bytes(whole[:200] + b"\xff" * 2000 + whole[2200:])
    elif kind == "half":
        path.write_bytes(whole[: len(whole) // 2 + 100])
    elif kind == "empty":
        path.write_bytes(b"")
    else:
        database = sqlite3.connect(path)
        database.execute("PRAGMA user_version = 99")
        database.close()
    with HistoryIndex() as index:
        refresh(index)
        said = index.renewed
    assert bool(said) == (kind != "empty")
    assert contents() == rebuilt(tmp_path)
    assert history_file().stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("kind", ["text", "database", "link"])
def test_a_file_of_something_else_is_left_alone(folder: Path, tmp_path: Path, kind: str) -> None:
    """A text, the database of another program, a link: one sentence, and not a byte changed."""
    path = history_file()
    path.parent.mkdir(parents=True)
    other = tmp_path / "other"
    if kind == "text":
        path.write_text("dear diary, " * 100)
    elif kind == "database":
        database = sqlite3.connect(path)
        database.execute("CREATE TABLE mine (a)")
        database.commit()
        database.close()
    else:
        other.write_text("")
        path.symlink_to(other)
    before = path.read_bytes()
    with pytest.raises(LogError, match="move it away"):
        HistoryIndex()
    assert path.read_bytes() == before


def test_an_older_index_is_led_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step that a newer program adds is made on the rows that are there."""
    write_days(folder, START, 2, lambda n: 0.1)
    brought_up_to_date()
    step = "ALTER TABLE log ADD COLUMN mood TEXT NOT NULL DEFAULT 'none'"
    monkeypatch.setattr(schema, "STEPS", (*schema.STEPS, step))
    with HistoryIndex() as index:
        assert not index.renewed
        found = index.database.execute("SELECT mood, count(*) FROM log GROUP BY mood").fetchall()
        version = index.database.execute("PRAGMA user_version").fetchone()[0]
    assert found == [("none", 2)]
    assert version == len(schema.STEPS)


def test_two_processes_at_once_read_each_log_once(folder: Path, tmp_path: Path) -> None:
    """Both end well, and the index is that of one."""
    write_days(folder, START, 60, lambda n: 0.1, n_utterances=20)
    script = (
        "from ser_live.history.index import HistoryIndex\n"
        "from ser_live.history.refreshing import refresh\n"
        "with HistoryIndex() as index: print(refresh(index).n_new)"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    counts = [int(process.communicate(timeout=120)[0]) for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert sum(counts) == 60
    assert contents() == rebuilt(tmp_path)


def test_the_probabilities_add_up(folder: Path) -> None:
    """Mean probabilities over speech time are those of the log."""
    write_session(folder, START, [(0.5, 0.1, 2.0), (0.3, 0.2, 3.0)])
    with HistoryIndex() as index:
        refresh(index)
        found = index.database.execute(
            "SELECT label, 1.0 * sum(probability_sum) / sum(weight_ms) / ? FROM label "
            "GROUP BY label",
            (schema.SCALE,),
        ).fetchall()
    assert dict(found) == pytest.approx(
        {label: 0.65 if label == "happy" else 0.05 for label in LABELS}
    )
