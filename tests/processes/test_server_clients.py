"""One recording through every kind of client: each is told what a replay of it tells."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import shutil
import subprocess
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import soundfile
import soxr
from places import SUPPORT
from served import Served, essence, require_extra, serving, talk
from server_here import hearing, sse

from ser_live import FileSource, PushedSource, listen

require_extra()

Records = list[dict[str, Any]]
RECORDS = {"state", "emotion", "gap", "mark", "stream_ended"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("clients"), "--wyoming", "0") as found:
        yield found


@pytest.fixture(scope="module")
def wav(short_talk: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The talk in the one format that all of the clients send: 16 bits, 16 kHz, mono."""
    samples, rate = soundfile.read(short_talk, dtype="float32")
    whole = soxr.resample(samples, rate, 16_000)
    path = tmp_path_factory.mktemp("clients") / "talk.wav"
    soundfile.write(path, whole, 16_000, subtype="PCM_16")
    return path


@pytest.fixture(scope="module")
def replayed(wav: Path) -> Records:
    with listen(FileSource(wav, speed=0)) as events:
        return [event.as_record() for event in events]


def pcm(wav: Path) -> bytes:
    with wave.open(str(wav)) as file:
        return file.readframes(file.getnframes())


def by_python(served: Served, wav: Path) -> Records:
    data = pcm(wav)
    with served.stream() as connection:
        return talk(connection, {}, [data[i : i + 5000] for i in range(0, len(data), 5000)])


