"""A machine that lacks system packages: made of any machine, told from others, and noted."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from debian_packages import REMEDY
from places import SUPPORT, TESTS
from sick_machine import NO_PORTAUDIO, run
from watched_session import first_on_path

HIDING = SUPPORT / "no_portaudio"


def imported(prelude: str, **environment: str) -> str:
    """What a child's child says when it imports sounddevice."""
    child = f"{prelude}\nimport sounddevice"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **environment},
    )
    return result.stderr.splitlines()[-1]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="others bring PortAudio along")
def test_hidden_portaudio_is_as_a_missing_one() -> None:
    """The stand-in raises, also in a child's child, what the real module does without it."""
    assert imported("", PYTHONPATH=first_on_path(HIDING)) == imported(NO_PORTAUDIO)


def test_ser_live_finds_no_portaudio_where_it_is_hidden() -> None:
    """A session ends with the sentence that says what to install."""
    result = run("--no-log", PYTHONPATH=first_on_path(HIDING))
    assert result.returncode == 4
    assert "PortAudio library was not found" in result.stderr


SUITE = f"""
import pytest

@pytest.fixture(scope="module")
def server():
    pytest.skip("no such server: {REMEDY}")

@pytest.mark.parametrize("name", ["a b", "é"])
def test_in_a_fixture(server, name): pass

def test_in_the_call(): pytest.skip("no such program: {REMEDY}")

def test_of_another_system(): pytest.skip("{REMEDY}, which is for another system")

def test_that_runs(): pass
"""


def test_what_a_package_kept_from_running_is_noted(tmp_path: Path) -> None:
    """The note names these tests and no other, and pytest runs them by it."""
    suite, note = tmp_path / "test_some.py", tmp_path / "note"
    suite.write_text(SUITE, encoding="utf-8")
    (tmp_path / "conftest.py").write_bytes((TESTS / "conftest.py").read_bytes())

    def tests(*arguments: object) -> str:
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *map(str, arguments)],
            capture_output=True,
            text=True,
            check=True,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": first_on_path(SUPPORT)},
        ).stdout

    assert "1 passed, 4 skipped" in tests(f"--note-lacking={note}", suite)
    noted = note.read_text().splitlines()
    assert [test.partition("::")[2].partition("[")[0] for test in noted] == [
        *("test_in_a_fixture", "test_in_a_fixture", "test_in_the_call")
    ]
    assert "3 skipped" in tests(f"@{note}")
    suite.write_text(SUITE.replace("pytest.skip", "str"), encoding="utf-8")
    assert "3 passed" in tests(f"--note-lacking={note}", f"@{note}")
    assert note.read_text() == ""
