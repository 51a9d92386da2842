"""Connections that must say what they want, and take what they are given, in time."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from ser_live.process.open_files import most_files
from ser_live.server.guard import problem_response
from ser_live.server.limits import Limits
from ser_live.server.problems import Problem
from ser_live.server.turns import Turns

HEAD_S = Limits().start_s
"""Longest time until the head of a request is whole, in seconds."""

CROWDED_HEAD_S = 1.0
"""The same where many connections say nothing, in seconds."""

LATE_S = 0.1
"""Time after which it is looked again whether a head was read that is there, in seconds."""

N_UNCROWDED = 64
"""Connections without a whole head that have all the time there is."""

N_HEADLESS = 4096
"""Connections without a whole head that are held at all; then the oldest gives way."""

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


class Crowd:
    """The connections of one server that did not say yet what they want, the oldest first.

    Half of the files that the process may open are theirs at the most: whoever comes next must
    find one, and so must the models, uploads and processes.
    """

    def __init__(self) -> None:
        self.n_most = min(N_HEADLESS, most_files() // 2)
        self.turns = Turns()
        self._silent: dict[PunctualProtocol, None] = {}

    def __len__(self) -> int:
        return len(self._silent)

    def add(self, connection: PunctualProtocol) -> None:
        """Count a connection; where there is no room, one that kept silent for longest is cut."""
        if len(self._silent) >= self.n_most:
            next(iter(self._silent)).cut()
        self._silent[connection] = None

    def remove(self, connection: PunctualProtocol) -> None:
        """Count it no more."""
        self._silent.pop(connection, None)


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
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        self._stall.end()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._crowd.turns.take(self, data):
            self.transport.pause_reading()  # or whoever sends most would fill the memory

    def read(self, data: bytes) -> None:
        """Read what came, now that it is its turn."""
        if self.transport.is_closing():
            return
        if not self.flow.read_paused:
            self.transport.resume_reading()
        protocol: Any = self.transport.get_protocol()
        if protocol is not self:  # it became a WebSocket meanwhile
            protocol.data_received(data)
            return
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
        n_served = max(len(self.connections) - len(self._crowd), len(self.tasks))
        return self._most_served is not None and n_served >= self._most_served

    def _is_served(self) -> bool:
        cycle: Any = self.cycle
        return cycle is not None and not cycle.response_complete

    def _await_head(self) -> None:
        if self._head_timer is None:
            is_crowded = len(self._crowd) >= N_UNCROWDED
            self._crowd.add(self)
            self._head_timer = self.loop.call_later(
                CROWDED_HEAD_S if is_crowded else HEAD_S, self._expire
            )

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._crowd.remove(self)
            self._head_timer.cancel()
            self._head_timer = None

    def _expire(self) -> None:
        if self._crowd.turns.waits(self):  # what it wants is there, and the server is late
            self._head_timer = self.loop.call_later(LATE_S, self._expire)
        else:
            self.cut()

    def cut(self) -> None:
        """Cut the connection, unless what it wants is known by now."""
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
