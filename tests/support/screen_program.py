"""The program on a terminal of its own that is drawn and typed at, as a person does."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from typing import Any

import pyte


class ScreenProgram:
    """A command on a pseudo terminal, and the picture that it draws there.

    Parameters
    ----------
    command : sequence of str
    width, height : int
    variables : mapping, optional
        The environment, instead of that of the tests.
    """

    def __init__(
        self,
        command: Sequence[str],
        width: int = 80,
        height: int = 24,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self.screen = pyte.Screen(width, height)
        self._stream = pyte.ByteStream(self.screen)
        self.sent = b""
        self.pid, self._master = pty.fork()
        if self.pid == 0:
            kept = {
                k: v for k, v in (variables or os.environ).items() if k not in ("COLUMNS", "LINES")
            }
            environment = {**kept, "TERM": "xterm-256color", "LANG": "C.UTF-8", "PS1": "shell$ "}
            os.execve(command[0], list(command), environment)  # noqa: S606
        self.resize(width, height)
        self._exit: int | None = None

    def resize(self, width: int, height: int) -> None:
        """Give the window another size."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        self.screen.resize(height, width)

    def modes(self) -> list[Any]:
        """What ``stty -g`` tells of the terminal."""
        return termios.tcgetattr(self._master)

    def press(self, keys: str) -> None:
        """Press keys."""
        os.write(self._master, keys.encode())

    def kill(self, number: signal.Signals) -> None:
        """Send a signal."""
        os.kill(self.pid, number)

    @property
    def text(self) -> str:
        """The picture at present."""
        return "\n".join(line.rstrip() for line in self.screen.display)

    def read(self, wait_s: float = 0.1) -> bool:
        """Take in what was sent; False once the program is gone."""
        if not select.select([self._master], [], [], wait_s)[0]:
            return True
        try:
            part = os.read(self._master, 65536)
        except OSError:
            return False
        self.sent += part
        self._stream.feed(part)
        return bool(part)

    def wait_for(self, pattern: str, timeout_s: float = 90.0) -> str:
        """Wait until the picture shows what matches a pattern, and return the picture."""
        deadline_s = time.monotonic() + timeout_s
        while not re.search(pattern, self.text):
            assert time.monotonic() < deadline_s, f"no {pattern!r} in\n{self.text}"
            assert self.read(), f"no {pattern!r}, but the end, in\n{self.text}"
        return self.text

    def wait(self, timeout_s: float = 60.0) -> int:
        """Wait for the end and return the exit code."""
        deadline_s = time.monotonic() + timeout_s
        while self._exit is None:
            self.read(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._exit = os.waitstatus_to_exitcode(status)
            assert time.monotonic() < deadline_s, f"still there:\n{self.text}"
        while self.read(0.0) and select.select([self._master], [], [], 0.0)[0]:
            pass
        return self._exit

    def close(self) -> None:
        """End what still runs."""
        if self._exit is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self._master)


def ser_live(*arguments: object) -> list[str]:
    """The command line of the program."""
    return [sys.executable, "-m", "ser_live", *map(str, arguments)]
