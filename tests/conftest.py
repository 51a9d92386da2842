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
    """Take back the signals that are ignored, by children too, in the background or by nohup."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if os.name != "nt" and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
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
def short_talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first eight seconds of the demo recording, for sessions that need no more."""
    import soundfile

    import ser_live

    demo = Path(ser_live.__file__).parent / "demo.ogg"
    samples, rate = soundfile.read(demo, frames=8 * 22_050)
    path = tmp_path_factory.mktemp("talk") / "talk.wav"
    soundfile.write(path, samples, rate)
    return path


@pytest.fixture(scope="session")
def corpus_dir() -> Path:
    """Folder of real recordings; the test is skipped where there is none."""
    named = os.environ.get("SER_DATA")
    folder = Path(named) if named else Path(__file__).parents[2] / "shared" / "data"
    if not (folder / "ravdess").is_dir():
        pytest.skip(f"no recordings at {folder}: set SER_DATA to a folder with ravdess/")
    return folder
