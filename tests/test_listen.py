"""`ser-live` on the default microphone, heard through a real PortAudio stream."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from virtual_microphone import VirtualMicrophone, require_sound_server

import ser_live

pytestmark = pytest.mark.microphone

DEMO = Path(ser_live.__file__).parent / "demo.ogg"
GAP_S = 1.2


@pytest.fixture
def microphone() -> Iterator[VirtualMicrophone]:
    require_sound_server()
    with VirtualMicrophone() as microphone:
        yield microphone


def room_noise(n: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    return (3e-4 * np.random.default_rng(5).standard_normal(n)).astype(np.float32)


def recording(clips: list[Path], folder: Path) -> Path:
    """The clips one after the other with pauses of room noise, 16 kHz wav."""
    parts = [room_noise(16_000)]
    for clip in clips:
        samples, rate = soundfile.read(clip, dtype="float32")
        assert rate == 16_000
        parts += [samples, room_noise(int(GAP_S * rate))]
    path = folder / "played.wav"
    soundfile.write(path, np.concatenate(parts), 16_000, subtype="PCM_16")
    return path


def listen(microphone: VirtualMicrophone, path: Path, folder: Path) -> list[dict[str, Any]]:
    """Play the recording into the microphone of a running `ser-live`; its JSON lines."""
    output = folder / "heard.jsonl"
    with output.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "ser_live", "--format", "jsonl", "--no-log"],
            env=microphone.environment,
            stdout=stream,
            stderr=subprocess.PIPE,
        )
        deadline = time.monotonic() + 30
        while "stream_started" not in output.read_text() and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(0.5)
        microphone.play(path)
        time.sleep(1.0)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130, stderr.decode()
    return [json.loads(line) for line in output.read_text().splitlines()]


def replay(path: Path) -> list[dict[str, Any]]:
    result = subprocess.run(
        [
            *(sys.executable, "-m", "ser_live", "replay", path),
            *("--speed", "0", "--format", "jsonl", "--no-log"),
        ],
        capture_output=True,
        check=True,
    )
    return [json.loads(line) for line in result.stdout.splitlines()]


def finals(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [r for r in records if r.get("kind") == "final"]


def assert_heard_as_replayed(heard: list[dict[str, Any]], replayed: list[dict[str, Any]]) -> None:
    """Same utterances, shifted by when the playing began, and the same labels.

    The microphone cuts the stream into 30 ms frames elsewhere than the file does, so a
    span may differ by a frame at either end and a probability by little.
    """
    assert not [r for r in heard if r["type"] in ("gap", "drop")]
    assert len(finals(heard)) == len(finals(replayed))
    offsets = [
        live["start_s"] - file["start_s"]
        for live, file in zip(finals(heard), finals(replayed), strict=True)
    ]
    assert max(offsets) - min(offsets) <= 0.1
    same = [
        live["emotion"] == file["emotion"]
        for live, file in zip(finals(heard), finals(replayed), strict=True)
    ]
    assert np.mean(same) >= 0.75
    drift = [
        abs(live["probabilities"][label] - file["probabilities"][label])
        for live, file in zip(finals(heard), finals(replayed), strict=True)
        if live["probabilities"] and file["probabilities"]
        for label in live["probabilities"]
    ]
    assert np.median(drift) <= 0.05


def test_speech_into_the_microphone_is_heard_as_in_replay(
    microphone: VirtualMicrophone, tmp_path: Path
) -> None:
    """The demo recording gives the utterances and labels of its replay."""
    samples, rate = soundfile.read(DEMO, dtype="float32")
    path = tmp_path / "played.wav"
    soundfile.write(path, samples[: 16 * rate], rate, subtype="PCM_16")
    assert_heard_as_replayed(listen(microphone, path, tmp_path), replay(path))


@pytest.mark.corpus
def test_recorded_emotions_into_the_microphone_are_heard_as_in_replay(
    microphone: VirtualMicrophone, corpus_dir: Path, tmp_path: Path
) -> None:
    """RAVDESS clips played into a real stream: one utterance a clip, labels as in replay."""
    actors_and_emotions = [(9, 1), (10, 3), (11, 5), (12, 4), (13, 6), (14, 8)]
    clips = [
        corpus_dir / f"ravdess/Actor_{actor:02d}/03-01-{emotion:02d}-01-01-01-{actor:02d}.flac"
        for actor, emotion in actors_and_emotions
    ]
    path = recording(clips, tmp_path)
    heard = listen(microphone, path, tmp_path)
    assert_heard_as_replayed(heard, replay(path))
    assert len(finals(heard)) == pytest.approx(len(clips), abs=1)
