"""Description of one feature or contour: the row of a generated table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Description:
    """Unit, one-line formula and source of one feature or contour."""

    unit: str
    """Unit of the value, for example ``Hz``, ``dB``, ``semitones``; ``1`` for a ratio."""

    text: str
    """One line: formula or procedure, and when it is undefined."""

    source: str
    """Paper, standard or program that it follows."""
