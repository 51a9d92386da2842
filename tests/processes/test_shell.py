"""The program in a shell: rows for programs, a quiet standard error, help and version."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile
from readme_commands import table_commands

import ser_live

DEMO = Path(ser_live.__file__).parent / "demo.ogg"
SER_LIVE = (sys.executable, "-m", "ser_live")


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first two utterances of the demo recording."""
    samples, rate = soundfile.read(DEMO, dtype="float32")
    path = tmp_path_factory.mktemp("shell") / "talk.wav"
    soundfile.write(path, samples[: 9 * rate], rate)
    return path


@pytest.fixture(scope="module")
def replay(talk: Path) -> tuple[object, ...]:
    """A replay that is over soon and leaves no log."""
    cheap = ("--speed", 0, "--model", "classic", "--vad-confirm", "off")
    return ("replay", talk, *cheap, "--no-log")


def ser(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*SER_LIVE, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=cwd,
        env={**os.environ, "COLUMNS": "80"},
    )


def test_finals_are_the_only_rows_and_quiet_is_quiet(
    replay: tuple[object, ...], tmp_path: Path
) -> None:
    """A result a line, nothing else; the same in a file, and standard error stays empty."""
    shown = ser(*replay, "--format", "jsonl", "--finals", "-q")
    assert (shown.returncode, shown.stderr) == (0, "")
    records = [json.loads(line) for line in shown.stdout.splitlines()]
    assert len(records) >= 2
    assert {(r["type"], r["kind"]) for r in records} == {("emotion", "final")}
    assert all(r["probabilities"] is None or len(r["probabilities"]) == 8 for r in records)
    rows = tmp_path / "rows.jsonl"
    written = ser(*replay, "--format", "jsonl", "--finals", "--quiet", "--output", rows)
    assert (written.returncode, written.stdout, written.stderr) == (0, "", "")
    assert [json.loads(line)["id"] for line in rows.read_text().splitlines()] == [
        r["id"] for r in records
    ]
    assert rows.stat().st_mode & 0o077 == 0
    again = ser(*replay, "--output", rows)
    assert again.returncode == 6
    assert "exists and is not overwritten" in again.stderr


def test_an_output_is_lines_by_itself_and_nothing_is_left_of_no_session(
    replay: tuple[object, ...], tmp_path: Path
) -> None:
    """With --output alone lines are meant; a session that cannot begin leaves no file."""
    rows = tmp_path / "rows"
    assert ser(*replay, "-o", rows).stdout == ""
    assert re.match(r"00:0\d\.\d-00:0\d\.\d ", rows.read_text())
    spoilt = tmp_path / "spoilt"
    result = ser(*replay[:-1], "--log", rows, "-o", spoilt)  # that log exists
    assert result.returncode == 6
    assert not spoilt.exists()
    assert ser(*replay, "-o", tmp_path / "no" / "folder").returncode == 6


@pytest.mark.parametrize(
    ("display", "option"), [("dashboard", ("--format", "jsonl")), ("none", ("--finals",))]
)
def test_rows_need_a_place_beside_a_display(
    display: str, option: tuple[str, ...], replay: tuple[object, ...], tmp_path: Path
) -> None:
    """Where nothing is printed they would go nowhere."""
    result = ser(*replay, "--display", display, *option, cwd=tmp_path)
    assert result.returncode == 2
    said = f"ser-live: Found {' '.join(option)} with --display {display}, but rows need a place"
    assert result.stderr.startswith(said)
    assert not list(tmp_path.iterdir())


def test_a_session_that_shows_nothing_is_in_its_log(
    replay: tuple[object, ...], tmp_path: Path
) -> None:
    """With --display none the log alone grows; without one the session is refused."""
    log = tmp_path / "log.jsonl"
    result = ser(*replay[:-1], "--log", log, "--display", "none", "-q")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert '"emotion"' in log.read_text()
    refused = ser(*replay, "--display", "none")
    assert refused.returncode == 2
    assert "nothing is left of the session" in refused.stderr


