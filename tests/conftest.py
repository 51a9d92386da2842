"""Fixtures for every test."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def corpus_dir() -> Path:
    """Folder of real recordings; the test is skipped where there is none."""
    named = os.environ.get("SER_DATA")
    folder = Path(named) if named else Path(__file__).parents[2] / "shared" / "data"
    if not (folder / "ravdess").is_dir():
        pytest.skip(f"no recordings at {folder}: set SER_DATA to a folder with ravdess/")
    return folder
