"""Crowds of clients that a server must outlast, each in one event loop of its own."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from raw_socket import BINARY, TEXT, RawSocket, frame
from served import Served

WAIT_S = 60.0
"""Longest wait for any answer."""


@contextmanager
def many_files(n: int) -> Iterator[None]:
    """Let this process have so many files open, as far as it may."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    is_raised = soft != resource.RLIM_INFINITY and soft < n
    if is_raised:
        raised = n if hard == resource.RLIM_INFINITY else min(n, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
    try:
        yield
    finally:
        if is_raised:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def upgrade(served: Served, path: str = "/v1/stream") -> bytes:
    """A request for a WebSocket, with the token."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {served.token}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    ).encode()


def crowd(
    served: Served,
    n: int,
    first: bytes,
    *,
    then: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, str]],
) -> Counter[str]:
    """Connect so many at once, each sending `first`; what `then` found, counted."""

    def begun() -> socket.socket:
        # At once, so that no request is late for want of a turn of this busy process.
        connection = socket.create_connection(("127.0.0.1", served.port), timeout=WAIT_S)
        connection.sendall(first)
        connection.setblocking(False)
        return connection

    writers: list[asyncio.StreamWriter] = []

    async def one(connection: socket.socket) -> str:
        reader, writer = await asyncio.open_connection(sock=connection)
        writers.append(writer)
        try:
            return await asyncio.wait_for(then(reader, writer), WAIT_S)
        except (TimeoutError, asyncio.TimeoutError):
            return "hangs"
        except (OSError, asyncio.IncompleteReadError):
            return "cut"

    async def run() -> Counter[str]:
        connections = [begun() for _ in range(n)]
        found = Counter(await asyncio.gather(*map(one, connections)))
        for writer in writers:  # all of them are there until the last one has its answer
            writer.close()
        return found

    with many_files(n + 256):
        return asyncio.run(run())


async def until_cut(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> str:
    """Say nothing more, and wait for the end."""
    data = await reader.read(4096)
    return data.split(b" ")[1].decode() if data else "cut"


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
    """Send a byte of a header each half second until the server has enough of it."""

    async def bytewise() -> None:
        with suppress(OSError):
            while True:
                await asyncio.sleep(0.5)
                writer.write(b"a")

    dripping = asyncio.create_task(bytewise())
    try:
        return await until_cut(reader, writer)
    finally:
        dripping.cancel()


async def answered(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> str:
    """Status and code of the answer to a request."""
    head = await reader.readuntil(b"\r\n\r\n")
    status = head.split(b" ")[1].decode()
    if status == "101":
        return status
    length = int(head.lower().split(b"content-length:")[1].split()[0])
    return f"{status} {json.loads(await reader.readexactly(length))['code']}"


def tiny_sound(data: bytes, n: int) -> Iterator[bytes]:
    """Frames of one sample each, in pieces of a thousand, then ``end``; silence after the data."""
    silent = frame(BINARY, b"\0\0")
    samples = memoryview(data)
    for at in range(0, n, 1000):
        found = [
            frame(BINARY, bytes(samples[2 * i : 2 * i + 2])) if 2 * i < len(data) else silent
            for i in range(at, min(n, at + 1000))
        ]
        yield b"".join(found)
    yield frame(TEXT, b'{"type":"end"}')


def flood_of_texts(served: Served, n: int) -> tuple[int | None, list[dict[str, Any]]]:
    """Send so many pings of the protocol at once; the code it ended with, and the records."""
    return flood(served, {}, (frame(TEXT, b'{"type":"ping"}') * 1000 for _ in range(n // 1000)))


def flood(
    served: Served, start: dict[str, Any], pieces: Iterable[bytes]
) -> tuple[int | None, list[dict[str, Any]]]:
    """Send pieces as fast as they are taken; the code it ended with, and the records."""
    with RawSocket(served, start) as hostile:

        def send() -> None:
            with suppress(OSError):
                for piece in pieces:
                    hostile.send(piece)

        sending = threading.Thread(target=send)
        sending.start()
        found = hostile.records()
        hostile.socket.close()
        sending.join()
        return hostile.close_code, found
