"""Matrices are multiplied on one thread by the program, unless somebody said otherwise."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from ser_live.process.one_thread import multiply_on_one_thread

NAMES = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")

PROGRAM = """
import json, os, sys
import ser_live.cli as cli
real = cli.multiply_on_one_thread
def watched():
    assert "numpy" not in sys.modules, "numpy has read the variables already"
    real()
cli.multiply_on_one_thread = watched
sys.argv = ["ser-live", *sys.argv[1:]]
try:
    cli.main()
except SystemExit:
    print(json.dumps(os.environ.get("OPENBLAS_NUM_THREADS")))
"""


def test_one_thread_where_nobody_said_anything() -> None:
    """Every library that numpy may be built with is told."""
    environment: dict[str, str] = {}
    multiply_on_one_thread(environment)
    assert environment == dict.fromkeys(NAMES, "1")


@pytest.mark.parametrize("name", ["OMP_NUM_THREADS", *NAMES])
def test_what_somebody_set_stays(name: str) -> None:
    """A variable that is there is not changed, and one that speaks for all libraries is enough."""
    environment = {name: "3"}
    multiply_on_one_thread(environment)
    assert environment[name] == "3"
    assert (len(environment) == 1) == (name == "OMP_NUM_THREADS")


@pytest.mark.parametrize(
    ("command", "n_threads"),
    [(("analyze", "none.wav"), "1"), (("replay", "none.wav"), "1"), (("train", "--help"), None)],
)
def test_the_program_asks_for_it_before_numpy(
    command: tuple[str, ...], n_threads: str | None
) -> None:
    """Commands that hear recordings do, before numpy is imported; those that fit models do not."""
    plain = {name: value for name, value in os.environ.items() if not name.endswith("_THREADS")}
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, *command], capture_output=True, text=True, env=plain
    )
    assert "AssertionError" not in run.stderr
    assert json.loads(run.stdout.splitlines()[-1]) == n_threads
