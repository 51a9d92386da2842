"""Clients of the server for `bench_server.py`, in a process that is not the server's."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bench

BLOCK_S = 0.02
TOKEN = "a-token-for-a-measurement"  # noqa: S105  of a server that lives for seconds
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass
class Clip:
    """Sound that is sent over and over, as blocks."""

    blocks: list[bytes]
    rate_hz: int
    block_s: float = BLOCK_S

    @classmethod
    def of_speech(cls) -> Clip:
        """A minute of speech, utterances of 3 s with short pauses."""
        import numpy as np

        samples, rate = bench.continuous_speech(60.0)
        samples = samples if samples.ndim == 1 else samples[:, 0]
        data = (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
        n_bytes = 2 * round(BLOCK_S * rate)
        blocks = [data[i : i + n_bytes] for i in range(0, len(data) - n_bytes + 1, n_bytes)]
        return cls(blocks, rate)

    def finals(self, n_blocks: int) -> dict[int, int]:
        """Block that makes each utterance known, by the utterance's number."""
        import numpy as np

        from ser_live.config import Settings
        from ser_live.events import Kind, StreamId, Utterance
        from ser_live.stream.segmenting import SegmentingStage

        stage = SegmentingStage(
            Settings(),
            stream=StreamId(number=1, source="clip", channel=None, role=None),
            sample_rate=self.rate_hz,
            n_channels=1,
            with_partials=False,
        )
        found: dict[int, int] = {}
        for number in range(n_blocks):
            data = self.blocks[number % len(self.blocks)]
            block = np.frombuffer(data, "<i2").astype(np.float32)[:, np.newaxis] / np.float32(32768)
            for event in stage.push(block):
                if isinstance(event, Utterance) and event.kind is Kind.FINAL:
                    found[event.id] = number
        return found

    def analyzed(self, n_blocks: int, *, is_paced: bool) -> dict[str, float]:
        """What the plain analyzer takes for finals in this process, at once or at real time."""
        from ser_live import Analyzer
        from ser_live.events import EmotionResult, Kind

        Analyzer(self.rate_hz).push(b"".join(self.blocks[:500]))  # until everything is loaded
        analyzer = Analyzer(self.rate_hz)
        took_ms: list[float] = []
        began_s, before_s = time.monotonic(), time.process_time()
        for number in range(n_blocks):
            wait_s = began_s + number * self.block_s - time.monotonic()
            if is_paced and wait_s > 0:
                time.sleep(wait_s)
            pushed_s = time.monotonic()
            events = analyzer.push(self.blocks[number % len(self.blocks)])
            if any(isinstance(e, EmotionResult) and e.kind is Kind.FINAL for e in events):
                took_ms.append((time.monotonic() - pushed_s) * 1e3)
        minutes = n_blocks * self.block_s / 60
        return {
            **quantiles(took_ms),
            "cpu_s_per_minute": (time.process_time() - before_s) / minutes,
        }


def quantiles(values: list[float]) -> dict[str, float]:
    """Median, 95 % and most."""
    return {
        "p50_ms": statistics.median(values),
        "p95_ms": bench.percentile(values, 0.95),
        "max_ms": max(values),
    }


@dataclass
class Client:
    """What one client saw."""

    sent_s: list[float] = field(default_factory=list)
    came_s: dict[int, float] = field(default_factory=dict)
    """Arrival of each final result, by the utterance's number."""
    judged_ms: dict[int, float] = field(default_factory=dict)
    """Time from knowing each utterance to its final result, as the record says."""
    session: str = ""
    """Its name by the server."""
    n_partials: int = 0
    n_dropped: int = 0
    is_closed: bool = False
    """Whether it ended otherwise than it was meant to."""


@dataclass
class Load:
    """What a load of clients saw, and what the server took."""

    clients: list[Client]
    lags_ms: list[float]
    cpu_s: float
    memory_mb: float


