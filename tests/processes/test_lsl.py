"""Lab Streaming Layer between two processes: stamps tell when the sound was spoken."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr

pylsl = pytest.importorskip("pylsl", reason="needs the extra lsl")

from ser_live.config import FRAME_SAMPLES, SAMPLE_RATE_HZ  # noqa: E402
from ser_live.stream.segmenting import FRAMES_PER_LEVEL  # noqa: E402

BLOCK = 160
"""Samples written at a time: 10 ms."""

ALLOWED_S = 0.020
"""Greatest error of a stamp."""

LOOPBACK = "[multicast]\nResolveScope = machine\n"
"""Configuration of liblsl that keeps everything on this machine."""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An environment in which liblsl asks nobody but this machine; here, too."""
    path = tmp_path / "lsl_api.cfg"
    path.write_text(LOOPBACK)
    pylsl.util.set_config_filename(str(path))
    return {**os.environ, "LSLAPICFG": str(path), "OMP_NUM_THREADS": "1"}


def name_of(tmp_path: Path) -> str:
    """A name that no other session has, of this or of other tests."""
    return f"test {os.getpid()} {tmp_path.name}"


def inlet(name: str, process: subprocess.Popen[bytes], *, recover: bool = False) -> Any:
    """Open the one stream of a name; asked again, as an answer may get lost."""
    found: list[Any] = []
    while not found and process.poll() is None:
        found = pylsl.resolve_byprop("name", name, timeout=3)
    assert len(found) == 1, f"{len(found)} streams {name}, exit code {process.poll()}"
    here = pylsl.StreamInlet(found[0], recover=recover)
    here.open_stream(timeout=20)
    return here


def bursts_and_speech(talk: Path) -> np.ndarray[Any, np.dtype[np.int16]]:
    """Silence, bursts of noise at odd times, then the first seconds of the demo recording."""
    rng = np.random.default_rng(0)
    sound = rng.normal(0.0, 1e-3, 4 * SAMPLE_RATE_HZ)
    for number in range(12):
        start = round((0.4 + 0.293 * number) * SAMPLE_RATE_HZ)
        sound[start : start + 1600] += rng.normal(0.0, 0.3, 1600)
    speech, rate = soundfile.read(talk)
    speech = soxr.resample(speech, rate, SAMPLE_RATE_HZ)[: 6 * SAMPLE_RATE_HZ]
    rest = rng.normal(0.0, 1e-4, SAMPLE_RATE_HZ)
    whole = np.concatenate([sound, 0.9 * speech, rest])
    return np.round(32767 * np.clip(whole, -1.0, 1.0)).astype("<i2")


class Speaking(threading.Thread):
    """Writes sound into a pipe as fast as it is spoken, each block when its last sample was."""

    def __init__(self, pipe: Any, sound: np.ndarray[Any, np.dtype[np.int16]]) -> None:
        super().__init__()
        self._pipe, self._sound = pipe, sound
        self.origin_s = math.nan
        """Time of the first sample, on LSL's clock."""

    def run(self) -> None:
        self.origin_s = pylsl.local_clock()
        for end in range(BLOCK, self._sound.size + 1, BLOCK):
            due_s = self.origin_s + end / SAMPLE_RATE_HZ
            while (wait_s := due_s - pylsl.local_clock()) > 0:
                time.sleep(wait_s)
            self._pipe.write(self._sound[end - BLOCK : end].tobytes())
            self._pipe.flush()
        self._pipe.close()


def lag_s(
    stamps: list[float], levels: list[float], sound: np.ndarray[Any, np.dtype[np.int16]]
) -> float:
    """How late stamps are, by what the levels at them should be if they were right.

    A level is measured over the last frame of every third one.
    """
    power = np.concatenate([[0.0], np.cumsum((sound / 32768.0) ** 2)])
    step = FRAME_SAMPLES * FRAMES_PER_LEVEL

    def misfit(lag: float) -> float:
        ends = [math.floor((s - lag) * SAMPLE_RATE_HZ / step + 1e-6) * step for s in stamps]
        kept = [k for k, end in enumerate(ends) if step <= end < power.size]
        means = [(power[ends[k]] - power[ends[k] - FRAME_SAMPLES]) / FRAME_SAMPLES for k in kept]
        expected = 10.0 * np.log10(np.asarray(means) + 1e-12)
        return float(np.mean(np.abs(expected - np.asarray(levels)[kept])))

    lags = np.arange(-150, 151) / 1000.0
    costs = np.array([misfit(lag) for lag in lags])
    best = lags[costs <= costs.min() + 0.05]
    return float(best.mean())


