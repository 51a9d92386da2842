"""Recordings out of pipes are recognized by their bytes and heard as from a file."""

from __future__ import annotations

import io
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import odd_recordings as odd
import pytest
import soundfile
from container_parts import mpeg_frames
from odd_recordings import LENGTH_S, RATE, sound

from ser_live.errors import AudioFileError, InvalidAudioError
from ser_live.sources import Lost, PcmSource, read_recording
from ser_live.sources.flowing import FlowingDecoder
from ser_live.sources.mpeg_watch import Mp3Watch


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
            if item is None:
                time.sleep(0.001)
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
        ("WAV", "FLOAT"),
        ("WAV", "ULAW"),
        ("WAV", "IMA_ADPCM"),
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


@pytest.mark.parametrize(
    "subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW"]
)
def test_wav_is_heard_as_it_comes(subtype):
    """A wav does not wait for the end of the pipe, and gives what libsndfile reads in a file."""
    data = odd.coded("WAV", subtype)
    stream = io.BytesIO(data)
    with PcmSource(stream, RATE) as source:
        item = source.read(0)
        assert isinstance(item, np.ndarray)
        assert stream.tell() < 2000
    expected, _ = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
    assert np.array_equal(piped(data)[0], expected)


class Unended(io.BytesIO):
    """A pipe whose writer holds it open and writes nothing more."""

    def read1(self, size: int | None = -1, /) -> bytes | None:  # type: ignore[override]
        return super().read1(size) or None


def _media(suffix: str, codec: str, rate: int = RATE) -> Callable[[Path], bytes]:
    return lambda folder: odd.media(folder / f"x.{suffix}", codec, rate).read_bytes()


FLOWING = {
    "flac": lambda _: odd.coded("FLAC"),
    "flac of unknown length": lambda _: odd.flac_of_unknown_length(),
    "ogg": lambda _: odd.coded("OGG"),
    "mp3": lambda _: odd.coded("MP3"),
    "adts": _media("aac", "aac"),
    "webm": _media("webm", "libopus", 48_000),
    "mkv": _media("mkv", "flac"),
    "ts": _media("ts", "aac"),
    "au": lambda _: odd.coded("AU"),
}


def in_pieces(source: PcmSource, n: int) -> np.ndarray:
    """At least `n` samples of a source, or all that it has."""
    blocks = [np.zeros((0, 1), np.float32)]
    deadline_s = time.monotonic() + 20
    while not source.exhausted and sum(map(len, blocks)) < n and time.monotonic() < deadline_s:
        if isinstance(item := source.read(0.01), np.ndarray):
            blocks.append(item)
    return np.concatenate(blocks)


