"""A signal at moments when no session is there to end: each has its exit code, once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import ser_live
from ser_live.process.ending_signals import EXIT_CODES

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX systems")

DEMO = Path(ser_live.__file__).parent / "demo.ogg"
CHEAP = ("--model", "classic", "--vad-confirm", "off")

SEND = "import atexit, os, sys\ndef send(): os.kill(os.getpid(), {number})\n"

LOADING = """
class Finder:
    def find_spec(self, name, *_):
        if name == 'click':
            send()
sys.meta_path.insert(0, Finder())
"""
"""The moment at which the first library is loaded."""

READING = """
import ser_live.cli
real = ser_live.cli._LazyGroup.parse_args
ser_live.cli._LazyGroup.parse_args = lambda *a: (send(), real(*a))[1]
"""
"""The moment at which the command line is read."""

AFTER_THE_FILES = """
import ser_live.cli.ending as ending
real = ending.BatchEnding.__exit__
def leave(self, *error):
    real(self, *error)
    send()
ending.BatchEnding.__exit__ = leave
"""
"""The moment at which handlers are given back, with all rows written."""

SWALLOWED = """
import ser_live.cli
class Deaf:
    def __del__(self):
        send()
real = ser_live.cli._run
def run():
    Deaf()
    send()
    return real()
ser_live.cli._run = run
"""
"""A first signal in a destructor, which loses what is raised in it, and a second one."""

AT_EXIT = "atexit.register(send)\n"
"""The moment at which Python is taken apart."""


def run(
    moment: str, number: int, *words: object, ignored: bool = False
) -> subprocess.CompletedProcess[str]:
    code = SEND.format(number=int(number)) + moment + "from ser_live.__main__ import main\nmain()\n"

    def ignore() -> None:
        signal.signal(number, signal.SIG_IGN)

    return subprocess.run(
        [sys.executable, "-c", code, *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        preexec_fn=ignore if ignored else None,
    )


@pytest.mark.parametrize("number", EXIT_CODES)
@pytest.mark.parametrize("moment", [LOADING, READING, SWALLOWED], ids=["load", "read", "deaf"])
def test_before_the_work(moment: str, number: signal.Signals) -> None:
    """One sentence, the code of the signal, and nothing was done."""
    result = run(moment, number, "version")
    name = "Ctrl-C" if number == signal.SIGINT else number.name
    assert result.stdout == ""
    assert f"ser-live: ended by {name}.\n" in result.stderr
    assert "main()" not in result.stderr  # no traceback through the program
    assert result.returncode == EXIT_CODES[number]


def test_between_the_last_row_and_the_end() -> None:
    """All rows are there; the code is that of the signal, not of Python's own end by it."""
    result = run(AFTER_THE_FILES, signal.SIGINT, "analyze", DEMO, "-f", "jsonl", *CHEAP)
    assert len([json.loads(line) for line in result.stdout.splitlines()]) > 2
    assert result.stderr == "ser-live: ended by Ctrl-C.\n"
    assert result.returncode == 130


@pytest.mark.parametrize("number", EXIT_CODES)
def test_after_the_code_is_decided(number: signal.Signals) -> None:
    """What was done is done: the code is that of the work, whatever comes."""
    result = run(AT_EXIT, number, "version")
    assert (result.returncode, result.stderr) == (0, "")
    assert ser_live.__version__ in result.stdout
    assert run(AT_EXIT, number, "nonsense").returncode == 2


def test_what_was_ignored_stays_ignored() -> None:
    """As nohup wants it."""
    result = run(LOADING + AT_EXIT, signal.SIGHUP, "version", ignored=True)
    assert result.returncode == 0
