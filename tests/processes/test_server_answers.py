"""The server's plain answers: recordings up, its own microphone out, descriptions that hold."""

from __future__ import annotations

import csv
import http.client
import io
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from served import PROTOCOL, Served, essence, require_extra, serving, talk
from server_here import hearing, sse

from ser_live import FileSource, PushedSource, analyze, listen

require_extra()

TYPES = {
    "string": str,
    "integer": int,
    "boolean": bool,
    "object": dict,
    "array": list,
    "null": type(None),
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("answers")) as found:
        yield found


def get(served: Served, path: str) -> bytes:
    with served.ask(path) as answer:
        found: bytes = answer.read()
    return found


def post(served: Served, path: str, body: bytes, **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=120)
    connection.request("POST", path, body, {**served.headers, **headers})
    answer = connection.getresponse()
    found = answer.status, answer.read()
    connection.close()
    return found


def test_an_upload_is_analyzed_like_the_file(served: Served, short_talk: Path) -> None:
    """JSON, lines and CSV hold what `analyze` finds; the record names no path of the server."""
    expected = [u.as_record() for u in analyze(short_talk).utterances]
    body = short_talk.read_bytes()
    status, answer = post(served, "/v1/analyze", body)
    assert status == 200
    whole = json.loads(answer)
    assert essence(whole["utterances"], types={"emotion"}) == essence(expected, types={"emotion"})
    assert {u["file"] for u in whole["utterances"]} == {"upload"}
    assert whole["summary"]["n_utterances"] == len(expected)
    _, lines = post(served, "/v1/analyze", body, Accept="application/x-ndjson")
    records = [json.loads(line) for line in lines.splitlines()]
    assert essence(records, types={"emotion"}) == essence(expected, types={"emotion"})
    assert records[0]["type"] == "stream_started"
    assert records[-1]["type"] == "stream_ended"
    _, table = post(served, "/v1/analyze", body, Accept="text/csv")
    rows = list(csv.DictReader(io.StringIO(table.decode())))
    assert [float(row["start_s"]) for row in rows] == [u["start_s"] for u in expected]


@pytest.mark.parametrize(
    ("body", "headers", "path", "status", "code"),
    [
        (b"no sound at all", {}, "", 422, "audio_invalid"),
        (b"x", {"Content-Encoding": "gzip"}, "", 415, "media_unknown"),
        (b"x", {"Content-Length": str(10**10)}, "", 413, "message_too_large"),
        (b"x", {"Content-Type": "multipart/form-data; boundary=b"}, "", 415, "media_unknown"),
        (b"x", {}, "?channel=0", 400, "message_invalid"),
    ],
)
def test_an_upload_that_is_no_recording_is_one_sentence(
    body: bytes, headers: dict[str, str], path: str, status: int, code: str, served: Served
) -> None:
    """A code, a status, and neither a path nor a descriptor of the server in the sentence."""
    found, answer = post(served, f"/v1/analyze{path}", body, **headers)
    problem = json.loads(answer)
    assert (found, problem["code"]) == (status, code)
    assert "/proc" not in problem["detail"]
    assert not problem["detail"][0].isdigit()


# -- descriptions


def misfits(schema: dict[str, Any], value: Any, where: str = "") -> list[str]:
    """Places where a value is not what its schema says; only the words that are used here."""
    if "const" in schema:
        return [] if value == schema["const"] else [where]
    if "enum" in schema and value not in schema["enum"]:
        return [where]
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(_is_kind(kind, value) for kind in kinds):
        return [f"{where}: {value!r} is no {kinds}"]
    found = []
    if isinstance(value, dict):
        found += [f"{where}.{k} is missing" for k in schema.get("required", []) if k not in value]
        known = schema.get("properties", {})
        if known:
            found += [f"{where}.{key} is unknown" for key in value if key not in known]
        for key, inner in known.items():
            if key in value:
                found += misfits(inner, value[key], f"{where}.{key}")
    if isinstance(value, list) and "items" in schema:
        for n, item in enumerate(value):
            found += misfits(schema["items"], item, f"{where}[{n}]")
    return found


def _is_kind(kind: str, value: Any) -> bool:
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, TYPES[kind]) and not (kind == "integer" and isinstance(value, bool))


