"""The plain HTTP answers: health, counts, the model, what is open, and the page's files."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response, StreamingResponse

from ser_live.records.json_line import json_line
from ser_live.server.logged import listed
from ser_live.server.microphone import Listener, Microphone
from ser_live.server.problems import Problem
from ser_live.server.protocol import read_object
from ser_live.server.uploads import receive

if TYPE_CHECKING:
    from ser_live.server.app import Services

PAGE = Path(__file__).parent / "page"
FILES = {
    "/": ("index.html", "text/html"),
    "/overlay": ("overlay.html", "text/html"),
    "/page/overlay.js": ("overlay.js", "text/javascript"),
    "/page/overlay.css": ("overlay.css", "text/css"),
    "/page/live.js": ("live.js", "text/javascript"),
    "/page/microphone.js": ("microphone.js", "text/javascript"),
    "/page/drawing.js": ("drawing.js", "text/javascript"),
    "/page/capture.js": ("capture.js", "text/javascript"),
    "/page/style.css": ("style.css", "text/css"),
}
"""Files of the page by path."""

SSE_HEADERS = {"x-accel-buffering": "no", "cache-control": "no-store"}
COMMENT_S = 15.0
"""Time between comments that keep a quiet stream of events open."""
MIN_WAIT_MS = 2000
MAX_TOLD_BYTES = 1 << 20
"""Longest mark or note."""


def _json(content: object) -> Response:
    return Response(json_line({"": content})[4:-1], media_type="application/json")


async def healthz(request: Request) -> Response:
    """Tell that the process answers."""
    return PlainTextResponse("ok\n")


async def readyz(request: Request) -> Response:
    """Tell whether sessions are taken."""
    services: Services = request.app.state.services
    if services.sessions.is_draining:
        raise Problem("shutting_down", "the server ends.")
    if not services.sessions.is_ready:
        raise Problem("not_ready", "the model is not loaded yet.", retry_after_s=2.0)
    return PlainTextResponse("ready\n")


async def metrics(request: Request) -> Response:
    """Give the counts."""
    services: Services = request.app.state.services
    sessions = services.sessions
    sessions.metrics.put(
        "serlive_backlog_seconds", sum(s.work.backlog_s for s in sessions.open.values())
    )
    return PlainTextResponse(
        sessions.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8"
    )


async def models(request: Request) -> Response:
    """Give the model's card in short."""
    services: Services = request.app.state.services
    return _json({"models": [services.sessions.model_card()]})


async def open_sessions(request: Request) -> Response:
    """List the sessions that are open, and those that were logged."""
    services: Services = request.app.state.services
    found = [
        {
            "source": session.start.source,
            "end_s": round(session.work.position_s, 3),
            "backlog_s": round(session.work.backlog_s, 3),
            "is_connected": session.is_connected,
        }
        for session in services.sessions.open.values()
    ]
    has_microphone = services.microphone is not None
    past = await listed(services, request)
    return _json({"sessions": found, "has_microphone": has_microphone, **past})


async def openapi(request: Request) -> Response:
    """Give the description of the HTTP part."""
    from ser_live.server.descriptions import openapi_document

    services: Services = request.app.state.services
    return _json(openapi_document(services.sessions.model_card()))


async def asyncapi(request: Request) -> Response:
    """Give the description of the WebSockets."""
    from ser_live.server.descriptions import asyncapi_document

    services: Services = request.app.state.services
    return _json(asyncapi_document(services.sessions.model_card()))


async def page(request: Request) -> Response:
    """Give a file of the page."""
    name, kind = FILES[request.url.path]
    return FileResponse(PAGE / name, media_type=kind)


async def microphone_events(request: Request) -> Response:
    """``/v1/events``: what the server's microphone hears, or a word to it."""
    # One route for both: a router that has two names the methods of the first alone.
    answer = tell_microphone if request.method == "POST" else event_stream
    return await answer(request)


async def event_stream(request: Request) -> Response:
    """``GET /v1/events``: records of the server's own microphone as server-sent events."""
    services: Services = request.app.state.services
    microphone = services.listened()
    if request.method == "HEAD":
        return Response(media_type="text/event-stream", headers=SSE_HEADERS)
    given = request.headers.get("last-event-id") or request.query_params.get("after", "")
    is_number = given.isascii() and given.isdecimal() and len(given) < 16
    listener = microphone.join(int(given) if is_number else None)
    return StreamingResponse(
        _sent(microphone, listener), media_type="text/event-stream", headers=SSE_HEADERS
    )


async def tell_microphone(request: Request) -> Response:
    """``POST /v1/events``: a mark or a note at the present moment of the server's microphone."""
    services: Services = request.app.state.services
    microphone = services.listened()
    body = BytesIO()
    await receive(request, body, replace(services.limits, max_upload_bytes=MAX_TOLD_BYTES))
    microphone.tell(read_object(body.getvalue().decode("utf-8", "replace")))
    return Response(status_code=204)


async def _sent(microphone: Microphone, listener: Listener) -> AsyncIterator[str]:
    try:
        yield f"retry: {MIN_WAIT_MS}\n\n"
        while True:
            record = await listener.next(COMMENT_S)
            if record is not None:
                seq, kind, text = record
                yield f"id: {seq}\nevent: {kind}\ndata: {text}\n\n"
            elif listener.is_dropped:
                return
            else:
                yield ": still here\n\n"
    finally:
        microphone.leave(listener)
