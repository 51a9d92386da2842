"""Ctrl-Z in a shell: the terminal is given back, and ``fg`` goes on with the picture."""

from __future__ import annotations

import os
import select
import shutil
import sys
import time
from pathlib import Path

import pytest

import ser_live

DEMO = Path(ser_live.__file__).parent / "demo.ogg"
BASH = shutil.which("bash")

pytestmark = pytest.mark.skipif(
    os.name == "nt" or BASH is None, reason="needs job control and bash"
)

TAKEN, GIVEN_BACK = "\x1b[?1049h", "\x1b[?1049l"
CURSOR_SHOWN, CURSOR_HIDDEN = "\x1b[?25h", "\x1b[?25l"


class Shell:
    """A shell with job control on a pseudo terminal."""

    def __init__(self) -> None:
        import pty

        assert BASH is not None
        pid, self._master = pty.fork()
        if pid == 0:
            environment = {**os.environ, "TERM": "xterm-256color", "PS1": "shell$ "}
            os.execve(BASH, [BASH, "--norc", "--noprofile", "-i"], environment)  # noqa: S606
        self._pid = pid
        self.sent = ""

    def type(self, text: str) -> int:
        """Type, and return how much had been shown before."""
        n = len(self.sent)
        os.write(self._master, text.encode())
        return n

    def wait_for(self, what: str, after: int) -> int:
        """Wait until the terminal shows `what`; the place behind it."""
        deadline_s = time.monotonic() + 120
        while (at := self.sent.find(what, after)) < 0:
            assert time.monotonic() < deadline_s, f"no {what!r} in {self.sent[after:][-2000:]!r}"
            if select.select([self._master], [], [], 0.1)[0]:
                self.sent += os.read(self._master, 65536).decode(errors="replace")
        return at + len(what)

    def close(self) -> None:
        os.close(self._master)
        os.waitpid(self._pid, 0)


def test_a_dashboard_gives_the_terminal_back_and_paints_again() -> None:
    """While it sleeps the shell has its screen and cursor; after ``fg`` all is drawn."""
    shell = Shell()
    at = shell.wait_for("shell$ ", 0)
    shell.type(
        f"{sys.executable} -m ser_live replay {DEMO} --no-log --model classic "
        "--vad-confirm off; echo code=$?\n"
    )
    at = shell.wait_for(TAKEN, at)
    at = shell.wait_for("demo.ogg", at)
    shell.type("\x1a")
    at = shell.wait_for(GIVEN_BACK, at)
    asleep = shell.wait_for("Stopped", at)
    assert CURSOR_SHOWN in shell.sent[at - 200 : asleep]
    shell.wait_for("shell$ ", asleep)
    shell.type("fg\n")
    at = shell.wait_for(TAKEN, asleep)
    # Nothing was drawn while it slept, and what did not change is there again.
    assert "\x1b[1;1H" not in shell.sent[asleep:at]
    at = shell.wait_for("demo.ogg", at)
    shell.type("\x03")
    shell.wait_for(GIVEN_BACK, at)
    shell.wait_for("utterances", at)
    shell.close()


def test_a_progress_bar_gives_the_cursor_back() -> None:
    """The shell's cursor is seen while a batch sleeps."""
    shell = Shell()
    at = shell.wait_for("shell$ ", 0)
    shell.type(
        f"{sys.executable} -m ser_live analyze {' '.join([str(DEMO)] * 30)} --model classic "
        "--vad-confirm off > /dev/null\n"
    )
    at = shell.wait_for(CURSOR_HIDDEN, at)
    shell.type("\x1a")
    at = shell.wait_for(CURSOR_SHOWN, at)
    at = shell.wait_for("Stopped", at)
    shell.type("fg\n")
    at = shell.wait_for(CURSOR_HIDDEN, at)
    shell.type("\x03")
    at = shell.wait_for("ended by Ctrl-C.", at)
    assert CURSOR_SHOWN in shell.sent[at - 3000 :]
    shell.close()