def test_every_message_is_as_described(served: Served, short_talk: Path) -> None:
    """Whatever the server sends in a lively session fits its AsyncAPI payload, nothing besides."""
    document = json.loads(get(served, "/asyncapi.json"))
    payloads = {
        name.removeprefix("server_"): message["payload"]
        for name, message in document["components"]["messages"].items()
        if name.startswith("server_")
    }
    samples, rate = soundfile.read(short_talk, dtype="int16")
    start = {"sample_rate": rate, "results": "all", "state": "game"}
    asks: list[Any] = [
        samples[: 3 * rate].tobytes(),
        {"type": "mark", "label": "here"},
        {"type": "note", "text": "there", "rating": 3},
        {"type": "flush", "request": "f"},
        {"type": "reset"},
        {"type": "ping", "id": 1},
        {"type": "pause"},
        0.2,
        {"type": "resume"},
        {"type": "nonsense"},
        b"\0",
        samples[3 * rate :].tobytes(),
    ]
    with served.stream() as connection:
        records = talk(connection, start, asks)
    seen = {record["type"] for record in records}
    assert seen >= {"level", "speech_started", "emotion", "affect_state", "flushed", "reset_done"}
    assert seen >= {"pong", "paused", "resumed", "gap", "mark", "note", "error"}
    assert "session_ended" in seen
    for record in records:
        assert misfits(payloads[record["type"]], record, record["type"]) == []


def test_a_misfit_would_be_noticed() -> None:
    """The check itself sees a wrong kind, a missing and an unknown field."""
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    assert misfits(schema, {"a": 1}) == []
    assert len(misfits(schema, {"a": True})) == 1
    assert len(misfits(schema, {"b": 1})) == 2


def test_references_lead_somewhere_and_paths_answer(served: Served) -> None:
    """Each path of OpenAPI is there with its method, each reference in both documents resolves."""
    for path in ("/openapi.json", "/asyncapi.json"):
        document = json.loads(get(served, path))
        for reference in _references(document):
            place = document
            for part in reference.removeprefix("#/").split("/"):
                place = place[part]
        assert "not for judging workers" in document["info"]["description"]
    document = json.loads(get(served, "/openapi.json"))
    assert set(document["paths"]) >= {"/v1/analyze", "/v1/models", "/healthz", "/metrics"}
    for path, methods in document["paths"].items():
        if path != "/v1/events" and "{" not in path and "get" in methods:
            (kind,) = methods["get"]["responses"]["200"]["content"]
            with served.ask(path) as answer:
                assert answer.headers["content-type"].startswith(kind), path


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "$ref":
                yield inner
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


# -- the server's own microphone


def test_the_microphone_is_told_to_all_who_listen(short_talk: Path) -> None:
    """SSE and WebSocket give what a replay gives, and Last-Event-ID what was missed."""
    from websockets.sync.client import connect

    with listen(FileSource(short_talk, speed=0)) as events:
        expected = [event.as_record() for event in events]
    samples, rate = soundfile.read(short_talk, dtype="int16")
    source = PushedSource("pushed", rate, 1, buffer_s=60)
    with hearing(source) as served:
        with (
            served.ask("/v1/events") as answer,
            connect(
                f"ws://127.0.0.1:{served.port}/v1/events?after=0",
                subprotocols=[PROTOCOL],  # type: ignore[list-item]
                additional_headers=served.headers,
                proxy=None,
            ) as connection,
        ):
            assert answer.headers["x-accel-buffering"] == "no"
            source.push(samples)
            source.finish()
            by_sse = sse(answer, "stream_ended")
            by_socket: list[dict[str, Any]] = []
            while not by_socket or by_socket[-1]["type"] != "stream_ended":
                by_socket.append(json.loads(connection.recv(timeout=60)))
        assert by_socket[-len(by_sse) :] == by_sse
        assert [r["seq"] for r in by_socket] == list(range(1, len(by_socket) + 1))
        types = {"state", "emotion", "stream_ended"}
        assert essence(by_socket, types=types) == essence(expected, types=types)
        assert any(r["type"] == "affect_state" for r in by_socket)
        with served.ask("/v1/events", **{"Last-Event-ID": "3"}) as answer:
            assert sse(answer, "stream_ended") == by_socket[3 : by_sse[-1]["seq"]]