@pytest.mark.parametrize("kind", FLOWING)
def test_container_is_heard_as_it_comes(kind, tmp_path):
    """Sound is there while the writer has not ended, and in the end it is that of the file."""
    pytest.importorskip("av", reason="the optional extra `media` is not installed")
    data = FLOWING[kind](tmp_path)
    begin = data[: len(data) * 9 // 10]
    with PcmSource(Unended(begin), RATE) as source:
        first = in_pieces(source, RATE // 2)
        assert len(first) >= RATE // 2
    heard, source = piped(data)
    assert source.notes == []
    path = tmp_path / "whole"
    path.write_bytes(data)
    expected = read_recording(path)
    # An mp3 keeps what its coder filled the last block with.
    assert -RATE // 1000 <= len(heard) - len(expected) <= RATE // 20
    n = min(len(heard), len(expected))
    assert np.abs(heard[:n, 0] - expected[:n]).max() < 2e-3
    assert np.array_equal(first, heard[: len(first)])


def test_titles_of_a_radio():
    """Ogg streams that follow each other without end are each heard whole."""
    pytest.importorskip("av", reason="the optional extra `media` is not installed")
    data = odd.coded("OGG") + odd.coded("OGG", None, 44_100, 2) + odd.coded("OGG")
    heard, _ = piped(data)
    assert len(heard) == pytest.approx(3 * LENGTH_S * RATE, abs=0.01 * RATE)
    heard, _ = piped(2 * odd.coded("FLAC"))
    assert np.array_equal(heard, np.tile(piped(odd.coded("FLAC"))[0], (2, 1)))


def test_damaged_pages_are_told():
    """Of an Ogg stream with damaged pages the rest is heard, and a sentence tells of them."""
    pytest.importorskip("av", reason="the optional extra `media` is not installed")
    data = odd.overwritten(odd.coded("OGG"), odd.junk(3000))
    blocks = []
    with PcmSource(io.BytesIO(data), RATE) as source:

        def read_on() -> None:
            while not source.exhausted:
                if isinstance(item := source.read(0), np.ndarray):
                    blocks.append(item)

        with pytest.raises(AudioFileError, match="damaged or missing pages"):
            read_on()
    assert sum(map(len, blocks)) > RATE


def test_memory_is_bounded():
    """Where nobody takes what is decoded, no more bytes are wanted, and nothing is given up."""
    pytest.importorskip("av", reason="the optional extra `media` is not installed")
    data = odd.coded("FLAC", length_s=60.0)
    decoder = FlowingDecoder("flac", "x", RATE, 1)
    n_fed, n_heard = 0, 0
    while not decoder.is_full or time.sleep(0.2) or not decoder.is_full:
        decoder.feed(data[n_fed : n_fed + 8192])
        n_fed += 8192
    assert n_fed < len(data) * 0.8
    decoder.feed(data[n_fed:])
    decoder.end()
    while not decoder.is_over:
        item = decoder.take(0.1)
        n_heard += 0 if item is None or isinstance(item, Lost) else len(item)
    decoder.close()
    assert n_heard == 60 * RATE


def test_mp4_needs_its_index_first(tmp_path, monkeypatch):
    """An MP4 is heard as it comes where its index comes first, else gathered up to a limit."""
    pytest.importorskip("av", reason="the optional extra `media` is not installed")
    data = odd.media(tmp_path / "x.m4a", "aac").read_bytes()
    assert data.index(b"mdat") < data.index(b"moov")
    whole, _ = piped(data)
    assert len(whole) == pytest.approx(LENGTH_S * RATE, abs=0.12 * RATE)
    monkeypatch.setattr("ser_live.sources.piped.MAX_GATHERED_BYTES", 1000)
    with pytest.raises(AudioFileError, match="more than 0 MiB of m4a"):
        piped(data)
    fragments = odd.fragmented(tmp_path / "y.m4a")
    heard, _ = piped(fragments)
    assert len(heard) == pytest.approx(LENGTH_S * RATE, abs=0.12 * RATE)


def test_without_pyav(monkeypatch):
    """Without PyAV what libsndfile reads is gathered, and heard at the end."""
    monkeypatch.setitem(sys.modules, "av", None)
    heard, _ = piped(odd.coded("MP3"))
    assert len(heard) == pytest.approx(LENGTH_S * RATE, abs=0.12 * RATE)


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

    with pytest.raises(AudioFileError, match=r"Standard input (is damaged|ends) .*cut off"):
        read_on()
    assert sum(map(len, blocks)) > RATE


def test_nothing_is_left_behind(tmp_path, monkeypatch):
    """What was gathered on the disk is private while it is needed, and gone afterwards."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    stream = io.BytesIO(odd.coded("CAF"))
    with PcmSource(stream, RATE) as source:
        while not list(tmp_path.iterdir()):
            source.read(0)
        (gathered,) = tmp_path.iterdir()
        assert gathered.stat().st_mode & 0o077 == 0
    assert list(tmp_path.iterdir()) == []


def test_impossible_format():
    """A wav of an impossible rate is refused with its rate."""
    data = bytearray(odd.coded("WAV", "PCM_16"))
    data[24:28] = struct.pack("<I", 100)
    with pytest.raises(InvalidAudioError, match="100 Hz"):
        PcmSource(io.BytesIO(bytes(data)), RATE).open()


def test_wav_that_ends_early():
    """A wav that a pipe cuts off is told with both lengths."""
    blocks = []
    with PcmSource(io.BytesIO(odd.coded("WAV")[: 44 + 2 * RATE]), RATE) as source:

        def read_on() -> None:
            while not source.exhausted:
                if isinstance(item := source.read(0), np.ndarray):
                    blocks.append(item)

        with pytest.raises(AudioFileError, match=r"ends after 1\.00 s, but its header promises 4"):
            read_on()
    assert sum(map(len, blocks)) == RATE


def watched(data: bytes, n_at_once: int) -> AudioFileError | None:
    """What a watch says of an mp3 that comes in pieces."""
    watch, held, passed = Mp3Watch(), b"", b""
    for place in range(0, len(data) + n_at_once, n_at_once):
        held += data[place : place + n_at_once]
        is_more, is_last = True, place + n_at_once >= len(data)
        while is_more:
            ready, held, is_more = watch(held, is_last)
            passed += ready
    assert held == b""
    assert passed == data
    return watch.failure("x")


@pytest.mark.parametrize("n_at_once", [7, 1000, 1 << 20])
def test_damage_of_mp3_is_told(n_at_once):
    """What is missing of an mp3 in a pipe is told in seconds, whatever pieces it comes in."""
    data = odd.coded("MP3")
    parts = mpeg_frames(data)
    tag = b"ID3\x03\0\0" + bytes([0, 0, 7, 104]) + bytes(1000)
    for whole in (
        data,
        tag + data,
        data + bytes(3000),
        data + b"TAG" + bytes(125),
        b"".join([*parts[:20], tag, *parts[20:]]),
        data + tag + data,
        b"".join(parts[9:]),
    ):
        assert watched(whole, n_at_once) is None
    junk = np.random.default_rng(3).bytes(sum(map(len, parts[20:30])))
    failure = watched(b"".join([*parts[:20], junk, *parts[30:]]), n_at_once)
    lost_s = float(str(failure).split("damaged: ")[1].split(" s")[0])
    assert lost_s == pytest.approx(10 * 576 / RATE, abs=0.1)
    assert "in the middle of a frame" in str(watched(b"".join(parts[1:])[:-20], n_at_once))
    assert "its header promises" in str(watched(data[: len(data) // 2 + 30], n_at_once))


def test_damaged_mp3_in_a_pipe():
    """The sentence comes once all that could be was heard."""
    pytest.importorskip("av", reason="the optional extra `media` is not installed")
    parts = mpeg_frames(odd.coded("MP3"))
    junk = np.random.default_rng(3).bytes(sum(map(len, parts[20:30])))
    n_heard = 0
    with PcmSource(io.BytesIO(b"".join([*parts[:20], junk, *parts[30:]])), RATE) as source:

        def read_on() -> None:
            nonlocal n_heard
            while not source.exhausted:
                if isinstance(item := source.read(0.01), np.ndarray):
                    n_heard += len(item)

        with pytest.raises(AudioFileError, match=r"Standard input is damaged: 0\.[2-4]\d s of"):
            read_on()
    assert n_heard > (LENGTH_S - 0.6) * RATE
