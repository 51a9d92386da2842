"""Recordings stored in another scale than that of their format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from channel_signals import RATE, syllables

from ser_live.sources import FileSource, SignalNotice
from ser_live.sources.scale import stored_scale

VOICE = syllables(2.0, RATE)
VOICE = np.round(VOICE / np.abs(VOICE).max() * 20_000).astype(np.float32)
"""A voice in 16-bit numbers."""


@pytest.mark.parametrize(
    ("samples", "subtype", "scale", "said"),
    [
        (VOICE, "FLOAT", 2.0**-15, "20000 times full scale"),
        (VOICE * 2.0**-15, "FLOAT", 1.0, ""),
        (VOICE * 2.0**-13, "FLOAT", 1.0, ""),
        (VOICE.astype(np.float64) * 256, "DOUBLE", 2.0**-23, "24-bit numbers"),
        (VOICE.astype(np.int32), "PCM_32", 2.0**16, "-101 dBFS"),
        (VOICE.astype(np.int32) << 8, "PCM_32", 2.0**8, "multiplied by 2^8"),
        (VOICE.astype(np.int32) << 16, "PCM_32", 1.0, ""),
        (VOICE.astype(np.int32) << 8, "PCM_24", 2.0**8, "24-bit samples"),
        (VOICE * 2.0**-25, "PCM_16", 1.0, ""),
        (0 * VOICE, "FLOAT", 1.0, ""),
    ],
)
def test_scales_that_are_recognised(
    tmp_path: Path, samples: np.ndarray, subtype: str, scale: float, said: str
) -> None:
    """What was stored in a wrong scale is, by a power of two; what was not stays as it is."""
    path = tmp_path / "x.wav"
    soundfile.write(path, samples, RATE, subtype=subtype)
    found, sentence = stored_scale(path)
    assert found == scale
    assert said in sentence
    assert bool(sentence) == (scale != 1.0)


@pytest.mark.parametrize("peak", [30_000.0, 1e9])
def test_a_few_damaged_samples_are_no_scale(tmp_path: Path, peak: float) -> None:
    """Some samples far beyond full scale do not make silence of all others."""
    path = tmp_path / "x.wav"
    samples = VOICE * np.float32(2.0**-15)
    samples[[5, 5000, 9000]] = peak
    soundfile.write(path, samples, RATE, subtype="FLOAT")
    assert stored_scale(path) == (1.0, "")


def test_a_recording_is_brought_to_full_scale_without_rounding(tmp_path: Path) -> None:
    """A source gives the notice first, and then every sample divided exactly."""
    path = tmp_path / "x.wav"
    soundfile.write(path, VOICE, RATE, subtype="FLOAT")
    with FileSource(path, speed=0) as source:
        items = []
        while not source.exhausted:
            items.append(source.read(0))
    assert isinstance(items[0], SignalNotice)
    heard = np.concatenate([item for item in items if isinstance(item, np.ndarray)])
    np.testing.assert_array_equal(heard[:, 0], VOICE / 32768)


@pytest.mark.parametrize("data", [b"", b"RIFF", b"RIFF\0\0\0\0WAVEfmt ", b"no audio at all"])
def test_what_cannot_be_read_has_no_scale(tmp_path: Path, data: bytes) -> None:
    """Damage is for the decoder to tell."""
    path = tmp_path / "x.wav"
    path.write_bytes(data)
    assert stored_scale(path) == (1.0, "")


def test_numbers_that_are_not_finite_have_no_scale(tmp_path: Path) -> None:
    """NaN is for the source to refuse."""
    path = tmp_path / "x.wav"
    soundfile.write(path, np.array([1e4, np.nan], np.float32), RATE, subtype="FLOAT")
    assert stored_scale(path) == (1.0, "")


def test_a_few_damaged_samples_do_not_silence_the_rest(tmp_path):
    """No integers reach 1e38, so nothing is divided for their sake."""
    samples = VOICE.astype(np.float32).copy()
    samples[100:103] = 1e38
    path = tmp_path / "x.wav"
    soundfile.write(path, samples, 16_000, "FLOAT")
    assert stored_scale(path) == (1.0, "")
