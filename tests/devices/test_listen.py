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
from stream_parts import STREAM, analysis
from virtual_microphone import VirtualMicrophone, require_sound_server

import ser_live
from ser_live.config import FRAME_SAMPLES
from ser_live.events import Kind, Utterance
from ser_live.model.emotion_model import EmotionModel

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
    """Play the recording into the microphone of a running `ser-live`; its JSON lines.

    The audio of its utterances is kept in ``folder / "kept"``.
    """
    output = folder / "heard.jsonl"
    with output.open("wb") as stream:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "ser_live", "--format", "jsonl", "--no-log"),
                *("--save-audio", folder / "kept"),
            ],
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
    """Same utterances, shifted by when the playing began, and much the same answers.

    The microphone cuts the stream into 30 ms frames elsewhere than the file does, so a
    span may differ by a frame at either end, and an answer that was close may be another.
    """
    assert not [r for r in heard if r["type"] in ("gap", "drop")]
    assert len(finals(heard)) == len(finals(replayed))
    offsets = [
        live["start_s"] - file["start_s"]
        for live, file in zip(finals(heard), finals(replayed), strict=True)
    ]
    assert max(offsets) - min(offsets) <= 0.1
    drift = [
        abs(live["probabilities"][label] - file["probabilities"][label])
        for live, file in zip(finals(heard), finals(replayed), strict=True)
        if live["probabilities"] and file["probabilities"]
        for label in live["probabilities"]
    ]
    assert np.median(drift) <= 0.05


def assert_analysed_as_in_batch(heard: list[dict[str, Any]], kept: Path) -> None:
    """Live answers are those to the very samples that were heard, one speaker's past and all."""
    stage = analysis(EmotionModel.load())
    recordings = sorted(kept.iterdir())
    assert len(recordings) == len(finals(heard)) > 0
    for live, recording in zip(finals(heard), recordings, strict=True):
        samples, rate = soundfile.read(recording, dtype="float32")
        assert len(samples) == pytest.approx((live["end_s"] - live["start_s"]) * rate, abs=1)
        again = stage.judge(
            Utterance(
                stream=STREAM,
                id=live["id"],
                kind=Kind.FINAL,
                start_sample=0,
                end_sample=len(samples),
                samples=samples,
                speech=np.ones(-(-len(samples) // FRAME_SAMPLES), dtype=np.bool_),
                noise_dbfs=float("nan"),
            )
        )
        assert again.probabilities == pytest.approx(tuple(live["probabilities"].values()), abs=1e-4)
        assert live["emotion"] == again.emotion


def test_speech_into_the_microphone_is_heard_as_in_replay(
    microphone: VirtualMicrophone, tmp_path: Path
) -> None:
    """The demo recording gives the utterances of its replay; they are analysed as in batch."""
    samples, rate = soundfile.read(DEMO, dtype="float32")
    path = tmp_path / "played.wav"
    soundfile.write(path, samples[: 10 * rate], rate, subtype="PCM_16")
    heard = listen(microphone, path, tmp_path)
    assert_heard_as_replayed(heard, replay(path))
    assert_analysed_as_in_batch(heard, tmp_path / "kept")


class Session:
    """A `ser-live` process on the microphone, its JSON lines read as they come."""

    def __init__(self, microphone: VirtualMicrophone, folder: Path, *options: str) -> None:
        self.output = folder / "heard.jsonl"
        self.log = folder / "log.jsonl"
        self.errors = ""
        with self.output.open("wb") as stream:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "ser_live", "-d", "vmic", "--model", "classic"),
                    *("--format", "jsonl", "--log", str(self.log), *options),
                ],
                env=microphone.environment,
                stdout=stream,
                stderr=subprocess.PIPE,
                text=True,
            )

    def records(self) -> list[dict[str, Any]]:
        lines = self.output.read_text().splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def wait_for(self, kind: str, n: int = 1) -> None:
        """Until there are `n` records of a kind."""
        deadline = time.monotonic() + 30
        while sum(record["type"] == kind for record in self.records()) < n:
            assert time.monotonic() < deadline, f"no {kind}: {self.records()}"
            time.sleep(0.05)

    def end(self, *, interrupt: bool = True) -> int:
        if interrupt:
            self.process.send_signal(signal.SIGINT)
        try:
            _, self.errors = self.process.communicate(timeout=30)
        finally:
            self.process.kill()
        return self.process.returncode


