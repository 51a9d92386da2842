"""Work that workers of a cluster do in tests; in a module of its own, for they import it."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path


def slow_length(path: Path) -> int:
    """Length of a file after a moment; of one named ``poison`` the end of the process."""
    if "poison" in path.name:
        os.kill(os.getpid(), signal.SIGKILL)
    if "odd" in path.name:
        raise ValueError("odd")
    time.sleep(0.05)
    return len(path.read_bytes())


def process_id(_: object = None) -> int:
    """Process of the worker that runs it."""
    return os.getpid()