TOLD = {
    b'{"type":"mark","label":"bell"}': 204,
    b'{"type":"note","text":"loud","rating":1}': 204,
    b'{"type":"note","text":"loud","rating":0}': 400,
    b'{"type":"mark"}': 400,
    b'{"type":"pause"}': 400,
    b"\xff": 400,
    b"": 422,
    b"x" * ((1 << 20) + 1): 413,
}
"""What is sent about the server's microphone, and the status of the answer."""


def test_the_microphone_is_told_what_fits() -> None:
    """A mark or a note; nobody's microphone is paused or ended from here."""
    source = PushedSource("pushed", 16_000, 1, buffer_s=60)
    with hearing(source) as served:
        source.push(np.ones(16_000, np.int16))
        with served.ask("/v1/events?after=0") as answer:
            sse(answer, "stream_started")
        for body, status in TOLD.items():
            assert post(served, "/v1/events", body)[0] == status, body[:40]
        source.finish()
        with served.ask("/v1/events?after=0") as answer:
            found = sse(answer, "session_ended")
    assert [r["label"] for r in found if r["type"] == "mark"] == ["bell"]
    assert [(r["text"], r["rating"]) for r in found if r["type"] == "note"] == [("loud", 1)]


def test_one_session_too_many_is_refused_and_a_stalled_reader_dropped() -> None:
    """The limit of sessions, and a client that sends without reading: told, closed, others fine."""
    import websockets

    source = PushedSource("pushed", 16_000, 1)
    with hearing(source, max_sessions=1, n_outgoing=16, n_kept=20) as served:
        with served.stream() as first:
            first.send('{"type":"start"}')
            first.recv(timeout=30)
            with served.stream() as second:
                second.send('{"type":"start"}')
                error = json.loads(second.recv(timeout=30))
                with pytest.raises(websockets.ConnectionClosed):
                    second.recv(timeout=30)
            assert (error["code"], second.close_code) == ("server_full", 1013)
            assert error["retry_after_s"] > 0
            first.send('{"type":"end"}')
            while json.loads(first.recv(timeout=30))["type"] != "session_ended":
                pass
        _stall(served)
        with served.stream() as after:
            assert talk(after, {}, [bytes(32_000)])[-1]["type"] == "session_ended"
        source.finish()


def test_the_event_loop_does_no_analysis(short_talk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every step of a session runs in a thread of the pool, none in the loop's."""
    from ser_live.server.stream_work import StreamWork

    names: set[str] = set()
    step = StreamWork.step

    def noted(work: StreamWork) -> None:
        names.add(threading.current_thread().name.rpartition(" ")[0])
        step(work)

    monkeypatch.setattr(StreamWork, "step", noted)
    samples, rate = soundfile.read(short_talk, dtype="int16")
    source = PushedSource("pushed", 16_000, 1)
    with hearing(source) as served, served.stream() as connection:
        found = talk(connection, {"sample_rate": rate}, [samples[: 3 * rate].tobytes()])
        source.finish()
    assert any(record["type"] == "emotion" for record in found)
    assert names == {"ser-live server"}


def _stall(served: Served) -> None:
    """Send pings whose answers are never read, until the server drops the connection."""
    request = (
        f"GET /v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {served.token}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )

    def frame(text: str) -> bytes:
        data = text.encode()
        head = bytes([0x81]) + (
            bytes([0x80 | len(data)])
            if len(data) < 126
            else bytes([0x80 | 126]) + len(data).to_bytes(2, "big")
        )
        return head + b"\0\0\0\0" + data

    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(60)
        connection.connect(("127.0.0.1", served.port))
        connection.sendall(request.encode() + frame('{"type":"start"}'))
        ping = frame(json.dumps({"type": "ping", "id": "x" * 30_000}))
        with pytest.raises(OSError, match=r"(?i)reset|broken|timed out"):  # noqa: PT012
            for _ in range(190):
                connection.sendall(ping)
            while connection.recv(1 << 16):
                pass
            raise OSError("reset: it was closed in order")
