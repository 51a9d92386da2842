"""WebSockets that share the event loop, whatever one client sends."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode, Frame

from ser_live.server.punctual import Stall

SLICE_S = 0.002
"""Time for which one client's frames are read before it is another's turn, in seconds."""

PIECE_BYTES = 1024
"""Bytes that are read between two looks at the clock: a hundred of the shortest frames."""

N_QUEUED = 64
"""Messages that may wait for the session before no more are read."""

N_FRAGMENTS = 1024
"""Parts that a message may come in."""

UNREAD_BYTES = 1 << 20
"""Bytes that a client may leave unread before none of its own are read."""


class SlicedWebSocket(WebSocketsSansIOProtocol):
    """Reads a little of each client in turn, and cuts the line of one that takes nothing.

    Uvicorn reads all that came at once: thousands of tiny frames, which hold up everybody.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._stall = Stall()
        self._unread = bytearray()
        self._turn: asyncio.Handle | None = None

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stall.begin(self.transport)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stall.end()
        self._wait_for_turn()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stall.end()
        if self._turn is not None:
            self._turn.cancel()
        self._unread.clear()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._unread += data
        if self._turn is None:
            self._read_some()

    def handle_cont(self, event: Frame) -> None:
        if len(self.frames) < N_FRAGMENTS:
            super().handle_cont(event)
            return
        self.frames = []
        self.conn.fail(CloseCode.MESSAGE_TOO_BIG, "too many fragments")
        self.handle_parser_exception()

    async def receive(self) -> Any:
        message = await self.queue.get()
        if self.read_paused and self.queue.empty():
            self.read_paused = False
            self._wait_for_turn()
        return message

    def _read_some(self) -> None:
        self._turn = None
        until_s = self.loop.time() + SLICE_S
        while self._unread and self._may_read():
            piece = bytes(self._unread[:PIECE_BYTES])
            del self._unread[:PIECE_BYTES]
            super().data_received(piece)
            if self.loop.time() > until_s:
                break
        if self._unread:
            self.transport.pause_reading()
            if self._may_read():
                self._wait_for_turn()
        elif not self.read_paused:
            self.transport.resume_reading()

    def _may_read(self) -> bool:
        if self.transport.is_closing():
            self._unread.clear()
            return False
        is_read = self.transport.get_write_buffer_size() < UNREAD_BYTES
        return self.close_sent or (is_read and self.queue.qsize() < N_QUEUED)

    def _wait_for_turn(self) -> None:
        if self._turn is None and not self.transport.is_closing():
            self._turn = self.loop.call_soon(self._read_some)
