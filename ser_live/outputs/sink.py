"""The promise of everything that takes the events of a session."""

from __future__ import annotations

from typing import Protocol

from ser_live.events import Event


class Sink(Protocol):
    """Takes events in order. All calls come from one thread."""

    name: str
    """Name for people, in sentences about it: ``log``, ``dashboard``."""

    @property
    def failure(self) -> str | None:
        """One sentence about the latest trouble that the sink goes on after, else ``None``."""
        ...

    def open(self) -> None:
        """Begin; raises `SerLiveError` where that is not possible."""
        ...

    def take(self, event: Event) -> None:
        """Take one event in. A sink that raises anything is left behind."""
        ...

    def idle(self, now_s: float) -> None:
        """Do what is due by the clock. Called at least ten times a second.

        Parameters
        ----------
        now_s : float
            Steady clock, in seconds.
        """
        ...

    def close(self) -> None:
        """End, and bring everything taken to its place; harmless when repeated."""
        ...
