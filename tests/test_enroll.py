"""Enrolling a voice: what is asked of the sound, and the command as a user meets it."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

import ser_live
from ser_live.config import Settings
from ser_live.enrolment import MIN_UTTERANCES, TEXT, Enrolment
from ser_live.errors import ProfileError
from ser_live.model import EmotionModel
from ser_live.sources import ArraySource
from ser_live.speaker_memory import SpeakerMemory

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
        (("--remove", "nobody"), 8),
    ],
)
def test_mistakes_are_one_sentence(ser, arguments: tuple[str, ...], code: int) -> None:  # type: ignore[no-untyped-def]
    """Exit code of the kind of error, no traceback, nothing kept."""
    done = ser("enroll", *arguments)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
