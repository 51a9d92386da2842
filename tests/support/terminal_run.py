"""The program on a terminal of its own, and all that reaches that terminal."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e[red]x[blink]y[link=z]\r\x08\x0b\nfake"
"""Sets the title, clears the screen, turns colour and direction round; then rich's markup,
characters that go back over a line, and a line of its own. Without a slash and a NUL it can
name a file."""

COMMANDS = (b"\x1b", b"\x07", b"\x08", b"\x0b", b"\xc2\x9b", "\u202e".encode(), b"\r\r")
"""What no text from outside may bring to a terminal; its own line ends are ``\\r\\n``."""


@dataclass(frozen=True)
class Shown:
    """What a command sent to its terminal."""

    returncode: int
    data: bytes

    @property
    def text(self) -> str:
        return self.data.decode(errors="replace").replace("\r\n", "\n")


def on_terminal(
    *arguments: object,
    terminal: str = "dumb",
    cwd: Path | None = None,
    timeout_s: float = 240.0,
    **environment: str,
) -> Shown:
    """Run ``ser-live`` with a terminal for standard output and error.

    A ``dumb`` terminal understands no escapes, so the program itself sends none: every one
    that arrives came from outside.
    """
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "ser_live", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        cwd=cwd,
        env={**os.environ, "TERM": terminal, "COLUMNS": "100", "LINES": "30", **environment},
    )
    os.close(theirs)
    data = b""
    deadline_s = time.monotonic() + timeout_s
    try:
        while time.monotonic() < deadline_s:
            if select.select([ours], [], [], 0.2)[0]:
                try:
                    part = os.read(ours, 65536)
                except OSError:  # the other end is closed
                    break
                if not part:
                    break
                data += part
            elif process.poll() is not None:
                break
        return Shown(process.wait(timeout=20), data)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def assert_harmless(shown: Shown, *, is_csv: bool = False) -> None:
    """Nothing in the output is a command, and the program did not fall over it.

    A cell of CSV may have lines; elsewhere a name may not begin one.
    """
    found = [command for command in COMMANDS if command in shown.data]
    assert not found, f"{found} reached the terminal, it ends in {shown.data[-500:]!r}"
    begins_line = any(line.startswith("fake") for line in shown.text.split("\n"))
    assert is_csv or not begins_line, shown.text[-500:]
    assert "Traceback" not in shown.text, shown.text[-500:]
