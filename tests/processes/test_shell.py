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


@pytest.mark.parametrize("option", [("--output", "x"), ("--finals",)])
def test_the_dashboard_takes_no_options_of_rows(
    option: tuple[str, ...], replay: tuple[object, ...], tmp_path: Path
) -> None:
    """They would change nothing there."""
    result = ser(*replay, "--format", "dashboard", *option, cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr.startswith(f"ser-live: Found {option[0]} with the format dashboard")
    assert not list(tmp_path.iterdir())


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


@pytest.mark.parametrize(
    "words", [["log"], ["log", "list"], ["log", "show"], ["log", "follow"], ["log", "export"],
              ["help"], ["version"], ["completion"]], ids=" ".join
)  # fmt: skip
def test_help_fits_a_terminal_and_shows_two_examples(words: list[str]) -> None:
    """24 rows of 80 cells."""
    lines = ser(*words, "--help").stdout.splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    first = next(n for n, line in enumerate(lines) if line.startswith("  Examples")) + 1
    assert all("ser-live " in line for line in lines[first : first + 2])


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
