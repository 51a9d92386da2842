"""README as a new user takes it: its commands in an empty folder, with an empty home.

They run as they are printed, in a shell, with a recording, a folder and a growing file under the
names that README uses. What cannot run here is listed with its reason.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from places import ROOT
from readme_commands import block_commands, python_block, table_commands

import ser_live

DEMO = Path(ser_live.__file__).parent / "demo.ogg"

MICROPHONE = "it listens to a microphone"
INSTALLS = "it fetches packages for minutes; .ci/run installs both ways"
LEFT_OUT = {
    "ser-live": MICROPHONE,
    "ser-live -d headset": MICROPHONE,
    "arecord -f S16_LE -r 16000 -t raw | ser-live -": MICROPHONE,
    "ser-live --format jsonl --finals | jq -c .probabilities": f"{MICROPHONE}; test_shell runs it",
    "ser-live enroll anna": MICROPHONE,
    "ser-live --speaker anna": MICROPHONE,
    "ser-live serve --open": "it serves until it is ended; test_server_answers runs it",
    "make demo": INSTALLS,
    "make run": MICROPHONE,
    "uv tool install .": INSTALLS,
    "pip install .": INSTALLS,
    'pip install ".[train]"': INSTALLS,
}

ENDS_OTHERWISE = {
    "ser-live -l": (0, 4),  # 4 where this machine has no PortAudio
    "ser-live doctor": (0, 1),  # 1 where it has no microphone
    "ser-live evaluate --data calls/": (7,),  # three recordings are refused, with what is needed
    "ser-live train --data calls/ --out mine": (7,),
    "ser-live train --add corrections --out me": (2,),  # nobody gave any
    "ser-live compare ear mine --data calls/": (5,),  # that model was not trained
    "ser-live purge": (2,),  # nobody answers its question
}
"""Exit codes other than 0."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder with what README's commands name."""
    folder = tmp_path_factory.mktemp("newcomer")
    samples, rate = soundfile.read(DEMO, start=5 * 22_050, frames=4 * 22_050)
    for name in ("talk.wav", "growing.wav", "calls/anna.wav", "calls/ben.wav"):
        (folder / name).parent.mkdir(exist_ok=True)
        soundfile.write(folder / name, samples, rate)
    silent = np.zeros_like(samples)
    soundfile.write(folder / "call.wav", np.stack([silent, samples], axis=1), rate)
    (folder / "home").mkdir()
    program = folder / "bin" / "ser-live"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m ser_live "$@"\n')
    program.chmod(0o755)
    return folder


def started(command: str, place: Path) -> subprocess.Popen[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("SER_", "XDG_"))}
    return subprocess.Popen(
        ["bash", "-c", command],
        cwd=place,
        env={
            **clean,
            "HOME": str(place / "home"),
            "PATH": f"{place / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.fixture(scope="module")
def after_a_session(place: Path) -> Path:
    """The place where one recording was heard, so that there is a log."""
    process = started("ser-live talk.wav", place)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert output.splitlines()
    return place


def to_run() -> list[str]:
    """All of README's commands but those with a test of their own and those that cannot run."""
    commands = [*block_commands(), *table_commands()]
    assert len(commands) > 20
    apart = {*LEFT_OUT, "ser-live talk.wav", "ser-live purge"}
    return [command for command in commands if command not in apart]


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
@pytest.mark.parametrize("command", to_run())
def test_a_command_runs_as_it_is_printed(command: str, after_a_session: Path) -> None:
    """It ends as it should; --follow, which has no end, ends with Ctrl-C."""
    process = started(command, after_a_session)
    if "--follow" in command:
        assert process.stderr is not None
        assert process.stderr.readline() == "== growing.wav\n"
        os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    allowed = (130,) if "--follow" in command else ENDS_OTHERWISE.get(command, (0,))
    assert process.returncode in allowed, errors
    assert "Traceback" not in errors
    if process.returncode > 1 and process.returncode != 130:
        assert errors.count("ser-live: ") == 1
    if "--output" in command:
        name = command.split("--output ")[1].split()[0]
        assert (after_a_session / name).stat().st_size > 0


def test_purge_asks_first(after_a_session: Path) -> None:
    """Nobody answers here, so nothing is removed."""
    logs = list((after_a_session / "home").rglob("*.jsonl"))
    process = started("ser-live purge", after_a_session)
    process.communicate(timeout=60)
    assert process.returncode in ENDS_OTHERWISE["ser-live purge"]
    assert logs
    assert all(log.exists() for log in logs)


def test_what_is_left_out_is_still_printed() -> None:
    """An exception that README no longer has is no exception."""
    assert set(LEFT_OUT) <= {*block_commands(), *table_commands()}
    assert set(ENDS_OTHERWISE) <= {*block_commands(), *table_commands()}


def test_the_python_runs_as_it_is_printed(place: Path) -> None:
    """It prints a start and an answer for each utterance."""
    (place / "example.py").write_text(python_block())
    process = started(f"{sys.executable} example.py", place)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    start_s, answer = output.splitlines()[0].split(maxsplit=1)
    assert 0 <= float(start_s) < 4
    assert answer


def test_what_it_links_to_is_there() -> None:
    """Every picture and page that README names by a path exists."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", text)
    assert len(links) > 10
    assert [link for link in links if "://" not in link and not (ROOT / link).exists()] == []
