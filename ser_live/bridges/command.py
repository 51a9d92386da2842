"""``--exec``: a command for each occasion, started without a shell."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from ser_live.bridges.occasions import Occasion, Occasions
from ser_live.bridges.running import told_record
from ser_live.errors import UsageError
from ser_live.events import AffectState, Event
from ser_live.records.json_line import json_line
from ser_live.terminal.text import printable

LEAST_INTERVAL_S = 1.0
"""Least time from one start to the next."""

LIMIT_S = 10.0
"""Longest time that a command may take; then it is killed."""

END_S = 2.0
"""Time that the last command has when the session is over."""

PLACES = ("emotion", "confidence", "valence", "arousal", "role", "session")
"""Words that stand in braces, as arguments of their own."""

VARIABLE = "SERLIVE_"
"""Beginning of the variables; options of ser-live itself begin with SER_LIVE_."""


class CommandBridge:
    """Starts a command of the user's, one at a time and once a second at most.

    Its arguments are given to the system as they are: no shell reads them, so nothing in a label
    can become a command. ``{emotion}`` and others are replaced where they are a whole argument;
    everything is in variables too. An occasion that comes too early waits; only the latest does.

    Parameters
    ----------
    line : str
        Program and arguments, quoted as for a shell.
    act_on, pace : str
        As for `Occasions`.

    Raises
    ------
    UsageError
        The line is no list of words, or there is no such program.
    """

    name = "command bridge"
    tick_s: float | None = 0.05

    def __init__(self, line: str, act_on: str = "utterances", pace: str = "assistant") -> None:
        self._words = _words_of(line)
        self._occasions = Occasions(act_on, pace)
        self._waiting: Occasion | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._started_s = -LEAST_INTERVAL_S
        self._n_started = 0
        self._n_passed_over = 0
        self._n_failed = 0
        self._cause = ""
        self._is_over = False

    @property
    def warning(self) -> str:
        return (
            f"emotions leave this program for the command {printable(self._words[0])}, which may "
            "do with them what it likes."
        )

    @property
    def failure(self) -> str | None:
        parts = []
        if self._n_failed:
            number = f"{self._n_failed} of {self._n_started} times" if self._is_over else "once"
            parts.append(f"failed {number} ({self._cause})")
        # Only at the end: passing over some is how it is meant to be.
        if self._n_passed_over and self._is_over:
            parts.append(f"was not started for {self._n_passed_over} that came too fast")
        return f"the command of --exec {' and '.join(parts)}." if parts else None

    def wants(self, event: Event) -> bool:
        return self._occasions.wants(event)

    def hurry(self) -> None:
        """Nothing is waited for."""

    def open(self) -> None:
        """Nothing is to be begun."""

    def take(self, event: Event) -> None:
        for occasion in self._occasions.of(event):
            if self._waiting is not None:
                self._n_passed_over += 1
            self._waiting = occasion
        self.idle(time.monotonic())

    def idle(self, now_s: float) -> None:
        self._look(now_s)
        is_due = now_s - self._started_s >= LEAST_INTERVAL_S
        if self._waiting is not None and self._process is None and is_due:
            occasion, self._waiting = self._waiting, None
            self._start(occasion, now_s)

    def close(self) -> None:
        if self._is_over:
            return
        # What was heard last is worth its command, where that can still begin in time.
        deadline_s = time.monotonic() + END_S
        while (self._waiting or self._process) and time.monotonic() < deadline_s:
            self.idle(time.monotonic())
            time.sleep(0.02)
        self._n_passed_over += self._waiting is not None
        self._waiting = None
        if self._process is not None:
            self._kill(self._process, f"was still running {END_S:g} s after the end")
        self._is_over = True

    def _start(self, occasion: Occasion, now_s: float) -> None:
        values = _values_of(occasion)
        given = {f"{{{word}}}": _as_argument(values[word]) for word in PLACES}
        self._n_started += 1
        self._started_s = now_s
        try:
            # Its streams are not ours: rows, keys and the dashboard stay as they are.
            self._process = subprocess.Popen(
                [given.get(word, word) for word in self._words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**os.environ, **_variables(values, occasion)},
                start_new_session=os.name != "nt",
            )
        except (OSError, ValueError) as error:
            self._fail(f"cannot be started: {getattr(error, 'strerror', None) or error}")

    def _look(self, now_s: float) -> None:
        """Look whether the command ended, and end one that takes too long."""
        if self._process is None:
            return
        code = self._process.poll()
        if code is None:
            if now_s - self._started_s >= LIMIT_S:
                self._kill(self._process, f"took more than {LIMIT_S:g} s")
            return
        if code != 0:
            self._fail(f"ended with {code}")
        self._process = None

    def _kill(self, process: subprocess.Popen[bytes], cause: str) -> None:
        """End a command together with all that it started."""
        with suppress(OSError):
            if os.name == "nt":
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            process.wait(1.0)
        self._process = None
        self._fail(cause)

    def _fail(self, cause: str) -> None:
        self._n_failed += 1
        self._cause = cause


def _words_of(line: str) -> list[str]:
    """Words of a line, the first of which is a program that there is."""
    try:
        words = shlex.split(line, posix=os.name != "nt")
    except ValueError as error:
        raise UsageError(
            f"--exec found '{printable(line[:100])}', whose quotes do not match ({error}): close "
            "them."
        ) from error
    if not words or any("\0" in word for word in words):
        raise UsageError("--exec found no program: give one with its arguments, in quotes.")
    for word in words:
        for place in PLACES:
            if f"{{{place}}}" in word and word != f"{{{place}}}":
                raise UsageError(
                    f"--exec found '{printable(word[:100])}', but {{{place}}} is replaced only as "
                    f"a whole argument: let it stand alone, or read the variable "
                    f"{VARIABLE}{place.upper()} in the command."
                )
    program = shutil.which(words[0])
    if words[0].startswith("{") or program is None:
        raise UsageError(
            f"--exec found no program '{printable(words[0][:100])}': give its path, or a name "
            "that PATH leads to."
        )
    # Where it is now is where it stays: a change of folder or PATH finds no other one.
    return [str(Path(program).absolute()), *words[1:]]


def _values_of(occasion: Occasion) -> dict[str, str]:
    """Values of an occasion as texts, empty where they are undefined."""
    is_state = isinstance(occasion, AffectState)
    label = occasion.label if isinstance(occasion, AffectState) else occasion.emotion
    sure = occasion.certainty if isinstance(occasion, AffectState) else occasion.confidence
    end_s = occasion.start_s if isinstance(occasion, AffectState) else occasion.end_s
    return {
        "emotion": label or "",
        "confidence": _number(sure),
        "valence": _number(occasion.valence),
        "arousal": _number(occasion.arousal),
        "role": occasion.stream.role or "",
        "session": occasion.stream.session or "",
        "start_s": _number(occasion.start_s),
        "end_s": _number(end_s),
        "kind": "change" if is_state else "utterance",
    }


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _as_argument(text: str) -> str:
    """Give a text that no program takes for an option, with nothing that a terminal obeys."""
    shown = printable(text)
    is_number = shown[:1] == "-" and shown[1:].replace(".", "", 1).isdigit()
    return shown if is_number or not shown.startswith(("-", "+", "@")) else f"_{shown[1:]}"


def _variables(values: Mapping[str, str], occasion: Occasion) -> dict[str, str]:
    """Variables of a command; none can hold a NUL."""
    record = {**values, "record": json_line(told_record(occasion))}
    return {f"{VARIABLE}{name.upper()}": text.replace("\0", "�") for name, text in record.items()}
