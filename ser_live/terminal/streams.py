"""Whether a stream leads to a terminal; by itself, so that asking loads nothing that draws."""

from __future__ import annotations

from typing import IO


def is_screen(stream: IO[str]) -> bool:
    """Whether `stream` leads to a terminal itself, whatever the environment says."""
    try:
        return stream.isatty()
    except (AttributeError, ValueError):  # no stream of a program, or closed
        return False