async def load(
    port: int, token: str, pid: int, clip: Clip, n_clients: int, n_blocks: int,
    *, stalls: bool = False,
) -> Load:  # fmt: skip
    """Let clients send at real time, begun within a second of each other at most."""
    lags: list[float] = []
    peaks = [0.0]
    watching = asyncio.create_task(_watch(port, token, pid, lags, peaks))
    stalling = asyncio.create_task(_stall(port, token)) if stalls else None
    before_s = cpu_s(pid)
    clients = await asyncio.gather(
        *(_client(port, token, clip, n_blocks, n / n_clients) for n in range(n_clients))
    )
    spent_s = cpu_s(pid) - before_s
    for task in (watching, stalling):
        if task is not None:
            task.cancel()
    return Load(clients, lags, spent_s, peaks[0])


async def _client(port: int, token: str, clip: Clip, n_blocks: int, delay_s: float) -> Client:
    from websockets.asyncio.client import connect
    from websockets.exceptions import ConnectionClosed

    found = Client()
    await asyncio.sleep(delay_s)
    connection = await connect(
        f"ws://127.0.0.1:{port}/v1/stream",
        additional_headers={"Authorization": f"Bearer {token}"},
        subprotocols=["ser-live.v1"],  # type: ignore[list-item]
        compression=None,
        ping_interval=None,
        open_timeout=60,
        proxy=None,
    )
    ended = False

    async def read() -> None:
        nonlocal ended
        with suppress(ConnectionClosed):
            async for text in connection:
                record = json.loads(text)
                kind = record["type"]
                if kind == "session_started":
                    found.session = record["session"]
                if kind == "emotion" and record["kind"] == "final":
                    found.came_s[record["id"]] = time.monotonic()
                    found.judged_ms[record["id"]] = record["latency_ms"]
                found.n_partials += kind == "emotion" and record["kind"] == "partial"
                found.n_dropped += kind == "drop"
                ended |= kind == "session_ended"

    await connection.send(json.dumps({"type": "start", "sample_rate": clip.rate_hz}))
    reading = asyncio.create_task(read())
    began_s = time.monotonic()
    try:
        for number in range(n_blocks):
            due_s = began_s + number * clip.block_s
            if (wait_s := due_s - time.monotonic()) > 0:
                await asyncio.sleep(wait_s)
            found.sent_s.append(time.monotonic())
            await connection.send(clip.blocks[number % len(clip.blocks)])
        await connection.send('{"type":"end"}')
        await asyncio.wait_for(reading, 60)
    except (ConnectionClosed, TimeoutError, asyncio.TimeoutError):
        pass
    found.is_closed = not ended
    await connection.close()
    return found


async def _watch(port: int, token: str, pid: int, lags: list[float], peaks: list[float]) -> None:
    """Read the server's own counts and its memory every few seconds."""
    while True:
        await asyncio.sleep(5.0)
        text = await _get(port, token, "/metrics")
        lags += [
            float(line.split()[-1]) * 1e3
            for line in text.splitlines()
            if line.startswith('serlive_loop_lag_seconds{quantile="0.99"}')
        ]
        peaks[0] = max(peaks[0], memory_mb(pid))


async def _get(port: int, token: str, path: str) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(_request(path, token) + b"Connection: close\r\n\r\n")
    answer = await reader.read()
    writer.close()
    return answer.decode()


def _request(path: str, token: str) -> bytes:
    head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
    return head.encode()


