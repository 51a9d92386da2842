"""The programs in examples/programs, each run as it is."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from debian_packages import missing_programs
from places import ROOT
from served import Served, require_extra, serving

from ser_live import Kind, analyze

PROGRAMS = ROOT / "examples" / "programs"


def run(*words: object, **variables: str) -> str:
    result = subprocess.run(
        [*map(str, words)],
        capture_output=True,
        text=True,
        env={**os.environ, **variables},
        timeout=180,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def named(short_talk: Path) -> list[str]:
    """Emotions, or states, of the utterances of the talk."""
    finals = (u for u in analyze(short_talk).utterances if u.kind is Kind.FINAL)
    found = [str(u.emotion or u.state) for u in finals]
    assert found
    return found


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    require_extra()
    with serving(tmp_path_factory.mktemp("served")) as server:
        yield server


def test_the_game_gets_easier_for_anger(tmp_path: Path) -> None:
    """Without a display, on acted anger, frames are drawn to its end and the ball slows down."""
    pytest.importorskip("pygame", reason="pygame-ce is not installed: it is for the example alone")
    said = run(sys.executable, PROGRAMS / "game_loop.py", angry(tmp_path), SDL_VIDEODRIVER="dummy")
    assert "angry, the ball moves at 140" in said


def angry(folder: Path) -> Path:
    """The acted sentence that was to be angry, and silence after it."""
    import numpy as np
    import soundfile

    import ser_live

    samples, rate = soundfile.read(Path(ser_live.__file__).parent / "acted" / "speech.ogg")
    part = samples[round(10.0 * rate) : round(13.3 * rate)]
    path = folder / "angry.wav"
    soundfile.write(path, np.concatenate([part, np.zeros(rate)]), rate)
    return path


def test_an_assistant_is_told_of_a_spoken_turn_alone(tmp_path: Path) -> None:
    """The hint is an instruction; a typed turn has none, and words are never changed."""
    spoken, typed = (
        json.loads(run(sys.executable, PROGRAMS / "assistant_turn.py", "Is it late?", *recording))
        for recording in ([angry(tmp_path)], [])
    )
    assert "perhaps angry" in spoken[0]["content"]
    assert typed[0]["content"] == "You are a patient assistant."
    assert spoken[1] == typed[1] == {"role": "user", "content": "Is it late?"}


def test_a_robot_acts_in_time(tmp_path: Path) -> None:
    """It turns while somebody speaks, and steps back when the anger is over."""
    lines = run(sys.executable, PROGRAMS / "robot_loop.py", angry(tmp_path)).splitlines()
    acts = [line.partition(": ")[2] for line in lines]
    assert acts[:3] == ["go on", "turn to the voice", "step back slowly"]


def test_a_reader_of_lsl_prints_utterances(tmp_path: Path) -> None:
    """The example reads what a session of another process offers."""
    pytest.importorskip("pylsl", reason="needs the extra lsl")
    (tmp_path / "lsl_api.cfg").write_text("[multicast]\nResolveScope = machine\n")
    own = {"LSLAPICFG": str(tmp_path / "lsl_api.cfg")}
    name = f"example {os.getpid()}"
    words = ["demo", "--lsl", "--lsl-name", name, "--no-log", "--display", "none"]
    with subprocess.Popen(
        [sys.executable, "-m", "ser_live", *words],
        env={**os.environ, **own},
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    ) as session:
        try:
            said = run(sys.executable, PROGRAMS / "lsl_reader.py", 4, name, **own)
        finally:
            session.kill()
    assert said.splitlines()
    assert all(" s: " in line for line in said.splitlines())


def test_node_and_curl_see_what_analyze_sees(
    served: Served, short_talk: Path, named: list[str]
) -> None:
    """Two clients without our code, the same utterances."""
    if why := missing_programs(["curl", "jq"]):
        pytest.skip(why)
    if shutil.which("node") is None:
        pytest.skip("no node: Debian's own is too old for it")
    arguments = (served.base, served.token, short_talk)
    by_node = run("node", "--experimental-websocket", PROGRAMS / "client.mjs", *arguments)
    assert [line.partition(" s: ")[2] for line in by_node.splitlines()] == named
    by_curl = run("sh", PROGRAMS / "analyze.sh", *arguments)
    assert [line.split()[2] for line in by_curl.splitlines()] == [n.split()[0] for n in named]


class _Silent(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def origin() -> Iterator[str]:
    """Address of a web server that gives the page away, as any other would."""
    handler = functools.partial(_Silent, directory=str(PROGRAMS))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_the_page_shows_what_is_said(origin: str, tmp_path: Path) -> None:
    """In Chromium, with the angry sentence for a microphone, after one click."""
    require_extra()
    sync_api: Any = pytest.importorskip("playwright.sync_api", reason="no playwright")
    if why := missing_programs(["chromium"]):
        pytest.skip(why)
    assert len((PROGRAMS / "page.html").read_text().splitlines()) <= 45
    fed = f"--use-file-for-fake-audio-capture={angry(tmp_path)}"
    quiet = ["--no-sandbox", "--disable-quic", "--disable-background-networking"]
    media = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", fed]
    with serving(tmp_path, "--allow-origin", origin) as served, sync_api.sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=shutil.which("chromium"), args=[*quiet, *media]
        )
        context = browser.new_context(permissions=["microphone"])
        page = context.new_page()
        page.goto(f"{origin}/page.html#{served.base},{served.token}")
        page.click("#begin")
        page.locator("#mood", has_text="angry").wait_for(timeout=60_000)
        browser.close()
