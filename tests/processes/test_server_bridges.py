"""Bridges of the server: other programs are told what its clients and its microphone say."""

from __future__ import annotations

import json
import shlex
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import soundfile
from debian_packages import missing_programs
from served import Served, require_extra, serving, talk
from told_events import free_port

require_extra()

from ser_live.cli.bridge_options import BridgeOptions  # noqa: E402
from ser_live.errors import UsageError  # noqa: E402

ADDRESS = "/serlive/utterance"


@pytest.fixture(scope="module")
def sound(short_talk: Path) -> tuple[bytes, int]:
    samples, rate = soundfile.read(short_talk, dtype="int16", frames=5 * 22_050)
    return samples.tobytes(), rate


def wait_for(condition: Callable[[], bool], within_s: float = 20.0) -> None:
    until_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until_s, "it did not come"
        time.sleep(0.05)


@contextmanager
def osc_reader() -> Iterator[tuple[str, list[tuple[str, list[Any]]]]]:
    """A socket for OSC: its address, and the messages that came."""
    pytest.importorskip("pythonosc", reason="needs the extra osc")
    from pythonosc.osc_bundle import OscBundle

    found: list[tuple[str, list[Any]]] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as reader:
        reader.bind(("127.0.0.1", 0))
        reader.settimeout(0.2)
        is_over = threading.Event()

        def read() -> None:
            while not is_over.is_set():
                try:
                    bundle = OscBundle(reader.recv(65536))
                except TimeoutError:
                    continue
                found.extend((m.address, list(m.params)) for m in bundle)

        thread = threading.Thread(target=read)
        thread.start()
        try:
            yield f"127.0.0.1:{reader.getsockname()[1]}", found
        finally:
            is_over.set()
            thread.join()


@contextmanager
def web_reader() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A web server: its address, and the records that were posted to it."""
    found: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing is printed."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/mood", found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def finals(records: list[dict[str, Any]]) -> list[tuple[str, int, str | None]]:
    """Session, number and emotion of each final result that was judged."""
    return [
        (r["session"], r["id"], r["emotion"])
        for r in records
        if r["type"] == "emotion" and r["kind"] == "final" and r["probabilities"]
    ]


def said(served: Served, what: str) -> list[str]:
    return [line for line in served.said if what in line]


def test_two_clients_are_told_to_osc_a_web_address_and_a_command(
    tmp_path: Path, sound: tuple[bytes, int]
) -> None:
    """Each final result comes with the name of its client's session, though none asks for it."""
    ran = tmp_path / "ran"
    program = tmp_path / "note.py"
    program.write_text(
        "import os, sys\n"
        f"with open({str(ran)!r}, 'a') as file:\n"
        "    file.write(' '.join([*sys.argv[1:], os.environ['SERLIVE_SESSION']]) + '\\n')\n"
    )
    command = shlex.join([sys.executable, str(program), "{emotion}", "{session}"])
    data, rate = sound

    def heard(results: str) -> list[dict[str, Any]]:
        with served.stream() as connection:
            start = {"sample_rate": rate, "results": results, "source": f"of {results}"}
            return talk(connection, start, [data])

    with osc_reader() as (target, osc), web_reader() as (url, posted):  # noqa: SIM117
        with serving(
            tmp_path, "--processes", "1", "--osc", target, "--webhook", url, "--exec", command
        ) as served:
            with ThreadPoolExecutor(2) as pool:
                both = list(pool.map(heard, ("final", "partial")))
            expected = sorted(final for records in both for final in finals(records))
            named = [final for final in expected if final[2]]
            wait_for(lambda: len(posted) >= len(named))
            assert both[0][0]["told_to"] == ["OSC bridge", "command bridge", "webhook bridge"]
            assert not any(r["type"] in ("level", "affect_state") for r in both[0])
            assert not any(r.get("kind") == "partial" for r in both[0])
            served.process.terminate()
            assert served.process.wait(30) == 143
    assert len(said(served, "emotions leave this program")) == 3
    assert not said(served, "defect")
    assert sorted(finals(posted)) == named
    assert {r["source"] for r in posted} == {"of final", "of partial"}
    names = [values for address, values in osc if address == f"{ADDRESS}/session"]
    assert sorted((session, number) for session, number in names) == [f[:2] for f in expected]
    told = [values[0] or None for address, values in osc if address == ADDRESS]
    assert sorted(told, key=str) == sorted((f[2] for f in expected), key=str)
    assert [v for a, v in osc if a == "/serlive/state/label"][-1] == ["unknown"]  # they left
    assert [v for a, v in osc if a == "/serlive/state/speaking"][-1] == [0]
    assert any(address == "/serlive/level" for address, _ in osc)
    # One a second at most: what it was started for is among what was heard.
    lines = [tuple(line.split()) for line in ran.read_text().splitlines()]
    assert lines
    assert set(lines) <= {(emotion, s, s) for s, _, emotion in named}


