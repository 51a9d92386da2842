"""``ser-live history tags``, ``history list`` and the import of a diary, as people run them."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from made_history import write_days

from ser_live.cli import cli
from ser_live.errors import UsageError
from ser_live.records.folders import notes_file

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


def diary(path: Path, n_days: int) -> Path:
    """An export with sport every other day, and better ratings then."""
    lines = [
        f"{START + timedelta(days=n):%Y-%m-%d},,,21:00,{('rad', 'meh', 'good', 'meh')[n % 4]},"
        f"{'sport' if n % 2 == 0 else ''},,"
        for n in range(n_days)
    ]
    header = "full_date,date,weekday,time,mood,activities,note_title,note"
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def test_a_diary_is_imported_once_and_its_tags_compared(folder: Path, tmp_path: Path) -> None:
    """Ratings and voice on days with the tag and without; a second import changes nothing."""
    write_days(folder, START, 20, lambda n: 0.3 * (n % 2 == 0) + 0.05 * (n % 3))
    path = diary(tmp_path / "daylio.csv", 20)
    assert "Noted 20 entries" in run("note", "--import", str(path)).stdout
    before = notes_file().read_bytes()
    assert "Noted 0 entries" in (said := run("note", "--import", str(path)).stdout)
    assert "20 were noted before" in said
    assert notes_file().read_bytes() == before
    assert notes_file().stat().st_mode & 0o777 == 0o600
    table = run("history", "tags").stdout
    assert "anna: 20 days with enough speech" in table
    assert "higher" in table
    assert "no diagnosis" in table
    record = json.loads(run("history", "tags", "--format", "json").stdout)
    (tag,) = record["tags"]
    valence, _, rating = tag["measures"]
    assert (tag["tag"], valence["n_days_with"], rating["n_days_without"]) == ("sport", 10, 10)
    assert valence["low"] <= valence["difference"] <= valence["high"]
    rows = list(csv.DictReader(io.StringIO(run("history", "tags", "--format", "csv").stdout)))
    assert [row["measure"] for row in rows] == ["valence", "arousal", "rating"]
    assert float(rows[2]["difference"]) == rating["difference"]


def test_the_list_by_its_name_is_the_list(folder: Path, tmp_path: Path) -> None:
    """With its filters, the tag among them."""
    write_days(folder, START, 4, lambda n: n / 10)
    run("note", "--import", str(diary(tmp_path / "daylio.csv", 4)))
    assert run("history", "list").stdout == run("history").stdout
    found = json.loads(run("history", "list", "--tag", "sport", "--format", "json").stdout)
    assert [row["started_at"][:10] for row in found] == ["2026-01-07", "2026-01-05"]


def test_tags_are_told_to_be_missing(folder: Path) -> None:
    """Without any note, and for a tag that no note has."""
    assert "no note has a tag yet" in run("history", "tags").stderr
    run("note", "swam", "--tag", "sport")
    assert "too few days" in run("history", "tags").stdout
    assert "no note with the tag rain" in run("history", "tags", "--tag", "rain").stderr


def test_options_of_the_import(folder: Path, tmp_path: Path) -> None:
    """A mood of one's own with its rating; what is no rating, or a note beside, is refused."""
    path = diary(tmp_path / "daylio.csv", 1)
    path.write_text(path.read_text().replace("rad", "Super, really"[:5]))
    assert "Noted 1" in run("note", "--import", str(path), "--map", "super=5").stdout
    for arguments, why in (
        (["--import", str(path)], "the mood 'Super'"),
        (["--import", str(path), "--map", "super=6"], "rating from 1 to 5"),
        (["--import", str(path), "--rating", "3"], "beside --import"),
        (["--map", "super=5", "text"], "without --import"),
    ):
        with pytest.raises(UsageError, match=why):
            cli(["note", *arguments], standalone_mode=False)