def test_stamps_tell_when_the_sound_was_spoken(
    short_talk: Path, tmp_path: Path, home: dict[str, str]
) -> None:
    """Bursts in the level and utterances stand within 20 ms of when they were written."""
    name = name_of(tmp_path)
    sound = bursts_and_speech(short_talk)
    command = [sys.executable, "-m", "ser_live", "listen", "-", "--lsl", "--lsl-name", name]
    with subprocess.Popen(
        [*command, "--no-log", "--display", "none"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=home,
    ) as process:
        states, events = (inlet(f"{name} {kind}", process) for kind in ("state", "events"))
        info = states.info(timeout=20)
        speaker = Speaking(process.stdin, sound)
        speaker.start()
        rows: list[tuple[float, list[float]]] = []
        told: list[tuple[float, dict[str, Any]]] = []
        deadline_s = time.monotonic() + 60.0
        with suppress(pylsl.util.LostError):  # that is how it ends
            while time.monotonic() < deadline_s:
                values, stamps = states.pull_chunk(timeout=0.1)
                rows += list(zip(stamps, values, strict=True))
                record, stamp = events.pull_sample(timeout=0.0)
                if record is not None:
                    told.append((stamp, json.loads(record[0])))
        speaker.join()
        assert process.stderr is not None
        assert b"leave this program by LSL" in process.stderr.read()
    origin_s = speaker.origin_s  # one machine has one clock

    labels = info.get_channel_labels()
    assert labels is not None
    assert labels[:2] == ["neutral", "calm"]
    assert labels[-5:] == ["valence", "arousal", "certainty", "speaking", "level"]
    assert info.nominal_srate() == 10.0
    gaps = np.diff([stamp for stamp, _ in rows[20:]])
    assert np.all(np.abs(gaps - 0.1) < 0.03)

    measured = [(stamp - origin_s, v[-1]) for stamp, v in rows if math.isfinite(v[-1])]
    late_s = lag_s(*map(list, zip(*measured, strict=True)), sound)
    assert abs(late_s) <= ALLOWED_S, f"bursts are stamped {1000 * late_s:.1f} ms late"
    finals = [(stamp, r) for stamp, r in told if r["type"] == "emotion" and r["probabilities"]]
    assert finals
    for stamp, record in finals:
        assert abs(stamp - origin_s - record["start_s"]) <= ALLOWED_S
        assert abs(record["lsl_end"] - origin_s - record["end_s"]) <= ALLOWED_S
        assert record["latency_ms"] > 0.0
        # It was told later than it was spoken, by the pause that ended it at least.
        assert record["lsl_end"] > record["lsl_start"] == pytest.approx(stamp)
    print(  # noqa: T201  for the page of measurements
        f"\nlate: bursts {1000 * late_s:.1f} ms; utterances",
        *(f"{1000 * (s - origin_s - r['start_s']):.1f} ms" for s, r in finals),
    )


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.skipif(os.name == "nt", reason="kills by a signal")
def test_a_reader_goes_on_with_the_next_session(
    tmp_path: Path, home: dict[str, str], processes: list[Any]
) -> None:
    """A session that was killed and started again reaches the same inlet, by its source id."""
    name = name_of(tmp_path)
    words = ("demo", "--lsl", "--lsl-name", name, "--no-log", "--display", "none")
    command = [sys.executable, "-m", "ser_live", *map(str, words)]
    quiet = subprocess.DEVNULL
    processes.append(subprocess.Popen(command, env=home, stdout=quiet, stderr=quiet))
    states = inlet(f"{name} state", processes[0], recover=True)
    _, first = states.pull_sample(timeout=20)
    assert first is not None
    processes[0].send_signal(signal.SIGKILL)
    processes[0].wait()
    states.flush()
    killed_s = pylsl.local_clock()
    processes.append(subprocess.Popen(command, env=home, stdout=quiet, stderr=quiet))
    deadline_s = time.monotonic() + 40.0
    stamp = None
    while (stamp is None or stamp < killed_s) and time.monotonic() < deadline_s:
        _, stamp = states.pull_sample(timeout=1.0)
    assert stamp is not None
    assert stamp > killed_s
