"""What a check says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from ser_live.errors import SerLiveError


class Verdict(str, Enum):
    """How much a finding matters; the value is the word that people read."""

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
    """What to do; empty where nothing needs to be done."""
    lines: tuple[str, ...] = ()
    """More of what was found, a line each."""
    measured: dict[str, Any] = field(default_factory=dict)
    """The same for programs: numbers, names; None where undefined."""

    @classmethod
    def failed(cls, error: SerLiveError, verdict: Verdict = Verdict.PROBLEM) -> Check:
        """What an error's sentence says: before its colon what was found, after it what to do."""
        found, _, remedy = str(error).removesuffix(".").rpartition(": ")
        return cls(verdict, found or remedy, remedy if found else "")

    def as_record(self, name: str) -> dict[str, Any]:
        return {
            "name": name,
            "verdict": self.verdict.value,
            "found": self.found,
            "remedy": self.remedy,
            "measured": self.measured,
        }


def can_listen(checks: Iterable[Check]) -> bool:
    """Whether the main job, listening to a microphone, can be done."""
    return all(check.verdict is not Verdict.PROBLEM for check in checks)
