"""Batches of files: what was done is there, however they end."""

from __future__ import annotations

import csv
import io
import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from batch_trial import (
    CHEAP,
    command,
    folder_of,
    interrupted,
    interrupted_file,
    undisturbed,
    with_killed_workers,
)

import ser_live

DEMO = Path(ser_live.__file__).parent / "demo.ogg"
N_FILES = 8

on_posix = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX systems")
on_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")


@pytest.fixture(scope="module")
def calls(short_talk: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of short recordings."""
    return folder_of(short_talk, tmp_path_factory.mktemp("batch") / "calls", N_FILES)


@pytest.fixture(scope="module")
def long_calls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that fast machines take a while for, too: a signal comes before the end."""
    return folder_of(DEMO, tmp_path_factory.mktemp("long") / "calls", N_FILES)


@pytest.fixture(scope="module")
def rows(calls: Path) -> bytes:
    """Rows of an undisturbed run, CSV."""
    ended = undisturbed(command(calls, "-f", "csv"))
    assert (ended.code, ended.stderr) == (0, "")
    assert len(ended.stdout.splitlines()) > N_FILES
    return ended.stdout


@on_posix
@pytest.mark.parametrize(
    ("number", "code", "said"),
    [
        (signal.SIGINT, 130, "ended by Ctrl-C."),
        (signal.SIGTERM, 143, "ended by SIGTERM."),
        (signal.SIGHUP, 129, "ended by SIGHUP."),
    ],
)
@pytest.mark.parametrize("form", ["table", "csv"])
def test_rows_that_are_done_survive_a_signal(
    number: signal.Signals, code: int, said: str, form: str, long_calls: Path
) -> None:
    """Rows came while the run went on, none is lost or torn, and one sentence says the end."""
    whole = undisturbed(command(long_calls, "-f", form)).stdout.splitlines(keepends=True)
    ended, n_seen = interrupted(command(long_calls, "-f", form), number, 3)
    lines = ended.stdout.splitlines(keepends=True)
    assert lines == whole[: len(lines)]
    assert n_seen <= len(lines) < len(whole)
    assert ended.code == code
    assert ended.stderr.splitlines()[-1] == f"ser-live: {said}"
    assert f"of {N_FILES} files are done." in ended.stderr
    assert "Traceback" not in ended.stderr


@on_linux
@pytest.mark.slow
def test_killed_workers_cost_nothing(calls: Path, rows: bytes) -> None:
    """The files that they worked on are tried again; all rows are there, in order."""
    ended = with_killed_workers(command(calls, "-f", "csv", "-j", 2), 1, random.Random(7))
    assert (ended.code, ended.stderr, ended.stdout) == (0, "", rows)


@on_posix
@pytest.mark.parametrize(("form", "jobs"), [("csv", 1), ("jsonl", 2)])
def test_a_run_that_is_gone_on_with_is_that_of_one_run(
    form: str, jobs: int, long_calls: Path, tmp_path: Path
) -> None:
    """Byte for byte, after two interruptions; what helped is removed at the end."""
    whole = undisturbed(command(long_calls, "-f", form)).stdout
    file = tmp_path / "rows"
    journal = tmp_path / "rows.unfinished"
    run = command(long_calls, "-f", form, "-j", jobs, "-o", file)
    for n_done, resume in ((1, []), (4, ["--resume"])):
        ended = interrupted_file([*run, *resume], journal, n_done, signal.SIGINT)
        assert ended.code == 130
        assert "--resume goes on with the others." in ended.stderr
        assert whole.startswith(file.read_bytes())
    ended = undisturbed([*run, "--resume"])
    assert (ended.code, ended.stderr) == (0, "")
    assert file.read_bytes() == whole
    assert list(tmp_path.iterdir()) == [file]
    ended = undisturbed([*run, "--resume"])
    assert (ended.code, ended.stderr.count("is finished: there is nothing to go on")) == (0, 1)
    ended = undisturbed(run)
    assert (ended.code, ended.stderr.count("exists already, but rows of another run")) == (2, 1)


@on_posix
@pytest.mark.parametrize("command_", ["analyze", "features"])
def test_a_reader_that_left_gets_141_and_failures_are_said(command_: str, tmp_path: Path) -> None:
    """``| head -n 0``: the code of a broken pipe, and no file that failed goes unsaid."""
    (tmp_path / "a.wav").write_bytes(b"no sound")
    (tmp_path / "b.ogg").write_bytes(DEMO.read_bytes())
    reader, writer = os.pipe()
    os.close(reader)
    arguments = [sys.executable, "-m", "ser_live", command_, str(tmp_path)]
    with os.fdopen(writer, "w") as nobody:
        result = subprocess.run(
            [*arguments, *(CHEAP if command_ == "analyze" else CHEAP[2:])],
            stdout=nobody,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert result.returncode == 141
    assert b"a.wav is not audio" in result.stderr
    assert b"Traceback" not in result.stderr


@on_posix
def test_a_dashboard_into_a_closed_pipe_gets_141() -> None:
    """Asked for by name it is drawn anywhere; its reader may leave all the same."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as nobody:
        result = subprocess.run(
            [sys.executable, "-m", "ser_live", "replay", str(DEMO), "--speed", "0", "--no-log",
             "--display", "dashboard", *CHEAP],
            stdout=nobody,
            stderr=subprocess.PIPE,
            check=False,
            env={**os.environ, "FORCE_COLOR": "1"},
        )  # fmt: skip
    assert result.returncode == 141
    assert b"Traceback" not in result.stderr


@pytest.mark.parametrize("variable", ["FORCE_COLOR", "TTY_COMPATIBLE", "CI"])
def test_variables_draw_nothing_into_a_file(
    variable: str, short_talk: Path, tmp_path: Path
) -> None:
    """Results are lines and a plain table, and standard error has no progress bar."""
    for arguments in (
        ["replay", short_talk, "--speed", 0, "--no-log"],
        ["analyze", short_talk],
    ):
        result = subprocess.run(
            [sys.executable, "-m", "ser_live", *map(str, arguments), *CHEAP],
            capture_output=True,
            check=False,
            env={**os.environ, variable: "1", "TERM": "xterm-256color"},
        )
        assert result.returncode == 0
        assert b"\x1b" not in result.stdout + result.stderr
        assert len(result.stdout.splitlines()) >= 2


def test_a_run_that_fails_from_the_start_prints_no_header(tmp_path: Path) -> None:
    """A reader of CSV sees nothing rather than a table without rows; a silent one has one."""
    import numpy as np
    import soundfile

    (tmp_path / "a.wav").write_bytes(b"no sound")
    for form in ("csv", "table"):
        ended = undisturbed(command(tmp_path, "-f", form))
        assert (ended.code, ended.stdout) == (1, b"")
        # The name once in each sentence.
        assert ended.stderr.count("a.wav") == 1
    file = tmp_path / "rows.csv"
    assert undisturbed(command(tmp_path, "-f", "csv", "-o", file)).code == 1
    assert not list(tmp_path.glob("rows*"))
    soundfile.write(tmp_path / "b.wav", np.zeros(16_000), 16_000)
    ended = undisturbed(command(tmp_path, "-f", "csv"))
    assert ended.code == 1
    assert list(csv.DictReader(io.StringIO(ended.stdout.decode()))) == []
    assert ended.stdout.startswith(b"type,")


def test_what_is_left_out_is_counted_and_named(short_talk: Path, tmp_path: Path) -> None:
    """One line at the end, the names only where they are asked for."""
    folder = folder_of(short_talk, tmp_path / "calls", 1)
    (folder / "notes.txt").write_text("x")
    (folder / "._00.wav").write_text("x")
    ended = undisturbed(command(folder))
    assert (ended.code, ended.stderr) == (
        0,
        "ser-live: left out 1 file with another name and 1 hidden or discarded one "
        "(-v names them).\n",
    )
    ended = undisturbed(command(folder, "-v"))
    assert f"  {folder / 'notes.txt'}: file with another name\n" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("analyse", "x.wav"), "did you mean `ser-live analyze`?"),
        (("--debug", "docter"), "did you mean `ser-live doctor`?"),
        (("qqqq",), "see `ser-live --help`"),
    ],
)
def test_a_mistyped_command_gets_a_suggestion(arguments: tuple[str, ...], said: str) -> None:
    """What is no command is never heard through the microphone."""
    result = subprocess.run(
        [sys.executable, "-m", "ser_live", *arguments], capture_output=True, check=False
    )
    assert result.returncode == 2
    assert said in result.stderr.decode().splitlines()[-1]


@pytest.mark.parametrize("form", ["lines", "dashboard"])
def test_a_session_that_never_began_leaves_nothing(form: str, tmp_path: Path) -> None:
    """One sentence: no sums of nothing, no log of nothing."""
    result = subprocess.run(
        [sys.executable, "-m", "ser_live", "replay", "missing.wav", "--display", form, *CHEAP],
        capture_output=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")},
    )
    assert result.returncode == 3
    assert result.stderr.decode() == (
        "ser-live: There is no file missing.wav, but a recording is needed: check the path.\n"
    )
    assert not list(tmp_path.rglob("*.jsonl"))


def test_options_of_a_file_of_rows_must_fit(calls: Path, tmp_path: Path) -> None:
    """Each refusal is one sentence with exit code 2."""
    file = tmp_path / "rows.csv"
    refusals: list[tuple[list[Any], str]] = [
        (["--resume"], "needs the file to go on with"),
        (["-o", file], "csv or jsonl is needed"),
    ]
    for options, said in refusals:
        ended = undisturbed(command(calls, *options))
        assert (ended.code, ended.stderr.count(said)) == (2, 1)
    assert json.dumps(list(map(str, tmp_path.iterdir()))) == "[]"
