"""Threads and processes that meet at every moment: the tests of races, again and again."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

from reliability.machinery import ROOT, TESTS
from reliability.row import Row

TITLE = "Races"

N_ROUNDS = 200
N_ROUNDS_SHORT = 3


def run(*, short: bool, data: Path | None) -> list[Row]:
    """Run every test that is marked ``stress`` many times over."""
    del data
    n_rounds = N_ROUNDS_SHORT if short else N_ROUNDS
    began_s = time.monotonic()
    # Collecting the others would take longer than running these.
    files = [path for path in TESTS.rglob("test_*.py") if "mark.stress" in path.read_text("utf-8")]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "stress",
         "--rounds", str(n_rounds), *files],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )  # fmt: skip
    counts = {word: int(n) for n, word in re.findall(r"(\d+) (passed|failed|error)", done.stdout)}
    if done.returncode != 0:
        print(done.stdout[-3000:])
    n_passed = counts.get("passed", 0)
    return [
        Row(
            "ring buffer, queue, session and log under threads that meet at any moment",
            f"{n_passed} of {sum(counts.values())} runs of {sum(counts.values()) // n_rounds} "
            "tests hold",
            "all of them",
            done.returncode == 0 and n_passed > 0,
            time.monotonic() - began_s,
        )
    ]
