"""The right signal reaches the detector, from files to rows and sentences."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from channel_signals import RATE, hum, talk

import ser_live
from ser_live import EmotionModel, Recording

N_SENTENCES = 2


@pytest.fixture(scope="module")
def model() -> EmotionModel:
    return EmotionModel.load()


@pytest.fixture
def heard(tmp_path: Path, model: EmotionModel) -> Callable[..., Recording]:
    def analyze(*channels: np.ndarray, subtype: str | None = None) -> Recording:
        path = tmp_path / "x.wav"
        samples = np.stack(channels, axis=1) if len(channels) > 1 else channels[0]
        soundfile.write(path, samples, RATE, subtype=subtype)
        return ser_live.analyze(path, model=model)

    return analyze


SILENT = np.zeros_like(talk())
SITUATIONS = {
    "opposite": ((talk(), -talk()), None, "cancel"),
    "unequal": ((talk(), -0.9 * talk()), None, "cancel"),
    "centre of 5.1": ((SILENT, SILENT, 0.3 * talk(), SILENT, SILENT, SILENT), None, None),
    "one of 32": ((*[SILENT] * 7, talk(), *[SILENT] * 24), None, None),
    "hum in the other": ((talk(), hum(9.0, RATE)[: len(talk())]), None, None),
    "two talkers": ((talk(), np.roll(talk(), len(talk()) // 2)), None, "different talkers"),
    "16-bit numbers as floats": ((talk() * 32768,), "FLOAT", "divided by 2^15"),
    "16-bit numbers in 32 bits": (
        ((talk() * 32768).astype(np.int32),),
        "PCM_32",
        "multiplied by 2^16",
    ),
    "hum as loud as the talk": (
        (talk() + hum(9.0, RATE, 0.06)[: len(talk())],),
        None,
        None,
    ),
    "offset": ((0.5 * talk() + np.float32(0.3),), None, None),
}


@pytest.mark.parametrize("name", sorted(SITUATIONS))
def test_every_sentence_is_heard_and_judged(name: str, heard: Callable[..., Recording]) -> None:
    """Both sentences are found where they are and judged, and what was done is said once."""
    channels, subtype, said = SITUATIONS[name]
    recording = heard(*channels, subtype=subtype)
    assert len(recording.utterances) == N_SENTENCES
    assert all(utterance.probabilities is not None for utterance in recording.utterances)
    assert recording.utterances[0].start_s == pytest.approx(0.81, abs=0.1)
    assert len(recording.notes) == (said is not None)
    assert said is None or said in recording.notes[0]


def test_a_recording_far_too_low_is_told_in_every_output(tmp_path: Path) -> None:
    """`analyze` says the peak once on standard error, and in the row of the file."""
    path = tmp_path / "low.wav"
    soundfile.write(path, talk() * 10 ** (-50 / 20), RATE)
    options = ["--unit", "file", "-f", "jsonl"]
    done = subprocess.run(
        [sys.executable, "-m", "ser_live", "analyze", str(path), *options],
        capture_output=True,
        text=True,
        check=True,
    )
    row = json.loads(done.stdout)
    assert "no speech found; the loudest sample is at -" in row["note"]
    assert done.stderr == f"ser-live: {path}: {row['note']}\n"


def test_a_replay_says_what_it_heard_instead(tmp_path: Path) -> None:
    """A replay says on standard error, once, that channels cancel, and hears the louder one."""
    path = tmp_path / "opposite.wav"
    soundfile.write(path, np.stack([talk(), -talk()], axis=1), RATE)
    options = ["--speed", "0", "--no-log", "-f", "lines"]
    done = subprocess.run(
        [sys.executable, "-m", "ser_live", "replay", str(path), *options],
        capture_output=True,
        text=True,
        check=True,
    )
    assert len(done.stdout.splitlines()) == N_SENTENCES
    assert done.stderr.count("--channel N") == 1
