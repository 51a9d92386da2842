"""Tests of races are repeated on demand, and no others are."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from places import SUPPORT, TESTS
from watched_session import first_on_path

SUITE = """
import pytest

@pytest.mark.stress
@pytest.mark.parametrize("name", "ab")
def test_that_races(name): pass

def test_that_does_not(): pass
"""


def test_rounds_repeat_the_tests_of_races(tmp_path: Path) -> None:
    """Two tests of races and another one are three tests, and 11 in five rounds."""
    suite = tmp_path / "test_some.py"
    suite.write_text(SUITE)
    (tmp_path / "conftest.py").write_bytes((TESTS / "conftest.py").read_bytes())
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = stress: races\n")
    for arguments, said in (([], "3 passed"), (["--rounds", "5"], "11 passed")):
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", suite, *arguments],
            capture_output=True,
            text=True,
            check=True,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": first_on_path(SUPPORT)},
        )
        assert said in done.stdout
