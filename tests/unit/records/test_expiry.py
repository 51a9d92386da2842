"""What is kept until a date: the date, where it stands, and its removal after it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from ser_live.errors import UsageError
from ser_live.events import SessionStarted
from ser_live.history.index import HistoryIndex
from ser_live.history.refreshing import refresh
from ser_live.purge import Inventory, Kind, remove, take_expired_inventory, take_inventory
from ser_live.records import expiry
from ser_live.records.expiry import Expiring, entries, expires_at, remember
from ser_live.records.folders import expiry_file, sessions_folder
from ser_live.records.session_files import beginning_of, expiry_of_recording
from ser_live.records.session_log import SessionLog

CHEAP = ("--model", "classic", "--vad-confirm", "off")


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The local time of a place whose clocks are set forward and back."""
    if not hasattr(time, "tzset"):
        pytest.skip("needs a time zone that a process can choose")
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("began", "span", "ends"),
    [
        ("2026-10-20T12:00:00+02:00", "30d", "2026-11-19T12:00:00+01:00"),
        ("2026-03-01T23:59:00+01:00", "8w", "2026-04-26T23:59:00+02:00"),
        ("2026-10-24T12:00:00+02:00", "24h", "2026-10-25T11:00:00+01:00"),
        ("2026-10-24T12:00:00+02:00", "1D", "2026-10-25T12:00:00+01:00"),
        ("2028-02-28T08:00:00+01:00", "1d", "2028-02-29T08:00:00+01:00"),
    ],
)
def test_days_are_those_of_the_calendar_and_hours_are_hours(
    berlin: None, began: str, span: str, ends: str
) -> None:
    """The same time of day in thirty days, whatever clocks do meanwhile."""
    assert expires_at(span, datetime.fromisoformat(began)) == ends


def test_a_time_of_day_that_is_left_out_has_a_moment_all_the_same(berlin: None) -> None:
    """Clocks go from 2 to 3 that night."""
    ends = expires_at("1d", datetime.fromisoformat("2026-03-28T02:30:00+01:00"))
    moment = expiry.moment(ends)
    assert moment is not None
    hours = (moment - datetime.fromisoformat("2026-03-28T02:30:00+01:00")) / timedelta(hours=1)
    assert 23 <= hours <= 25


@pytest.mark.parametrize(
    "span", ["", "30", "d", "0d", "-1d", "1.5d", "30 days", "101w x", "99999w", "1y"]
)
def test_what_is_no_time_is_refused_in_one_sentence(span: str) -> None:
    """It says how to write thirty days."""
    with pytest.raises(UsageError, match="write 30d for thirty days"):
        expires_at(span)


