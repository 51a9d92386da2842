"""A server in a process of its own, and clients that share no code with it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PROTOCOL = "ser-live.v1"
START_S = 120.0
"""Longest time until a server answers, on a busy machine."""


def require_extra() -> None:
    """Skip where the libraries of the extra ``server`` are not there."""
    for name in ("starlette", "uvicorn", "websockets"):
        pytest.importorskip(name, reason="needs the extra server")


@dataclass(frozen=True)
class Served:
    """A running server."""

    port: int
    token: str
    process: subprocess.Popen[str]
    said: list[str]
    """Lines of its standard error so far."""
    keys: Any = None
    """What opens it, where it runs in this process."""

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def ask(self, path: str, **headers: str) -> Any:
        """An open answer to a plain request with the token."""
        request = urllib.request.Request(  # noqa: S310  of this machine
            self.base + path, headers={**self.headers, **headers}
        )
        return urllib.request.urlopen(request, timeout=60)  # noqa: S310

    def stream(self, **options: Any) -> Any:
        """A connection of the websockets library to ``/v1/stream``."""
        from websockets.sync.client import connect

        return connect(
            f"ws://127.0.0.1:{self.port}/v1/stream",
            subprotocols=[PROTOCOL],  # type: ignore[list-item]
            additional_headers=self.headers,
            compression=None,
            max_size=None,
            proxy=None,
            open_timeout=60,
            **options,
        )


@contextmanager
def serving(
    folder: Path, *arguments: str, program: Sequence[str] = ("-m", "ser_live")
) -> Iterator[Served]:
    """Run ``ser-live serve`` on any port with a token file."""
    token_file = folder / "token"
    process = subprocess.Popen(
        [
            *(sys.executable, *program, "serve", "--port", "0"),
            *("--token-file", str(token_file), *arguments),
        ],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    said: list[str] = []
    is_there = threading.Event()

    def read() -> None:
        assert process.stderr is not None
        for line in process.stderr:
            said.append(line.rstrip())
            if line.startswith("ser-live: tell the people"):
                is_there.set()
        is_there.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        assert is_there.wait(START_S)
        found = re.search(r"serving at https?://127\.0\.0\.1:(\d+)/", "\n".join(said))
        assert found, said
        yield Served(int(found[1]), token_file.read_text().strip(), process, said)
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        reader.join(5)
        assert process.stderr is not None
        process.stderr.close()


def talk(
    connection: Any, start: dict[str, Any], blocks: Sequence[bytes | float | dict[str, Any]]
) -> list[dict[str, Any]]:
    """Send a start, blocks and requests, then ``end``; every record until the connection ends.

    A number among them is a time to wait, in seconds.
    """
    import websockets

    found: list[dict[str, Any]] = []

    def read() -> None:
        with suppress(websockets.ConnectionClosed):
            found.extend(map(json.loads, connection))

    connection.send(json.dumps({"type": "start", **start}))
    reader = threading.Thread(target=read)
    reader.start()
    for block in blocks:
        if isinstance(block, float):
            time.sleep(block)
            continue
        connection.send(block if isinstance(block, bytes) else json.dumps(block))
    connection.send('{"type":"end"}')
    reader.join(120)
    return found


OWN_OF_A_RUN = {
    "seq", "session", "latency_ms", "started_at", "source", "file", "protocol", "limits",
    "model_card", "latency_ms_p50", "latency_ms_p95",
}  # fmt: skip
"""Fields that differ from run to run, or name where the sound came from."""


def essence(records: Sequence[dict[str, Any]], *, types: set[str]) -> list[dict[str, Any]]:
    """Records of some types without what differs from run to run."""
    return [
        {key: value for key, value in record.items() if key not in OWN_OF_A_RUN}
        for record in records
        if record["type"] in types
    ]
