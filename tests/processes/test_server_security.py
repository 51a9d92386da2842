"""The server's door: every refusal at every endpoint, and what gets past neither it nor time."""

from __future__ import annotations

import base64
import http.client
import json
import os
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from served import Served, require_extra, serving, talk

require_extra()

HTTP = {
    "/": "GET",
    "/page/live.js": "GET",
    "/v1/models": "GET",
    "/v1/sessions": "GET",
    "/v1/sessions/x": "GET",
    "/v1/sessions/x/log": "GET",
    "/v1/sessions/x/report": "GET",
    "/v1/report": "POST",
    "/v1/report/x": "GET",
    "/v1/events": "GET",
    "/v1/analyze": "POST",
    "/v1/expression/audio/file": "POST",
    "/metrics": "GET",
    "/openapi.json": "GET",
    "/asyncapi.json": "GET",
    "/nothing": "GET",
}
OPEN = ("/healthz", "/readyz", "/overlay", "/page/overlay.js", "/page/overlay.css")
SOCKETS = ("/v1/stream", "/v1/events", "/v1/expression/audio/realtime")
HUME = "/v1/expression/"
"""Paths whose refusals have another form."""
ENDPOINTS = [
    *((path, "http") for path in (*HTTP, *OPEN)),
    *((path, "websocket") for path in SOCKETS),
]

Headers = list[tuple[str, str]]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("guarded")
    with serving(folder, "--allow-origin", "https://game.example") as found:
        yield found


REFUSALS: dict[str, tuple[str, int, str]] = {
    # name: which header is how, status, code
    "host of a rebinding page": ("host:127.0.0.1.evil.test", 400, "host_unknown"),
    "host of another machine": ("host:evil.test:{port}", 400, "host_unknown"),
    "host that is missing": ("host:", 400, "host_unknown"),
    "host twice": ("host:127.0.0.1|host:evil.test", 400, "host_unknown"),
    "host with a name before an at sign": ("host:127.0.0.1@evil.test", 400, "host_unknown"),
    "host of another address": ("host:[::2]:{port}", 400, "host_unknown"),
    "origin of another site": ("origin:https://evil.test", 403, "origin_refused"),
    "origin of a file or a sandbox": ("origin:null", 403, "origin_refused"),
    "origin on another port": ("origin:http://127.0.0.1:1", 403, "origin_refused"),
    "origin that begins like ours": ("origin:http://127.0.0.1.evil.test", 403, "origin_refused"),
    "origin with another scheme": ("origin:https://127.0.0.1:{port}", 403, "origin_refused"),
    "fetch of another site": ("sec-fetch-site:cross-site", 403, "origin_refused"),
    "fetch of another port": ("sec-fetch-site:same-site", 403, "origin_refused"),
    "no token": ("authorization:", 401, "token_missing"),
    "a wrong token": ("authorization:Bearer wrong", 401, "token_wrong"),
    "the beginning of the token": ("authorization:Bearer {half}", 401, "token_wrong"),
    "the token by another scheme": ("authorization:Basic {token}", 401, "token_missing"),
    "the token by a header of other paths": (
        "authorization:|x-hume-api-key:{token}",
        401,
        "token_missing",
    ),
    "the overlay's cookie of somebody else": (
        "authorization:|cookie:ser_live_overlay_{port}=x",
        401,
        "token_missing",
    ),
    "a wrong key": ("authorization:|x-hume-api-key:wrong", 401, "token_missing"),
    "the token in the address": ("authorization:|path:?token={token}", 401, "token_missing"),
    "a cookie of somebody else": ("authorization:|cookie:ser_live_{port}=x", 401, "token_wrong"),
}


