"""``ser-live log`` beside a session that runs: real processes, one real log."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import ser_live

DEMO = Path(ser_live.__file__).parent / "demo.ogg"
SER_LIVE = (sys.executable, "-m", "ser_live")
CHEAP = ("--model", "classic", "--vad-confirm", "off")

pytestmark = pytest.mark.skipif(os.name == "nt", reason="no locks on files here")


def started(*arguments: object, home: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*SER_LIVE, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "XDG_STATE_HOME": str(home)},
    )


def wait_for_log(home: Path) -> None:
    deadline_s = time.monotonic() + 60
    while not list(home.rglob("*.jsonl")):
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


def test_follow_prints_what_the_session_prints(tmp_path: Path) -> None:
    """From a number in the list, line for line, until the session ends."""
    session = started("replay", DEMO, "--speed", 12, *CHEAP, "--format", "lines", home=tmp_path)
    wait_for_log(tmp_path)
    follower = started("log", "follow", 1, "--all", home=tmp_path)
    printed, _ = session.communicate(timeout=120)
    followed, complaints = follower.communicate(timeout=30)
    assert (session.returncode, follower.returncode, complaints) == (0, 0, "")
    lines = followed.splitlines()
    assert (lines[0], lines[-1]) == ("== demo.ogg", "== ended: end")
    assert lines[1:-1] == printed.splitlines()
    assert len(lines) > 5


def test_follow_survives_the_death_of_the_session(tmp_path: Path) -> None:
    """After kill -9 what was logged was printed, and a sentence says that no end came."""
    session = started("replay", DEMO, "--speed", 4, *CHEAP, home=tmp_path)
    wait_for_log(tmp_path)
    follower = started("log", "follow", "--format", "jsonl", "--finals", home=tmp_path)
    assert follower.stdout is not None
    first = json.loads(follower.stdout.readline())
    assert (first["type"], first["kind"]) == ("emotion", "final")
    session.send_signal(signal.SIGKILL)
    session.communicate()
    rest, complaints = follower.communicate(timeout=30)
    assert follower.returncode == 0
    assert "was killed" in complaints
    (log,) = tmp_path.rglob("*.jsonl")
    logged = [line for line in log.read_text().splitlines() if '"kind":"final"' in line]
    assert [json.loads(line) for line in logged] == [first, *map(json.loads, rest.splitlines())]
    shown = subprocess.run(
        [*SER_LIVE, "log", "list"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path)},
    )
    assert "cut off" in shown.stdout


def test_ctrl_c_ends_following_alone(tmp_path: Path) -> None:
    """Exit code 130; the session does not notice."""
    session = started("replay", DEMO, "--speed", 3, *CHEAP, home=tmp_path)
    wait_for_log(tmp_path)
    follower = started("log", "follow", home=tmp_path)
    assert follower.stdout is not None
    assert follower.stdout.readline() == "== demo.ogg\n"
    follower.send_signal(signal.SIGINT)
    _, complaints = follower.communicate(timeout=30)
    assert (follower.returncode, complaints) == (130, "ser-live: ended by Ctrl-C.\n")
    assert session.poll() is None
    session.terminate()
    session.communicate(timeout=60)
    assert session.returncode == 143
