"""MQTT with a real broker, mosquitto, read by its own client."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import told_events as made
from debian_packages import missing_programs

pytest.importorskip("paho.mqtt", reason="needs the extra mqtt")

from ser_live.bridges.bridge import BridgeThread
from ser_live.bridges.home_assistant import discovery, machine
from ser_live.bridges.mqtt import MqttBridge
from ser_live.errors import UsageError

BASE = f"ser-live/{machine()}"


@pytest.fixture
def needs_broker() -> None:
    if why := missing_programs(["mosquitto", "mosquitto_sub", "mosquitto_passwd"]):
        pytest.skip(why)


class Broker:
    """A mosquitto of its own, which can be killed and started again at the same port."""

    def __init__(self, folder: Path, *lines: str) -> None:
        self.port = made.free_port()
        self._file = folder / "mosquitto.conf"
        anonymous = () if lines else ("allow_anonymous true",)
        self._file.write_text(
            "\n".join([f"listener {self.port} 127.0.0.1", *lines, *anonymous, ""])
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Broker:
        self._process = subprocess.Popen(
            ["mosquitto", "-c", str(self._file)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for(self._answers)
        return self

    def _answers(self) -> bool:
        with socket.socket() as trial:
            return trial.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def read(self, *more: str, seconds: int = 2) -> list[tuple[str, bool, str]]:
        """Topic, whether retained, and text of all that comes in a time."""
        command = ["mosquitto_sub", "-p", str(self.port), "-t", "#", "-W", str(seconds), *more]
        output = subprocess.run([*command, "-F", "%r %t %p"], capture_output=True, text=True).stdout
        found = []
        for line in output.splitlines():
            retained, topic, text = line.split(" ", 2)
            found.append((topic, retained == "1", text))
        return found


@pytest.fixture
def broker(tmp_path: Path, needs_broker: None) -> Iterator[Broker]:
    here = Broker(tmp_path)
    yield here
    here.stop()


@pytest.fixture
def run() -> Iterator[Callable[..., BridgeThread]]:
    """Makes bridges that work; those that a test did not close are closed."""
    opened: list[BridgeThread] = []

    def begin(url: str, **more: Any) -> BridgeThread:
        thread = BridgeThread(MqttBridge(url, **more))
        thread.open()
        opened.append(thread)
        for event in (made.started(), made.stream_started()):
            thread.take(event)
        return thread

    yield begin
    for thread in opened:
        thread.close()


def wait_for(condition: Callable[[], bool], within_s: float = 10.0) -> None:
    deadline_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline_s, "it did not come"
        time.sleep(0.05)


def is_connected(thread: BridgeThread) -> Callable[[], bool]:
    bridge: Any = thread._sink
    return lambda: bool(bridge._client.is_connected())


def test_home_assistant_finds_everything(broker: Broker, run: Callable[..., BridgeThread]) -> None:
    """Four retained descriptions, that ser-live is there, and no mood that is kept."""
    broker.start()
    thread = run(f"mqtt://127.0.0.1:{broker.port}")
    wait_for(is_connected(thread))
    for event in made.utterance(1, "happy", 1.0, 3.0):
        thread.take(event)
    time.sleep(1.3)
    retained = {topic: text for topic, is_kept, text in broker.read(seconds=1) if is_kept}
    own = f"ser_live_{machine().replace('-', '_').lower()}"
    topics = {topic for topic in retained if topic.startswith("homeassistant/")}
    assert topics == {
        f"homeassistant/{kind}/{own}/{key}/config"
        for kind, key in (
            ("sensor", "emotion"),
            ("sensor", "valence"),
            ("sensor", "arousal"),
            ("binary_sensor", "speaking"),
        )
    }
    assert set(retained) - topics == {f"{BASE}/availability"}
    assert retained[f"{BASE}/availability"] == "online"
    emotion = json.loads(retained[f"homeassistant/sensor/{own}/emotion/config"])
    assert emotion["device_class"] == "enum"
    assert emotion["options"] == [*made.LABELS, "unknown"]
    assert emotion["expire_after"] == 60
    assert emotion["availability_topic"] == f"{BASE}/availability"
    assert emotion["state_topic"] == f"{BASE}/state"
    thread.close()
    assert thread.failure is None
    gone = {topic: text for topic, is_kept, text in broker.read(seconds=1) if is_kept}
    assert gone[f"{BASE}/availability"] == "offline"


def test_state_and_utterances_reach_a_reader(
    broker: Broker, run: Callable[..., BridgeThread]
) -> None:
    """What mosquitto's own client reads is the running emotion and the record of the log."""
    broker.start()
    thread = run(f"mqtt://127.0.0.1:{broker.port}")
    wait_for(is_connected(thread))
    command = ["mosquitto_sub", "-p", str(broker.port), "-t", f"{BASE}/+", "-W", "4"]
    with subprocess.Popen(
        [*command, "-F", "%r %t %p"], stdout=subprocess.PIPE, text=True
    ) as reader:
        time.sleep(0.5)
        for event in made.utterance(5, "sad", 1.0, 3.0):
            thread.take(event)
        assert reader.stdout is not None
        lines = [line.split(" ", 2) for line in reader.stdout.read().splitlines()]
    texts = [json.loads(text) for kept, topic, text in lines if topic == f"{BASE}/utterance"]
    assert [(r["id"], r["emotion"]) for r in texts] == [(5, "sad")]
    states = [json.loads(text) for _, topic, text in lines if topic == f"{BASE}/state"]
    assert states[-1]["label"] == "sad"
    assert states[-1]["valence"] == 0.5
    assert states[-1]["speaking"] is False
    assert len(states) <= 5, "once a second at most"


