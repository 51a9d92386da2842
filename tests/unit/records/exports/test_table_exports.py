"""Exports with a row an utterance: CSV, and Parquet with the same columns."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from made_log import AGENT, AWKWARD, began, call, final, mark, stream_began, write_log

from ser_live.cli.log import command
from ser_live.cli.log_export import FORMATS
from ser_live.emotions import Emotion
from ser_live.errors import LogError, SerLiveError, UsageError
from ser_live.records.csv_rows import emotion_fields
from ser_live.records.exports import formats, parquet_table


def run(*arguments: object) -> Any:
    return CliRunner().invoke(command, ["export", *map(str, arguments)], catch_exceptions=False)


def rows(*arguments: object) -> list[dict[str, str]]:
    result = run(*arguments)
    assert result.exit_code == 0
    return list(csv.DictReader(io.StringIO(result.stdout)))


def test_rows_have_the_wall_time_beside_the_seconds(tmp_path: Path) -> None:
    """RFC 3339, the offset as the stream began with, also past the change to summer time."""
    log = write_log(tmp_path / "log.jsonl", call())
    result = run(log)
    columns = result.stdout.splitlines()[0].split(",")
    assert columns[columns.index("end_s") + 1] == "started_at"
    assert [c for c in columns if c != "started_at"] == list(emotion_fields())
    assert [(r["stream"], r["start_s"], r["started_at"]) for r in rows(log)] == [
        ("1", "0.5", "2026-03-29T01:59:59.750+01:00"),
        ("1", "2.0", "2026-03-29T02:00:01.250+01:00"),
        ("2", "1.999", "2026-03-29T02:00:01.249+01:00"),
        ("1", "4.0", "2026-03-29T02:00:03.250+01:00"),
        ("2", "5.0", "2026-03-29T02:00:04.250+01:00"),
    ]


@pytest.mark.parametrize(
    "started_at", [None, "2026-03-29T01:59:59", "no time", "9999-12-31T23:59:59+00:00"]
)
def test_a_wall_time_that_is_not_known_is_an_empty_cell(
    started_at: str | None, tmp_path: Path
) -> None:
    """None, one without an offset, no time at all, or one after which there is none."""
    entries = [began(), stream_began(AGENT, started_at), final(AGENT, 1, 1.5, 2.0, Emotion.SAD)]
    (row,) = rows(write_log(tmp_path / "log.jsonl", entries))
    assert row["started_at"] == ""
    assert row["emotion"] == "sad"


def test_gaps_drops_and_marks_get_rows_when_asked_for(tmp_path: Path) -> None:
    """Otherwise their number is said; a text that opens as a formula does not here either."""
    log = write_log(tmp_path / "log.jsonl", [*call(), mark(AGENT, 7.0, "=1+1")])
    assert "4 gaps, drops and marks have no row: --gaps adds them." in run(log).stderr
    result = run(log, "--gaps")
    assert result.stderr == ""
    found = [
        (r["type"], r["start_s"], r["end_s"], r["state"])
        for r in csv.DictReader(io.StringIO(result.stdout))
        if r["type"] != "emotion"
    ]
    assert found[0] == ("gap", "3.0", "3.5", "gap (overflow)")
    assert found[1] == ("drop", "6.0", "7.0", "dropped")
    assert found[2][:3] == ("mark", "6.5", "6.5")
    assert found[3] == ("mark", "7.0", "7.0", "mark: =1+1")
    assert "\x1b" not in result.stdout
    assert {r["stream"] for r in rows(log, "--stream", 2)} == {"2"}


def test_a_form_is_known_by_the_name_of_the_file() -> None:
    """Every form has a name, `.txt` stays CSV as ever, and the option's names are all there are."""
    assert set(FORMATS) == set(formats.NAMES)
    for name in ("a.srt", "a.SRT", "a.vtt", "a.TextGrid", "a.eaf", "a.rttm", "a.parquet", "a.csv"):
        assert formats.format_of(Path(name).suffix) in FORMATS
    assert formats.format_of(".TextGrid") == "textgrid"
    assert formats.format_of(".txt") is None


def test_nothing_is_left_of_an_export_that_failed(tmp_path: Path) -> None:
    """A log with a bad line in it leaves no half table; an existing file stays as it is."""
    log = write_log(tmp_path / "log.jsonl", call(), rest="rubbish\n")
    for name in ("a.csv", "a.srt"):
        with pytest.raises(LogError, match="line 16 of"):
            run(log, "--output", tmp_path / name)
        assert not (tmp_path / name).exists()
    there = tmp_path / "there.srt"
    there.write_text("mine")
    with pytest.raises(LogError, match="exists and is not overwritten"):
        run(write_log(tmp_path / "good.jsonl", call()), "--output", there)
    assert there.read_text() == "mine"


@pytest.mark.parametrize("option", ["--partials", "--gaps"])
def test_options_of_rows_are_refused_elsewhere(option: str, tmp_path: Path) -> None:
    """They would change nothing."""
    with pytest.raises(UsageError, match=option):
        run(write_log(tmp_path / "log.jsonl", call()), "--to", "srt", option)


def test_parquet_has_the_rows_of_csv_with_types(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Numbers are numbers, the wall time a moment; a log of many rows is written in parts."""
    parquet = pytest.importorskip("pyarrow.parquet", reason="no pyarrow here")
    monkeypatch.setattr(parquet_table, "_N_ROWS", 5)
    entries = [*call(), *(final(AGENT, n, n, n + 0.5, Emotion.SAD) for n in range(20, 31))]
    log = write_log(tmp_path / "log.jsonl", [*entries, mark(AGENT, 9.0, AWKWARD)])
    run(log, "--output", tmp_path / "a.parquet", "--gaps")
    table = parquet.read_table(tmp_path / "a.parquet")
    wanted = rows(log, "--gaps")
    assert table.column_names == list(wanted[0])
    assert table.num_rows == len(wanted) == 11 + 9
    first = table.slice(0, 1).to_pylist()[0]
    assert first["start_s"] == 0.5
    assert first["stream"] == 1
    assert first["started_at"].isoformat() == "2026-03-29T00:59:59.750000+00:00"
    assert first["confidence"] == pytest.approx(0.814)


def test_parquet_without_its_library_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names the extra; no file is left."""
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    log = write_log(tmp_path / "log.jsonl", call())
    with pytest.raises(SerLiveError, match=r"ser-live\[parquet\]"):
        run(log, "--output", tmp_path / "a.parquet")
    assert not (tmp_path / "a.parquet").exists()
