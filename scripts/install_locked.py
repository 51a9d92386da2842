"""Install the locked packages into a virtual environment, and say how far that is.

``python install_locked.py VENV LOCK``, with the standard library alone. On a terminal one line
moves along; elsewhere there is one at the beginning and one at the end. Where pip fails, what it
said is printed, and its exit code is given on.
"""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import IO

PERIOD_S = 0.5
_FETCHED = re.compile(r"^(?:Collecting|Requirement already satisfied:) (?P<name>[A-Za-z0-9._-]+)==")
_MARKED_OUT = re.compile(r"^Ignoring ")


class Progress:
    """Packages that were fetched, out of those the lock names, and those that are in place."""

    def __init__(self, n_locked: int) -> None:
        self.n_needed = n_locked
        """Falls with every package that is for other systems."""
        self.n_fetched = 0
        self.name = ""
        """The package that is being fetched; empty once all are."""

    def take(self, line: str) -> None:
        """Take in a line that pip printed."""
        if _MARKED_OUT.match(line):
            self.n_needed -= 1
        elif fetched := _FETCHED.match(line):
            self.n_fetched += 1
            self.name = fetched["name"]
        elif line.startswith("Installing collected packages"):
            self.name = ""

    def sentence(self, n_installed: int) -> str:
        """How far it is, for people."""
        if self.name:
            return f"fetching {self.n_fetched} of {self.n_needed}: {self.name}"
        if self.n_fetched:
            return f"unpacking {min(n_installed, self.n_needed)} of {self.n_needed}"
        return "looking at what is there"


def n_locked(lock: Path) -> int:
    """Number of packages that a lock names, on any system."""
    return len(re.findall(r"^[A-Za-z0-9][^\s]*==", lock.read_text(encoding="utf-8"), re.MULTILINE))


def n_installed(venv: Path) -> int:
    """Number of packages that are in place."""
    folder = "Lib" if sys.platform == "win32" else "lib/python*"
    return sum(1 for _ in venv.glob(f"{folder}/site-packages/*.dist-info"))


def install(venv: Path, lock: Path, out: IO[str]) -> int:
    """Run pip, tell of it on `out`, and give its exit code."""
    progress = Progress(n_locked(lock))
    python = venv / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    command = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    command += ["--progress-bar", "off", "--require-hashes", "--no-deps", "-r", str(lock)]
    begun_s = time.monotonic()
    is_moving = out.isatty()
    said: deque[str] = deque(maxlen=40)
    if not is_moving:
        print(f"Installing up to {progress.n_needed} packages; this takes minutes.", file=out)
        out.flush()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        assert process.stdout is not None
        reader = threading.Thread(target=_read, args=(process.stdout, said, progress), daemon=True)
        reader.start()
        while reader.is_alive():
            reader.join(PERIOD_S)
            if is_moving:
                sentence = progress.sentence(n_installed(venv))
                print(f"\r\x1b[KInstalling: {sentence}"[:78], end="", file=out, flush=True)
    code = process.returncode
    if is_moving:
        print("\r\x1b[K", end="", file=out)
    if code:
        print("".join(said), end="", file=out)
        print("pip could not install the locked packages; above is what it said.", file=out)
    else:
        print(f"{n_installed(venv)} packages, {time.monotonic() - begun_s:.0f} s.", file=out)
    return code


def _read(lines: Iterable[str], said: deque[str], progress: Progress) -> None:
    for line in lines:
        said.append(line)
        progress.take(line)


if __name__ == "__main__":
    sys.exit(install(Path(sys.argv[1]), Path(sys.argv[2]), sys.stderr))
