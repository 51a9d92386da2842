"""Fixtures for every test."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from debian_packages import REMEDY


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what `.ci/run` and `make reliability` ask for beyond a plain run."""
    parser.addoption(
        "--note-lacking",
        type=Path,
        metavar="FILE",
        help="write the tests that were skipped for want of a system package to FILE, one a "
        "line: once it is installed, `pytest @FILE` runs them",
    )
    parser.addoption(
        "--rounds", type=int, default=1, metavar="N", help="run every test of races N times"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Take SIGINT back: a shell ignores it in what it runs in the background, children too."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if (note := config.getoption("--note-lacking")) is not None:
        config.pluginmanager.register(LackingPackages(note))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Repeat the tests of races: threads meet otherwise each time."""
    n_rounds = metafunc.config.getoption("--rounds")
    if n_rounds > 1 and metafunc.definition.get_closest_marker("stress"):
        metafunc.fixturenames.append("stress_round")
        metafunc.parametrize("stress_round", range(n_rounds))


class LackingPackages:
    """Notes in a file every test that was skipped for want of a system package."""

    def __init__(self, note: Path) -> None:
        self._note = note
        note.write_text("")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
        if report.skipped and reason.endswith(REMEDY):
            with self._note.open("a") as note:
                note.write(f"{report.nodeid}\n")


@pytest.fixture(scope="session")
def corpus_dir() -> Path:
    """Folder of real recordings; the test is skipped where there is none."""
    named = os.environ.get("SER_DATA")
    folder = Path(named) if named else Path(__file__).parents[2] / "shared" / "data"
    if not (folder / "ravdess").is_dir():
        pytest.skip(f"no recordings at {folder}: set SER_DATA to a folder with ravdess/")
    return folder