def by_node(served: Served, wav: Path) -> Records:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no Node.js on this machine")
    url = f"ws://127.0.0.1:{served.port}/v1/stream"
    done = subprocess.run(
        [node, "--experimental-websocket", "--no-warnings", str(SUPPORT / "node_client.mjs")],
        input=json.dumps({"url": url, "token": served.token, "wav": str(wav)}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if "bad option" in done.stderr:
        pytest.skip("this Node.js has no WebSocket client")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


IN_BROWSER = """([text, rate]) => new Promise((resolve, reject) => {
  const sound = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const socket = new WebSocket(`ws://${location.host}/v1/stream`, "ser-live.v1");
  const told = [];
  socket.onopen = () => {
    socket.send(JSON.stringify({ type: "start", sample_rate: rate }));
    for (let i = 0; i < sound.length; i += 7000) socket.send(sound.subarray(i, i + 7000));
    socket.send('{"type":"end"}');
  };
  socket.onmessage = ({ data }) => told.push(data);
  socket.onclose = ({ code }) => (code === 1000 ? resolve(told) : reject(code));
})"""


def by_browser(served: Served, wav: Path) -> Records:
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium on this machine: run scripts/install_debian.sh --test")
    switches = ["--no-sandbox", "--disable-quic", "--disable-background-networking"]
    with sync_api.sync_playwright() as run:
        browser = run.chromium.launch(executable_path=chromium, args=switches)
        page = browser.new_page()
        page.set_default_timeout(60_000)
        page.goto(f"{served.base}/?token={served.token}")
        found = page.evaluate(IN_BROWSER, [base64.b64encode(pcm(wav)).decode(), 16_000])
        browser.close()
    return [json.loads(text) for text in found]


def by_events(served: Served, wav: Path) -> Records:
    """The server's own microphone, which is a source of ours here, as server-sent events."""
    source = PushedSource("pushed", 16_000, 1, buffer_s=60)
    samples, _ = soundfile.read(wav, dtype="int16")
    with hearing(source) as here, here.ask("/v1/events") as answer:
        source.push(samples)
        source.finish()
        return sse(answer, "stream_ended")


def by_hume(served: Served, wav: Path) -> Records:
    """The records that the SDK passes on, and the same in words of its own format."""
    sdk = pytest.importorskip(
        "hume_expression_measurement", reason="needs the package hume-expression-measurement"
    )
    import httpx
    from hume_expression_measurement.environment import ExpressionMeasurementClientEnvironment

    http = httpx.Client(timeout=60)
    client = sdk.ExpressionMeasurementClient(
        api_key=served.token,
        httpx_client=http,
        environment=ExpressionMeasurementClientEnvironment(
            base=served.base, production=served.base.replace("http", "ws")
        ),
    )
    data = pcm(wav)
    with client.audio.connect() as connection:
        assert isinstance(connection.recv(), sdk.AudioSessionCreated)
        for i in range(0, len(data), 3200):
            connection.send_audio_frame(data[i : i + 3200])
        connection.send_audio_session_close(sdk.SessionClose(type="session.close"))
        told = list(connection)
    measured = [
        m for m in told if isinstance(m, sdk.AudioMeasurementResult) and m.trigger == "speech_ended"
    ]
    ends = [m for m in told if isinstance(m, sdk.UtteranceEnd)]
    for message, end in zip(measured, ends, strict=True):
        record = message.ser_live
        extent = (end.audio_start_ms / 1000, end.audio_end_ms / 1000)
        assert extent == (record["start_s"], record["end_s"])
        named = {"calm": "calmness", "happy": "joy"}.get(record["emotion"])
        shown = [] if named is None else [(named, record["confidence"])]
        assert [(e.name, e.probability) for e in message.expressions] == shown
    assert isinstance(told[-1], sdk.AudioSessionClosed)
    assert told[-1].received.audio_duration_ms == len(data) / 32
    assert told[-1].produced.utterances == len(measured)
    uploaded = client.audio.measure(file=("talk.wav", wav.read_bytes()))
    http.close()
    again = [m.ser_live for m in uploaded.measurements if m.trigger == "speech_ended"]
    records = [m.ser_live for m in measured]
    assert essence(again, types={"emotion"}) == essence(records, types={"emotion"})
    return records


def by_wyoming(served: Served, wav: Path) -> Records:
    pytest.importorskip("wyoming", reason="needs the package wyoming")
    from wyoming.audio import wav_to_chunks
    from wyoming.client import AsyncClient
    from wyoming.info import Describe, Info
    from wyoming.user_event import UserEvent
    from wyoming.vad import VoiceStarted, VoiceStopped

    address = re.search(r"tcp://127\.0\.0\.1:\d+", "\n".join(served.said))
    assert address is not None

    async def sent() -> tuple[Records, list[int]]:
        async with AsyncClient.from_uri(address[0], read_timeout=60) as client:
            await client.write_event(Describe().event())
            info = await client.read_event()
            assert info is not None
            assert Info.is_type(info.type)
            with wave.open(str(wav)) as file:
                for message in wav_to_chunks(file, 1024, start_event=True, stop_event=True):
                    await client.write_event(message.event())
            found: Records = []
            times_ms: list[int] = []
            while not found or found[-1]["type"] != "stream_ended":
                event = await client.read_event()
                assert event is not None
                if UserEvent.is_type(event.type):
                    told = UserEvent.from_event(event)
                    assert told.data is not None
                    assert told.name == told.data["type"]
                    found.append(told.data)
                elif VoiceStarted.is_type(event.type) or VoiceStopped.is_type(event.type):
                    times_ms.append(event.data["timestamp"])
            return found, times_ms

    records, times_ms = asyncio.run(sent())
    finals = [record for record in records if record.get("kind") == "final"]
    assert times_ms == [round(1000 * r[at]) for r in finals for at in ("start_s", "end_s")]
    return records


FINALS = "final results"
CLIENTS: dict[str, tuple[Callable[[Served, Path], Records], str]] = {
    # client: how it sends, which records it is told
    "Python's websockets": (by_python, "all"),
    "Node.js": (by_node, "all"),
    "a page in Chromium": (by_browser, "all"),
    "server-sent events": (by_events, "all"),
    "Hume's SDK": (by_hume, FINALS),
    "Wyoming's client": (by_wyoming, "all"),
}


@pytest.mark.filterwarnings("ignore:'audioop' is deprecated:DeprecationWarning")  # in wyoming
@pytest.mark.filterwarnings("ignore:websockets:DeprecationWarning")  # in Hume's SDK
@pytest.mark.parametrize("client", CLIENTS)
def test_every_client_is_told_the_replay(
    client: str, served: Served, wav: Path, replayed: Records
) -> None:
    """Record for record: ids, times and labels are equal, other numbers within a millionth."""
    send, told = CLIENTS[client]
    found, expected = (essence(r, types=RECORDS) for r in (send(served, wav), replayed))
    if told == FINALS:
        expected = [record for record in expected if record.get("kind") == "final"]
    assert [record["type"] for record in found] == [record["type"] for record in expected]
    assert sum(record.get("kind") == "final" for record in found) >= 2
    for one, other in zip(found, expected, strict=True):
        assert one.keys() == other.keys()
        for key, value in other.items():
            is_number = isinstance(value, float | dict)
            wanted = pytest.approx(value, abs=1e-6, rel=0) if is_number else value
            assert one[key] == wanted, key
