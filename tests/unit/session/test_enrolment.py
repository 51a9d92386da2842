"""Enrolling a voice: what is asked of the sound, and the command as a user meets it."""

from __future__ import annotations

import os
import re
import select
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from virtual_microphone import VirtualMicrophone, require_sound_server

import ser_live
from ser_live.config import Settings
from ser_live.errors import ProfileError
from ser_live.events import DeviceFound, DeviceLost, DeviceSought
from ser_live.events.kinds import Cause
from ser_live.model.emotion_model import EmotionModel
from ser_live.session.enrolment import MIN_UTTERANCES, TEXT, Enrolment, Progress
from ser_live.sources import (
    ArraySource,
    Lost,
    MicrophoneFound,
    MicrophoneLost,
    MicrophoneSought,
)
from ser_live.speaker.memory import SpeakerMemory

DEMO = Path(ser_live.__file__).parent / "demo.ogg"


@pytest.fixture(scope="module")
def model() -> EmotionModel:
    return EmotionModel.load("classic")


@pytest.fixture(scope="module")
def demo() -> tuple[NDArray[np.float32], int]:
    return soundfile.read(DEMO, dtype="float32")


def enrol(model: EmotionModel, *recordings: NDArray[np.float32], rate: int) -> Enrolment:
    enrolment = Enrolment("anna", model, Settings())
    for samples in recordings:
        for _ in enrolment.listen(ArraySource(samples, rate)):
            pass
    return enrolment


def test_a_good_recording_makes_a_profile_that_fits(
    model: EmotionModel, demo: tuple[NDArray[np.float32], int]
) -> None:
    """Its card tells what was heard, its arrays go into a session; there is no sound in it."""
    samples, rate = demo
    half = len(samples) // 2
    profile = enrol(model, samples[:half], samples[half:], rate=rate).profile()
    card = profile.card
    assert (card.name, card.model, card.model_sha256) == (
        "anna",
        model.card.id,
        model.card.weights_sha256,
    )
    assert card.n_utterances >= MIN_UTTERANCES
    assert 15 <= card.speech_s <= len(samples) / rate
    assert -40 < card.level_dbfs < -10
    assert SpeakerMemory(model, profile=profile).n_past == card.n_utterances
    assert sum(array.size for array in profile.arrays.values()) < 10_000 < len(samples)


def test_progress_grows(model: EmotionModel, demo: tuple[NDArray[np.float32], int]) -> None:
    """Position, level and speech are told after every block; a limit ends the listening."""
    samples, rate = demo
    enrolment = Enrolment("anna", model, Settings())
    steps = list(enrolment.listen(ArraySource(samples, rate), limit_s=8.0))
    positions = [step.position_s for step in steps]
    assert positions == sorted(positions)
    assert 8.0 <= positions[-1] < 9.0
    assert max(step.level_dbfs for step in steps) > -40
    assert steps[-1].n_utterances >= 1
    assert steps[-1].speech_s > 1.0


