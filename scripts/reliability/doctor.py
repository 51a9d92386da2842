"""The doctor on a healthy machine and on sick ones: right verdicts, right exit codes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import soundfile

from reliability.row import Row
from ser_live.model.emotion_model import find_model

ROOT = Path(__file__).parents[2]

# The microphone without hardware is the tests'.
sys.path.insert(0, str(ROOT / "tests" / "support"))

from virtual_microphone import VirtualMicrophone, missing_sound_server  # noqa: E402

TITLE = "Doctor"

DEMO = ROOT / "ser_live" / "demo.ogg"

NO_PORTAUDIO = "import ctypes.util; ctypes.util.find_library = lambda name: None"


def run(*, short: bool, data: Path | None) -> list[Row]:
    """Measure one row per machine; a short run leaves the sick ones to the tests."""
    del data
    if why := missing_sound_server():
        claim = "the doctor knows a sick machine from a healthy one"
        return [Row(claim, f"not measured: {why}", "", False, 0.0)]
    rows = []
    with tempfile.TemporaryDirectory(prefix="ser-live-doctor-") as name:
        folder = Path(name)
        with VirtualMicrophone(rate=48_000, channels=2) as microphone:
            environment = microphone.environment
            with _talking(microphone, folder):
                rows.append(_row("all is well", environment, 0, {}))
                if short:
                    return rows
                model = _tampered(folder)
                verdicts = {"model": "problem", "self-test": "not tried"}
                rows.append(_row("a model with one byte changed", environment, 1, verdicts, model))
                (folder / "file").touch()
                blocked = {**environment, "XDG_STATE_HOME": str(folder / "file")}
                rows.append(_row("no log can be written", blocked, 1, {"log folder": "problem"}))
                blocked = {**environment, "XDG_DATA_HOME": str(folder / "file")}
                verdicts = {"profile folder": "warning"}
                rows.append(_row("no profile can be written", blocked, 0, verdicts))
            rows.append(_row("a muted microphone", environment, 1, {"level": "problem"}))
            verdicts = {"PortAudio": "problem", "microphone": "not tried", "level": "not tried"}
            rows.append(_row("no PortAudio", environment, 1, verdicts, prelude=NO_PORTAUDIO))
            microphone.kill()
            verdicts = {"microphone": "problem", "level": "not tried"}
            rows.append(_row("no microphone", environment, 1, verdicts))
    return rows


def _row(
    machine: str,
    environment: Mapping[str, str],
    exit_code: int,
    wanted: Mapping[str, str],
    *arguments: str,
    prelude: str = "",
) -> Row:
    """Compare a run of the doctor with `wanted`; no other check may be worse than ok.

    The self-test may always warn: on a busy machine it is slow.
    """
    began_s = time.monotonic()
    code = f"{prelude}\nfrom ser_live.cli import main\nmain()"
    result = subprocess.run(
        [sys.executable, "-c", code, "doctor", "--format", "json", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        timeout=120,
    )
    said = {c["name"]: c["verdict"] for c in json.loads(result.stdout)["checks"]}
    noticed = {name: verdict for name, verdict in said.items() if verdict != "ok"}
    if noticed.get("self-test") == "warning":
        del noticed["self-test"]
    return Row(
        f"the doctor finds: {machine}",
        f"{_listed(noticed)}, exit code {result.returncode}",
        f"{_listed(wanted)}, exit code {exit_code}",
        (noticed, result.returncode) == (dict(wanted), exit_code),
        time.monotonic() - began_s,
    )


def _listed(verdicts: Mapping[str, str]) -> str:
    return ", ".join(f"{name}: {verdict}" for name, verdict in verdicts.items()) or "all ok"


def _tampered(folder: Path) -> str:
    """`--model=` a copy of a model with one byte of its weights changed."""
    copy = folder / "classic"
    shutil.copytree(find_model("classic"), copy)
    content = bytearray((copy / "weights.npz").read_bytes())
    content[len(content) // 2] ^= 1
    (copy / "weights.npz").write_bytes(content)
    return f"--model={copy}"


@contextmanager
def _talking(microphone: VirtualMicrophone, folder: Path) -> Iterator[None]:
    """Let somebody speak without a pause meanwhile."""
    samples, rate = soundfile.read(DEMO, frames=3 * 22_050, start=22_050)
    soundfile.write(folder / "talk.wav", samples, rate)
    play = f"while :; do paplay --device=vsink {folder / 'talk.wav'}; done"
    player = subprocess.Popen(
        ["sh", "-c", play],
        env=microphone.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        os.killpg(player.pid, 9)
        player.wait()