def test_rows_are_written_beside_a_display(replay: tuple[object, ...], tmp_path: Path) -> None:
    """A file gets the rows that would be printed, while the dashboard has the terminal."""
    printed = ser(*replay, "--format", "csv")
    header, *lines = printed.stdout.splitlines()
    assert header.startswith("type,id,kind,start_s,end_s,emotion,")
    assert len(lines) >= 2
    for display in ("dashboard", "none"):
        rows = tmp_path / display
        shown = ser(*replay, "--format", "csv", "-o", rows, "--display", display)
        assert shown.returncode == 0
        assert [_timeless(line) for line in rows.read_text().splitlines()] == [
            _timeless(line) for line in (header, *lines)
        ]
        assert "type,id,kind" not in shown.stdout


def _timeless(line: str) -> list[str]:
    """Cells of a row but the one that says how long the analysis took."""
    return [cell for n, cell in enumerate(line.split(",")) if n != 22]


def test_old_spellings_go_on_working(replay: tuple[object, ...], tmp_path: Path) -> None:
    """A display given as a format is shown, after one sentence about it."""
    new = ser(*replay, "--display", "auto")
    old = ser(*replay, "--format", "auto")
    assert old.stdout == new.stdout != ""
    assert old.stderr.startswith("ser-live: --format auto is --display auto by now")
    assert old.stderr.count("\n") == new.stderr.count("\n") + 1
    assert "by now" not in ser(*replay, "--format", "auto", "-q").stderr
    refused = ser(*replay, "--format", "dashboard", "--display", "lines")
    assert refused.returncode == 2
    assert "auto" not in ser("replay", "x.wav", "--format", "nonsense").stderr


def test_rows_load_nothing_that_draws(replay: tuple[object, ...]) -> None:
    """A start for a program does not wait for the dashboard and what it is drawn with."""
    code = (
        "import sys\nfrom ser_live.cli import main\n"
        "try: main()\n"
        "finally: print([m for m in sys.modules if m in ('rich.console', 'jinja2') or "
        "m.startswith('ser_live.outputs.dashboard.')], file=sys.stderr)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, *map(str, replay), "--format", "jsonl", "-q"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stderr == "[]\n"


def test_quiet_batches_say_only_what_went_wrong(talk: Path, tmp_path: Path) -> None:
    """What was left out of folders is not said, what failed is."""
    shutil.copy(talk, tmp_path)
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "bad.wav").write_text("no audio")
    arguments = ("features", tmp_path, "--vad-confirm", "off")
    usual, quiet = ser(*arguments), ser(*arguments, "-q")
    assert usual.stdout == quiet.stdout
    assert "left out" in usual.stderr
    assert "left out" not in quiet.stderr
    assert "bad.wav" in quiet.stderr
    assert ser(*arguments, "-q", "-v").returncode == 2


def test_help_and_version_are_commands_too() -> None:
    """They print what the options print; a word that is no command is named."""
    for words in ([], ["log", "export"]):
        assert ser("help", *words).stdout == ser(*words, "-h").stdout != ""
    assert ser("version").stdout == ser("-V").stdout == ser("--version").stdout
    assert ser_live.__version__ in ser("version").stdout
    refused = ser("help", "log", "nonsense")
    assert refused.returncode == 2
    assert "'nonsense', which is no command of" in refused.stderr


@pytest.mark.skipif(shutil.which("jq") is None, reason="no jq here to run README's example with")
def test_the_example_for_programs_in_readme_is_right(replay: tuple[object, ...]) -> None:
    """With a recording for the microphone, each line is a result's probabilities."""
    (example,) = [command for command in table_commands() if "| jq " in command]
    ours, _, theirs = example.removeprefix("ser-live ").partition(" | jq ")
    shown = ser(*replay, *ours.split())
    result = subprocess.run(
        ["jq", *theirs.split()], input=shown.stdout, capture_output=True, text=True, check=True
    )
    assert set(map(len, map(json.loads, result.stdout.splitlines()))) == {8}
