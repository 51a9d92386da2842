"""Wavs of several chunks and several recordings, out of pipes and files, in pieces of any size."""

from __future__ import annotations

import io
import struct

import numpy as np
import odd_recordings as odd
import pytest
import soundfile
from odd_recordings import RATE, sound

from ser_live.errors import AudioFileError, UsageError
from ser_live.sources import FileSource, PcmSource

N = 401
"""Samples of each part: an odd number, so that those of 8 bits need a byte that fills up."""


def chunk(name: bytes, content: bytes, *, says: int | None = None) -> bytes:
    size = len(content) if says is None else says
    return name + struct.pack("<I", size) + content + bytes(len(content) % 2)


def form(rate: int = RATE, n_channels: int = 1, bits: int = 16) -> bytes:
    block = n_channels * bits // 8
    return chunk(b"fmt ", struct.pack("<HHIIHH", 1, n_channels, rate, rate * block, block, bits))


def pcm(part: int = 0, bits: int = 16) -> bytes:
    samples = sound()[part * N : (part + 1) * N, 0].clip(-1, 0.999)
    if bits == 8:
        return (
            ((samples * 128).round().clip(-128, 127).astype(np.int16) + 128).astype("u1").tobytes()
        )
    return (samples * 32768).astype("<i2").tobytes()


def wav(*chunks: bytes, bits: int = 16, rate: int = RATE, n_channels: int = 1) -> bytes:
    inside = b"WAVE" + form(rate, n_channels, bits) + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(inside)) + inside


LIST = chunk(b"LIST", b"INFOISFT\x05\0\0\0abcde\0")
STRANGE = chunk(b"xYz!", b"something")
TWO = chunk(b"data", pcm(0)), chunk(b"data", pcm(1))

HEARD = {
    # Bytes, and how many parts of N samples they hold.
    "two data": (wav(*TWO), 2),
    "a list between": (wav(TWO[0], LIST, TWO[1]), 2),
    "chunks between, odd ones too": (
        wav(TWO[0], LIST, chunk(b"fact", bytes(5)), STRANGE, form(), chunk(b"PAD ", b""), TWO[1]),
        2,
    ),
    "8 bits": (
        wav(chunk(b"data", pcm(0, 8)), LIST, chunk(b"data", pcm(1, 8)), bits=8),
        2,
    ),
    "a list behind": (wav(TWO[0], LIST, chunk(b"id3 ", b"ID3"), STRANGE), 1),
    "a tag behind": (wav(TWO[0]) + b"TAG" + bytes(125), 1),
    "the second of unknown length": (wav(TWO[0], LIST, chunk(b"data", pcm(1), says=2**32 - 1)), 2),
    "the second of length 0": (wav(TWO[0], LIST, chunk(b"data", pcm(1), says=0)), 2),
    "two recordings": (wav(TWO[0]) + wav(TWO[1]), 2),
    "two recordings, a list between": (wav(TWO[0], LIST) + wav(LIST, TWO[1]), 2),
    "two recordings of unknown length": (
        wav(chunk(b"data", pcm(0), says=2**32 - 1)) + wav(chunk(b"data", pcm(1), says=2**32 - 1)),
        2,
    ),
    "two recordings of length 0": (
        wav(chunk(b"data", pcm(0), says=0)) + wav(chunk(b"data", pcm(1), says=0)),
        2,
    ),
    "three recordings": (wav(TWO[0]) + wav(TWO[1], LIST) + wav(chunk(b"data", pcm(2))), 3),
}


class InPieces(io.BytesIO):
    """A stream that gives so many bytes at a time."""

    def __init__(self, data: bytes, n_bytes: int) -> None:
        super().__init__(data)
        self._n_bytes = n_bytes

    def read1(self, size: int | None = -1, /) -> bytes:
        return super().read1(self._n_bytes)