def asked(
    served: Served, path: str, kind: str, change: str, method: str | None = None
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of a request that is fine but for some headers."""
    given = {"port": served.port, "token": served.token, "half": served.token[:20]}
    headers: dict[str, list[str]] = {
        "host": [f"127.0.0.1:{served.port}"],
        "authorization": [f"Bearer {served.token}"],
    }
    query, replaced = "", set()
    for part in change.format(**given).split("|") if change else []:
        name, _, value = part.partition(":")
        if name == "path":
            query = value
            continue
        if name not in replaced:
            headers[name] = []
        replaced.add(name)
        if value:
            headers[name].append(value)
    if kind == "websocket":
        key = base64.b64encode(os.urandom(16)).decode()
        headers |= {
            "upgrade": ["websocket"],
            "connection": ["Upgrade"],
            "sec-websocket-key": [key],
            "sec-websocket-version": ["13"],
        }
        headers.setdefault("sec-websocket-protocol", ["ser-live.v1"])
    method = method or HTTP.get(path, "GET")
    if method == "POST":
        headers["content-length"] = ["0"]
    lines = [f"{name}: {value}" for name, values in headers.items() for value in values]
    text = f"{method if kind == 'http' else 'GET'} {path}{query} HTTP/1.1\r\n"
    with socket.create_connection(("127.0.0.1", served.port), timeout=30) as connection:
        connection.sendall((text + "\r\n".join(lines) + "\r\n\r\n").encode())
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        found = {name.lower(): value for name, value in answer.getheaders()}
        is_endless = answer.status == 101 or "event-stream" in found.get("content-type", "")
        return answer.status, found, b"" if is_endless else answer.read()


@pytest.mark.parametrize(("path", "kind"), ENDPOINTS, ids=lambda value: str(value))
def test_every_refusal_at_every_endpoint(path: str, kind: str, served: Served) -> None:
    """Before anything else is looked at, with its code, and before a connection is a WebSocket."""
    for name, (change, status, code) in REFUSALS.items():
        needs_no_token = path in OPEN and status == 401
        if path == "/" and "path:?" in change:
            continue  # there it is the way in
        if path.startswith(HUME) and "other paths" in name:
            continue  # there it is a way in
        found, headers, body = asked(served, path, kind, change)
        if needs_no_token:
            assert found == 200, name
            continue
        assert found == status, name
        if b"missing mandatory Host" in body or not body.startswith(b"{"):
            assert "host" in name  # refused by the HTTP parser itself
            continue
        if path.startswith(HUME):
            assert headers["content-type"] == "application/json", name
            assert json.loads(body)["message"].endswith("."), name
        else:
            assert headers["content-type"] == "application/problem+json", name
            assert json.loads(body)["code"] == code, name
        assert served.token.encode() not in body


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]:{port}", "LOCALHOST:1"])
def test_names_of_this_machine_are_taken(host: str, served: Served) -> None:
    """With any port: it may be forwarded, and no other site has these names."""
    assert asked(served, "/v1/models", "http", f"host:{host}")[0] == 200


def test_pages_that_are_named_use_the_sockets_and_nothing_else(served: Served) -> None:
    """The origin of --allow-origin opens a WebSocket with the token, and reads no answer."""
    change = "origin:https://game.example"
    assert asked(served, "/v1/stream", "websocket", change)[0] == 101
    assert asked(served, "/v1/stream", "websocket", f"{change}|authorization:")[0] == 401
    status, headers, _ = asked(served, "/v1/models", "http", change)
    assert status == 403
    assert not [name for name in headers if name.startswith("access-control")]


def test_the_token_may_be_a_subprotocol(served: Served) -> None:
    """For pages, which can set no header; the answer names the protocol alone."""
    change = "authorization:|sec-websocket-protocol:ser-live.v1, bearer.{token}"
    status, headers, _ = asked(served, "/v1/stream", "websocket", change)
    assert (status, headers["sec-websocket-protocol"]) == (101, "ser-live.v1")
    wrong = "authorization:|sec-websocket-protocol:ser-live.v1, bearer.x{token}"
    assert asked(served, "/v1/stream", "websocket", wrong)[0] == 401
    other = "sec-websocket-protocol:chat"
    assert json.loads(asked(served, "/v1/stream", "websocket", other)[2])["code"] == (
        "protocol_unknown"
    )


def test_compression_is_declined(served: Served) -> None:
    """A message that is a thousand times larger than it looks cannot be sent."""
    change = "sec-websocket-extensions:permessage-deflate; client_max_window_bits"
    status, headers, _ = asked(served, "/v1/stream", "websocket", change)
    assert status == 101
    assert "sec-websocket-extensions" not in headers


def test_the_address_becomes_a_strict_cookie(served: Served) -> None:
    """The token leaves the address at once; the cookie opens the rest, of our own page alone."""
    status, headers, body = asked(served, "/", "http", "authorization:|path:?token={token}")
    assert (status, headers["location"], body) == (303, "/", b"")
    cookie = headers["set-cookie"].lower()
    for word in ("httponly", "samesite=strict", "path=/"):
        assert word in cookie
    assert served.token not in headers["set-cookie"]
    assert headers["referrer-policy"] == "no-referrer"
    ours = "authorization:|cookie:" + headers["set-cookie"].partition(";")[0]
    assert asked(served, "/v1/models", "http", ours)[0] == 200
    page = asked(served, "/", "http", ours)[1]["content-security-policy"]
    assert page.startswith("default-src 'none'")
    assert "unsafe" not in page
    own = f"{ours}|origin:http://127.0.0.1:{served.port}"
    assert asked(served, "/v1/stream", "websocket", own)[0] == 101
    foreign = f"{ours}|origin:http://127.0.0.1:1"
    assert asked(served, "/v1/stream", "websocket", foreign)[0] == 403
    wrong = asked(served, "/", "http", "authorization:|path:?token=wrong")
    assert (wrong[0], json.loads(wrong[2])["code"]) == (401, "token_wrong")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/page/../app.py", 404, "not_found"),
        ("DELETE", "/v1/models", 405, "method_unknown"),
        ("OPTIONS", "/v1/analyze", 405, "method_unknown"),
        ("GET", "/v1/events", 404, "not_found"),
        ("POST", "/v1/analyze", 422, "audio_invalid"),
    ],
)
def test_other_refusals_have_codes_too(
    method: str, path: str, status: int, code: str, served: Served
) -> None:
    """Unknown paths, methods and bodies are told in the same form, without CORS."""
    found, headers, body = asked(served, path, "http", "", method)
    assert (found, json.loads(body)["code"]) == (status, code)
    assert ("allow" in headers) == (status == 405)
    assert "access-control-allow-origin" not in headers
    assert "server" not in headers


def test_half_a_head_and_half_a_body_are_not_waited_for(served: Served) -> None:
    """After ten seconds a head that trickles in, and a body that stopped, are cut off."""
    ends: dict[str, tuple[float, bytes]] = {}

    def trickle() -> None:
        begin = time.monotonic()
        with socket.create_connection(("127.0.0.1", served.port)) as connection:
            connection.settimeout(0.5)
            for byte in b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"x" * 60:
                try:
                    connection.sendall(bytes([byte]))
                    if connection.recv(1) == b"":
                        break
                except TimeoutError:
                    continue
                except OSError:
                    break
            ends["head"] = (time.monotonic() - begin, b"")

    def stop() -> None:
        begin = time.monotonic()
        head = (
            f"POST /v1/analyze HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n"
            f"Authorization: Bearer {served.token}\r\n\r\nhalf"
        )
        with socket.create_connection(("127.0.0.1", served.port), timeout=60) as connection:
            connection.sendall(head.encode())
            answer = b""
            while b"slow_request" not in answer and (more := connection.recv(4096)):
                answer += more
            ends["body"] = (time.monotonic() - begin, answer)

    threads = [threading.Thread(target=trickle), threading.Thread(target=stop)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert 9.0 < ends["head"][0] < 20.0
    assert 9.0 < ends["body"][0] < 20.0
    assert b" 408 " in ends["body"][1]
    assert b"slow_request" in ends["body"][1]


def test_many_connections_and_frames_leave_others_alone(served: Served) -> None:
    """200 idle connections and 20,000 tiny frames later, a session is served as before."""
    idle = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(200)]
    try:
        with served.stream() as busy:
            busy.send('{"type":"start","sample_rate":16000}')
            for _ in range(20_000):
                busy.send(b"\0\0")
            with served.stream() as other:
                found = talk(other, {}, [bytes(32_000)])
            assert found[-1]["type"] == "session_ended"
            busy.send('{"type":"flush","request":"x"}')
            record: dict[str, Any] = {"type": ""}
            while record["type"] != "flushed":
                record = json.loads(busy.recv(timeout=30))
            assert record["end_s"] == 1.25
    finally:
        for connection in idle:
            connection.close()


def test_nothing_that_is_told_holds_a_token_or_a_mood(served: Served, short_talk: Path) -> None:
    """Counts name no emotion, and neither they nor what is printed hold token or sound."""
    import soundfile

    samples, rate = soundfile.read(short_talk, dtype="int16")
    with served.stream() as connection:
        found = talk(connection, {"sample_rate": rate}, [samples[: 5 * rate].tobytes()])
    assert any(record["type"] == "emotion" for record in found)
    text = asked(served, "/metrics", "http", "")[2].decode()
    assert "serlive_results_total{" in text
    printed = "\n".join(served.said)
    for word in ("happy", "neutral", "angry", "valence"):
        assert word not in text
    for told in (text, printed):
        assert served.token not in told
        assert all(len(line) < 200 for line in told.splitlines())
    command = subprocess.run(
        ["ps", "-o", "args=", "-p", str(served.process.pid)], capture_output=True, text=True
    ).stdout
    assert served.token not in command


def test_the_token_file_and_the_socket_are_private(tmp_path: Path) -> None:
    """Made for their owner alone; a token file that others can read is refused."""
    if os.name == "nt":
        pytest.skip("Windows has no such modes")
    token_file, path = tmp_path / "token", tmp_path / "socket"
    command = [sys.executable, "-m", "ser_live", "serve", "--token-file", str(token_file)]
    process = subprocess.Popen([*command, "--socket", str(path)], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    with process, process.stderr:
        line = process.stderr.readline()
        while line and "tell the people" not in line:
            line = process.stderr.readline()
        assert [stat.S_IMODE(p.stat().st_mode) for p in (token_file, path)] == [0o600, 0o600]
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(path))
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert b" 200 " in connection.recv(4096)
        process.terminate()
        process.wait(30)
    assert not path.exists()
    token_file.chmod(0o644)
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "chmod 600" in refused.stderr
