"""One measured claim."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """A claim, what was measured of it, and whether that is enough."""

    claim: str
    """What ser-live promises, in a few words."""
    measured: str
    """What came out, with its unit."""
    bar: str
    """What had to come out."""
    passes: bool
    """Whether `measured` reaches `bar`; False also where it could not be measured."""
    seconds: float
    """How long measuring took."""
    measures_time: bool = False
    """Whether another program beside it can make it fall short; a short run does not judge it."""
