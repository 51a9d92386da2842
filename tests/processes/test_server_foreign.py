"""The protocols of others, by plain sockets: what does not fit is told, and others are not hurt."""

from __future__ import annotations

import http.client
import json
import re
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from served import Served, essence, require_extra, serving

from ser_live import analyze

require_extra()

Message = dict[str, Any]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("foreign"), "--wyoming", "0") as found:
        yield found


@pytest.fixture(scope="module")
def words(short_talk: Path) -> NDArray[np.int16]:
    """The first utterance of the talk, read as 16 kHz: any rate will do here."""
    samples, _ = soundfile.read(short_talk, dtype="int16")
    return np.asarray(samples[: 5 * 22_050])


# -- Hume's format


def connected(served: Served, **headers: str) -> Any:
    from websockets.sync.client import connect

    return connect(
        f"ws://127.0.0.1:{served.port}/v1/expression/audio/realtime",
        additional_headers=headers or {"X-Hume-Api-Key": served.token},
        compression=None,
        proxy=None,
        open_timeout=60,
    )


def told(connection: Any, until: str) -> list[Message]:
    found: list[Message] = []
    while not found or found[-1]["type"] != until:
        found.append(json.loads(connection.recv(timeout=60)))
    return found


@pytest.mark.parametrize(
    ("sent", "code", "lives"),
    [
        (b"", "invalid_audio_frame", True),
        (b"\0", "invalid_audio_frame", True),
        (bytes(320_002), "invalid_audio_frame", True),
        ("{", "message_invalid", True),
        ('{"type":"dance"}', "message_invalid", True),
        ('{"type":"session.update","measurement_timer_ms":2999}', "config_invalid", False),
        ('{"type":"session.update","measurement_timer_ms":true}', "config_invalid", False),
        ('{"type":"session.update","audio":{"sample_rate":8000}}', "config_invalid", False),
        ('{"type":"session.update","audio":"pcm"}', "config_invalid", False),
        (bytes((1 << 20) + 2), "message_too_large", False),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_does_not_fit_humes_format_is_told(
    sent: str | bytes, code: str, lives: bool, served: Served
) -> None:
    """Its code, and whether the session goes on; one that ends says so before the close."""
    with connected(served) as connection:
        created = told(connection, "session.created")[0]
        assert created["audio"]["sample_rate"] == 16_000
        connection.send(sent)
        (error,) = told(connection, "error")
        assert (error["code"], error["retryable"]) == (code, lives)
        assert error["message"].endswith(".")
        if lives:
            connection.send(bytes(32_000))
            connection.send('{"type":"session.close"}')
        closed = told(connection, "session.closed")[-1]
    assert closed["reason"] == ("client_request" if lives else "error")
    assert closed["session_id"] == created["session_id"]
    assert closed["received"]["frames"] == lives


def test_a_configuration_after_sound_comes_too_late(served: Served) -> None:
    """Nulls are what was left out, as the SDK sends them; after sound it ends the session."""
    update = {"type": "session.update", "audio": None, "measurement_timer_ms": 10_000}
    with connected(served) as connection:
        connection.send(json.dumps(update))
        assert told(connection, "session.updated")[-1]["measurement_timer_ms"] == 10_000
        connection.send(bytes(3200))
        connection.send(json.dumps(update))
        assert told(connection, "error")[-1]["code"] == "config_invalid"


@pytest.mark.parametrize(
    ("timer_ms", "n_intervals"), [(3000, 1), (10_000, 0)], ids=["often", "seldom"]
)
def test_measurements_of_an_utterance_come_as_often_as_asked(
    timer_ms: int, n_intervals: int, served: Served, words: NDArray[np.int16]
) -> None:
    """One every so much speech, one at its end; numbers begin with 0 and have no hole."""
    with connected(served) as connection:
        update = {"type": "session.update", "measurement_timer_ms": timer_ms}
        connection.send(json.dumps(update))
        for block in np.array_split(words, 50):
            connection.send(block.tobytes())
        connection.send('{"type":"session.close"}')
        found = told(connection, "session.closed")
    measured = [m for m in found if m["type"] == "measurement.result"]
    assert [m["measurement_id"] for m in measured] == list(range(len(measured)))
    of_first = [m["trigger"] for m in measured if m["utterance_id"] == 0]
    assert of_first == ["interval"] * n_intervals + ["speech_ended"]
    assert found[-1]["produced"]["measurements"] == len(measured)


def uploaded(served: Served, body: bytes, kind: str) -> tuple[int, Message]:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=120)
    headers = {"X-Hume-Api-Key": served.token, "Content-Type": kind}
    connection.request("POST", "/v1/expression/audio/file", body, headers)
    answer = connection.getresponse()
    found = answer.status, json.loads(answer.read())
    connection.close()
    return found


def form(*parts: tuple[str, bytes], boundary: str = "b0undary") -> bytes:
    lines = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + content
        for name, content in parts
    ]
    return b"\r\n".join([*lines, f"--{boundary}--\r\n".encode()])


