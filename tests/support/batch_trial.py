"""``ser-live analyze`` over a folder, disturbed: signals, killed workers, another try."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

CHEAP = ("--model", "classic", "--vad-confirm", "off")
"""Fast model: files are gone through in the same way with any."""

_DEADLINE_S = 300.0


def folder_of(recording: Path, folder: Path, n_files: int) -> Path:
    """A folder of copies of a recording."""
    folder.mkdir()
    for number in range(n_files):
        shutil.copy(recording, folder / f"{number:02d}{recording.suffix}")
    return folder


def command(folder: Path, *options: object) -> list[str]:
    """The command line that analyzes a folder."""
    return [sys.executable, "-m", "ser_live", "analyze", str(folder), *map(str, options), *CHEAP]


@dataclass(frozen=True)
class Ended:
    """A run that was interrupted or not."""

    code: int
    stdout: bytes
    stderr: str


def undisturbed(arguments: Sequence[str]) -> Ended:
    """A run to its end."""
    result = subprocess.run(arguments, capture_output=True, check=False)
    return Ended(result.returncode, result.stdout, result.stderr.decode())


def interrupted(
    arguments: Sequence[str], number: signal.Signals, n_lines: int, delay_s: float = 0.0
) -> tuple[Ended, int]:
    """Send a signal once so many lines came, and a moment more; and how many had come."""
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        seen = [process.stdout.readline() for _ in range(n_lines)]
        time.sleep(delay_s)
        process.send_signal(number)
        rest = process.stdout.read()
        stderr = process.stderr.read().decode()
    return Ended(process.returncode, b"".join(seen) + rest, stderr), len(seen)


def interrupted_file(
    arguments: Sequence[str], journal: Path, n_done: int, number: signal.Signals
) -> Ended:
    """Send a signal once the journal of a run tells of so many files."""
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        deadline_s = time.monotonic() + _DEADLINE_S
        while process.poll() is None and time.monotonic() < deadline_s:
            with contextlib.suppress(FileNotFoundError):
                if journal.read_bytes().count(b"\n") > n_done:
                    break
            time.sleep(0.01)
        process.send_signal(number)
        stdout, stderr = process.communicate()
    return Ended(process.returncode, stdout, stderr.decode())


def with_killed_workers(arguments: Sequence[str], n_kills: int, rng: random.Random) -> Ended:
    """Kill workers with signal 9 at random moments of a run."""
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        killed: set[int] = set()
        deadline_s = time.monotonic() + _DEADLINE_S
        while process.poll() is None and len(killed) < n_kills and time.monotonic() < deadline_s:
            if workers := [pid for pid in workers_of(process.pid) if pid not in killed]:
                time.sleep(rng.uniform(0.0, 0.4))
                with contextlib.suppress(ProcessLookupError):
                    worker = rng.choice(workers)
                    os.kill(worker, signal.SIGKILL)
                    killed.add(worker)
            time.sleep(0.02)
        stdout, stderr = process.communicate()
    assert len(killed) == n_kills, f"only {len(killed)} workers were there to be killed"
    return Ended(process.returncode, stdout, stderr.decode())


def workers_of(pid: int) -> list[int]:
    """Processes that work for one, by Linux's account."""
    with contextlib.suppress(OSError):
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [
            int(child)
            for child in children
            if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()
        ]
    return []
