"""``--follow`` hears a file that another process writes, and ends as it was told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import ser_live
from ser_live.cli.listen import command
from ser_live.errors import UsageError
from ser_live.sources import read_recording

DEMO = Path(ser_live.__file__).parent / "demo.ogg"
CHEAP = ("--model", "classic", "--vad-confirm", "off", "--no-log", "--format", "jsonl")
BEHIND_S = 3.0

WRITER = """
import sys, time, wave
path, pcm = sys.argv[1], open(sys.argv[2], "rb").read()
file = wave.open(path, "wb")
file.setparams((1, 2, 16000, 0, "NONE", ""))
file._file.flush()
for start in range(0, len(pcm), 32000):
    file.writeframesraw(pcm[start : start + 32000])
    file._file.flush()
    time.sleep(0.1)
"""
"""A recorder that puts the size into its header at the end, if at all."""


def lines(output: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


def answers(output: bytes) -> list[Any]:
    return [
        (line["start_s"], line["end_s"], line["emotion"], line["probabilities"])
        for line in lines(output)
        if line["type"] == "emotion" and line["kind"] == "final"
    ]


@pytest.fixture(name="pcm")
def _pcm(tmp_path: Path) -> Path:
    samples = read_recording(DEMO)[: 12 * 16_000]
    path = tmp_path / "pcm"
    path.write_bytes((samples * 32767).astype("<i2").tobytes())
    return path


def ser(*arguments: Any) -> list[str]:
    return [sys.executable, "-m", "ser_live", *map(str, arguments), *CHEAP]


def test_a_growing_file_is_heard_like_the_whole_one(tmp_path, pcm):
    """What is heard of a file while it is written is what is heard of it later; exit code 0."""
    path = tmp_path / "growing.wav"
    path.touch()
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path), str(pcm)]) as writer:
        followed = subprocess.run(
            ser("--follow", path, "--follow-for", BEHIND_S), capture_output=True, check=False
        )
        writer.wait()
    assert followed.returncode == 0, followed.stderr
    whole = subprocess.run(ser("replay", path, "--speed", 0), capture_output=True, check=True)
    assert np.shape(answers(whole.stdout))[0] > 1
    assert answers(followed.stdout) == answers(whole.stdout)
    (end,) = (line for line in lines(followed.stdout) if line["type"] == "stream_ended")
    assert end["duration_s"] == pytest.approx(12.0, abs=0.001)


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX systems")
def test_a_signal_ends_it(tmp_path, pcm):
    """Without a limit it waits until Ctrl-C, then sums up what it heard; exit code 130."""
    path = tmp_path / "growing.wav"
    path.touch()
    subprocess.run([sys.executable, "-c", WRITER, str(path), str(pcm)], check=True)
    with subprocess.Popen(
        ser("--follow", path), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        heard = b""
        while b'"final"' not in heard:
            heard += process.stdout.readline()
        time.sleep(0.5)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        rest, sums = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"utterances" in sums
    assert any(line["type"] == "stream_ended" for line in lines(rest))


def test_contradictions():
    """A followed file is the only source, and a limit needs one."""
    for arguments in (("--follow", "x", "-"), ("--follow-for", "3"), ("--follow", "x", "-d", "1")):
        error = CliRunner().invoke(command, arguments).exception
        assert isinstance(error, UsageError)
        assert "--follow" in str(error)
