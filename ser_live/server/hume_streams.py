"""``/v1/expression/audio/realtime``: a stream in Hume's message format."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from ser_live.events import Record
from ser_live.records.json_line import json_line
from ser_live.server import hume_messages as form
from ser_live.server.guard import problem_response, subprotocol
from ser_live.server.guests import Guest
from ser_live.server.problems import CODES, Problem
from ser_live.server.protocol import Start, read_object, read_sound
from ser_live.server.streams import check_ready, defect

if TYPE_CHECKING:
    from ser_live.server.app import Services

GONE = (WebSocketDisconnect, OSError, RuntimeError)
"""Errors by which a connection that is gone shows."""


async def realtime(socket: WebSocket) -> None:
    """Sound in, measurements out; numbers are those of this program."""
    services: Services = socket.app.state.services
    sessions = services.sessions
    try:
        check_ready(services)
        chosen = subprotocol(socket.scope)
        guest = Guest(Start(source="realtime", results="all"), sessions)
    except Problem as problem:
        sessions.metrics.add("serlive_rejected_requests_total", code=problem.code)
        refused = problem_response(problem, socket.url.path)
        await refused(socket.scope, socket.receive, socket.send)
        return
    reason = "left"
    try:
        await socket.accept(chosen)
        reason = await _Realtime(socket, guest, services).run()
    except GONE:
        pass
    except Exception as error:  # noqa: BLE001  the top of a connection
        defect(error, sessions.report)
        with suppress(*GONE):
            await socket.close(1011)
    finally:
        guest.leave(reason)


class _Realtime:
    """One connection, from ``session.created`` to ``session.closed``."""

    def __init__(self, socket: WebSocket, guest: Guest, services: Services) -> None:
        self._socket = socket
        self._guest = guest
        self._metrics = services.sessions.metrics
        self._most = services.limits.max_message_bytes
        self._session = form.identity()
        self._told = form.Measurements()
        self._n_frames = 0

    async def run(self) -> str:
        """Serve the connection; the reason of its end, for the counts."""
        created = {"type": "session.created", "session_id": self._session}
        await self._send({**created, **_configuration(form.TIMER_MS)})
        reading = asyncio.create_task(self._read())
        telling = asyncio.create_task(self._tell())
        try:
            await asyncio.wait({reading, telling}, return_when=asyncio.FIRST_COMPLETED)
            if reading.done() and not telling.done():
                reading.result()  # a client that is gone, or a defect
                return "left"
            return await telling
        finally:
            reading.cancel()
            telling.cancel()
            await asyncio.gather(reading, telling, return_exceptions=True)

    async def _read(self) -> None:
        """Take messages until the connection ends."""
        while True:
            await self._guest.wait_for_room()
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            if self._guest.is_ending:
                continue
            try:
                if message.get("bytes") is not None:
                    self._take_sound(message["bytes"])
                else:
                    await self._take_text(message["text"])
            except Problem as problem:
                self._metrics.add("serlive_rejected_requests_total", code=problem.code)
                if problem.is_fatal:
                    self._guest.fail(problem)
                else:
                    await self._send(form.error(problem))

    def _take_sound(self, data: bytes) -> None:
        self._check_size(len(data))
        if len(data) > form.MAX_FRAME_BYTES:
            raise Problem(
                "audio_invalid",
                f"a frame of {len(data)} bytes came, but {form.MAX_FRAME_BYTES} (10 s) are the "
                "most: send shorter ones, this one was left out.",
            )
        block = read_sound(data, self._guest.start)
        self._n_frames += 1
        self._guest.put(block)

    async def _take_text(self, text: str) -> None:
        self._guest.count_text()
        self._check_size(len(text))
        message = read_object(text)
        match message["type"]:
            case "session.update":
                await self._configure(message)
            case "session.close":
                self._guest.end(None)
            case kind:
                raise Problem(
                    "unknown_type",
                    f"a message of type {kind[:40]!r} came, but session.update, sound and "
                    "session.close are known.",
                )

    async def _configure(self, message: dict[str, Any]) -> None:
        if self._n_frames:
            raise Problem("start_invalid", "session.update came after sound: send it before.")
        form.check_audio(message.get("audio"))
        timer_ms = form.read_timer_ms(message)
        self._told = form.Measurements(timer_ms)
        await self._send({"type": "session.updated", **_configuration(timer_ms)})

    def _check_size(self, n: int) -> None:
        if n > self._most:
            raise Problem(
                "message_too_large",
                f"a message of {n} bytes came, but {self._most} is the most: send shorter ones.",
            )

    async def _tell(self) -> str:
        """Send what is measured until all was, then why it ended."""
        problem: Problem | None = None
        try:
            async for event in self._guest.events():
                for message in self._told.messages(event):
                    await self._send(message)
            problem = self._guest.farewell
        except Problem as failure:
            problem = failure
            await self._send(form.error(problem))
        closed = self._told.closed(
            self._session,
            form.close_reason(problem),
            n_samples=self._guest.n_received,
            n_frames=self._n_frames,
        )
        await self._send(closed)
        await self._socket.close(1000 if problem is None else CODES[problem.code].close or 1008)
        return "end" if problem is None else problem.code

    async def _send(self, message: Record) -> None:
        await self._socket.send_text(json_line(message))


def _configuration(timer_ms: int) -> Record:
    return {"audio": dict(form.AUDIO), "measurement_timer_ms": timer_ms}
