"""A WebSocket by hand, for messages that no library would send."""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

from served import Served

TEXT, BINARY, CONT, PING = 0x1, 0x2, 0x0, 0x9
FIN, COMPRESSED = 0x80, 0x40


def frame(opcode: int, data: bytes = b"", *, flags: int = FIN, said: int | None = None) -> bytes:
    """A frame as clients send it, masked with zeros; `said` is the length in its head."""
    n = len(data) if said is None else said
    if n < 126:
        size = bytes([0x80 | n])
    elif n < 1 << 16:
        size = bytes([0x80 | 126]) + n.to_bytes(2, "big")
    else:
        size = bytes([0x80 | 127]) + n.to_bytes(8, "big")
    return bytes([flags | opcode]) + size + b"\0\0\0\0" + data


class RawSocket:
    """A connection to ``/v1/stream`` that sends bytes and reads frames."""

    def __init__(self, served: Served, start: dict[str, Any] | None) -> None:
        self.socket = socket.create_connection(("127.0.0.1", served.port), timeout=60)
        self._rest = b""
        self.close_code: int | None = None
        self.send(
            f"GET /v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {served.token}"
            "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
        )
        while b"\r\n\r\n" not in self._rest:
            self._read()
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        self.status = int(head.split()[1])
        if start is not None:
            self.send(frame(TEXT, json.dumps({"type": "start", **start}).encode()))

    def __enter__(self) -> RawSocket:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def _read(self) -> None:
        data = self.socket.recv(1 << 16)
        if not data:
            raise ConnectionError
        self._rest += data

    def records(self) -> list[dict[str, Any]]:
        """All records until the server closes."""
        found: list[dict[str, Any]] = []
        with suppress(OSError):
            while self.close_code is None:
                opcode, data = self._frame()
                if opcode == TEXT:
                    found.append(json.loads(data))
                elif opcode == 0x8:
                    self.close_code = int.from_bytes(data[:2], "big")
        return found

    def _frame(self) -> tuple[int, bytes]:
        while len(self._rest) < 2:
            self._read()
        n, start = self._rest[1] & 0x7F, 2
        if n >= 126:
            width = 2 if n == 126 else 8
            start += width
            while len(self._rest) < start:
                self._read()
            n = int.from_bytes(self._rest[2:start], "big")
        while len(self._rest) < start + n:
            self._read()
        opcode, data = self._rest[0] & 0x0F, self._rest[start : start + n]
        self._rest = self._rest[start + n :]
        return opcode, data


def memory_mb(pid: int) -> float:
    """Memory that a process has, in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1e3
    return 0.0


def children(pid: int) -> list[int]:
    """Processes that a process started with any of its threads."""
    found: list[int] = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += [int(number) for number in path.read_text().split()]
    return found