def test_what_is_undefined_is_null(broker: Broker, run: Callable[..., BridgeThread]) -> None:
    """Before the first speech the label is unknown, and valence is no number."""
    broker.start()
    words = ["mosquitto_sub", "-p", str(broker.port), "-t", f"{BASE}/state", "-C", "1"]
    with subprocess.Popen([*words, "-W", "20"], stdout=subprocess.PIPE) as reader:
        time.sleep(1.0)
        run(f"mqtt://127.0.0.1:{broker.port}")
        state = json.loads(reader.stdout.read()) if reader.stdout else {}
    assert state["label"] == "unknown"
    assert state["valence"] is None
    assert state["certainty"] == 0.0


def test_a_killed_session_is_told_by_its_last_will(broker: Broker, tmp_path: Path) -> None:
    """Nobody said goodbye, and yet it is offline."""
    import signal
    import sys

    broker.start()
    url = f"mqtt://127.0.0.1:{broker.port}"
    words = ["-m", "ser_live", "demo", "--mqtt", url, "--no-log", "--display", "none"]
    with subprocess.Popen([sys.executable, *words], stderr=subprocess.PIPE) as process:
        topic = f"{BASE}/availability"

        def said() -> str:
            return next((t for name, _, t in broker.read(seconds=1) if name == topic), "")

        wait_for(lambda: said() == "online", 60.0)
        process.send_signal(signal.SIGKILL)
        process.wait()
        wait_for(lambda: said() == "offline")
        assert process.stderr is not None
        assert b"leave this program by MQTT" in process.stderr.read()


