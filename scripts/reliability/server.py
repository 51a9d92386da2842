"""Crowds and floods of clients: the server bounds them, and a client beside them loses nothing."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import soundfile

from reliability.machinery import DEMO, rss_mb
from reliability.row import Row

# After the machinery, which finds the tests' tools.
from raw_socket import BINARY, TEXT, children, frame  # isort: skip
from served import Served, serving  # isort: skip
from server_floods import answered, crowd, drip, flood, tiny_sound, until_cut, upgrade  # isort: skip

TITLE = "Server"

MOST_MB = 60.0
"""Memory that the server may take for a flood, in megabytes."""

MOST_WAIT_S = 2.0
"""Longest wait for an answer that a client beside a flood may have."""

Answer = tuple[bool, str]
"""Whether the flood ended as it should, and what was found."""


def run(*, short: bool, data: Path | None) -> Iterator[Row]:
    """Let floods come one after the other, each beside a client that talks."""
    del data  # what is said does not matter here
    n_clients, n_frames = (300, 20_000) if short else (1000, 1_000_000)
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder), "--processes", "2") as served,
    ):
        spoken, rate = soundfile.read(DEMO, dtype="int16", frames=10 * 22_050)
        # Silence after it, so that the last utterance ends the same whatever comes next.
        sound = (spoken.tobytes() + bytes(2 * 3 * rate), rate)
        expected = Neighbour(served, sound).talk_once()
        for claim, act in _floods(served, sound, n_clients, n_frames):
            yield _row(served, sound, expected, claim, act)


def _floods(
    served: Served, sound: tuple[bytes, int], n_clients: int, n_frames: int
) -> Iterator[tuple[str, Callable[[], Answer]]]:
    head = f"Host: 127.0.0.1\r\nAuthorization: Bearer {served.token}\r\n"

    def a_crowd(first: bytes, then: Any, *allowed: str) -> Callable[[], Answer]:
        def act() -> Answer:
            found = crowd(served, n_clients, first, then=then)
            return _is_among(found, n_clients, allowed), _told(found)

        return act

    yield f"{n_clients} connections at once that say nothing", a_crowd(b"", until_cut, "cut")
    yield (
        f"{n_clients} at once that send a byte of a header each half second",
        a_crowd(b"GET / HTTP/1.1\r\nX: ", drip, "cut"),
    )
    yield (
        f"{n_clients} WebSockets at once, with the token",
        a_crowd(upgrade(served), answered, "101", "503 server_full"),
    )
    yield (
        f"{n_clients} requests at once, with the token",
        a_crowd(f"GET /v1/models HTTP/1.1\r\n{head}\r\n".encode(), until_cut, "200", "503"),
    )
    yield f"sound in {n_frames:,} frames of a sample each", lambda: _tiny(served, sound, n_frames)
    for what, message in (
        ("texts", frame(TEXT, b'{"type":"ping"}')),
        ("frames that are no sound", frame(BINARY, b"\0")),
    ):
        yield f"{n_frames:,} {what}", partial(_cut, served, message, n_frames)
    yield "bodies that come byte by byte in all places for uploads", lambda: _dawdle(served, sound)


def _is_among(found: Counter[str], n: int, allowed: tuple[str, ...]) -> bool:
    return found.total() == n and found.keys() <= set(allowed)


def _told(found: Counter[str]) -> str:
    return ", ".join(f"{what}: {n}" for what, n in found.most_common())


def _tiny(served: Served, sound: tuple[bytes, int], n_frames: int) -> Answer:
    data, rate = sound
    start = {"sample_rate": rate, "results": "final"}
    code, found = flood(served, start, tiny_sound(data, n_frames))
    duration_s = found[-1].get("duration_s", 0.0)
    is_whole = code == 1000 and abs(duration_s - n_frames / rate) < 0.1
    return is_whole, f"{duration_s:.1f} of {n_frames / rate:.1f} s heard"


def _cut(served: Served, message: bytes, n_frames: int) -> Answer:
    code, found = flood(served, {}, [message * 1000] * (n_frames // 1000))
    last = found[-1].get("code")
    return (code, last) == (1008, "rate_limited"), f"{last}, {code} after {len(found)} answers"


def _dawdle(served: Served, sound: tuple[bytes, int]) -> Answer:
    """Fill all places with bodies that trickle, then send a recording."""
    head = (
        "POST /v1/analyze HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n"
        f"Authorization: Bearer {served.token}\r\n\r\n"
    ).encode()
    with contextlib.ExitStack() as around:
        slow = [
            around.enter_context(socket.create_connection(("127.0.0.1", served.port), timeout=60))
            for _ in range(4)
        ]
        for connection in slow:
            connection.sendall(head)
        for _ in range(6):
            time.sleep(0.5)
            for connection in slow:
                connection.sendall(b"R")
        status = asyncio.run(_upload(served, DEMO.read_bytes()))
    return status == 200, f"a recording is answered with {status}"


async def _upload(served: Served, body: bytes) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(
        f"POST /v1/analyze HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n"
        f"Authorization: Bearer {served.token}\r\n\r\n".encode()
        + body
    )
    line = await reader.readline()
    writer.close()
    return int(line.split()[1])


def _row(
    served: Served,
    sound: tuple[bytes, int],
    expected: list[Any],
    claim: str,
    act: Callable[[], Answer],
) -> Row:
    began_s = time.monotonic()
    pids = [served.process.pid, *children(served.process.pid)]
    before_mb = sum(map(rss_mb, pids))
    neighbour = Neighbour(served, sound)
    with neighbour.talking():
        ends_well, found = act()
        after_mb = sum(map(rss_mb, pids))
    grown_mb = after_mb - before_mb
    loses_nothing = neighbour.finals == expected
    return Row(
        claim,
        f"{found}; beside it {len(neighbour.finals)} of {len(expected)} final results, answers "
        f"within {neighbour.longest_s:.2f} s; memory {grown_mb:+.0f} MB",
        f"cut, served or refused with a code; all of {len(expected)}, ≤ {MOST_WAIT_S:g} s, "
        f"≤ +{MOST_MB:g} MB",
        ends_well and loses_nothing and grown_mb <= MOST_MB and neighbour.longest_s <= MOST_WAIT_S,
        time.monotonic() - began_s,
        # That answers are late on a busy machine is nobody's fault; a loss would be.
        measures_time=ends_well and loses_nothing and grown_mb <= MOST_MB,
    )


class Neighbour:
    """A client that talks, asks all the time whether it is heard, and ends in order."""

    def __init__(self, served: Served, sound: tuple[bytes, int]) -> None:
        self.longest_s = 0.0
        """Longest wait for the answer to a ping."""
        self.finals: list[Any] = []
        self._served = served
        self._data, self._rate = sound
        self._is_heard = threading.Event()
        self._is_over = threading.Event()

    def talk_once(self) -> list[Any]:
        """Final results of a client that nothing disturbs."""
        with self.talking():
            pass
        return self.finals

    @contextlib.contextmanager
    def talking(self) -> Iterator[None]:
        """Talk in a thread until the context is left, then wait for all results.

        The context begins once the client is heard: a crowd could take its place before it came.
        """
        thread = threading.Thread(target=self._talk)
        thread.start()
        self._is_heard.wait(30)
        try:
            yield
        finally:
            self._is_over.set()
            thread.join(120)

    def _talk(self) -> None:
        with self._served.stream() as connection:
            connection.send(json.dumps({"type": "start", "sample_rate": self._rate}))
            block = self._rate // 5 * 2
            number, n_sent = 0, 0
            while n_sent < len(self._data) or not self._is_over.is_set():
                connection.send(self._data[n_sent : n_sent + block] or bytes(block))
                n_sent += block
                number += 1
                asked_s = time.monotonic()
                connection.send(json.dumps({"type": "ping", "id": number}))
                while (record := self._next(connection)).get("id") != number or (
                    record["type"] != "pong"
                ):
                    pass
                self._is_heard.set()
                self.longest_s = max(self.longest_s, time.monotonic() - asked_s)
                if n_sent > len(self._data):
                    self._is_over.wait(0.1)
            connection.send('{"type":"end"}')
            while self._next(connection)["type"] != "session_ended":
                pass

    def _next(self, connection: Any) -> dict[str, Any]:
        record: dict[str, Any] = json.loads(connection.recv(timeout=60))
        if record["type"] == "emotion" and record["kind"] == "final":
            self.finals.append((record["start_s"], record["emotion"], record["confidence"]))
        return record
