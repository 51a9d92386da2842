"""Recordings out of pipes are recognized by their bytes and heard as from a file."""

from __future__ import annotations

import io
import struct

import numpy as np
import odd_recordings as odd
import pytest
from odd_recordings import LENGTH_S, RATE, sound

from ser_live.errors import AudioFileError, InvalidAudioError
from ser_live.sources import Lost, PcmSource


class Dripping(io.BytesIO):
    """A stream that gives its first bytes one by one."""

    def read1(self, size: int | None = -1, /) -> bytes:
        return super().read1(1 if self.tell() < 300 else size)


def piped(data: bytes, n_channels: int = 1) -> tuple[np.ndarray, PcmSource]:
    """Everything that a pipe of these bytes gives."""
    blocks = [np.zeros((0, n_channels), np.float32)]
    with PcmSource(Dripping(data), RATE, n_channels) as source:
        while not source.exhausted:
            item = source.read(0)
            assert not isinstance(item, Lost)
            if isinstance(item, np.ndarray):
                blocks.append(item)
    return np.concatenate(blocks), source


@pytest.mark.parametrize(
    ("format_", "subtype"),
    [
        ("WAV", "PCM_16"),
        ("WAV", "PCM_24"),
        ("FLAC", None),
        ("OGG", None),
        ("MP3", None),
        ("AU", None),
        ("AIFF", None),
    ],
)
def test_recognized(format_, subtype):
    """Every container is heard as sound, from its first sample to its last."""
    heard, _ = piped(odd.coded(format_, subtype))
    assert len(heard) == pytest.approx(LENGTH_S * RATE, abs=0.1 * RATE)
    n = min(len(heard), round(LENGTH_S * RATE))
    assert np.corrcoef(heard[:n, 0], sound()[:n, 0])[0, 1] > 0.9


def test_other_format():
    """A recording of another rate and channel count comes in the format of the pipe."""
    heard, _ = piped(odd.coded("FLAC", None, 44_100, 2))
    assert len(heard) == pytest.approx(LENGTH_S * RATE, abs=2)


def test_raw():
    """Bytes that begin no container stay samples, though they look like a frame at first."""
    samples = np.random.default_rng(1).integers(-9000, 9000, 5000).astype("<i2")
    data = b"\xff\xfb" + samples.tobytes()
    heard, _ = piped(data)
    assert np.array_equal(heard[1:, 0] * 32768, samples)


def test_wav_is_heard_as_it_comes():
    """A wav of 16 bits does not wait for the end of the pipe."""
    stream = io.BytesIO(odd.coded("WAV", "PCM_16"))
    with PcmSource(stream, RATE) as source:
        item = source.read(0)
        assert isinstance(item, np.ndarray)
        assert stream.tell() < 2000


@pytest.mark.parametrize("n_bytes", [0, 8192, 2**32 - 1])
def test_wav_that_declares_too_little(n_bytes):
    """In a pipe, too, all samples behind a wrong header are heard."""
    heard, source = piped(odd.wav_declaring(n_bytes, "PCM_16"))
    assert len(heard) == LENGTH_S * RATE
    assert bool(source.notes) == (n_bytes == 8192)


def test_chunk_behind_the_samples():
    """A chunk behind the samples is no sound."""
    heard, _ = piped(odd.wav_declaring(None, "PCM_16", odd.LIST))
    assert len(heard) == LENGTH_S * RATE


def test_damage_is_told_at_the_end():
    """Of a container that is cut off all is given that is there, then a sentence."""
    data = odd.coded("FLAC")
    blocks: list[np.ndarray] = []

    def read_on() -> None:
        with PcmSource(io.BytesIO(data[: len(data) // 2]), RATE) as source:
            while not source.exhausted:
                if isinstance(item := source.read(0), np.ndarray):
                    blocks.append(item)

    with pytest.raises(AudioFileError, match="Standard input is damaged or cut off after"):
        read_on()
    assert sum(map(len, blocks)) > RATE


def test_nothing_is_left_behind(tmp_path, monkeypatch):
    """What was gathered on the disk is private while it is needed, and gone afterwards."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    stream = io.BytesIO(odd.coded("FLAC"))
    with PcmSource(stream, RATE) as source:
        while stream.tell() < 2000:
            source.read(0)
        (gathered,) = tmp_path.iterdir()
        assert gathered.stat().st_mode & 0o077 == 0
    assert list(tmp_path.iterdir()) == []


def test_impossible_format():
    """A wav of an impossible rate is refused with its rate."""
    data = bytearray(odd.coded("WAV", "PCM_16"))
    data[24:28] = struct.pack("<I", 100)
    with (
        PcmSource(io.BytesIO(bytes(data)), RATE) as source,
        pytest.raises(InvalidAudioError, match="100 Hz"),
    ):
        source.read(0)
