"""The promise of every bridge, and the thread that each gets."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Protocol

from ser_live.errors import MissingExtraError
from ser_live.events import Event
from ser_live.outputs.queued import Queued
from ser_live.outputs.sink import Sink

CAPACITY = 512
"""Events that may wait for a bridge; levels, eleven a second, are most of them."""


class Bridge(Sink, Protocol):
    """A sink that tells another program; it is used in a thread of its own."""

    tick_s: float | None
    """Least time between two calls of `idle`, in seconds; ``None`` where it has no use for them."""

    @property
    def warning(self) -> str:
        """One sentence: what leaves this program, and where to."""
        ...

    def wants(self, event: Event) -> bool:
        """Whether it has a use for an event; asked in another thread than its own."""
        ...

    def hurry(self) -> None:
        """Be told, from another thread, that the session is over: wait for nothing any more."""
        ...


class BridgeThread(Queued):
    """A bridge in a thread of its own, so that listening never waits for it.

    What finds no room is counted and given up, in a replay too.

    Parameters
    ----------
    bridge : Bridge
    """

    def __init__(self, bridge: Bridge) -> None:
        super().__init__(
            bridge,
            capacity=CAPACITY,
            drop_when_full=True,
            wants=bridge.wants,
            tick_s=bridge.tick_s,
        )
        self._hurry: Callable[[], None] = bridge.hurry

    def close(self) -> None:
        self._hurry()
        super().close()


def require(module: str, extra: str, option: str) -> None:
    """Refuse to begin without the library of an extra.

    Raises
    ------
    MissingExtraError
        It is not installed.
    """
    if find_spec(module) is None:
        raise MissingExtraError(
            f"{option} found {module} missing, but needs the extra {extra}: run "
            f'`pip install "ser-live[{extra}]"`.'
        )