MULTIPART = "multipart/form-data; boundary=b0undary"
PCM = bytes(3200)


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (form(("file", PCM)), "application/json", 400, "message_invalid"),
        (form(("file", PCM)), "multipart/form-data", 400, "message_invalid"),
        (form(("file", PCM))[:-12], MULTIPART, 400, "message_invalid"),
        (b"x", MULTIPART, 400, "message_invalid"),
        (form(("other", PCM)), MULTIPART, 400, "audio_decode_failed"),
        (form(("file", b"")), MULTIPART, 400, "audio_decode_failed"),
        (form(("file", b"odd")), MULTIPART, 400, "audio_decode_failed"),
        (form(("file", b"RIFF....WAVE")), MULTIPART, 400, "audio_decode_failed"),
        (form(("file", PCM), ("config", b"[")), MULTIPART, 400, "config_invalid"),
        (
            form(("file", PCM), ("config", b'{"measurement_timer_ms":1}')),
            MULTIPART,
            400,
            "config_invalid",
        ),
        (form(("file", bytes(25_000_001))), MULTIPART, 413, "audio_too_long"),
    ],
)  # fmt: skip
def test_an_upload_that_does_not_fit_is_told_in_that_form(
    body: bytes, kind: str, status: int, code: str, served: Served
) -> None:
    """Status and code of the format, a sentence, and no path of the server in it."""
    found, error = uploaded(served, body, kind)
    assert (found, error["type"], error["code"]) == (status, "error", code)
    assert "/proc" not in error["message"]


def test_samples_that_look_like_the_end_of_a_part_are_kept(served: Served) -> None:
    """Line ends and dashes within the sound do not cut it."""
    sound = b"\r\n--\r\n\r\n--b0undar" * 1000
    status, found = uploaded(served, form(("file", sound)), MULTIPART)
    assert status == 200
    assert found["received"]["audio_duration_ms"] == round(len(sound) / 32)


# -- Wyoming


def wyoming(served: Served) -> socket.socket:
    found = re.search(r"Wyoming at tcp://127\.0\.0\.1:(\d+)", "\n".join(served.said))
    assert found is not None
    return socket.create_connection(("127.0.0.1", int(found[1])), timeout=60)


def framed(kind: str, payload: bytes = b"", **data: Any) -> bytes:
    head = {"type": kind, "data": data, "payload_length": len(payload)}
    return json.dumps(head).encode() + b"\n" + payload


def events(connection: socket.socket) -> list[Message]:
    """Everything that comes until the server closes."""
    found = []
    with connection.makefile("rb") as file, suppress(ConnectionResetError):
        while line := file.readline():
            head = json.loads(line)
            found.append({"type": head["type"], **json.loads(file.read(head["data_length"]))})
    return found


def records(found: Sequence[Message]) -> list[Message]:
    return [event["data"] for event in found if event["type"] == "user-event"]