def speaking(microphone: VirtualMicrophone, path: Path) -> subprocess.Popen[bytes]:
    """Play into the microphone without waiting for the end."""
    return subprocess.Popen(
        ["paplay", "--device=vsink", str(path)],
        env=microphone.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def test_a_session_goes_on_when_its_microphone_comes_back(
    microphone: VirtualMicrophone, tmp_path: Path
) -> None:
    """What was said before is reported, the gap is told, and speech after it is heard."""
    samples, rate = soundfile.read(DEMO, dtype="float32")
    path = tmp_path / "played.wav"
    soundfile.write(path, samples[: 16 * rate], rate, subtype="PCM_16")
    session = Session(microphone, tmp_path)
    session.wait_for("stream_started")
    time.sleep(0.5)
    player = speaking(microphone, path)
    session.wait_for("emotion")  # the first partial: somebody is speaking
    microphone.unplug()
    session.wait_for("device_lost")
    player.wait(timeout=10)
    microphone.plug()
    session.wait_for("device_found")
    player = speaking(microphone, path)
    n_before = len(finals(session.records()))
    deadline = time.monotonic() + 30
    while len(finals(session.records())) <= n_before and time.monotonic() < deadline:
        time.sleep(0.1)
    player.kill()
    player.wait(timeout=10)
    assert session.end() == 130, session.errors
    records = session.records()
    kinds = [record["type"] for record in records]
    lost, gap, found = (records[kinds.index(k)] for k in ("device_lost", "gap", "device_found"))
    assert lost["cause"] == gap["cause"] == "disconnected"
    assert gap["start_s"] == lost["start_s"]
    assert found["start_s"] == pytest.approx(gap["start_s"] + gap["duration_s"], abs=1e-5)
    # The open utterance was ended by the loss, with all that had been heard of it.
    cut = [r for r in finals(records) if r["end_s"] <= lost["start_s"]]
    after = [r for r in finals(records) if r["start_s"] >= found["start_s"]]
    assert len(cut) + len(after) == len(finals(records))
    assert lost["start_s"] - cut[-1]["end_s"] < 1.0
    assert after
    assert after[0]["id"] == cut[-1]["id"] + 1
    assert kinds.count("stream_started") == kinds.count("stream_ended") == 1
    assert "vmic was disconnected" in session.errors
    assert "microphone lost once" in session.errors
    logged = [json.loads(line) for line in session.log.read_text().splitlines()]
    assert [r["type"] for r in logged[1:]] == kinds


def test_a_session_ends_while_its_microphone_stalls(
    microphone: VirtualMicrophone, tmp_path: Path
) -> None:
    """Ctrl-C works on a sound server that does not answer, and the gap is told up to then."""
    session = Session(microphone, tmp_path)
    session.wait_for("state")  # only zeros: audio has come
    microphone.freeze()
    try:
        session.wait_for("device_lost")
        began = time.monotonic()
        assert session.end() == 130, session.errors
        took_s = time.monotonic() - began
    finally:
        microphone.thaw()
    assert took_s < 10.0
    assert [r["cause"] for r in session.records() if r["type"] == "gap"] == ["stalled"]


def test_a_script_can_give_up_waiting(microphone: VirtualMicrophone, tmp_path: Path) -> None:
    """With --device-wait a lost microphone ends the session with the code for devices."""
    session = Session(microphone, tmp_path, "--device-wait", "1")
    session.wait_for("state")
    microphone.kill()
    assert session.end(interrupt=False) == 4
    kinds = [record["type"] for record in session.records()]
    assert kinds[-5:] == ["device_lost", "gap", "stream_ended", "source_failed", "session_ended"]
    assert "vmic did not come back within 1 s" in session.errors


def test_a_microphone_missing_at_the_start_is_an_error(
    microphone: VirtualMicrophone, tmp_path: Path
) -> None:
    """Nothing is waited for that was never there."""
    microphone.kill()
    session = Session(microphone, tmp_path)
    assert session.end(interrupt=False) == 4
    assert "No input device was found" in session.errors


@pytest.mark.corpus
def test_recorded_emotions_into_the_microphone_are_heard_as_in_replay(
    microphone: VirtualMicrophone, corpus_dir: Path, tmp_path: Path
) -> None:
    """RAVDESS clips played into a real stream: one utterance a clip, analysed as in batch."""
    actors_and_emotions = [(9, 1), (10, 3), (11, 5), (12, 4), (13, 6), (14, 8)]
    clips = [
        corpus_dir / f"ravdess/Actor_{actor:02d}/03-01-{emotion:02d}-01-01-01-{actor:02d}.flac"
        for actor, emotion in actors_and_emotions
    ]
    path = recording(clips, tmp_path)
    heard = listen(microphone, path, tmp_path)
    assert_heard_as_replayed(heard, replay(path))
    assert_analysed_as_in_batch(heard, tmp_path / "kept")
    assert len(finals(heard)) == pytest.approx(len(clips), abs=1)
