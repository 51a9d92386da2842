"""Tools that several sections share: sound to listen to, processes to watch, the tests' tools."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"
DEMO = ROOT / "ser_live" / "demo.ogg"
SUPPORT = TESTS / "support"
SPOILT = SUPPORT / "spoilt_session.py"
CACHE = ROOT / ".cache" / "reliability"
"""Folder in which long measurements leave what they have so far."""

# What makes a virtual microphone or a paced capture is shared with the tests.
if str(SUPPORT) not in sys.path:
    sys.path.insert(0, str(SUPPORT))

SER_LIVE = (sys.executable, "-m", "ser_live")


def read_16_khz(path: Path) -> NDArray[np.float32]:
    """A recording as mono samples at 16 kHz."""
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono: NDArray[np.float32] = samples.mean(axis=1, dtype=np.float32)
    if rate == 16_000:
        return mono
    converted: NDArray[np.float32] = soxr.resample(mono, rate, 16_000)
    return converted


def talk(duration_s: float) -> NDArray[np.float32]:
    """The demo recording over and over, 16 kHz."""
    once = read_16_khz(DEMO)
    n = round(duration_s * 16_000)
    return np.tile(once, -(-n // len(once)))[:n]


def rss_mb(pid: int | None = None) -> float:
    """Memory that a process (default: this one) has in use, in megabytes."""
    pages = int(Path(f"/proc/{pid or 'self'}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def without(record: Mapping[str, Any], *fields: str) -> dict[str, Any]:
    """`record` without fields that differ from run to run."""
    return {name: value for name, value in record.items() if name not in fields}