def test_a_broker_that_comes_later_and_goes_meanwhile(
    broker: Broker, run: Callable[..., BridgeThread], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is looked for from the start and again; what was lost meanwhile is counted."""
    monkeypatch.setattr("ser_live.bridges.mqtt.RETRY_S", (1, 1))
    thread = run(f"mqtt://127.0.0.1:{broker.port}")
    wait_for(lambda: thread.failure is not None)
    assert "has no connection" in str(thread.failure)
    assert "goes on trying" in str(thread.failure)
    began_s = time.monotonic()
    thread.take(made.result(1, "happy", 1.0, 3.0))
    assert time.monotonic() - began_s < 0.1
    time.sleep(0.2)
    broker.start()
    wait_for(is_connected(thread))
    thread.take(made.result(2, "happy", 4.0, 6.0))
    time.sleep(0.2)
    broker.stop()
    wait_for(lambda: not is_connected(thread)())
    thread.take(made.result(3, "happy", 7.0, 9.0))
    time.sleep(0.2)
    broker.start()
    wait_for(is_connected(thread))
    topics = {topic for topic, is_kept, _ in broker.read(seconds=1) if is_kept}
    assert len(topics) == 5, "a broker that forgot all is told all again"
    thread.close()
    assert "2 of 3 utterances were not brought" in str(thread.failure)


def test_a_broker_that_is_never_there_holds_up_nothing(needs_broker: None) -> None:
    """The end comes in time."""
    thread = BridgeThread(MqttBridge(f"mqtt://127.0.0.1:{made.free_port()}"))
    thread.open()
    thread.take(made.started())
    time.sleep(0.3)
    began_s = time.monotonic()
    thread.close()
    assert time.monotonic() - began_s < 5.0
    assert "Connection refused" in str(thread.failure)


def certificates(folder: Path, name: str) -> None:
    """A certificate for localhost that vouches for itself, made by openssl."""
    words = [
        *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key"),
        *("-out", f"{name}.pem", "-days", "2", "-subj", "/CN=localhost"),
        *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
    ]
    subprocess.run(words, cwd=folder, check=True, capture_output=True)
    (folder / f"{name}.key").chmod(0o644)  # mosquitto reads it as another user


# The library leaves the socket of a failed handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_tls_and_a_password_from_a_file(
    tmp_path: Path, needs_broker: None, run: Callable[..., BridgeThread]
) -> None:
    """The right ones come in; a wrong password and an unknown certificate are named."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl")
    folder = Path(tempfile.mkdtemp())  # mosquitto gives up its rights: it cannot enter tmp_path
    folder.chmod(0o755)
    broker = None
    try:
        certificates(folder, "broker")
        words = ["mosquitto_passwd", "-b", "-c", str(folder / "users"), "anna", "s3cret word"]
        subprocess.run(words, check=True, capture_output=True)
        (folder / "users").chmod(0o644)
        tls = (f"certfile {folder}/broker.pem", f"keyfile {folder}/broker.key")
        broker = Broker(folder, *tls, f"password_file {folder}/users", "allow_anonymous false")
        broker.start()
        password = tmp_path / "password"
        password.write_text("s3cret word\n")
        password.chmod(0o600)
        wrong = tmp_path / "wrong"
        wrong.write_text("guess")
        wrong.chmod(0o600)
        url = f"mqtts://anna@localhost:{broker.port}"
        ca = folder / "broker.pem"
        thread = run(url, password_file=password, ca_file=ca)
        wait_for(is_connected(thread))
        assert thread.failure is None
        assert "unencrypted" not in MqttBridge(url).warning
        refused = run(url, password_file=wrong, ca_file=ca)
        wait_for(lambda: "it refuses: not authorized" in str(refused.failure))
        doubted = run(url, password_file=password)
        wait_for(lambda: "its certificate does not fit" in str(doubted.failure))
    finally:
        if broker is not None:
            broker.stop()
        shutil.rmtree(folder)


@pytest.mark.parametrize(
    "url",
    [
        *("", "127.0.0.1", "http://127.0.0.1", "mqtt://", "mqtt://:1883", "mqtt://h:0"),
        *("mqtt://h:99999", "mqtt://h/topic", "mqtt://a b", "mqtt://[::1", "mqtt://h?x=1"),
        "mqtt://anna:secret@h",
    ],
)
def test_an_address_that_is_none_is_one_sentence(url: str) -> None:
    """No password may stand in it, and none is printed."""
    with pytest.raises(UsageError, match=r"^--mqtt found .*\.$") as caught:
        MqttBridge(url)
    assert "secret" not in str(caught.value)


@pytest.mark.skipif(os.name == "nt", reason="permissions")
def test_password_files_that_do_not_fit_are_one_sentence(tmp_path: Path) -> None:
    """Missing, open for others, empty, bytes, a folder; and without a user it has no use."""
    files = {"open": b"word\n", "empty": b"\nword", "bytes": b"\xff\xfe"}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        (tmp_path / name).chmod(0o644 if name == "open" else 0o600)
    for name in ("open", "empty", "bytes", "missing", "."):
        with pytest.raises(UsageError, match=r"password.file"):
            MqttBridge("mqtt://anna@h", password_file=tmp_path / name)
    with pytest.raises(UsageError, match="found no user"):
        MqttBridge("mqtt://h", password_file=tmp_path / "empty")
    with pytest.raises(UsageError, match="nothing would be encrypted"):
        MqttBridge("mqtt://h", ca_file=tmp_path / "empty")
    with pytest.raises(UsageError, match="--mqtt-ca cannot use"):
        MqttBridge("mqtts://h", ca_file=tmp_path / "missing")


def test_names_of_entities_are_legal_whatever_the_machine_is_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No sign of a name of a host is a level or a wildcard of a topic."""
    monkeypatch.setattr("socket.gethostname", lambda: "Annas/Mac+Book#.örtlich")
    assert machine() == "Annas-Mac-Book-rtlich"
    topics = [topic for topic, _ in discovery("x", machine(), made.LABELS)]
    assert all(topic.count("/") == 4 and topic.isascii() for topic in topics)
