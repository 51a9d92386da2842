"""The server's streams, by clients that share no code with it: the same answers as a replay."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import soundfile
from places import SUPPORT
from served import Served, essence, require_extra, serving, talk

from ser_live import FileSource, listen

require_extra()

RECORDS = {"stream_started", "state", "emotion", "gap", "drop", "mark", "stream_ended"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("served")) as found:
        yield found


@pytest.fixture(scope="module")
def sound(short_talk: Path) -> tuple[bytes, int]:
    samples, rate = soundfile.read(short_talk, dtype="int16")
    return samples.tobytes(), rate


@pytest.fixture(scope="module")
def replayed(short_talk: Path) -> list[dict[str, Any]]:
    with listen(FileSource(short_talk, speed=0)) as events:
        return [event.as_record() for event in events]


def blocks(data: bytes, n_bytes: int) -> list[bytes | dict[str, Any]]:
    return [data[i : i + n_bytes] for i in range(0, len(data), n_bytes)]


def assert_same(found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    """Ids, times and labels are equal, other numbers within a millionth."""
    first, second = (essence(records, types=RECORDS) for records in (found, expected))
    assert [r["type"] for r in first] == [r["type"] for r in second]
    for one, other in zip(first, second, strict=True):
        assert one.keys() == other.keys()
        for key, value in other.items():
            if isinstance(value, float | dict):
                value = pytest.approx(value, abs=1e-6, rel=0)
            assert one[key] == value, key


@pytest.mark.parametrize("n_bytes", [322, 8192, 400_000])
def test_a_wav_through_the_socket_is_its_replay(
    n_bytes: int, served: Served, sound: tuple[bytes, int], replayed: list[dict[str, Any]]
) -> None:
    """Whatever the size of blocks: the same records, numbered without a hole, closed with 1000."""
    data, rate = sound
    with served.stream() as connection:
        found = talk(connection, {"sample_rate": rate}, blocks(data, n_bytes))
        assert connection.subprotocol == "ser-live.v1"
    assert connection.close_code == 1000
    assert [record["seq"] for record in found] == list(range(1, len(found) + 1))
    assert len({record["session"] for record in found}) == 1
    assert found[0]["type"] == "session_started"
    assert found[0]["limits"]["message_bytes"] == 1 << 20
    assert found[-1]["type"] == "session_ended"
    assert_same(found, replayed)


def test_a_node_client_is_told_the_same(
    served: Served, short_talk: Path, replayed: list[dict[str, Any]]
) -> None:
    """A client in another language, without any library, gets the replay too."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no Node.js on this machine")
    client = SUPPORT / "node_client.mjs"
    done = subprocess.run(
        [node, "--experimental-websocket", "--no-warnings", str(client)],
        input=json.dumps(
            {
                "url": f"ws://127.0.0.1:{served.port}/v1/stream",
                "token": served.token,
                "wav": str(short_talk),
            }
        ),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if "bad option" in done.stderr:
        pytest.skip("this Node.js has no WebSocket client")
    assert done.returncode == 0, done.stderr
    assert_same([json.loads(line) for line in done.stdout.splitlines()], replayed)


def test_requests_are_answered_at_their_place(served: Served, sound: tuple[bytes, int]) -> None:
    """Flush ends the utterance, pause makes a gap, marks and pongs tell where they are."""
    data, rate = sound
    second = 2 * rate
    with served.stream() as connection:
        found = talk(
            connection,
            {"sample_rate": rate, "results": "final", "state": "game"},
            [
                {"type": "mark", "label": "begin"},
                data[: 3 * second],
                {"type": "flush", "request": "f"},
                {"type": "ping", "id": 7},
                {"type": "pause", "request": "p"},
                {"type": "resume", "duration_s": 1.5, "request": "r"},
                {"type": "reset", "request": "n"},
                data[3 * second : 4 * second],
            ],
        )
    by_type = {record["type"]: record for record in found}
    order = [r["type"] for r in found if r["type"] in ("emotion", "flushed", "gap", "reset_done")]
    assert order[:4] == ["emotion", "flushed", "gap", "reset_done"]
    assert (by_type["flushed"]["request"], by_type["flushed"]["end_s"]) == ("f", 3.0)
    assert by_type["gap"]["cause"] == "paused"
    assert (by_type["gap"]["start_s"], by_type["gap"]["duration_s"]) == (3.0, 1.5)
    assert by_type["mark"]["label"] == "begin"
    assert (by_type["pong"]["id"], by_type["pong"]["end_s"]) == (7, 3.0)
    assert by_type["affect_state"]["probabilities"] is not None
    assert by_type["stream_ended"]["duration_s"] == pytest.approx(5.5, abs=0.002)
    assert all(record["kind"] == "final" for record in found if record["type"] == "emotion")


def test_two_channels_are_two_streams(served: Served, sound: tuple[bytes, int]) -> None:
    """With roles each channel is a stream of its own, named by what the client calls it."""
    data, rate = sound
    both = b"".join(data[i : i + 2] + b"\0\0" for i in range(0, 4 * rate, 2))
    start = {"sample_rate": rate, "channels": 2, "roles": {"1": "agent", "2": "customer"}}
    with served.stream() as connection:
        found = talk(connection, start, blocks(both, 16_384))
    started = [record for record in found if record["type"] == "stream_started"]
    assert [(r["stream"], r["channel"], r["role"]) for r in started] == [
        (1, 0, "agent"),
        (2, 1, "customer"),
    ]
    assert {r["stream"] for r in found if r["type"] == "emotion"} == {1}


@pytest.mark.parametrize(
    ("message", "code", "is_fatal"),
    [
        (b"\0", "audio_invalid", False),
        (b"", "audio_invalid", False),
        ("{", "message_invalid", False),
        ('{"type":"dance"}', "unknown_type", False),
        ('{"type":"mark"}', "message_invalid", False),
        ('{"type":"note","rating":3}', "message_invalid", False),
        ('{"type":"note","text":"x","rating":6}', "message_invalid", False),
        ('{"type":"resume"}', "message_invalid", False),
        ("[" * 100_000, "message_invalid", False),
    ],
)
def test_a_wrong_message_is_told_and_the_session_lives(
    message: bytes | str, code: str, is_fatal: bool, served: Served
) -> None:
    """The code says what was wrong; a flush afterwards is still answered."""
    with served.stream() as connection:
        connection.send('{"type":"start","sample_rate":16000}')
        connection.send(message)
        connection.send('{"type":"flush","request":"after"}')
        found: list[dict[str, Any]] = []
        while not found or found[-1]["type"] != "flushed":
            found.append(json.loads(connection.recv(timeout=30)))
    (error,) = [record for record in found if record["type"] == "error"]
    assert (error["code"], error["fatal"]) == (code, is_fatal)
    assert error["message"].endswith(".")


@pytest.mark.parametrize(
    ("first", "code", "param"),
    [
        ('{"type":"flush"}', "start_missing", None),
        (b"\0\0", "start_missing", None),
        ("nonsense", "message_invalid", None),
        ('{"type":"start","sample_rate":7999}', "start_invalid", "sample_rate"),
        ('{"type":"start","sample_rate":true}', "start_invalid", "sample_rate"),
        ('{"type":"start","encoding":"mp3"}', "start_invalid", "encoding"),
        ('{"type":"start","sample_rat":16000}', "start_invalid", "sample_rat"),
        ('{"type":"start","channel":2}', "start_invalid", "channel"),
        ('{"type":"start","roles":{"x":"agent"}}', "start_invalid", "roles"),
        ('{"type":"start","model":"other"}', "model_unknown", "model"),
        ('{"type":"start","speaker":"../../etc"}', "speaker_unknown", "speaker"),
        ('{"type":"start","resume":{"session":"x","seq":0}}', "resume_unknown", None),
    ],
)
def test_a_wrong_start_is_told_before_the_close(
    first: str | bytes, code: str, param: str | None, served: Served
) -> None:
    """An error with code and field in band, then the connection is closed."""
    import websockets

    with served.stream() as connection:
        connection.send(first)
        error = json.loads(connection.recv(timeout=30))
        with pytest.raises(websockets.ConnectionClosed):
            connection.recv(timeout=30)
    assert (error["type"], error["code"], error.get("param")) == ("error", code, param)
    assert error["fatal"]
    assert connection.close_code == 1002


def test_a_lost_connection_is_taken_up_again(
    served: Served, sound: tuple[bytes, int], replayed: list[dict[str, Any]]
) -> None:
    """Cut in the middle and resumed, the records of both parts are the replay, none twice."""
    data, rate = sound
    found: list[dict[str, Any]] = []
    with served.stream() as connection:
        connection.send(json.dumps({"type": "start", "sample_rate": rate}))
        connection.send(data[: 6 * rate])
        while not any(record["type"] == "emotion" for record in found):
            found.append(json.loads(connection.recv(timeout=30)))
        connection.socket.shutdown(2)
    latest = found[-1]
    resume = {"session": latest["session"], "seq": latest["seq"]}
    with served.stream() as again:
        found += talk(
            again, {"sample_rate": rate, "resume": resume}, blocks(data[6 * rate :], 9000)
        )
    resumed = next(record for record in found if record["type"] == "session_resumed")
    assert resumed["end_s"] == 3.0
    assert [record["seq"] for record in found] == list(range(1, len(found) + 1))
    assert_same(found, replayed)


def test_a_client_that_comes_back_early_takes_over(
    served: Served, sound: tuple[bytes, int], replayed: list[dict[str, Any]]
) -> None:
    """Where the old connection still seems open, it is closed, and every record goes to the new."""
    import websockets

    data, rate = sound
    with served.stream() as old:
        old.send(json.dumps({"type": "start", "sample_rate": rate}))
        found = [json.loads(old.recv(timeout=30)) for _ in range(2)]
        resume = {"session": found[0]["session"], "seq": 2}
        with served.stream() as new:
            found += talk(new, {"sample_rate": rate, "resume": resume}, blocks(data, 9000))
        with pytest.raises(websockets.ConnectionClosed):  # noqa: PT012  read to the end
            while True:
                old.recv(timeout=30)
        assert old.close_code == 1001
    assert [record["seq"] for record in found] == list(range(1, len(found) + 1))
    assert_same(found, replayed)


def test_live_sound_that_is_too_fast_becomes_a_gap(served: Served) -> None:
    """With overrun gap, what cannot be heard in time is counted, and the clock runs on over it."""
    start = {"sample_rate": 8000, "overrun": "gap"}
    second = bytes(16_000)
    with served.stream() as connection:
        found = talk(connection, start, [second] * 300)
    gaps = [record for record in found if record["type"] == "gap"]
    assert {record["cause"] for record in gaps} <= {"overflow"}
    ended = next(record for record in found if record["type"] == "stream_ended")
    assert ended["duration_s"] == pytest.approx(300.0, abs=0.01)


def test_a_million_bytes_are_taken_and_one_more_are_not(served: Served) -> None:
    """A message over the limit ends the connection with 1009; the server goes on."""
    import websockets

    with served.stream() as connection:
        connection.send('{"type":"start","sample_rate":192000}')
        connection.send(bytes(1 << 20))
        with pytest.raises(websockets.ConnectionClosed):  # noqa: PT012  sent, then read to the end
            connection.send(bytes((1 << 20) + 2))
            while True:
                connection.recv(timeout=30)
    assert connection.close_code == 1009
    with served.stream() as connection:
        assert talk(connection, {}, [])[-1]["type"] == "session_ended"


def test_a_signal_reports_what_was_heard(
    tmp_path: Path, sound: tuple[bytes, int], replayed: list[dict[str, Any]]
) -> None:
    """SIGTERM while a client speaks: its last utterance, the reason, 1001, and exit code 143."""
    import websockets

    data, rate = sound
    with serving(tmp_path) as served, served.stream() as connection:
        connection.send(json.dumps({"type": "start", "sample_rate": rate}))
        connection.send(data)
        found = [json.loads(connection.recv(timeout=30))]
        served.process.send_signal(signal.SIGTERM)
        try:
            while True:
                found.append(json.loads(connection.recv(timeout=30)))
        except websockets.ConnectionClosed:
            pass
        assert served.process.wait(20) == 143
    assert connection.close_code == 1001
    assert [record["type"] for record in found[-2:]] == ["session_ended", "error"]
    assert found[-1]["code"] == "shutting_down"
    assert_same(found, replayed)
    assert all(served.token not in line for line in served.said)