def run(home: Path, *arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("XDG_")}
    done = subprocess.run(
        [sys.executable, "-m", "ser_live", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=home,
        env={**kept, "HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode == code, done.stderr
    return done


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, in which this process lives too."""
    for name in ("XDG_STATE_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def in_days(n: float) -> datetime:
    return datetime.now().astimezone() + timedelta(days=n)


def files(home: Path) -> set[str]:
    return {str(p.relative_to(home)) for p in home.rglob("*") if p.is_file()}


def kinds(found: Inventory) -> dict[Kind, int]:
    return {kind: n for kind in Kind if (n := sum(f.kind is kind for f in found.files))}


def test_all_that_a_session_kept_goes_after_its_date_and_nothing_else(
    home: Path, short_talk: Path
) -> None:
    """Logs here and elsewhere, audio, rows, a report, and what the history knows of them."""
    replay = ("replay", short_talk, "--speed", 0, *CHEAP, "--display", "none")
    run(home, *replay, "--save-audio", home / "kept")  # for good, into the same folder
    run(home, *replay, "--save-audio", home / "kept", "--expire", "30d")
    run(home, *replay, "--log", home / "my.jsonl", "--output", home / "rows.csv", "-f", "csv",
        "--expire", "1w")  # fmt: skip
    run(home, "report", home / "my.jsonl", "-o", home / "page.html")
    analyze = ("analyze", short_talk, *CHEAP, "-f", "jsonl", "-o", home / "an.jsonl")
    run(home, *analyze, "--expire", "12h")
    (home / "mine.csv").write_text("not of ser-live")
    began = beginning_of(home / "my.jsonl")
    assert began is not None
    moment = expiry.moment(began.expires_at)
    assert moment is not None, "the head of the log says it"
    assert abs(moment - in_days(7)) < timedelta(hours=2)
    with HistoryIndex() as index:
        refresh(index)
        assert index.database.execute("SELECT count(*) FROM log").fetchone() == (2,)
    before = files(home)
    n_kept = len([name for name in before if name.startswith("kept/")])

    assert take_expired_inventory(in_days(0)).files == []
    assert len(take_expired_inventory(in_days(0)).later) == 5 + n_kept // 2
    assert kinds(take_expired_inventory(in_days(0.6))) == {Kind.ROWS: 1}
    assert kinds(take_expired_inventory(in_days(8))) == {Kind.SESSION: 1, Kind.ROWS: 3}
    found = take_expired_inventory(in_days(31))
    assert kinds(found) == {Kind.SESSION: 2, Kind.AUDIO: n_kept // 2, Kind.ROWS: 3}
    assert found.kept == []
    assert remove(found) == []
    after = files(home)
    assert len(before - after) == len(found.files)
    assert {"mine.csv"} <= after
    assert len([name for name in after if name.startswith("kept/")]) == n_kept // 2
    assert len(list(sessions_folder().iterdir())) == 1
    with HistoryIndex() as index:
        assert index.database.execute("SELECT count(*) FROM log").fetchone() == (1,)
    assert [entry.kind for entry in entries()] == [Expiring.AUDIO], "the folder is still there"
    assert all(expiry_of_recording(path) is None for path in (home / "kept").glob("*.flac"))


def let_expire(home: Path, path: Path) -> None:
    """Move every date of the list, and of a log, into the past."""
    for file in (expiry_file(), path):
        if file.exists():
            records = [json.loads(line) for line in file.read_text().splitlines() if line]
            for record in records:
                if record.get("expires_at"):
                    record["expires_at"] = "2020-01-01T00:00:00+00:00"
            file.write_text("".join(json.dumps(r, separators=(",", ":")) + "\n" for r in records))


def test_purge_says_what_has_expired_and_what_it_leaves(home: Path, short_talk: Path) -> None:
    """A dry run removes nothing; files that were changed, and half-written ones, are named."""
    run(
        home,
        "replay",
        short_talk,
        "--speed",
        0,
        *CHEAP,
        "--log",
        home / "my.jsonl",
        "--expire",
        "1h",
    )
    result = run(home, "purge", "--expired")
    assert "Nothing has expired.\n1 file expires later, the next on 2" in result.stdout
    for name in ("changed.csv", "gone.csv", "whole.csv"):
        (home / name).write_text("a,b\n")
        remember(home / name, Expiring.FILE, expires_at("1h"))
    (home / "half.csv").write_text("a,")
    remember(home / "half.csv", Expiring.FILE, expires_at("1h"), is_whole=False)
    (home / "changed.csv").write_text("a,b,c\n")
    (home / "gone.csv").unlink()
    let_expire(home, home / "my.jsonl")
    before = files(home)
    dry = run(home, "purge", "--expired", "--dry-run").stdout
    assert "Would be removed for good:" in dry
    assert "1 session log" in dry
    assert "1 file of rows or report" in dry
    assert f"{home}/changed.csv (changed since it was written)" in dry
    assert f"{home}/half.csv (its writing was never finished)" in dry
    assert "1 file that was to expire is not there any more." in dry
    assert "Nothing was removed of 2 files" in dry
    assert files(home) == before
    assert "--yes" in run(home, "purge", "--expired", code=2).stderr
    assert "Removed 2 files." in run(home, "purge", "--expired", "--yes").stdout
    assert before - files(home) == {"my.jsonl", "whole.csv"}
    assert {entry.path.name for entry in entries()} == {"changed.csv", "half.csv"}
    assert "leave one out" in run(home, "purge", "--expired", "--notes", code=2).stderr


def test_another_file_in_the_way_is_never_put_on_the_list(home: Path, short_talk: Path) -> None:
    """Rows are not written over it, so it does not expire."""
    (home / "mine.csv").write_text("precious")
    for code, command in ((2, ("analyze",)), (6, ("replay", "--speed", "0", "--no-log"))):
        run(home, *command, short_talk, *CHEAP, "-f", "csv", "-o", "mine.csv", "--expire", "1h",
            code=code)  # fmt: skip
    assert [entry for entry in entries() if entry.kind is Expiring.FILE] == []


def test_rows_that_are_printed_cannot_expire_and_archives_do_not(
    home: Path, short_talk: Path
) -> None:
    """Either is said in a sentence."""
    printed = run(home, "analyze", "none.wav", *CHEAP, "--expire", "1h", code=1)
    assert "what is printed is not removed later" in printed.stderr
    refused = run(home, "analyze", short_talk, "--out", "a.csv", "--expire", "1h", code=2)
    assert "--expire with --out" in refused.stderr


def test_a_log_that_is_written_or_is_none_any_more_stays(home: Path) -> None:
    """Named with the reason; a link is not followed."""
    past = "2020-01-01T00:00:00+00:00"
    log = SessionLog.create()
    log.write(
        SessionStarted(
            started_at=past,
            version="1",
            model="m",
            model_sha256="0",
            labels=("calm", "angry"),
            expires_at=past,
        )
    )
    text = home / "text.jsonl"
    text.write_text("no log")
    remember(text, Expiring.LOG, past)
    real = home / "real.csv"
    real.write_text("a")
    link = home / "link.csv"
    link.symlink_to(real)
    remember(link, Expiring.FILE, past)
    real.write_text("other")
    found = take_expired_inventory(in_days(0))
    whys = {kept.path.name: kept.reason for kept in found.kept}
    assert whys.pop("text.jsonl") == "no session log any more"
    assert whys.pop("link.csv") == "changed since it was written"
    if os.name != "nt":
        assert list(whys.values()) == ["a session is writing it"]
        assert found.files == []
    log.close()
    assert kinds(take_expired_inventory(in_days(0))) == {Kind.SESSION: 1}


def test_dates_and_lists_that_were_spoilt_remove_nothing(home: Path) -> None:
    """Whatever stands on the list, only what was written under a date goes."""
    (home / "a.csv").write_text("a")
    remember(home / "a.csv", Expiring.FILE, "tomorrow")
    past = '"expires_at":"2020-01-01T00:00:00+00:00"'
    spoilt = (
        '{"type":"entry"}',
        "[]",
        "\ufffd",
        f'{{"type":"entry","path":"relative","kind":"file",{past}}}',
        f'{{"type":"entry","path":"/tmp","kind":"everything",{past}}}',
        '{"type":"entry","pa',
    )
    with expiry_file().open("a") as file:
        file.write("\n".join(spoilt))
    found = take_expired_inventory(in_days(0))
    assert found.files == []
    assert [kept.reason for kept in found.kept] == ["the date at which it expires cannot be read"]
    remember(home / "a.csv", Expiring.FILE, "2020-01-01T00:00:00+00:00")
    assert kinds(take_expired_inventory(in_days(0))) == {Kind.ROWS: 1}, "after half a line"
    assert remove(take_expired_inventory(in_days(0))) == []
    assert not expiry_file().exists()


def test_a_purge_of_everything_leaves_no_list_of_what_is_gone(home: Path) -> None:
    """Its own folder goes with the last of its files, also where folders of audio are empty now."""
    (home / "kept").mkdir()
    remember(home / "kept", Expiring.AUDIO, expires_at("1h"))
    SessionLog.create().close()
    found = take_inventory(sessions=True, profiles=True, notes=True, modified_before=float("inf"))
    assert kinds(found) == {Kind.SESSION: 1}
    assert remove(found) == []
    assert not sessions_folder().parent.exists()


def test_entries_that_come_while_the_list_is_shortened_are_not_lost(home: Path) -> None:
    """Some programs add, others remove what is gone, at the same time."""
    adder = (
        "import sys; from pathlib import Path; from ser_live.records.expiry import *\n"
        "for n in range(40):\n"
        "    path = Path(sys.argv[1]) / f'{sys.argv[2]}-{n}'\n"
        "    if n % 4: path.write_text('')\n"
        "    remember(path, Expiring.LOG, '2020-01-01T00:00:00+00:00')\n"
        "    if n % 3 == 0: keep_only(lambda e: e.path.exists())\n"
    )
    running = [subprocess.Popen([sys.executable, "-c", adder, str(home), str(n)]) for n in range(3)]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    remember(home, Expiring.LOG, "2020-01-01T00:00:00+00:00")
    expiry.keep_only(lambda entry: entry.path.is_file())
    assert {entry.path.name for entry in entries()} == {
        f"{who}-{n}" for who in range(3) for n in range(40) if n % 4
    }