def heard(source: PcmSource | FileSource) -> np.ndarray:
    parts = []
    with source:
        while not source.exhausted:
            item = source.read(0)
            if isinstance(item, np.ndarray):
                parts.append(item)
    return np.concatenate(parts)[:, 0]


def decoded(data: bytes, bits: int) -> np.ndarray:
    if bits == 8:
        return (np.frombuffer(data, "u1").astype(np.float32) - 128) / 128
    return np.frombuffer(data, "<i2").astype(np.float32) / 32768


def expected(kind: str) -> np.ndarray:
    bits = 8 if kind == "8 bits" else 16
    return np.concatenate([decoded(pcm(part, bits), bits) for part in range(HEARD[kind][1])])


@pytest.mark.parametrize("n_bytes", [1, 7, 1000])
@pytest.mark.parametrize("kind", HEARD)
def test_all_samples_of_a_pipe_are_heard_and_nothing_else(kind, n_bytes):
    """Sound in further chunks and recordings is heard; what stands between is no sound."""
    source = PcmSource(InPieces(HEARD[kind][0], n_bytes), RATE)
    assert np.array_equal(heard(source), expected(kind))


@pytest.mark.parametrize("kind", HEARD)
def test_all_samples_of_a_file_are_heard_and_nothing_else(kind, tmp_path):
    """A file of the same bytes gives the same."""
    path = tmp_path / "a.wav"
    path.write_bytes(HEARD[kind][0])
    source = FileSource(path, speed=0)
    assert np.array_equal(heard(source), expected(kind))
    assert not any("damage" in note for note in source.notes)


def test_recordings_of_two_forms(tmp_path):
    """Of joined wavs of other rates, depths and codecs each is heard in the form of the first."""
    other = io.BytesIO()
    soundfile.write(other, sound(8000, 2, 1.0), 8000, format="WAV", subtype="PCM_24")
    data = wav(chunk(b"data", pcm())) + other.getvalue()
    assert len(heard(PcmSource(InPieces(data, 1000), RATE))) == pytest.approx(N + RATE, abs=2)
    path = tmp_path / "a.wav"
    path.write_bytes(data + odd.coded("WAV", "IMA_ADPCM"))
    n_all = N + RATE + odd.LENGTH_S * RATE
    assert len(heard(FileSource(path, speed=0))) == pytest.approx(n_all, rel=0.02)


def test_a_recording_behind_that_cannot_be_heard_as_it_comes():
    """What stands behind the first one in a pipe, and has to be whole, is told."""
    data = wav(chunk(b"data", pcm())) + odd.coded("WAV", "IMA_ADPCM")
    with pytest.raises(AudioFileError, match="goes on with another wav"):
        heard(PcmSource(InPieces(data, 1000), RATE))


def test_samples_of_another_form(tmp_path):
    """A wav that changes its form on the way is told, in a pipe and in a file."""
    data = wav(TWO[0], form(8000), TWO[1])
    path = tmp_path / "a.wav"
    path.write_bytes(data)
    for source in (PcmSource(InPieces(data, 1000), RATE), FileSource(path, speed=0)):
        with pytest.raises(AudioFileError, match="another form behind its first ones"):
            heard(source)


def test_sound_that_is_longer_than_its_header_says():
    """Bytes that are no chunk go on with the sound, and a note tells it."""
    data = wav(chunk(b"data", pcm(0) + pcm(1), says=2 * N))
    source = PcmSource(InPieces(data, 100), RATE)
    assert len(heard(source)) == 2 * N
    assert any("declares less" in note for note in source.notes)


def test_a_track_that_is_not_there():
    """A pipe of wav, and one of bare samples, has one track."""
    data = wav(*TWO)
    for bytes_ in (data, pcm()):
        assert len(heard(PcmSource(io.BytesIO(bytes_), RATE, track=1))) >= N
        with pytest.raises(UsageError, match="one audio track, but track 2"):
            heard(PcmSource(io.BytesIO(bytes_), RATE, track=2))