class Unplugged(ArraySource):
    """A recording whose microphone is away for a minute after `heard_s`."""

    def __init__(self, samples: NDArray[np.float32], rate: int, heard_s: float) -> None:
        super().__init__(samples, rate, [rate // 10])
        self._n_left = round(10 * heard_s)
        self._news = iter(
            [
                MicrophoneLost(
                    device="headset",
                    cause=Cause.DISCONNECTED,
                    message="headset was disconnected.",
                ),
                MicrophoneSought(waited_s=1.0),
                Lost(60 * rate, Cause.DISCONNECTED),
                MicrophoneFound(
                    device="headset", sample_rate=rate, n_channels=1, lost_device="headset"
                ),
            ]
        )

    def read(self, timeout_s: float):  # type: ignore[no-untyped-def]
        self._n_left -= 1
        news = next(self._news, None) if self._n_left < 0 else None
        return super().read(timeout_s) if news is None else news


def test_only_what_was_heard_counts_when_the_microphone_was_away(
    model: EmotionModel, demo: tuple[NDArray[np.float32], int]
) -> None:
    """The seconds before the loss count, those of the gap do not, and the loss is told there."""
    samples, rate = demo
    enrolment = Enrolment("anna", model, Settings())
    steps = list(enrolment.listen(Unplugged(samples, rate, heard_s=8.0), limit_s=16.0))
    news = [step for step in steps if not isinstance(step, Progress)]
    assert [type(step) for step in news] == [DeviceLost, DeviceSought, DeviceFound]
    assert [step.sample for step in news] == [8 * 16_000, 8 * 16_000, 68 * 16_000]
    told = [step for step in steps if isinstance(step, Progress)]
    heard_s = [step.position_s for step in told]
    assert max(np.diff(heard_s)) < 0.2
    assert 16.0 <= heard_s[-1] < 16.2
    before = max(step.n_utterances for step in told if step.position_s <= 8.0)
    assert 1 <= before < told[-1].n_utterances


def test_what_is_wrong_is_said_with_what_to_do(
    model: EmotionModel, demo: tuple[NDArray[np.float32], int]
) -> None:
    """One sentence for each way a recording can be too bad."""
    samples, rate = demo
    part = samples[: 16 * rate]
    noise = np.random.default_rng(0).standard_normal(len(part)).astype(np.float32)
    for spoilt, sentence in (
        (np.zeros_like(part), "no speech was heard"),
        (part * 0.02, "too quiet"),
        (np.clip(part * 60, -1, 1), "overdriven"),
        (part + 0.012 * noise, "above the background"),
        (part, "s of usable speech in"),
    ):
        with pytest.raises(ProfileError, match=sentence):
            enrol(model, spoilt, rate=rate).profile()


def test_the_text_can_be_shown_anywhere() -> None:
    """Plain ASCII in lines that fit 80 columns, and enough of it."""
    assert TEXT.isascii()
    assert max(map(len, TEXT.splitlines())) <= 79
    assert 70 <= len(TEXT.split()) <= 110


# -- the command


@pytest.fixture
def ser(tmp_path: Path):  # type: ignore[no-untyped-def]
    """Runs the command with a data folder of its own."""
    # platformdirs goes by these on Linux, macOS and Windows.
    home = {
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "HOME": str(tmp_path),
        "LOCALAPPDATA": str(tmp_path / "data"),
    }

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "ser_live", *map(str, arguments)],
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            timeout=120,
            env={**os.environ, **home},
        )

    return run


def test_enrol_list_use_and_forget(ser, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """The whole life of a profile from the command line."""
    done = ser("enroll", "anna", "--file", DEMO, "--model", "classic")
    assert done.returncode == 0, done.stderr
    assert "Enrolled anna: " in done.stdout
    files = sorted(tmp_path.rglob("anna.*"))
    assert [f.name for f in files] == ["anna.json", "anna.npz"]
    if os.name != "nt":
        assert {stat.S_IMODE(f.stat().st_mode) for f in files} == {0o600}
    assert sum(f.stat().st_size for f in files) < 50_000

    again = ser("enroll", "anna", "--file", DEMO)
    assert again.returncode == 8
    assert "--replace" in again.stderr
    assert "anna" in ser("enroll", "--list").stdout

    used = ser(
        "analyze",
        DEMO,
        "--speaker",
        "anna",
        "--format",
        "jsonl",
        "--model",
        "classic",
        "--no-adapt",
    )
    assert used.returncode == 0, used.stderr
    n_enrolled = int(done.stdout.split("anna: ")[1].split()[0])
    assert f'"n_past":{n_enrolled},' in used.stdout

    assert ser("enroll", "--remove", "anna").returncode == 0
    assert list(tmp_path.rglob("anna.*")) == []
    unknown = ser("demo", "--speed", "0", "--speaker", "anna", "--no-log")
    assert unknown.returncode == 8
    assert "ser-live enroll anna" in unknown.stderr
    assert "Traceback" not in unknown.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((), 2),
        (("anna", "--list"), 2),
        (("anna", "--file", "missing.wav"), 3),
        (("../anna", "--file", str(DEMO)), 8),
        (("anna", "--file", str(DEMO), "-d", "headset"), 2),
        (("anna", "--file", str(DEMO), "--device-wait", "5"), 2),
        (("--remove", "nobody"), 8),
    ],
)
def test_mistakes_are_one_sentence(ser, arguments: tuple[str, ...], code: int) -> None:  # type: ignore[no-untyped-def]
    """Exit code of the kind of error, no traceback, nothing kept."""
    done = ser("enroll", *arguments)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


# -- from a microphone

