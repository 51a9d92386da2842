"""Connections that must say what they want, and take what they are given, in time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from ser_live.server.guard import problem_response
from ser_live.server.limits import Limits
from ser_live.server.problems import Problem

HEAD_S = Limits().start_s
"""Longest time until the head of a request is whole, in seconds."""

CROWDED_HEAD_S = 1.0
"""The same where many connections say nothing, in seconds."""

N_UNCROWDED = 64
"""Connections without a whole head that have all the time there is."""

N_HEADLESS = 1000
"""Connections without a whole head that are held at all."""

STALL_S = 15.0
"""Longest time for which a reader takes so little that its buffer stays full, in seconds."""


class Stall:
    """A timer that cuts a connection whose reader takes nothing."""

    def __init__(self) -> None:
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, transport: asyncio.Transport) -> None:
        """Note that the buffer is full."""
        self.end()
        # Closing in order would wait for the buffer to be read.
        self._timer = asyncio.get_running_loop().call_later(STALL_S, transport.abort)

    def end(self) -> None:
        """Note that it is read again, or gone."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


@dataclass
class Crowd:
    """The connections of one server that did not say yet what they want."""

    n_headless: int = 0


class PunctualProtocol(H11Protocol):
    """Closes a connection whose request has no whole head in time.

    Uvicorn sets no limit of its own: half a header would keep a connection open for ever. The
    time does not begin anew with every byte, and is short where many keep silent, so that these
    never take the places of others.

    Parameters
    ----------
    crowd : Crowd
        Shared by all connections of a server.
    """

    _head_timer: asyncio.TimerHandle | None = None

    def __init__(self, *arguments: Any, crowd: Crowd, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._crowd = crowd
        self._most_served, self.limit_concurrency = self.limit_concurrency, None
        self._app = self.app
        self._stall = Stall()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stall.begin(self.transport)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stall.end()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self._crowd.n_headless >= N_HEADLESS:
            transport.abort()
        else:
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        self._stall.end()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self.app = _busy if self._is_full() else self._app
        super().data_received(data)
        if self._is_served():
            self._stop_timer()
        else:
            self._await_head()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self.transport.is_closing():
            self._await_head()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        self._stop_timer()
        super().handle_websocket_upgrade(event)
        # No head is awaited any more: another protocol has the connection.
        self._await_head = _nothing  # type: ignore[method-assign]

    def _is_full(self) -> bool:
        """Whether too many are served; who only holds a connection open counts for nothing."""
        n_served = max(len(self.connections) - self._crowd.n_headless, len(self.tasks))
        return self._most_served is not None and n_served >= self._most_served

    def _is_served(self) -> bool:
        cycle: Any = self.cycle
        return cycle is not None and not cycle.response_complete

    def _await_head(self) -> None:
        if self._head_timer is None:
            is_crowded = self._crowd.n_headless >= N_UNCROWDED
            self._crowd.n_headless += 1
            self._head_timer = self.loop.call_later(
                CROWDED_HEAD_S if is_crowded else HEAD_S, self._expire
            )

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._crowd.n_headless -= 1
            self._head_timer.cancel()
            self._head_timer = None

    def _expire(self) -> None:
        self._stop_timer()
        if not self._is_served() and not self.transport.is_closing():
            self.transport.abort()


async def _busy(scope: Any, receive: Any, send: Any) -> None:
    """Answer where too many are served already."""
    problem = Problem(
        "server_full", "the server has too many connections: try again later.", retry_after_s=10.0
    )
    await problem_response(problem)(scope, receive, send)


def _nothing() -> None:
    """Stand in where nothing is awaited."""
