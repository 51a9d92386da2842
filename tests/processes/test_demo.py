"""The demo as people get it: acted speech, what was asked for, and the invitation."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile
from terminal_run import on_terminal

import ser_live
from ser_live.cli.demo_script import comparison, read_script
from ser_live.emotions import LABELS

ACTED = Path(ser_live.__file__).parent / "acted"


def demo(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ser_live", "demo", "--speed", "0", "--no-log", *options],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="module")
def as_lines() -> subprocess.CompletedProcess[str]:
    return demo("--format", "lines")


def test_it_is_short_small_and_carries_its_licence() -> None:
    """Half a minute in at most 400 kB; credit and licence lie beside it."""
    recording = ACTED / "speech.ogg"
    assert 20 <= soundfile.info(recording).duration <= 31
    assert recording.stat().st_size <= 400_000
    licence = (ACTED / "LICENSE.md").read_text(encoding="utf-8")
    assert "CC BY-NC-SA 4.0" in licence
    assert "Livingstone" in licence


def test_the_script_fits_the_recording() -> None:
    """Each emotion is asked for once, one after the other, inside the recording."""
    lines = read_script().lines
    assert sorted(line.asked for line in lines) == sorted(LABELS)
    edges = [at_s for line in lines for at_s in (line.start_s, line.end_s)]
    assert edges == sorted(edges)
    assert edges[-1] < soundfile.info(ACTED / "speech.ogg").duration


def test_each_answer_stands_beside_what_was_asked(
    as_lines: subprocess.CompletedProcess[str],
) -> None:
    """All eight are heard as asked; the table says so, whom it comes from, and what to do next."""
    assert as_lines.returncode == 0
    assert len(as_lines.stdout.splitlines()) == 8
    said = as_lines.stderr
    for asked in LABELS:
        assert any(row.split()[1:3] == [asked, asked] for row in said.splitlines()), asked
    assert "8 of 8 as asked" in said
    assert "CC BY-NC-SA 4.0" in said
    assert said.rstrip().endswith("Now speak: ser-live")


def test_programs_get_rows_alone() -> None:
    """With --quiet and jsonl nothing is said beside the records."""
    result = demo("--format", "jsonl", "--finals", "--quiet")
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert [record["emotion"] for record in records] == [line.asked for line in read_script().lines]
    assert result.stderr == ""


def test_without_any_utterance_nothing_is_counted() -> None:
    """A demo that was ended at once shows no table, and still invites."""
    rows = comparison(read_script(), [])
    assert not any("of 0" in row for row in rows)
    assert rows[-1] == "Now speak: ser-live"


def test_the_dashboard_says_what_was_asked_while_it_is_said() -> None:
    """The header carries what is asked for; the table follows once the screen is given back."""
    # Without a limit a fast machine is done between two pictures of the screen.
    shown = on_terminal("demo", "--speed", 8, "--no-log", terminal="xterm-256color")
    assert shown.returncode == 0
    screen, _, after = shown.text.rpartition("asked for surprised")
    assert screen
    assert "8 of 8 as asked" in after
