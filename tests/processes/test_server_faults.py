"""Faults of clients and machines: what was heard is reported, and the others notice nothing."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from served import Served, essence, require_extra, serving, talk

require_extra()

from raw_socket import (  # noqa: E402
    BINARY,
    COMPRESSED,
    CONT,
    FIN,
    PING,
    TEXT,
    RawSocket,
    children,
    frame,
    memory_mb,
)  # fmt: skip
from server_floods import answered, crowd, flood, many_files, upgrade  # noqa: E402

RECORDS = {"stream_started", "state", "emotion", "gap", "mark", "stream_ended"}
ANSWER_S = 5.0
"""Longest time to an answer that nobody would notice on a busy machine."""

N_AT_ONCE = 1000
"""Connections at the same time."""

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("faults"), "--processes", "2") as found:
        yield found


@pytest.fixture(scope="module")
def sound(short_talk: Path) -> tuple[bytes, int]:
    samples, rate = soundfile.read(short_talk, dtype="int16", frames=5 * 22_050)
    return samples.tobytes(), rate


@pytest.fixture(scope="module")
def expected(served: Served, sound: tuple[bytes, int]) -> list[dict[str, Any]]:
    """Records of the sound from a client that nothing disturbs."""
    data, rate = sound
    with served.stream() as connection:
        found = essence(talk(connection, {"sample_rate": rate}, [data]), types=RECORDS)
    assert any(record["type"] == "emotion" and record["kind"] == "final" for record in found)
    return found


def finals(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Records without partial results."""
    return [r for r in essence(found, types=RECORDS) if r.get("kind") != "partial"]


