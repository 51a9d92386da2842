"""The WebSockets: a client's sound in, and the server's own microphone out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from starlette.websockets import WebSocket, WebSocketDisconnect

from ser_live.records.json_line import json_line
from ser_live.server.guard import problem_response, subprotocol
from ser_live.server.problems import CODES, Problem
from ser_live.server.protocol import Start, read_object, read_start

if TYPE_CHECKING:
    from ser_live.server.app import Services


async def stream(socket: WebSocket) -> None:
    """``/v1/stream``: sound in, records out."""
    services: Services = socket.app.state.services
    sessions = services.sessions
    try:
        check_ready(services)
        chosen = subprotocol(socket.scope)
    except Problem as problem:
        sessions.metrics.add("serlive_rejected_requests_total", code=problem.code)
        await problem_response(problem)(socket.scope, socket.receive, socket.send)
        return
    try:
        with sessions.waiting_to_start():
            await socket.accept(chosen)
            start = await _first(socket, sessions.limits.start_s)
        await sessions.serve(start, socket)
    except (WebSocketDisconnect, OSError):
        pass
    except Exception as error:  # noqa: BLE001  the top of a connection
        told = error if isinstance(error, Problem) else defect(error, sessions.report)
        sessions.metrics.add("serlive_rejected_requests_total", code=told.code)
        with suppress(RuntimeError, OSError, WebSocketDisconnect):
            message = {**told.as_message(), "fatal": True, "session": None, "seq": 1}
            await socket.send_text(json_line(message))
            await socket.close(CODES[told.code].close or 1002)


def defect(error: Exception, report: Callable[[BaseException], None]) -> Problem:
    """Tell of an error that the client is not to blame for, and what it hears of it."""
    report(error)
    return Problem("internal", "a defect of the program ended the session.")


def check_ready(services: Services) -> None:
    """Refuse a session before the server takes any, and once it ends."""
    if not services.sessions.is_ready:
        raise Problem("not_ready", "the model is not loaded yet: try again.", retry_after_s=2.0)
    if services.sessions.is_draining:
        raise Problem("shutting_down", "the server ends: try again later.", retry_after_s=10.0)
    services.sessions.check_starting()


async def _first(socket: WebSocket, within_s: float) -> Start:
    try:
        message = await asyncio.wait_for(socket.receive(), within_s)
    except (TimeoutError, asyncio.TimeoutError):
        raise Problem(
            "start_missing", f"nothing came within {within_s:g} s: send start first."
        ) from None
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code") or 1006)
    if message.get("text") is None:
        raise Problem("start_missing", "sound came before start: send start first.")
    return read_start(read_object(message["text"]))


async def events(socket: WebSocket) -> None:
    """``/v1/events``: the records of the server's own microphone."""
    services: Services = socket.app.state.services
    try:
        microphone = services.listened()
        chosen = subprotocol(socket.scope)
    except Problem as problem:
        await problem_response(problem)(socket.scope, socket.receive, socket.send)
        return
    after = _after(socket.query_params.get("after"))
    await socket.accept(chosen)
    listener = microphone.join(after)
    reading = asyncio.create_task(_until_gone(socket))
    try:
        while not reading.done():
            record = await listener.next(1.0)
            if record is not None:
                await socket.send_text(record[2])
            elif listener.is_dropped:
                await socket.close(CODES["slow_reader"].close)
                break
    except (WebSocketDisconnect, OSError, RuntimeError):
        pass
    finally:
        reading.cancel()
        microphone.leave(listener)


async def _until_gone(socket: WebSocket) -> None:
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


def _after(given: str | None) -> int | None:
    """Number of a record that arrived, of what a client says."""
    is_number = given is not None and given.isascii() and given.isdecimal() and len(given) < 16
    return int(given) if is_number and given is not None else None
