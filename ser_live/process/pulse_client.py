"""The connection of this process to PulseAudio: through its socket, not shared memory.

When the server dies while PortAudio's thread holds a piece of shared memory, libpulse waits
for that piece with the lock held that the thread needs to give it back: both hang for good,
and with them every attempt to close the stream. Through the socket nothing is shared. For
32 kB/s of speech the copy costs nothing.

The only way to tell libpulse is an environment variable. That belongs to the program, so the
library leaves it alone.
"""

from __future__ import annotations

import atexit
import os
import sys
import tempfile
from pathlib import Path
from typing import IO

_VARIABLE = "PULSE_CLIENTCONFIG"

_file: IO[str] | None = None
"""Read by libpulse at every connection, so it lives as long as the process."""


def avoid_shared_memory() -> None:
    """Tell libpulse by a configuration file of our own, named in this process's environment.

    The user's configuration is read first; harmless when repeated, and without PulseAudio.
    """
    global _file
    if _file is not None or not sys.platform.startswith("linux"):
        return
    lines = [f".include {path}" for path in _users_files()]
    try:
        _file = tempfile.NamedTemporaryFile("w", prefix="ser-live-pulse-", suffix=".conf")  # noqa: SIM115
        _file.write("\n".join([*lines, "enable-shm = no", ""]))
        _file.flush()
    except OSError:
        return  # no writable folder: then as libpulse does by itself
    atexit.register(_file.close)
    os.environ[_VARIABLE] = _file.name


def _users_files() -> list[Path]:
    """The configuration that libpulse would read, and the folder that belongs to it."""
    config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    named = os.environ.get(_VARIABLE)
    places = [Path(named)] if named else []
    places += [config / "pulse/client.conf", Path("/etc/pulse/client.conf")]
    for place in places:
        parts = sorted(Path(f"{place}.d").glob("*.conf"))
        if place.is_file():
            return [place, *parts]
    return []
