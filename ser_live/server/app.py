"""The application: what answers which path, and what all of it shares."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from ser_live.config import Settings
from ser_live.model.emotion_model import EmotionModel
from ser_live.server import answers, hume_files, hume_streams, logged, streams, uploads
from ser_live.server.guard import Keys, problem_response
from ser_live.server.limits import Limits
from ser_live.server.microphone import Microphone
from ser_live.server.places import Places
from ser_live.server.problems import Problem
from ser_live.server.sessions import Sessions
from ser_live.server.teller import Teller
from ser_live.server.wyoming import WyomingServer
from ser_live.session.listening import Listening

JOIN_S = 5.0
"""Longest wait for a thread when the server ends."""


@dataclass(kw_only=True)
class Services:
    """Everything that the answers share; `sessions` are there once the server runs."""

    model: EmotionModel
    keys: Keys
    report: Callable[[BaseException], None]
    settings: Settings = field(default_factory=Settings)
    limits: Limits = field(default_factory=Limits)
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    listen: Callable[[], Listening] | None = None
    """Begins to hear the server's own microphone; ``None`` where none was asked for."""
    wyoming: socket.socket | None = None
    """Bound socket of the Wyoming protocol; ``None`` where it was not asked for."""
    teller: Teller | None = None
    """Tells other programs what is heard, and is open; ``None`` where none was asked for."""
    microphone: Microphone | None = None
    reports: logged.Reports = field(default_factory=logged.Reports)
    _sessions: Sessions | None = None
    _places: Places | None = None

    @property
    def sessions(self) -> Sessions:
        """The sessions; made within the event loop."""
        if self._sessions is None:
            self._sessions = Sessions(
                self.model, self.settings, self.limits, self.report, self.teller
            )
        return self._sessions

    @property
    def places(self) -> Places:
        """Places for uploads."""
        if self._places is None:
            self._places = Places(self.limits.max_analyses)
        return self._places

    def listened(self) -> Microphone:
        """The server's own microphone, for one more reader."""
        if self.microphone is None:
            raise Problem(
                "not_found", "this server hears no microphone: start it with --microphone."
            )
        if self.microphone.n_listeners >= self.limits.max_listeners:
            raise Problem("server_full", "too many listen: try again later.", retry_after_s=10.0)
        return self.microphone


ROUTES: tuple[BaseRoute, ...] = (
    Route("/healthz", answers.healthz),
    Route("/readyz", answers.readyz),
    Route("/metrics", answers.metrics),
    Route("/openapi.json", answers.openapi),
    Route("/asyncapi.json", answers.asyncapi),
    Route("/v1/models", answers.models),
    Route("/v1/sessions", answers.open_sessions),
    Route("/v1/sessions/{id}", logged.session),
    Route("/v1/sessions/{id}/report", logged.report),
    Route("/v1/sessions/{id}/log", logged.log),
    Route("/v1/report", logged.make_report, methods=["POST"]),
    Route("/v1/report/{name}", logged.made_report),
    Route("/v1/events", answers.microphone_events, methods=["GET", "POST"]),
    Route("/v1/analyze", uploads.analyze, methods=["POST"]),
    WebSocketRoute("/v1/stream", streams.stream),
    WebSocketRoute("/v1/events", streams.events),
    Route("/v1/expression/audio/file", hume_files.measure, methods=["POST"]),
    WebSocketRoute("/v1/expression/audio/realtime", hume_streams.realtime),
    *(Route(path, answers.page) for path in answers.FILES),
)


def application(services: Services) -> Starlette:
    """Make the ASGI application.

    Parameters
    ----------
    services : Services
    """
    app = Starlette(
        routes=list(ROUTES),
        lifespan=_lifespan,
        exception_handlers={Problem: _tell, HTTPException: _tell_http, Exception: _tell_defect},
    )
    app.state.services = services
    app.router.redirect_slashes = False
    return app


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    services: Services = app.state.services
    sessions = services.sessions
    tasks = [asyncio.create_task(sessions.watch_loop()), asyncio.create_task(sessions.warm_up())]
    if services.listen is not None:
        listening = await asyncio.to_thread(services.listen)
        services.microphone = Microphone(
            listening, services.limits, sessions.metrics, services.report, services.teller
        )
    wyoming = None if services.wyoming is None else WyomingServer(services, services.wyoming)
    if wyoming is not None:
        await wyoming.start()
    try:
        yield
    finally:
        if wyoming is not None:
            await wyoming.close()
        for task in tasks:
            task.cancel()
        if services.microphone is not None:
            services.microphone.close()
            await asyncio.to_thread(services.microphone.wait_until_told, JOIN_S)
        if services.teller is not None:
            await asyncio.to_thread(services.teller.close)
        await asyncio.to_thread(sessions.pool.close, JOIN_S)


async def _tell(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101  as it is registered
    services: Services = request.app.state.services
    services.sessions.metrics.add("serlive_rejected_requests_total", code=error.code)
    return problem_response(error, request.url.path)


async def _tell_http(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 405:
        answer = await _tell(
            request,
            Problem("method_unknown", "the path takes other methods: see the header Allow"),
        )
        answer.headers.update(getattr(error, "headers", None) or {})
        return answer
    return await _tell(request, Problem("not_found", "nothing has that path: see /openapi.json."))


async def _tell_defect(request: Request, error: Exception) -> Response:
    services: Services = request.app.state.services
    services.report(error)
    return await _tell(request, Problem("internal", "a defect of the program ended the request."))
