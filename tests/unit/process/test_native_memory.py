"""Memory that a long utterance took goes back to the system, measured in real processes."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys

import pytest

KEPT_MB = """
import sys
from pathlib import Path
import numpy as np
from ser_live.process.native_memory import give_back_early

def resident_mb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6

if sys.argv[1] == "early":
    give_back_early()
np.ones(30_000_000, np.uint8)  # freed at once
before = resident_mb()
pieces = [np.ones(size, np.uint8) for _ in range(10) for size in (4_000_000, 4_000)]
del pieces[::2]  # what stays lies between what goes
print(resident_mb() - before)
"""


@pytest.mark.skipif(
    not sys.platform.startswith("linux") or not hasattr(ctypes.CDLL(None), "gnu_get_libc_version"),
    reason="the C library is not glibc",
)
def test_what_was_freed_is_given_back() -> None:
    """40 MB in ten pieces, all freed: next to nothing stays, and without the call nearly all."""
    # What dask sets for its workers would change the case without the call.
    plain = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    kept_mb = {
        when: float(
            subprocess.run(
                [sys.executable, "-c", KEPT_MB, when], check=True, capture_output=True, env=plain
            ).stdout
        )
        for when in ("early", "as it is")
    }
    assert kept_mb["early"] < 4.0
    assert kept_mb["as it is"] > 20.0
