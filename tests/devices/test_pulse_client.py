"""libpulse is told to share no memory, and loses nothing of the user's configuration."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="PulseAudio: Linux")


def told(environment: dict[str, str]) -> str:
    code = """
import os
from ser_live.process.pulse_client import avoid_shared_memory
avoid_shared_memory()
avoid_shared_memory()
print(open(os.environ["PULSE_CLIENTCONFIG"]).read())
"""
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return run.stdout


def test_shared_memory_is_off(tmp_path: Path) -> None:
    """The last word of the configuration is that no memory is shared."""
    assert told({"XDG_CONFIG_HOME": str(tmp_path)}).rstrip().endswith("enable-shm = no")


def test_the_users_configuration_comes_first(tmp_path: Path) -> None:
    """The user's file and the folder beside it are read before it."""
    parts = tmp_path / "pulse" / "client.conf.d"
    parts.mkdir(parents=True)
    (tmp_path / "pulse" / "client.conf").write_text("default-server = x\n")
    (parts / "more.conf").write_text("autospawn = no\n")
    lines = told({"XDG_CONFIG_HOME": str(tmp_path)}).split("\n")
    assert lines[:3] == [
        f".include {tmp_path}/pulse/client.conf",
        f".include {parts}/more.conf",
        "enable-shm = no",
    ]


def test_a_file_that_the_user_named_wins(tmp_path: Path) -> None:
    """What the environment names is what is read, as libpulse would."""
    named = tmp_path / "mine.conf"
    named.write_text("autospawn = no\n")
    assert told({"PULSE_CLIENTCONFIG": str(named)}).startswith(f".include {named}\n")