async def _stall(port: int, token: str) -> None:
    """Ask for answers that are never read, again as soon as the server cut the connection."""
    upgrade = (
        b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    ping = _frame(json.dumps({"type": "ping", "id": "x" * 30_000}).encode())
    loop = asyncio.get_running_loop()
    while True:
        with socket.socket() as raw:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            raw.setblocking(False)
            with suppress(OSError):
                await loop.sock_connect(raw, ("127.0.0.1", port))
                await loop.sock_sendall(raw, _request("/v1/stream", token) + upgrade)
                await loop.sock_sendall(raw, _frame(b'{"type":"start","results":"all"}'))
                while True:
                    await loop.sock_sendall(raw, ping)
                    await asyncio.sleep(0.02)


def _frame(data: bytes) -> bytes:
    size = (
        bytes([0x80 | len(data)])
        if len(data) < 126
        else bytes([0x80 | 126]) + len(data).to_bytes(2, "big")
    )
    return b"\x81" + size + b"\0\0\0\0" + data


def summary(found: Load, finals: dict[int, int], minutes: float) -> dict[str, Any]:
    """Figures of a load; `finals` are the blocks that make utterances known."""
    latencies, beyond, n_missing = [], [], 0
    for client in found.clients:
        for number, block in finals.items():
            if number not in client.came_s:
                n_missing += 1
                continue
            latency_ms = (client.came_s[number] - client.sent_s[block]) * 1e3
            latencies.append(latency_ms)
            beyond.append(latency_ms - client.judged_ms[number])
    n_dropped = sum(client.n_dropped for client in found.clients)
    n_partials = sum(client.n_partials for client in found.clients)
    return {
        "n_clients": len(found.clients),
        "minutes": minutes,
        **quantiles(latencies),
        "beyond": quantiles(beyond),
        "n_finals": len(latencies),
        "n_missing": n_missing,
        "n_closed": sum(client.is_closed for client in found.clients),
        "dropped_share": n_dropped / max(1, n_dropped + n_partials),
        "loop_lag_p99_ms": max(found.lags_ms, default=float("nan")),
        "cpu_s_per_minute": found.cpu_s / len(found.clients) / minutes,
        "memory_mb": found.memory_mb,
    }


def _tree(pid: int) -> list[int]:
    """A process and what it started."""
    found = [pid]
    for parent in found:
        for thread in Path(f"/proc/{parent}/task").glob("*/children"):
            with suppress(OSError):
                found += [int(number) for number in thread.read_text().split()]
    return found


def cpu_s(pid: int) -> float:
    """Processor time of a process and what it started, in seconds."""
    ticks = 0
    for number in _tree(pid):
        with suppress(OSError):
            fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS_PER_S


def memory_mb(pid: int) -> float:
    """Memory of a process and what it started, shared pages counted once, MB."""
    kilobytes = 0
    for number in _tree(pid):
        with suppress(OSError):
            for line in Path(f"/proc/{number}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    kilobytes += int(line.split()[1])
    return kilobytes * 1024 / 1e6


# -- the server's own microphone


@contextmanager
def heard_server() -> Iterator[tuple[int, int]]:
    """A server in a process of its own that hears the clip over and over; port and process."""
    command = [sys.executable, __file__]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline()), process.pid
        finally:
            process.kill()


async def listen(port: int, pid: int, n: int, seconds: float) -> tuple[float, int]:
    """Share of a core that the server takes with listeners, and the records that they got."""
    n_records = 0

    async def one() -> None:
        nonlocal n_records
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(_request("/v1/events", TOKEN) + b"\r\n")
        while line := await reader.readline():
            n_records += line.startswith(b"data:")

    tasks = [asyncio.create_task(one()) for _ in range(n)]
    await asyncio.sleep(3.0)
    n_records = 0
    before_s, began_s = cpu_s(pid), time.monotonic()
    await asyncio.sleep(seconds)
    share = (cpu_s(pid) - before_s) / (time.monotonic() - began_s)
    for task in tasks:
        task.cancel()
    return share, n_records


def _serve_heard() -> None:
    """Serve a pushed clip as the server's own microphone; the port goes to standard output."""
    import threading

    import numpy as np

    from ser_live import listen as begin
    from ser_live.model.emotion_model import EmotionModel
    from ser_live.server.app import Services
    from ser_live.server.guard import Keys
    from ser_live.server.running import Server
    from ser_live.sources.pushed import PushedSource

    clip = Clip.of_speech()
    source = PushedSource("pushed", clip.rate_hz, 1)
    model = EmotionModel.load()
    services = Services(
        model=model,
        keys=Keys(TOKEN),
        report=lambda error: print(error, file=sys.stderr),
        listen=lambda: begin(source, model=model, with_levels=True),
    )
    listener = socket.create_server(("127.0.0.1", 0))
    server = Server(services, listener)

    def feed() -> None:
        print(listener.getsockname()[1], flush=True)
        began_s, number = time.monotonic(), 0
        while True:
            source.push(np.frombuffer(clip.blocks[number % len(clip.blocks)], "<i2"))
            number += 1
            time.sleep(max(0.0, began_s + number * clip.block_s - time.monotonic()))

    server.on_started = threading.Thread(target=feed, daemon=True).start
    asyncio.run(server.run_until_ended())


if __name__ == "__main__":
    _serve_heard()