MONO = {"rate": 22_050, "width": 2, "channels": 1}


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_samples_of_every_width_are_heard(
    width: int, served: Served, words: NDArray[np.int16], tmp_path: Path
) -> None:
    """The same results as of a wav of these bytes, cut anywhere; a closed half is no loss."""
    kinds = {1: "PCM_U8", 2: "PCM_16", 3: "PCM_24", 4: "PCM_32"}
    path = tmp_path / "words.wav"
    soundfile.write(path, words, 22_050, subtype=kinds[width])
    data = path.read_bytes()[44:]
    with wyoming(served) as connection:
        form = {**MONO, "width": width}
        connection.sendall(framed("audio-start", timestamp=1_000_000, **form))
        for i in range(0, len(data), 1200 * width):
            chunk = data[i : i + 1200 * width]
            connection.sendall(framed("audio-chunk", chunk, timestamp=None, **form))
        connection.shutdown(socket.SHUT_WR)
        found = events(connection)
    expected = [u.as_record() for u in analyze(path).utterances]
    finals = [record for record in records(found) if record.get("kind") == "final"]
    assert essence(finals, types={"emotion"}) == essence(expected, types={"emotion"})
    started = next(event for event in found if event["type"] == "voice-started")
    assert started["timestamp"] == 1_000_000 + round(1000 * finals[0]["start_s"])


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"POST / HTTP/1.1\r\nHost: x\r\n\r\n" + framed("describe"), "message_invalid"),
        (b"\x16\x03\x01\x02\0\x01\0\n", "message_invalid"),
        (b"[1]\n", "message_invalid"),
        (b"[" * 60_000 + b"\n", "message_invalid"),
        (b'{"type":"x","data_length":-1}\n', "message_invalid"),
        (b'{"type":"x","payload_length":"9"}\n', "message_invalid"),
        (b"x" * 70_000, "message_too_large"),
        (b'{"type":"x","payload_length":99999999999}\n', "message_too_large"),
        (framed("audio-start", rate=7999, width=2, channels=1), "start_invalid"),
        (framed("audio-start", rate=16_000, width=5, channels=1), "start_invalid"),
        (framed("audio-start", rate=16_000, width=2, channels=65), "start_invalid"),
        (framed("audio-start", rate="16000"), "start_invalid"),
        (framed("audio-chunk", b"\0\0"), "start_invalid"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_is_no_wyoming_closes_the_connection(sent: bytes, code: str, served: Served) -> None:
    """One error with a code, such as to a browser's request; nothing after it is looked at."""
    with wyoming(served) as connection:
        connection.sendall(sent)
        found = events(connection)
    assert [(event["type"], event["code"]) for event in found] == [("error", code)]


def test_a_chunk_that_does_not_fit_is_left_out_and_told(served: Served) -> None:
    """Half a sample, or another form than announced; unknown messages are passed over."""
    with wyoming(served) as connection:
        connection.sendall(
            framed("transcribe", name="x")
            + framed("ping", text="here")
            + framed("audio-start", **MONO)
            + framed("audio-chunk", b"\0", **MONO)
            + framed("audio-chunk", bytes(44_100), **{**MONO, "rate": 16_000})
            + framed("audio-chunk", bytes(44_100), **MONO)
            + framed("audio-stop")
        )
        connection.shutdown(socket.SHUT_WR)
        found = events(connection)
    assert found[0] == {"type": "pong", "text": "here"}
    assert [e["code"] for e in found if e["type"] == "error"] == ["audio_invalid"] * 2
    assert records(found)[-1]["type"] == "stream_ended"
    assert records(found)[-1]["duration_s"] == 1.0


def test_clients_that_die_leave_no_session_behind(served: Served, words: NDArray[np.int16]) -> None:
    """Cut off while they speak, of either kind, they are gone from what is open."""
    for _ in range(3):
        with wyoming(served) as connection:
            connection.sendall(framed("audio-chunk", words.tobytes()[:40_000], **MONO))
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with connected(served) as stream:
            stream.send(words.tobytes()[:40_000])
            stream.socket.shutdown(2)
    end_s = time.monotonic() + 30
    while time.monotonic() < end_s:
        with served.ask("/v1/sessions") as answer:
            if not json.load(answer)["sessions"]:
                break
        time.sleep(0.1)
    else:
        pytest.fail("sessions are still open")
    assert not [line for line in served.said if "defect" in line]


def test_a_signal_reports_what_they_were_heard_to_say(
    tmp_path: Path, words: NDArray[np.int16]
) -> None:
    """SIGTERM while both speak: the open utterance, why it ended, and the end of the connection."""
    with serving(tmp_path, "--wyoming", "0") as served:
        with wyoming(served) as connection, connected(served) as stream:
            connection.sendall(framed("audio-chunk", words[:60_000].tobytes(), **MONO))
            for block in np.array_split(words[:60_000], 20):
                stream.send(block.tobytes())
            told(stream, "utterance.start")
            served.process.send_signal(signal.SIGTERM)
            closed = told(stream, "session.closed")
            found = events(connection)
        assert served.process.wait(20) == 143
    assert closed[-1]["reason"] == "server_shutdown"
    assert [m["trigger"] for m in closed if "trigger" in m][-1] == "speech_ended"
    assert [r["kind"] for r in records(found) if r["type"] == "emotion"][-1] == "final"
    assert (found[-1]["type"], found[-1]["code"]) == ("error", "shutting_down")


def test_wyoming_without_loopback_is_said(tmp_path: Path) -> None:
    """The explicit option is needed for other machines, and a sentence says what it means."""
    with serving(tmp_path, "--wyoming", "0") as served:
        assert any("every program and user of this machine" in line for line in served.said)
    with serving(tmp_path, "--wyoming", "0", "--wyoming-host", "0.0.0.0") as served:  # noqa: S104
        assert any("neither token nor encryption" in line for line in served.said)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--wyoming", "{taken}"], "choose another --wyoming"),
        (["--wyoming", "0", "--wyoming-host", "192.0.2.1"], "192.0.2.1 port 0 cannot be listened"),
        (["--wyoming-host", "0.0.0.0"], "add --wyoming PORT"),  # noqa: S104
    ],
)
def test_a_place_that_cannot_be_is_one_sentence(options: list[str], sentence: str) -> None:
    """A port that is taken, an address of another machine, an address without a port."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        given = [option.format(taken=taken.getsockname()[1]) for option in options]
        done = subprocess.run(
            [sys.executable, "-m", "ser_live", "serve", "--port", "0", *given],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 2
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1
