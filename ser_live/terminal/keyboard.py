"""Keys, read one by one while a picture is drawn in place.

The terminal is asked for every key at once and without echo (as ``stty -icanon -echo``). Signals
stay with it: Ctrl-C, Ctrl-Z and Ctrl-\\ do what they always do. Nothing here waits. A program
in the background touches no terminal: that would stop it.
"""

from __future__ import annotations

import codecs
import os
import select
from contextlib import suppress
from types import TracebackType
from typing import IO, Any

_ESCAPE = "\x1b"
_NAMED = {
    "\r": "enter",
    "\n": "enter",
    "\t": "tab",
    "\x7f": "backspace",
    "\x08": "backspace",
    "\x15": "clear",
}
_FINALS = {
    "A": "up",
    "B": "down",
    "C": "right",
    "D": "left",
    "H": "home",
    "F": "end",
    "Z": "backtab",
}
_NUMBERED = {
    "1": "home",
    "3": "delete",
    "4": "end",
    "5": "page up",
    "6": "page down",
    "7": "home",
    "8": "end",
}
_MAX_SEQUENCE = 32
"""Longest sequence that is waited for; no key sends one as long."""
_MAX_BYTES = 1024
"""Most that is read at once; the rest waits for the next time."""


class KeyParser:
    """Names of keys from what a terminal sends, however that is cut into pieces."""

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._rest = ""

    def push(self, data: bytes) -> list[str]:
        """Keys that are whole: a character by itself, other keys by name."""
        text = self._rest + self._decode(data)
        self._rest = ""
        keys = []
        while text:
            key, n = _first(text)
            if n == 0:
                if data:  # the rest of the sequence may be on its way
                    self._rest = text
                    break
                key, n = "escape", len(text)
            text = text[n:]
            if key:
                keys.append(key)
        return keys


def _first(text: str) -> tuple[str, int]:
    """The first key and its length; length 0 where a sequence is not whole."""
    if text[0] != _ESCAPE:
        if text[0] in _NAMED:
            return _NAMED[text[0]], 1
        return (text[0] if text[0].isprintable() else ""), 1
    if len(text) == 1:
        return "", 0
    if text[1] == "O":
        return ("", 0) if len(text) == 2 else (_FINALS.get(text[2], ""), 3)
    if text[1] != "[":
        return "escape", 1
    for n, character in enumerate(text[2:], start=3):
        if "@" <= character <= "~":
            inner = text[2 : n - 1].partition(";")[0]
            name = _NUMBERED.get(inner, "") if character == "~" else _FINALS.get(character, "")
            return name, n
    return "", 0 if len(text) < _MAX_SEQUENCE else len(text)


class Keyboard:
    """Context manager: takes the keys of a terminal, and gives it back as it was.

    Parameters
    ----------
    stream : text stream
        Standard input. Where it is no terminal, or this system has none, there are no keys.
    """

    def __init__(self, stream: IO[str] | None) -> None:
        self._descriptor = _terminal_of(stream)
        self._before: list[Any] | None = None
        self._parser = KeyParser()

    @property
    def is_there(self) -> bool:
        """Whether there are keys to be read, now or once the program is in the foreground."""
        return self._descriptor is not None

    def __enter__(self) -> Keyboard:
        self.take()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.give_back()

    def take(self) -> None:
        """Ask the terminal for every key; harmless when repeated, or in the background."""
        if self._descriptor is None or self._before is not None or not self._is_in_front():
            return
        import termios

        try:
            before = termios.tcgetattr(self._descriptor)
            wanted = [*before[:6], list(before[6])]
            wanted[3] &= ~(termios.ICANON | termios.ECHO)
            wanted[6][termios.VMIN] = wanted[6][termios.VTIME] = 0
            termios.tcsetattr(self._descriptor, termios.TCSADRAIN, wanted)
        except (termios.error, OSError):  # closed meanwhile
            self._descriptor = None
            return
        self._before = before

    def give_back(self) -> None:
        """Set the terminal as it was before; keys that nobody read are thrown away."""
        before, self._before = self._before, None
        if self._descriptor is None or before is None or not self._is_in_front():
            return
        import termios

        with suppress(termios.error, OSError):  # a terminal that was closed needs nothing back
            termios.tcsetattr(self._descriptor, termios.TCSAFLUSH, before)

    def read(self) -> list[str]:
        """Keys that were pressed since the last call; never waits."""
        self.take()
        if self._descriptor is None or self._before is None or not self._is_in_front():
            return []
        try:
            is_ready = bool(select.select([self._descriptor], [], [], 0)[0])
            data = os.read(self._descriptor, _MAX_BYTES) if is_ready else b""
        except OSError:  # the terminal was closed: the session hears of it by its output
            self._descriptor = None
            return []
        return self._parser.push(data)

    def _is_in_front(self) -> bool:
        """Whether the terminal belongs to this program now, and not to a shell or another."""
        assert self._descriptor is not None  # noqa: S101  the callers looked
        try:
            return os.tcgetpgrp(self._descriptor) == os.getpgrp()
        except OSError:
            return False


def _terminal_of(stream: IO[str] | None) -> int | None:
    if stream is None:
        return None
    try:
        import termios
    except ImportError:
        return None
    try:
        descriptor = stream.fileno()
        termios.tcgetattr(descriptor)
    except (OSError, ValueError, AttributeError, termios.error):
        return None
    return descriptor
