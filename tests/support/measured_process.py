"""A process of its own, and how much memory it took at most."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

_RUN = """
import json, resource, subprocess, sys
done = subprocess.run(sys.argv[2:])
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
json.dump(peak * (1 if sys.platform == "darwin" else 1024), open(sys.argv[1], "w"))
sys.exit(done.returncode)
"""


@dataclass(frozen=True)
class Measured:
    """How a process ended and what it took."""

    returncode: int
    stdout: str
    stderr: str
    peak_bytes: int
    seconds: float


def measured(*command: object, timeout_s: float = 600.0, **environment: str) -> Measured:
    """Run a command; its peak memory is its own, not that of the caller."""
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        note = Path(folder) / "peak"
        done = subprocess.run(
            [sys.executable, "-c", _RUN, note, *map(str, command)],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            check=False,
            timeout=timeout_s,
            env={**os.environ, **environment},
        )
        peak_bytes = json.loads(note.read_text())
    return Measured(
        done.returncode,
        done.stdout.decode(errors="replace"),
        done.stderr.decode(errors="replace"),
        peak_bytes,
        time.monotonic() - began_s,
    )


def ser_live(*arguments: object, timeout_s: float = 600.0, **environment: str) -> Measured:
    """Run the program as a user does."""
    return measured(
        sys.executable, "-m", "ser_live", *arguments, timeout_s=timeout_s, **environment
    )


HEAR = """
import sys
from ser_live.audio import StreamConverter
from ser_live.sources import FileSource
n = 0
with FileSource(sys.argv[1], speed=0) as source:
    converter = StreamConverter(source.sample_rate, source.n_channels)
    while not source.exhausted:
        block = source.read(0)
        if block is not None:
            n += len(converter.push(block))
    n += len(converter.flush())
print(n)
"""
"""Hears a recording to its end, block by block, and prints the samples at 16 kHz."""


def hear(path: Path, timeout_s: float = 600.0) -> Measured:
    """Decode a recording in a process of its own."""
    return measured(sys.executable, "-c", HEAR, path, timeout_s=timeout_s)