SHORT_READING = """
from ser_live.session import enrolment
from ser_live.cli import main
enrolment.READING_S, enrolment.MIN_SPEECH_S, enrolment.MIN_UTTERANCES = 8.0, 1.0, 1
main()
"""
"""The command with less to read."""


@pytest.fixture
def microphone() -> Iterator[VirtualMicrophone]:
    require_sound_server()
    with VirtualMicrophone() as microphone:
        yield microphone


class Reading:
    """`ser-live enroll anna` on the microphone, and what it shows on its terminal."""

    def __init__(self, microphone: VirtualMicrophone, *options: str) -> None:
        self.shown = ""
        self._ours, theirs = os.openpty()
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-c", SHORT_READING, "enroll", "anna", "-d", "vmic"),
                *("--model", "classic", "--vad-confirm", "off", *options),
            ],
            env={**microphone.environment, "TERM": "xterm"},
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)

    def wait_for(self, what: str, limit_s: float = 60.0) -> None:
        """Until this expression is shown; an empty one stands for the end of the process."""
        deadline_s = time.monotonic() + limit_s
        while not what or not re.search(what, self.shown):
            assert time.monotonic() < deadline_s, f"no {what!r}: {self.shown}"
            if select.select([self._ours], [], [], 0.1)[0]:
                try:
                    self.shown += os.read(self._ours, 65536).decode()
                except OSError:  # so Linux reports the end of a pseudo terminal
                    assert not what, f"no {what!r}: {self.shown}"
                    return

    def end(self) -> int:
        self.wait_for("")
        return self.process.wait(timeout=20)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)


@pytest.mark.microphone
@pytest.mark.slow
def test_an_enrolment_goes_on_when_its_microphone_comes_back(
    microphone: VirtualMicrophone, demo: tuple[NDArray[np.float32], int], tmp_path: Path
) -> None:
    """The loss is one line, so is the return; the reading goes on where it was, to a profile."""
    samples, rate = demo
    talk = tmp_path / "talk.wav"
    soundfile.write(talk, samples, rate)

    def speaking() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            ["paplay", "--device=vsink", str(talk)],
            env=microphone.environment,
            stderr=subprocess.DEVNULL,
        )

    reading = Reading(microphone)
    try:
        reading.wait_for(TEXT.splitlines()[-1])
        with speaking() as voice:
            reading.wait_for("00:0[3-6] of 00:08")  # a busy machine may pass over a second
            microphone.unplug()
            reading.wait_for("is looked for meanwhile.")
            voice.kill()
        microphone.plug()
        with speaking() as voice:
            code = reading.end()
            voice.kill()
    finally:
        reading.close()
    assert code == 0, reading.shown
    assert "\r\nser-live: vmic was disconnected, and" in reading.shown
    assert reading.shown.count("disconnected") == reading.shown.count("vmic is back") == 1
    seconds = [int(s) for s in re.findall(r"00:(\d\d) of 00:08", reading.shown)]
    assert seconds == sorted(seconds)
    assert seconds[-1] >= 7
    assert "Enrolled anna: " in reading.shown
    assert "--speaker anna" in reading.shown
    kept = sorted(path.name for path in Path(microphone.environment["HOME"]).rglob("anna.*"))
    assert kept == ["anna.json", "anna.npz"]


@pytest.mark.microphone
@pytest.mark.parametrize(
    ("options", "code", "last_words"),
    [
        ((), 130, "ser-live: ended by Ctrl-C."),
        (("--device-wait", "1"), 4, "ser-live: vmic did not come back within 1 s, "),
    ],
    ids=["Ctrl-C", "given up"],
)
def test_an_enrolment_that_ends_while_it_waits_keeps_nothing(
    microphone: VirtualMicrophone, options: tuple[str, ...], code: int, last_words: str
) -> None:
    """One sentence on a line of its own, the exit code, and not half a profile."""
    reading = Reading(microphone, *options)
    try:
        reading.wait_for("of 00:08")
        microphone.unplug()
        reading.wait_for("is looked for meanwhile.")
        if not options:
            reading.process.send_signal(signal.SIGINT)
        assert reading.end() == code, reading.shown
    finally:
        reading.close()
    assert f"\r\n{last_words}" in reading.shown
    assert reading.shown.count("ser-live: ") == 2
    assert "Traceback" not in reading.shown
    assert list(Path(microphone.environment["HOME"]).rglob("*anna*")) == []