def assert_same(found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    assert essence(found, types=RECORDS) == expected


@contextmanager
def beside(served: Served, sound: tuple[bytes, int]) -> Iterator[list[dict[str, Any]]]:
    """Another client, in first, that talks meanwhile; its records; each ping was answered soon."""
    data, rate = sound
    found: list[dict[str, Any]] = []
    waits_s: list[float] = []
    has_begun, is_over = threading.Event(), threading.Event()

    def run() -> None:
        with served.stream() as connection:
            connection.send(json.dumps({"type": "start", "sample_rate": rate}))
            found.append(json.loads(connection.recv(timeout=60)))
            has_begun.set()
            for i in range(0, len(data), rate):
                connection.send(data[i : i + rate])
            number = 0
            while not (number and is_over.is_set()):
                number += 1
                asked_s = time.monotonic()
                connection.send(json.dumps({"type": "ping", "id": number}))
                while not found or found[-1].get("id") != number or found[-1]["type"] != "pong":
                    found.append(json.loads(connection.recv(timeout=60)))
                waits_s.append(time.monotonic() - asked_s)
                is_over.wait(0.1)
            connection.send('{"type":"end"}')
            while not found or found[-1]["type"] != "session_ended":
                found.append(json.loads(connection.recv(timeout=60)))

    thread = threading.Thread(target=run)
    thread.start()
    assert has_begun.wait(90)
    try:
        yield found
    finally:
        is_over.set()
        thread.join(90)
    assert found[-1]["type"] == "session_ended"
    assert max(waits_s) < ANSWER_S


# -- connections


@linux_only
def test_a_thousand_silent_connections_leave_room(
    served: Served, sound: tuple[bytes, int], expected: list[dict[str, Any]]
) -> None:
    """While they are there others are served; most are cut after a second, few after ten."""
    before_mb = memory_mb(served.process.pid)
    silent: list[socket.socket] = []
    with many_files(N_AT_ONCE + 256):
        try:
            with beside(served, sound) as other:
                silent += [
                    socket.create_connection(("127.0.0.1", served.port), timeout=30)
                    for _ in range(N_AT_ONCE)
                ]
                with served.ask("/readyz") as answer:
                    assert answer.status == 200
                data, rate = sound
                with served.stream() as connection:
                    assert_same(talk(connection, {"sample_rate": rate}, [data]), expected)
                time.sleep(1.5)
                for connection in silent:
                    connection.setblocking(False)
                assert sum(map(_is_open, silent)) <= 64
            assert_same(other, expected)
        finally:
            for connection in silent:
                connection.close()
    assert memory_mb(served.process.pid) - before_mb < 60


def _is_open(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


def test_where_too_many_keep_silent_the_oldest_gives_way(
    sound: tuple[bytes, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not the one that comes next, which may be somebody who has something to ask."""
    from server_here import hearing

    from ser_live import PushedSource
    from ser_live.server import punctual

    monkeypatch.setattr(punctual, "N_HEADLESS", 20)
    source = PushedSource("pushed", 16_000, 1)
    with hearing(source) as served:
        silent = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(30)]
        with served.ask("/readyz") as answer:
            assert answer.status == 200
        for connection in silent:
            connection.setblocking(False)
        assert [_is_open(connection) for connection in silent] == [False] * 11 + [True] * 19
        for connection in silent:
            connection.close()
        source.finish()


def test_uploads_that_dawdle_give_way_to_one_that_comes(
    served: Served, sound: tuple[bytes, int], short_talk: Path
) -> None:
    """All places are taken by bodies of a byte now and then: the next upload is analyzed."""
    head = (
        f"POST /v1/analyze HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n"
        f"Authorization: Bearer {served.token}\r\n\r\nRIFF"
    )
    whole = urllib.request.Request(  # noqa: S310  of this machine
        served.base + "/v1/analyze", data=short_talk.read_bytes(), headers=served.headers
    )
    with ExitStack() as around:
        slow = [
            around.enter_context(socket.create_connection(("127.0.0.1", served.port), timeout=30))
            for _ in range(4)
        ]
        for connection in slow:
            connection.sendall(head.encode())
        time.sleep(2.5)
        for connection in slow[1:]:
            connection.sendall(b"a few bytes more")
        with beside(served, sound), urllib.request.urlopen(whole, timeout=60) as answer:  # noqa: S310
            assert json.load(answer)["utterances"]
        refused = slow[0].recv(4096)
        assert b" 408 " in refused
        assert b"another one got its place" in refused + slow[0].recv(4096)
        for connection in slow[1:]:
            connection.setblocking(False)
        assert all(map(_is_open, slow[1:]))


@linux_only
def test_a_thousand_that_want_in_at_once_are_let_in_or_told_why(
    served: Served, sound: tuple[bytes, int], expected: list[dict[str, Any]]
) -> None:
    """With the token: as many WebSockets as may wait, and 503 with its code for all others."""
    with beside(served, sound) as other:
        found = crowd(served, N_AT_ONCE, upgrade(served), then=answered)
    assert found.keys() == {"101", "503 server_full"}
    assert found.total() == N_AT_ONCE
    assert 64 <= found["101"] < N_AT_ONCE / 2  # places that became free meanwhile are given again
    assert_same(other, expected)


def test_connections_that_never_start_are_few(
    served: Served, sound: tuple[bytes, int], expected: list[dict[str, Any]]
) -> None:
    """With the token, too: beyond 64 the next one is told so before it is a WebSocket."""
    waiting: list[RawSocket] = []
    try:
        with beside(served, sound) as other:
            waiting += [RawSocket(served, None) for _ in range(80)]
        statuses = [connection.status for connection in waiting]
        assert statuses[:64] == [101] * 64
        assert set(statuses[64:]) == {503}
        assert_same(other, expected)
    finally:
        for connection in waiting:
            connection.socket.close()


def test_sessions_beyond_the_limit_are_told_so(tmp_path: Path, sound: tuple[bytes, int]) -> None:
    """Thirty that want in beside the two that are: each is told, the two lose nothing."""
    with serving(tmp_path, "--max-sessions", "2", "--processes", "1") as served:  # noqa: SIM117
        with served.stream() as one, served.stream() as other:
            for connection in (one, other):
                connection.send(json.dumps({"type": "start", "sample_rate": sound[1]}))
                connection.send(sound[0])
                json.loads(connection.recv(timeout=30))
            for _ in range(30):
                with RawSocket(served, {}) as third:
                    (error,) = third.records()
                    assert (error["code"], third.close_code) == ("server_full", 1013)
            for connection in (one, other):
                connection.send('{"type":"end"}')
                found: list[dict[str, Any]] = [{"type": ""}]
                while found[-1]["type"] != "session_ended":
                    found.append(json.loads(connection.recv(timeout=60)))
                assert found[-1]["n_utterances"] > 0


def test_slow_frames_and_half_open_connections_end_in_order(sound: tuple[bytes, int]) -> None:
    """Who says nothing more, or a byte now and then, is idle: what was heard is reported first."""
    from server_here import hearing

    from ser_live import PushedSource

    data, rate = sound
    source = PushedSource("pushed", 16_000, 1)
    with hearing(source, idle_s=1) as served:
        with (
            RawSocket(served, {"sample_rate": rate, "results": "final"}) as silent,
            RawSocket(served, {"sample_rate": rate, "results": "final"}) as slow,
        ):
            silent.send(frame(BINARY, data))
            slow.send(frame(BINARY, data))
            slow.send(frame(BINARY, b"", said=1000))

            def trickle() -> None:
                with suppress(OSError):
                    for _ in range(100):
                        slow.send(b"\0")
                        time.sleep(0.1)

            trickling = threading.Thread(target=trickle)
            trickling.start()
            for connection in (silent, slow):
                found = connection.records()
                types = [record["type"] for record in found]
                assert "emotion" in types
                assert types[-2:] == ["session_ended", "error"]
                assert (found[-1]["code"], connection.close_code) == ("idle", 1000)
            trickling.join()
        source.finish()


# -- messages


@linux_only
@pytest.mark.parametrize(
    "kind", ["one byte each", "empty each", "a hundred MiB", "compressed", "pings unread"]
)
def test_messages_that_would_fill_the_memory(
    kind: str, served: Served, sound: tuple[bytes, int], expected: list[dict[str, Any]]
) -> None:
    """They end that connection alone, and take no memory."""
    pids = [served.process.pid, *children(served.process.pid)]
    before_mb = sum(map(memory_mb, pids))
    with beside(served, sound) as other, RawSocket(served, {}) as hostile:
        with suppress(OSError):
            if kind == "a hundred MiB":
                hostile.send(frame(BINARY, bytes(1 << 20), said=100 << 20))
            elif kind == "compressed":
                hostile.send(frame(BINARY, b"\xca\0\0\0" * 1000, flags=FIN | COMPRESSED))
            elif kind == "pings unread":
                hostile.socket.settimeout(3)
                for _ in range(2000):
                    hostile.send(frame(PING, bytes(125)) * 100)
            else:
                part = b"\0" if kind == "one byte each" else b""
                hostile.send(frame(BINARY, part, flags=0))
                for _ in range(1000):
                    hostile.send(frame(CONT, part, flags=0) * 1000)
        if kind != "pings unread":
            hostile.records()
            code = 1002 if kind == "compressed" else 1009
            assert hostile.close_code in (code, None)  # the line may be cut before it is read
        assert sum(map(memory_mb, pids)) - before_mb < 80
    assert_same(other, expected)


def test_an_upload_that_is_compressed_once_more_is_refused(served: Served) -> None:
    """A bomb is never unpacked."""
    request = urllib.request.Request(  # noqa: S310  of this machine
        served.base + "/v1/analyze",
        data=b"\x1f\x8b" + bytes(1000),
        headers={**served.headers, "Content-Encoding": "gzip"},
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=30)  # noqa: S310
    assert refused.value.code == 415
    assert json.load(refused.value)["code"] == "media_unknown"


@pytest.mark.parametrize("kind", ["text", "binary"])
def test_a_flood_of_what_is_no_sound_is_cut_with_its_code(
    kind: str, served: Served, sound: tuple[bytes, int], expected: list[dict[str, Any]]
) -> None:
    """After two hundred in a second; none of the others is read, and nobody else notices."""
    message = frame(TEXT, b'{"type":"ping"}') if kind == "text" else frame(BINARY, b"\0")
    with beside(served, sound) as other:
        code, found = flood(served, {}, [message * 1000] * 100)
    assert (code, found[-1]["code"]) == (1008, "rate_limited")
    assert 200 < len(found) < 1000
    assert_same(other, expected)


def test_a_sample_a_frame_is_heard_like_any_other(
    served: Served, sound: tuple[bytes, int], expected: list[dict[str, Any]]
) -> None:
    """A hundred thousand frames at once: the same records, and others are answered meanwhile."""
    data, rate = sound
    with beside(served, sound) as other, RawSocket(served, {"sample_rate": rate}) as tiny:
        sending = threading.Thread(
            target=lambda: tiny.send(
                b"".join(frame(BINARY, data[i : i + 2]) for i in range(0, len(data), 2))
                + frame(TEXT, b'{"type":"end"}')
            )
        )
        sending.start()
        found = tiny.records()
        sending.join()
    assert tiny.close_code == 1000
    assert_same(found, expected)
    assert_same(other, expected)


def test_any_clock_gives_the_same(
    served: Served, sound: tuple[bytes, int], expected: list[dict[str, Any]]
) -> None:
    """A tenth of the speed of time, and fifty times it."""
    data, rate = sound
    second = 2 * rate
    short = data[: second // 2 * 2]
    slow = [part for i in range(0, len(short), second // 5) for part in
            (short[i : i + second // 5], 1.0)]  # fmt: skip
    fast = [part for i in range(0, len(data), second) for part in (data[i : i + second], 0.02)]

    def heard(blocks: list[Any]) -> list[dict[str, Any]]:
        with served.stream() as connection:
            return talk(connection, {"sample_rate": rate}, blocks)

    with ThreadPoolExecutor(3) as pool:
        at_once, slowly, quickly = pool.map(heard, ([short], slow, fast))
    # On a busy machine a live client may miss partial results, never a final one.
    assert finals(slowly) == finals(at_once)
    assert_same(quickly, expected)


def test_blocks_that_are_no_sound_are_left_out_and_told(
    served: Served, sound: tuple[bytes, int]
) -> None:
    """NaN, infinity, half a sample: the rest is heard as if they had never come."""
    data, rate = sound
    floats = np.frombuffer(data, "<i2").astype("<f4") / np.float32(32768)
    parts = np.array_split(floats, 5)
    bad = [
        np.full(100, np.nan, "<f4").tobytes(),
        np.array([0, np.inf], "<f4").tobytes(),
        parts[0].tobytes()[:-1],
        b"",
    ]
    start = {"sample_rate": rate, "encoding": "f32le"}
    mixed = [block for part, b in zip(parts, [*bad, b"\0"], strict=True) for block in
             (part.tobytes(), b)]  # fmt: skip
    with served.stream() as connection:
        found = talk(connection, start, mixed)
    with served.stream() as connection:
        clean = talk(connection, start, [part.tobytes() for part in parts])
    errors = [record["code"] for record in found if record["type"] == "error"]
    assert errors == ["audio_invalid"] * 5
    assert essence(found, types=RECORDS) == essence(clean, types=RECORDS)


def test_floats_of_any_size_end_no_session(served: Served) -> None:
    """The largest that a float can be is a number: it is heard, however loud."""
    loud = np.full(8000, 3e38, "<f4")
    loud[::2] *= -1
    with served.stream() as connection:
        found = talk(connection, {"encoding": "f32le"}, [loud.tobytes(), bytes(64_000)])
    assert found[-1]["type"] == "session_ended"
    assert not any(record["type"] == "error" for record in found)


# -- connections that are lost


def test_of_two_that_resume_at_once_one_wins(
    served: Served, sound: tuple[bytes, int], expected: list[dict[str, Any]]
) -> None:
    """Cut within an utterance, twice: the later one gets everything, the other is closed."""
    import websockets

    data, rate = sound
    cut = len(data) // 3 // 2 * 2
    with served.stream() as connection:
        connection.send(json.dumps({"type": "start", "sample_rate": rate}))
        started = json.loads(connection.recv(timeout=30))
        connection.send(data[:cut])
        while json.loads(connection.recv(timeout=30))["type"] != "heard":
            pass
        connection.socket.shutdown(socket.SHUT_RDWR)
    resume = {"type": "start", "resume": {"session": started["session"], "seq": 0}}
    with served.stream() as one, served.stream() as other:
        both = [one, other]
        found: list[list[dict[str, Any]]] = [[], []]
        for each in both:
            each.send(json.dumps(resume))
        for each, records in zip(both, found, strict=True):
            until_s = time.monotonic() + 3.0
            with suppress(TimeoutError, websockets.ConnectionClosed):
                while time.monotonic() < until_s:
                    records.append(json.loads(each.recv(timeout=3)))
        codes = [each.close_code for each in both]
        assert sorted(codes, key=bool) == [None, 1001]
        winner, records = both[codes.index(None)], found[codes.index(None)]
        resumed = [record for record in records if record["type"] == "session_resumed"]
        assert resumed[-1]["end_s"] == pytest.approx(cut / 2 / rate, abs=0.001)
        records += talk_on(winner, data[cut:])
    assert [record["seq"] for record in records] == list(range(1, len(records) + 1))
    assert_same(records, expected)


# -- processes


@linux_only
def test_a_process_that_is_killed_costs_its_own_sessions_alone(
    tmp_path: Path, sound: tuple[bytes, int], expected: list[dict[str, Any]]
) -> None:
    """Their clients are told and closed with 1011, others go on, and a new one is served."""
    data, rate = sound
    with serving(tmp_path, "--processes", "2") as served, ExitStack() as around:
        clients = [around.enter_context(served.stream()) for _ in range(6)]
        begun = []
        for client in clients:
            client.send(json.dumps({"type": "start", "sample_rate": rate}))
            begun.append([json.loads(client.recv(timeout=60)) for _ in range(2)])
        os.kill(_analyzing(served)[0], signal.SIGKILL)
        ended = [_heard_on(client, data) for client in clients]
        for first, (code, found) in zip(begun, ended, strict=True):
            if code == 1000:
                assert_same([*first, *found], expected)
            else:
                assert (code, found[-1]["code"]) == (1011, "internal")
        assert {code for code, _ in ended} == {1000, 1011}
        with served.stream() as new:
            assert_same(talk(new, {"sample_rate": rate}, [data]), expected)


def talk_on(connection: Any, data: bytes) -> list[dict[str, Any]]:
    """Records of a session that has begun, to its end."""
    connection.send(data)
    connection.send('{"type":"end"}')
    found: list[dict[str, Any]] = []
    while not found or found[-1]["type"] != "session_ended":
        found.append(json.loads(connection.recv(timeout=60)))
    return found


def _heard_on(connection: Any, data: bytes) -> tuple[int | None, list[dict[str, Any]]]:
    """The code that a session ended with, and its records."""
    import websockets

    found: list[dict[str, Any]] = []
    with suppress(websockets.ConnectionClosed):
        connection.send(data)
        connection.send('{"type":"end"}')
    with suppress(websockets.ConnectionClosed):
        while True:
            found.append(json.loads(connection.recv(timeout=60)))
    return connection.close_code, found


def _analyzing(served: Served) -> list[int]:
    """Processes that analyze, in the order of their start."""
    found = []
    for pid in children(served.process.pid):
        with suppress(OSError):
            if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
    return sorted(found)


def _wait_for(condition: Any, timeout_s: float = 30.0) -> None:
    until_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < until_s
        time.sleep(0.05)


def test_threads_do_the_work_where_no_process_starts(
    sound: tuple[bytes, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the system gives no more processes, sessions are served nevertheless."""
    from server_here import hearing

    from ser_live import PushedSource
    from ser_live.server import crew

    def refused(*_: object) -> None:
        raise BlockingIOError(11, "no more processes")

    monkeypatch.setattr(crew, "_started", refused)
    source = PushedSource("pushed", 16_000, 1)
    lost: list[BaseException] = []
    with hearing(source, n_processes=2, errors=lost) as served, served.stream() as connection:
        found = talk(connection, {"sample_rate": sound[1]}, [sound[0]])
        source.finish()
    assert any(record["type"] == "emotion" for record in found)
    assert found[-1]["type"] == "session_ended"
    assert len(lost) == crew.MOST_FAILED


@linux_only
def test_a_server_that_is_killed_leaves_nothing_behind(
    tmp_path: Path, sound: tuple[bytes, int], expected: list[dict[str, Any]]
) -> None:
    """Its processes end, and another takes port and token at once; old sessions are unknown."""
    data, rate = sound
    with serving(tmp_path) as served, served.stream() as connection:
        connection.send(json.dumps({"type": "start", "sample_rate": rate}))
        session = json.loads(connection.recv(timeout=30))["session"]
        connection.send(data)
        pids = children(served.process.pid)
        served.process.kill()
        served.process.wait(10)
        again = subprocess.Popen(
            [sys.executable, "-m", "ser_live", "serve", "--port", str(served.port),
             "--token-file", str(tmp_path / "token")],
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            _wait_for(lambda: not any(map(_runs, pids)))
            _wait_for(lambda: _is_ready(served), 60)
            with RawSocket(served, {"resume": {"session": session, "seq": 1}}) as old:
                (error,) = old.records()
                assert (error["code"], old.close_code) == ("resume_unknown", 1002)
            with served.stream() as new:
                assert_same(talk(new, {"sample_rate": rate}, [data]), expected)
        finally:
            again.terminate()
            again.wait(30)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _is_ready(served: Served) -> bool:
    try:
        with served.ask("/readyz") as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_a_signal_under_load_reports_everything(
    tmp_path: Path, sound: tuple[bytes, int], expected: list[dict[str, Any]]
) -> None:
    """Three clients in the middle of a word: each gets all that it sent, the reason, and 1001."""
    import websockets

    data, rate = sound
    with serving(tmp_path, "--processes", "2") as served, ExitStack() as around:
        clients = [around.enter_context(served.stream()) for _ in range(3)]
        for client in clients:
            client.send(json.dumps({"type": "start", "sample_rate": rate, "results": "final"}))
            client.send(data)
        # The second is said by the process that analyzes: all of these run now.
        found: list[list[dict[str, Any]]] = [
            [json.loads(client.recv(timeout=60)) for _ in range(2)] for client in clients
        ]
        served.process.send_signal(signal.SIGTERM)
        for client, records in zip(clients, found, strict=True):
            with suppress(websockets.ConnectionClosed):
                while True:
                    records.append(json.loads(client.recv(timeout=60)))
        assert served.process.wait(30) == 143
    for client, records in zip(clients, found, strict=True):
        assert client.close_code == 1001
        assert records[-1]["code"] == "shutting_down"
        assert records[-1]["message"].endswith("what was heard was reported before.")
        assert_same(records, finals(expected))


@linux_only
def test_a_full_disk_below_standard_error_ends_nothing(
    tmp_path: Path, sound: tuple[bytes, int]
) -> None:
    """What it would say is lost; it serves, and ends as ever."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    token_file = tmp_path / "token"
    with Path("/dev/full").open("w") as full:
        process = subprocess.Popen(
            [sys.executable, "-m", "ser_live", "serve", "--port", str(port),
             "--token-file", str(token_file)],
            stderr=full,
        )  # fmt: skip
    try:
        _wait_for(lambda: token_file.exists() and token_file.read_text(), 60)
        served = Served(port, token_file.read_text().strip(), process, [])  # type: ignore[arg-type]
        _wait_for(lambda: _is_ready(served), 60)
        with served.stream() as connection:
            found = talk(connection, {"sample_rate": sound[1]}, [sound[0]])
        assert found[-1]["type"] == "session_ended"
    finally:
        process.terminate()
    assert process.wait(30) == 143
