"""One measured claim."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """A claim, what was measured of it, and whether that is enough."""

    claim: str
    """Promise of ser-live, in a few words."""
    measured: str
    """Outcome, with its unit."""
    bar: str
    """Outcome that is needed."""
    passes: bool
    """Whether `measured` reaches `bar`; False also where it could not be measured."""
    seconds: float
    """Duration of measuring."""
    measures_time: bool = False
    """Whether another running program can make it fall short; a short run does not judge it."""