def test_the_microphone_is_told_as_itself(short_talk: Path) -> None:
    """Records of the server's own microphone and what a web address gets are the same ones."""
    from server_here import hearing, sse

    from ser_live import FileSource
    from ser_live.bridges.bridge import BridgeThread
    from ser_live.bridges.webhook import WebhookBridge
    from ser_live.server.teller import Teller

    lost: list[str] = []
    with web_reader() as (url, posted):
        teller = Teller([BridgeThread(WebhookBridge(url))], [], lost.append)
        with hearing(FileSource(short_talk, speed=0), teller=teller) as served:
            with served.ask("/v1/events?after=0") as answer:
                records = sse(answer, until="session_ended")
            named = [final for final in finals(records) if final[2]]
            wait_for(lambda: len(posted) >= len(named))
    assert named
    assert finals(posted) == named
    assert {record["session"] for record in posted} == {"microphone"}
    assert records[0]["told_to"] == ["webhook bridge"]
    assert lost == []


def answers(port: int) -> bool:
    with socket.socket() as trial:
        return trial.connect_ex(("127.0.0.1", port)) == 0


def test_home_is_told_by_mqtt(tmp_path: Path, sound: tuple[bytes, int]) -> None:
    """A real broker and its own reader: each final result, and a state that ends unknown."""
    pytest.importorskip("paho.mqtt", reason="needs the extra mqtt")
    if why := missing_programs(["mosquitto", "mosquitto_sub"]):
        pytest.skip(why)
    port = free_port()
    lines: list[str] = []
    reading = ["mosquitto_sub", "-p", str(port), "-t", "ser-live/#", "-F", "%t %p"]
    with ExitStack() as stack:
        broker = stack.enter_context(
            subprocess.Popen(["mosquitto", "-p", str(port)], stderr=subprocess.DEVNULL)
        )
        stack.callback(broker.terminate)
        wait_for(lambda: answers(port))
        reader = stack.enter_context(subprocess.Popen(reading, stdout=subprocess.PIPE, text=True))
        stack.callback(reader.terminate)
        assert reader.stdout is not None
        thread = threading.Thread(target=lambda: lines.extend(reader.stdout or ()))
        thread.start()
        with serving(tmp_path, "--processes", "1", "--mqtt", f"mqtt://127.0.0.1:{port}") as served:
            wait_for(lambda: any(line.endswith("availability online\n") for line in lines))
            with served.stream() as connection:
                records = talk(connection, {"sample_rate": sound[1]}, [sound[0]])
            wait_for(lambda: bool(lines) and '"label":"unknown"' in lines[-1])
        wait_for(lambda: lines[-1].endswith("availability offline\n"))
        reader.terminate()
        thread.join()
    told = [json.loads(line.split(" ", 1)[1]) for line in lines if "/utterance " in line]
    assert finals(told) == finals(records) != []
    states = [json.loads(line.split(" ", 1)[1]) for line in lines if "/state " in line]
    assert {state["session"] for state in states} == {records[0]["session"]}


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_without_a_bridge_there_is_no_other_socket(
    tmp_path: Path, sound: tuple[bytes, int]
) -> None:
    """One that listens and one for each client: nothing else of the network is open."""
    with serving(tmp_path, "--processes", "1") as served, served.stream() as connection:
        connection.send(json.dumps({"type": "start", "sample_rate": sound[1]}))
        assert json.loads(connection.recv(timeout=30))["told_to"] == []
        assert network_sockets(served.process.pid) == {"tcp": 2}


def network_sockets(pid: int) -> dict[str, int]:
    """Sockets of the network that a process has, by protocol."""
    held = {
        str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir() if entry.is_symlink()
    }
    found: dict[str, int] = {}
    for kind in ("tcp", "tcp6", "udp", "udp6", "raw"):
        lines = Path(f"/proc/{pid}/net/{kind}").read_text().splitlines()[1:]
        if n := sum(f"socket:[{line.split()[9]}]" in held for line in lines):
            found[kind] = n
    return found


def test_options_that_make_no_sense_are_refused() -> None:
    """Lab Streaming Layer needs sound that is heard as it is spoken; a map needs an address."""
    for options, sentence in (
        ({"lsl": True}, "Found --lsl without --microphone"),
        ({"osc_map": "vmc"}, "Found --osc-map without --osc"),
    ):
        with pytest.raises(UsageError, match=sentence):
            BridgeOptions(**options).of_server(hears=False)
