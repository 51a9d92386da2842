"""What leaves the program: nothing over a network, nothing to disk but what was asked for.

Real sessions, watched by an audit hook in Python and by the operating system from outside.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from places import ROOT
from virtual_microphone import VirtualMicrophone, require_sound_server
from watched_session import (
    PROBE_BYTES,
    SER_LIVE,
    SOUND_SERVERS,
    files_below,
    listen,
    missing_tracer,
    read_trace,
    socket_events,
    traced,
    traced_command,
    without_network,
)

import ser_live

DEMO = Path(ser_live.__file__).parent / "demo.ogg"


@pytest.fixture
def talk(short_talk: Path) -> Path:
    return short_talk


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """An environment with an empty home and an empty folder for temporary files."""
    (tmp_path / "home").mkdir()
    (tmp_path / "temporary").mkdir()
    kept = {k: v for k, v in os.environ.items() if not k.startswith("XDG_")}
    return {
        **kept,
        "HOME": str(tmp_path / "home"),
        "TMPDIR": str(tmp_path / "temporary"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def commands(talk: Path) -> dict[str, tuple[object, ...]]:
    """The ways into the live path that need no microphone."""
    return {
        "replay": ("replay", talk, "--speed", 0, "--format", "jsonl"),
        "demo": ("demo", "--speed", 0, "--format", "lines"),
        "enroll": ("enroll", "anna", "--file", DEMO),
    }


class TestNetwork:
    @pytest.mark.parametrize("name", ["replay", "demo", "enroll"])
    def test_python_opens_no_socket(
        self, name: str, talk: Path, tmp_path: Path, home: dict[str, str]
    ) -> None:
        """A whole session runs with every socket forbidden, and tries none."""
        arguments = commands(talk)[name]
        result, events = socket_events(["-m", "ser_live", *arguments], tmp_path, home)
        assert result.returncode == 0, result.stderr.decode()
        assert events == []
        assert result.stdout

    @pytest.mark.parametrize("name", ["replay", "demo", "enroll"])
    def test_no_library_of_a_server_is_imported(
        self, name: str, talk: Path, home: dict[str, str]
    ) -> None:
        """Neither server nor bridges nor what they are built with are there when it ends."""
        code = (
            "import sys\n"
            "from ser_live.cli import main\n"
            "try:\n"
            "    main()\n"
            "finally:\n"
            "    names = {'starlette', 'uvicorn', 'websockets', 'anyio', 'ser_live.server'}\n"
            "    names |= {'pythonosc', 'pylsl', 'paho', 'ser_live.bridges', 'http.client'}\n"
            "    print(sorted(names & set(sys.modules)), file=sys.stderr)\n"
        )
        result = subprocess.run(
            [sys.executable, "-c", code, *map(str, commands(talk)[name])],
            check=True,
            capture_output=True,
            env=home,
            text=True,
        )
        assert result.stderr.splitlines()[-1] == "[]"

    def test_neither_file_nor_variable_starts_a_bridge(
        self, talk: Path, tmp_path: Path, home: dict[str, str]
    ) -> None:
        """Only words of the command line let data leave; a variable for it is passed over."""
        for name in ("OSC", "LSL", "EXEC", "WEBHOOK", "ALLOW_REMOTE", "MQTT"):
            home[f"SER_LIVE_{name}"] = "127.0.0.1:9"
        arguments = ("-m", "ser_live", *commands(talk)["replay"])
        result, events = socket_events(arguments, tmp_path, home)
        assert result.returncode == 0, result.stderr.decode()
        assert events == []
        assert b"leave this program" not in result.stderr

    def test_a_bridge_says_so_and_opens_its_own_socket_alone(
        self, talk: Path, tmp_path: Path, home: dict[str, str]
    ) -> None:
        """With --osc one line names where data go, also with --quiet, and UDP goes there."""
        pytest.importorskip("pythonosc", reason="needs the extra osc")
        if why := missing_tracer():
            pytest.skip(why)
        arguments = (*commands(talk)["replay"], "--osc", "127.0.0.1:9", "--quiet")
        command = [*traced_command(tmp_path / "trace"), *SER_LIVE, *map(str, arguments)]
        result = subprocess.run(command, check=True, capture_output=True, env=home, text=True)
        warnings = [line for line in result.stderr.splitlines() if "leave this program" in line]
        assert len(warnings) == 1
        assert "127.0.0.1:9" in warnings[0]
        trace = read_trace(tmp_path / "trace")
        assert trace.families == {"AF_INET"}

    def test_a_socket_would_have_been_noticed(self, tmp_path: Path) -> None:
        """The hook sees a socket, a look-up and a request, and lets none of them happen."""
        for code in (
            "import socket; socket.socket()",
            "import socket; socket.getaddrinfo('localhost', 80)",
            "import urllib.request as r; r.urlopen('http://localhost:9')",
        ):
            result, events = socket_events(["-c", code], tmp_path)
            assert result.returncode != 0
            assert events
            (tmp_path / "events").unlink()

    @pytest.mark.parametrize("name", ["replay", "demo", "enroll"])
    def test_no_thread_opens_a_socket(
        self, name: str, talk: Path, tmp_path: Path, home: dict[str, str]
    ) -> None:
        """Native libraries included, not one socket of any kind is made without a microphone."""
        if why := missing_tracer():
            pytest.skip(why)
        trace = traced(commands(talk)[name], tmp_path, home)
        assert trace.families == set()
        assert trace.addresses == set()

    def test_a_native_socket_would_have_been_noticed(self, tmp_path: Path) -> None:
        """The trace names sockets and addresses that Python never hears of, and writes."""
        if why := missing_tracer():
            pytest.skip(why)
        code = (
            "import ctypes, struct\n"
            "c = ctypes.CDLL(None)\n"
            "s = c.socket(2, 2, 0)\n"
            "c.connect(s, struct.pack('=HHI8x', 2, 0x900, 0x0100007f), 16)\n"
            f"open({str(tmp_path / 'noted')!r}, 'w').write('12345')\n"
        )
        subprocess.run(
            [*traced_command(tmp_path / "trace"), sys.executable, "-c", code], check=True
        )
        trace = read_trace(tmp_path / "trace")
        assert trace.families == {"AF_INET"}
        assert "127.0.0.1" in next(iter(trace.addresses))
        assert trace.n_bytes == {str(tmp_path / "noted"): 5}

    def test_where_no_network_exists_everything_works(
        self, talk: Path, home: dict[str, str]
    ) -> None:
        """In a namespace without any network the results are the same, to the last digit."""
        words = without_network()
        if words is None:
            pytest.skip("the system lets nobody make a network namespace here")
        command = [*SER_LIVE, *map(str, commands(talk)["replay"]), "--no-log"]
        results = []
        for before in ([], words):
            output = subprocess.run(
                [*before, *command], check=True, capture_output=True, env=home, timeout=120
            ).stdout
            records = [json.loads(line) for line in output.splitlines()]
            results.append([r["probabilities"] for r in records if r.get("kind") == "final"])
        assert results[0] == results[1] != []

    @pytest.mark.microphone
    def test_the_microphone_talks_to_the_sound_server_alone(
        self, talk: Path, tmp_path: Path
    ) -> None:
        """A live session makes Unix sockets only, to PulseAudio's and JACK's own paths."""
        require_sound_server()
        if why := missing_tracer():
            pytest.skip(why)
        with VirtualMicrophone() as microphone:
            heard = listen(microphone, talk, tmp_path, "--no-log")
        assert any(json.loads(line).get("kind") == "final" for line in heard.splitlines())
        trace = read_trace(tmp_path / "trace")
        assert trace.families == {"AF_UNIX"}
        assert microphone.environment["PULSE_SERVER"] == "unix:" + next(
            address for address in trace.addresses if address.endswith("/native")
        )
        assert {a for a in trace.addresses if not a.endswith(SOUND_SERVERS)} == set()

    def test_onnxruntime_is_told_to_report_nothing(self, talk: Path, home: dict[str, str]) -> None:
        """The program turns usage reports off before onnxruntime is imported, even of new versions.

        The audit hook sees the variable at the moment of the import.
        """
        code = (
            "import os, sys\n"
            "seen = []\n"
            "def watch(event, arguments):\n"
            "    if event == 'import' and arguments[0] == 'onnxruntime':\n"
            "        seen.append(os.environ.get('ORT_DISABLE_TELEMETRY'))\n"
            "sys.addaudithook(watch)\n"
            "from ser_live.cli import main\n"
            "try:\n"
            "    main()\n"
            "finally:\n"
            "    print(seen, file=sys.stderr)\n"
        )
        home.pop("ORT_DISABLE_TELEMETRY", None)
        command = [*map(str, commands(talk)["replay"]), "--no-log"]
        result = subprocess.run(
            [sys.executable, "-c", code, *command],
            check=True,
            capture_output=True,
            env=home,
            text=True,
        )
        assert result.stderr.splitlines()[-1] == "['1']"

    def test_the_library_turns_events_off_and_leaves_the_process_alone(self) -> None:
        """Loading a graph makes the call that Windows needs, and sets no variable for others.

        A stand-in for the call takes note of it, as it has an effect on Windows alone.
        """
        code = (
            "import os, onnxruntime\n"
            "calls = []\n"
            "onnxruntime.disable_telemetry_events = lambda: calls.append(1)\n"
            "before = dict(os.environ)\n"
            "from ser_live.speech.silero import SileroVad\n"
            "SileroVad()\n"
            "print(len(calls), dict(os.environ) == before)\n"
        )
        kept = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"}
        output = subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=kept
        ).stdout
        assert output == "1 True\n"


class TestDisk:
    def test_without_being_asked_only_the_log_is_written(
        self, talk: Path, tmp_path: Path, home: dict[str, str]
    ) -> None:
        """Before and after a session, home, working and temporary folder differ by its log."""
        (tmp_path / "cwd").mkdir()
        before = files_below(tmp_path)
        for arguments in ([], ["--no-log"]):
            subprocess.run(
                [*SER_LIVE, *map(str, commands(talk)["replay"]), *arguments],
                check=True,
                capture_output=True,
                cwd=tmp_path / "cwd",
                env=home,
            )
        new = files_below(tmp_path).keys() - before.keys()
        assert [path.suffix for path in new] == [".jsonl"]
        for line in next(iter(new)).read_text().splitlines():
            longest = max(len(v) for v in json.loads(line).values() if isinstance(v, list | str))
            assert longest < 200, "nothing as long as a sound is in a line"

    def test_nothing_passes_through_a_temporary_file(
        self, talk: Path, tmp_path: Path, home: dict[str, str]
    ) -> None:
        """Counted by the system, a session writes its log and no byte of sound elsewhere."""
        if why := missing_tracer():
            pytest.skip(why)
        log = tmp_path / "session.jsonl"
        trace = traced((*commands(talk)["replay"], "--log", log), tmp_path, home)
        assert trace.n_bytes.pop(str(log)) == log.stat().st_size
        assert sum(trace.n_bytes.values()) <= PROBE_BYTES
        trace = traced((*commands(talk)["replay"], "--no-log"), tmp_path, home)
        assert sum(trace.n_bytes.values()) <= PROBE_BYTES

    @pytest.mark.microphone
    def test_what_the_microphone_hears_stays_in_memory(self, talk: Path, tmp_path: Path) -> None:
        """A live session without a log writes no byte of its own to any disk."""
        require_sound_server()
        if why := missing_tracer():
            pytest.skip(why)
        with VirtualMicrophone() as microphone:
            before = files_below(Path(microphone.environment["HOME"])).keys()
            assert listen(microphone, talk, tmp_path, "--no-log")
            new = files_below(Path(microphone.environment["HOME"])).keys() - before
        # PulseAudio's library makes a key for its server in a new home.
        assert {path.name for path in new} <= {"cookie"}
        n_bytes = read_trace(tmp_path / "trace").n_bytes
        # And it is told by a temporary file to share no memory with the server.
        others = [
            n
            for name, n in n_bytes.items()
            if Path(name).name != "cookie" and not Path(name).name.startswith("ser-live-pulse-")
        ]
        assert sum(others) <= PROBE_BYTES


def test_the_page_names_the_folders_that_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """docs/privacy.md gives for Linux and macOS what the program's own libraries say."""
    from platformdirs.macos import MacOS
    from platformdirs.unix import Unix

    monkeypatch.setenv("HOME", "/home/anna")
    for name in ("XDG_STATE_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    page = (ROOT / "docs" / "privacy.md").read_text(encoding="utf-8")
    for system, folders in (("Linux", Unix), ("macOS", MacOS)):
        own = folders("ser-live", appauthor=False)
        places = [f"{own.user_state_dir}/sessions", f"{own.user_data_dir}/profiles"]
        row = " | ".join(f"`{place.replace('/home/anna', '~')}`" for place in places)
        assert f"| {system} | {row} |" in page
