"""System packages that a test may need, and how a test is skipped where one is missing."""

from __future__ import annotations

import shutil
from collections.abc import Iterable

import pytest

REMEDY = "run scripts/install_debian.sh --test"
"""How every such reason to skip ends, and no other one: `conftest.py` goes by it."""


def missing_programs(names: Iterable[str]) -> str:
    """A reason to skip what needs these programs; empty where all are there."""
    missing = [name for name in names if shutil.which(name) is None]
    return f"no {', '.join(missing)}: {REMEDY}" if missing else ""


def missing_portaudio() -> str:
    """A reason to skip what needs the PortAudio library; empty where it is there."""
    try:
        import sounddevice  # noqa: F401
    except OSError as error:
        return f"{error}: {REMEDY}"
    return ""


def require_portaudio() -> None:
    """Skip the test where the PortAudio library is missing."""
    if why := missing_portaudio():
        pytest.skip(why)
