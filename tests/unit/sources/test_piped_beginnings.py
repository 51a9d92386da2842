"""What a pipe carries is told by its first bytes, whatever stands before the sound."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import odd_corpus
import odd_recordings as odd
import pytest
from container_parts import mpeg_frames
from debian_packages import missing_programs
from odd_recordings import LENGTH_S, RATE

from ser_live.errors import AudioFileError
from ser_live.sources import Lost, PcmSource
from ser_live.sources.beginnings import container_of

MISSING = missing_programs(["ffmpeg"])

pytest.importorskip("av", reason="the optional extra `media` is not installed")


def piped(data: bytes) -> tuple[np.ndarray, int, PcmSource]:
    """Samples and the length of the gaps that a pipe of these bytes gives."""
    parts, n_lost = [np.zeros((0, 1), np.float32)], 0
    with PcmSource(io.BytesIO(data), RATE) as source:
        while not source.exhausted:
            item = source.read(0.01)
            if isinstance(item, Lost):
                n_lost += item.n_samples
            elif isinstance(item, np.ndarray):
                parts.append(item)
    return np.concatenate(parts)[:, 0], n_lost, source


def tagged(data: bytes, n_bytes: int = 30_000) -> bytes:
    size = bytes([n_bytes >> 14 & 127, n_bytes >> 7 & 127, n_bytes & 127])
    return b"ID3\x03\0\0\0" + size + odd.junk(n_bytes) + data


@pytest.mark.parametrize("kind", ["FLAC", "WAV", "MP3", "AIFF", "aac"])
def test_a_tag_stands_before_recordings_of_any_kind(kind, tmp_path):
    """What stands behind a long tag is heard as without it."""
    media = kind == "aac"
    data = odd.media(tmp_path / "x.aac", "aac").read_bytes() if media else odd.coded(kind)
    assert np.array_equal(piped(tagged(data))[0], piped(data)[0])
    assert np.array_equal(piped(tagged(tagged(data, 20), 0))[0], piped(data)[0])


@pytest.mark.parametrize("kind", ["FLAC", "WAV", "MP3", "OGG", "aac"])
@pytest.mark.parametrize("n_too_many", [5000, 200_000])
@pytest.mark.parametrize("content", [odd.junk(3000), bytes(3000)], ids=["full", "filled up"])
def test_a_tag_that_claims_sound(kind, n_too_many, content, tmp_path):
    """Sound that a tag claims for its own by a wrong size is heard."""
    media = kind == "aac"
    data = odd.media(tmp_path / "x.aac", "aac").read_bytes() if media else odd.coded(kind)
    n_bytes = len(content) + n_too_many
    size = bytes([n_bytes >> 14 & 127, n_bytes >> 7 & 127, n_bytes & 127])
    heard, _, _ = piped(b"ID3\x03\0\0\0" + size + content + data)
    assert len(heard) == len(piped(data)[0])


def test_sound_in_a_tag_of_the_right_size_is_a_part_of_it():
    """A tag that holds a whole recording, as a sample of it, is passed over."""
    inside = odd.coded("MP3")
    size = bytes([len(inside) >> 14 & 127, len(inside) >> 7 & 127, len(inside) & 127])
    data = b"ID3\x03\0\0\0" + size + inside + odd.coded("FLAC")
    assert np.array_equal(piped(data)[0], piped(odd.coded("FLAC"))[0])


def test_a_tag_alone():
    """A pipe that ends within a tag, or behind it, holds no sound, and a sentence says so."""
    for data in (tagged(b""), tagged(b"")[:2000]):
        with pytest.raises(AudioFileError, match="within or behind a tag, before any sound"):
            piped(data)


@pytest.mark.parametrize("before", [bytes(9000), odd.junk(1500)], ids=["zeros", "junk"])
def test_frames_of_mp3_behind_something_else(before):
    """Zeros and junk in front of MP3 are no samples, and what is behind them is not, either."""
    frames = b"".join(mpeg_frames(odd.coded("MP3"))[2:])
    heard, _, _ = piped(before + frames)
    assert len(heard) == pytest.approx(LENGTH_S * RATE, abs=0.12 * RATE)
    assert np.abs(heard).mean() < 0.5 * np.abs(np.frombuffer(frames, "<i2") / 32768).mean()


def test_silence_is_samples():
    """A pipe of zeros, and one of samples that begin with them, is heard as it is."""
    samples = np.concatenate([np.zeros(3000, "<i2"), (odd.sound()[:, 0] * 9000).astype("<i2")])
    assert np.array_equal(piped(samples.tobytes())[0] * 32768, samples)
    assert np.array_equal(piped(bytes(100))[0], np.zeros(50))


@pytest.mark.parametrize("level", [1.0, 60.0, 9000.0])
def test_noise_is_samples(level):
    """Samples of any level are no frames of a recording, though their bytes may look like some."""
    for seed in range(3):
        noise = np.random.default_rng(seed).standard_normal(8000) * level
        samples = noise.round().clip(-32768, 32767).astype("<i2")
        assert np.array_equal(piped(samples.tobytes())[0] * 32768, samples)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"<!DOCTYPE html><html><head><title>404</title></head></html>", r"text \(<!DOCTYPE html>"),
        (b"404: Not Found\n", r"text \(404: Not Found"),
        ("Größe nicht verfügbar\n".encode(), r"text \(Größe nicht"),
        (b"\x1f\x8b\x08" + bytes(range(200)), "gzip"),
        (b"PK\x03\x04" + bytes(range(200)), "zip"),
        (b"%PDF-1.7\n" + bytes(range(200)), "PDF"),
        (b"MThd\0\0\0\6" + bytes(range(200)), "MIDI"),
        (b"\xf0\x7e\0\1" + bytes(range(200)), "a MIDI sample dump"),
    ],
)
def test_what_is_no_sound_is_refused(data, kind):
    """A page of a server, an archive or a document that was piped is not heard as noise."""
    with pytest.raises(AudioFileError, match=f"carries {kind}.* raw 16-bit PCM is needed"):
        piped(data)


CODINGS = {
    coding.name: coding
    for coding in odd_corpus.CODINGS
    if coding.name in ("ac3", "eac3", "tta", "wv", "mkv aac late", "avi pcm", "caf pcm16")
}


@pytest.mark.skipif(bool(MISSING), reason=MISSING or "ffmpeg is there")
@pytest.mark.parametrize("name", CODINGS)
def test_containers_that_only_ffmpeg_writes(name):
    """They are recognized, heard whole and placed right."""
    data = CODINGS[name].made(*CODINGS[name].forms[0])
    heard, n_lost, _ = piped(data)
    assert len(heard) / RATE == pytest.approx(odd_corpus.LENGTH_S, abs=0.12)
    late_s = 3.0 if "late" in name else 0.0
    assert n_lost / RATE == pytest.approx(late_s, abs=0.1)


JOINED: dict[str, Callable[[Path], bytes]] = {
    "ogg": lambda _: odd.coded("OGG"),
    "mp3": lambda _: odd.coded("MP3"),
}


@pytest.mark.parametrize("kind", JOINED)
def test_joined_recordings_are_not_called_damaged(kind, tmp_path):
    """Titles of one coder, of the same serial number too, are whole and each as long as alone."""
    data = JOINED[kind](tmp_path)
    alone = piped(data)[0]
    assert len(piped(3 * data)[0]) == 3 * len(alone)


def test_raw_samples_do_not_wait():
    """Samples that are no silence are given before 4096 bytes of them came."""

    class Slow(io.RawIOBase):
        """A pipe that gives 640 bytes and then nothing."""

        n_given = 0

        def read1(self, _size: int) -> bytes | None:
            self.n_given += 1
            return odd.junk(640) if self.n_given == 1 else None

    with PcmSource(Slow(), RATE) as source:  # type: ignore[arg-type]
        assert len(source.read(0)) == 320  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"#!AMR\n" + bytes(20), "amr"),
        (b"\0\0\1\xba" + bytes(20), "mpeg"),
        (b"\x7f\xfe\x80\x01" + bytes(20), "dts"),
        (3 * (b"\x56\xe0\x05" + bytes(5)), "latm"),
        (4 * (b"\0\1\2\3\x47" + bytes(187)), "ts"),
        (b"MAC \x96\x0f" + bytes(20), "ape"),
        (b"\x56\xe0\x05" + bytes(50), None),
        (b"\x0b\x77" + bytes(100), None),
        (b"\x64\xa3\1\0" + bytes(20), "ircam"),
        (b"\1\0" + 3 * (b"\xff\xff\x10\0" + bytes(28)), None),  # as frames of layer 1
    ],
)
def test_names_of_containers(head, kind):
    """Marks at the beginning name a container, alone or where they come again in their place."""
    assert container_of(head) == kind
