"""Work on files that ends its process where the name of the file asks for it."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path


def work(path: Path) -> str:
    """The name of the file, or an end of its kind: killed, aborted, left, raised, late, hungry."""
    kind = path.stem.partition("-")[0]
    if kind == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    elif kind == "aborted":
        os.abort()
    elif kind == "left":
        os._exit(7)
    elif kind == "raised":
        raise ZeroDivisionError("a defect")
    elif kind == "lacking":
        raise ImportError("a library")
    elif kind == "late":
        time.sleep(1.0)
    elif kind == "once":
        # Ends the process only where nobody tried it before.
        if not path.exists():
            path.touch()
            os.kill(os.getpid(), signal.SIGKILL)
    elif kind == "hungry":
        if not path.exists():
            path.touch()
            os._exit(9)
        return str(len(bytearray(6 << 30)))
    elif kind == "hung":
        if not path.exists():
            path.touch()
            os._exit(9)
        time.sleep(600)
    return path.name
