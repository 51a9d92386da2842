"""HTTP connections that must say what they want in time."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from ser_live.server.limits import Limits

HEAD_S = Limits().start_s
"""Longest time until the head of a request is whole, in seconds."""


class PunctualProtocol(H11Protocol):
    """Closes a connection whose request has no whole head in time.

    Uvicorn sets no limit of its own: half a header would keep a connection open for ever. The
    time does not begin anew with every byte.
    """

    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._is_served():
            self._stop_timer()
        else:
            self._await_head()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        self._stop_timer()
        super().handle_websocket_upgrade(event)
        # No head is awaited any more: another protocol has the connection.
        self._await_head = _nothing  # type: ignore[method-assign]

    def _is_served(self) -> bool:
        cycle: Any = self.cycle
        return cycle is not None and not cycle.response_complete

    def _await_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_S, self._expire)

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _expire(self) -> None:
        self._head_timer = None
        if not self._is_served() and not self.transport.is_closing():
            self.transport.abort()


def _nothing() -> None:
    """Stand in where nothing is awaited."""
