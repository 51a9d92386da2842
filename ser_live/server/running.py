"""The running server: uvicorn with the settings that healthy sessions and strangers need."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType

import uvicorn
from starlette.types import Receive, Scope, Send

from ser_live.server.app import Services, application
from ser_live.server.guard import Guard
from ser_live.server.punctual import Crowd, PunctualProtocol
from ser_live.server.sliced import SlicedWebSocket

SPARE_CONNECTIONS = 64
"""Connections beyond sessions and listeners that are taken at the same time."""


class Server(uvicorn.Server):
    """A server that reports what was heard before it ends.

    Parameters
    ----------
    services : Services
    listener : socket
        Bound; it is closed at the end.
    certfile, keyfile : str or None
        TLS, where both are given.
    """

    def __init__(
        self,
        services: Services,
        listener: socket.socket,
        *,
        certfile: str | None = None,
        keyfile: str | None = None,
    ) -> None:
        self._services = services
        self._listener = listener
        self._draining: asyncio.Task[None] | None = None
        self.received: list[signal.Signals] = []
        """Signals that asked it to end."""
        self.on_started: Callable[[], None] = _nothing
        limits = services.limits
        super().__init__(
            uvicorn.Config(
                _Door(services),
                http=partial(PunctualProtocol, crowd=Crowd()),  # type: ignore[arg-type]
                ws=SlicedWebSocket,
                loop="asyncio",
                lifespan="on",
                log_config=None,
                log_level="critical",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                date_header=False,
                # Above the limit there is a sentence about it; far above it, the line is cut.
                ws_max_size=4 * limits.max_message_bytes,
                ws_per_message_deflate=False,
                ws_ping_interval=20.0,
                # A busy machine answers late: only the server's own rule ends what is idle.
                ws_ping_timeout=None,
                limit_concurrency=limits.max_sessions + limits.max_listeners + SPARE_CONNECTIONS,
                h11_max_incomplete_event_size=16 << 10,
                timeout_graceful_shutdown=5,
                ssl_certfile=certfile,
                ssl_keyfile=keyfile,
            )
        )

    async def run_until_ended(self) -> None:
        """Serve until a signal, or `end`."""
        self._loop = asyncio.get_running_loop()
        await self.serve([self._listener])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        # It answers already, and says so only once it takes sessions.
        await self._services.sessions.ready.wait()
        self.on_started()

    def end(self) -> None:
        """End in order; harmless when repeated, and from any thread."""
        self._loop.call_soon_threadsafe(self._begin_to_drain)

    def _begin_to_drain(self) -> None:
        if self._draining is None:
            self._draining = asyncio.create_task(self._drain())

    async def _drain(self) -> None:
        await self._services.sessions.drain()
        self.should_exit = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Let the first signal drain, and the second end at once; none is raised again."""
        if self.is_elsewhere():
            yield
            return
        before = {
            number: signal.signal(number, self.handle_exit)
            for number in (signal.SIGINT, signal.SIGTERM)
            if signal.getsignal(number) is not signal.SIG_IGN
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def is_elsewhere(self) -> bool:
        """Whether another thread than the main one serves, which gets no signals."""
        import threading

        return threading.current_thread() is not threading.main_thread()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.received.append(signal.Signals(sig))
        if len(self.received) == 1:
            self.end()
        else:
            self.should_exit = self.force_exit = True


class _Door:
    """The guarded application, made with the first call, within the event loop."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._guard: Guard | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._guard is None:
            services = self._services
            self._guard = Guard(
                application(services),
                keys=services.keys,
                metrics=services.sessions.metrics,
                hosts=services.hosts,
                origins=services.origins,
            )
        await self._guard(scope, receive, send)


def _nothing() -> None:
    """Stand in where nobody waits for the start."""
