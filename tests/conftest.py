"""Fixtures for every test."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest


def pytest_configure() -> None:
    """Take SIGINT back: a shell ignores it in what it runs in the background, children too."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def corpus_dir() -> Path:
    """Folder of real recordings; the test is skipped where there is none."""
    named = os.environ.get("SER_DATA")
    folder = Path(named) if named else Path(__file__).parents[2] / "shared" / "data"
    if not (folder / "ravdess").is_dir():
        pytest.skip(f"no recordings at {folder}: set SER_DATA to a folder with ravdess/")
    return folder
