"""Findings of the doctor, each with its verdict and remedy."""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from textwrap import shorten
from typing import Any

from ser_live.errors import SerLiveError

_SAID_CHARACTERS = 200
"""Longest excerpt of a third-party exception; NumPy's can fill a page."""


class Verdict(str, Enum):
    """Weight of a finding; the value is the word that people read."""

    OK = "ok"
    WARNING = "warning"
    """Listening works, but less well than it could."""
    PROBLEM = "problem"
    """Listening does not work."""
    NOT_TRIED = "not tried"
    """Something else has to be mended first."""

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class Check:
    """One part of the machine, what was found, and what to do about it."""

    verdict: Verdict
    found: str
    """A clause or sentence for people."""
    remedy: str = ""
    """Advice; empty where nothing needs to be done."""
    lines: tuple[str, ...] = ()
    """More of what was found, a line each."""
    measured: dict[str, Any] = field(default_factory=dict)
    """The same for programs: numbers, names; None where undefined."""

    @classmethod
    def failed(cls, error: SerLiveError) -> Check:
        """Make a finding of an error's sentence: found before its colon, what to do after it."""
        found, _, remedy = str(error).removesuffix(".").rpartition(": ")
        return cls(Verdict.PROBLEM, found or remedy, remedy if found else "")

    @classmethod
    def broken(cls, error: Exception) -> Check:
        """Make a finding of an exception without a sentence; keep its traceback for a report."""
        said = shorten(f"{type(error).__name__}: {error}", _SAID_CHARACTERS, placeholder=" …")
        if isinstance(error, ImportError):
            found = f"a library cannot be imported ({said})"
            remedy = "install ser-live again with its dependencies"
        else:
            found = f"this could not be tried to its end ({said})"
            remedy = (
                "install ser-live again; if that does not help, report what "
                "`ser-live doctor --format json` prints"
            )
        told = {"traceback": "".join(traceback.format_exception(error))}
        return cls(Verdict.PROBLEM, found, remedy, measured=told)

    @property
    def works(self) -> bool:
        """Whether this was tried and does not keep from listening."""
        return self.verdict in (Verdict.OK, Verdict.WARNING)

    def as_record(self, name: str) -> dict[str, Any]:
        return {
            "name": name,
            "verdict": self.verdict.value,
            "found": self.found,
            "remedy": self.remedy,
            "measured": self.measured,
        }


def can_listen(checks: Iterable[Check]) -> bool:
    """Whether the main job, listening to a microphone, can be done.

    Every part must have been tried. What listening can do without, as the terminal, warns at
    most, and is always tried.
    """
    return all(check.works for check in checks)
