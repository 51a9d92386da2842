"""Recordings without a mark at their beginning are known by frames and fields that fit."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import numpy as np
import odd_recordings as odd
import pytest
from beside_ffmpeg import encoded, heard_by_ser_live, sweep, tonal_s
from debian_packages import missing_programs

from ser_live.errors import AudioFileError
from ser_live.sources import FileSource, Lost, PcmSource
from ser_live.sources.beginnings import container_of, is_doubtful

MISSING = missing_programs(["ffmpeg"])
LENGTH_S = 2.0


class Dripping(io.BytesIO):
    """A pipe whose first bytes come a few at a time."""

    def read1(self, size: int | None = -1, /) -> bytes:
        return super().read1(20 if self.tell() < 600 else size)


def piped(data: bytes, rate: int = 16_000) -> np.ndarray:
    """Everything that a pipe of these bytes gives."""
    parts = [np.zeros(0, np.float32)]
    with PcmSource(Dripping(data), rate) as source:
        while not source.exhausted:
            item = source.read(0.01)
            assert not isinstance(item, Lost)
            if item is not None:
                parts.append(item[:, 0])
    return np.concatenate(parts)


def samples_of(path: Path) -> np.ndarray:
    """Everything that a file gives."""
    parts = []
    with FileSource(path, speed=0) as source:
        while not source.exhausted:
            if isinstance(item := source.read(0), np.ndarray):
                parts.append(item[:, 0])
    return np.concatenate(parts)


@pytest.mark.parametrize(
    ("format_", "subtype", "kind"),
    [("HTK", "PCM_16", "htk"), ("MAT4", "PCM_16", "mat"), ("MAT5", "PCM_16", "mat")],
)
def test_libsndfile_reads_it_out_of_a_pipe(format_, subtype, kind, tmp_path):
    """A head that is known by its fields is no sample, and the sound is that of the file."""
    data = odd.coded(format_, subtype)
    assert container_of(data[:64]) == kind
    path = tmp_path / "file"
    path.write_bytes(data)
    assert np.array_equal(piped(data), samples_of(path))


FRAMED = {
    "gsm": (8000, ("-c:a", "libgsm", "-f", "gsm")),
    "sbc": (16_000, ("-c:a", "sbc")),
    "truehd": (48_000, ("-c:a", "truehd", "-strict", "-2", "-f", "truehd")),
    "mlp": (48_000, ("-c:a", "mlp", "-strict", "-2", "-f", "mlp")),
    "adx": (44_100, ("-c:a", "adpcm_adx", "-f", "adx")),
    "spdif": (48_000, ("-c:a", "ac3", "-f", "spdif")),
    "mxf": (48_000, ("-c:a", "pcm_s16le", "-f", "mxf_opatom")),
}


@pytest.mark.skipif(bool(MISSING), reason=MISSING or "ffmpeg is there")
@pytest.mark.parametrize("kind", FRAMED)
def test_frames_without_a_head(kind, tmp_path):
    """Frames that follow each other are decoded, out of a pipe and out of a file."""
    pytest.importorskip("av", reason="the optional extra `media` is not installed")
    rate, options = FRAMED[kind]
    n_channels = 2 if kind in ("truehd", "mlp", "spdif") else 1
    try:
        data = encoded(sweep(rate, LENGTH_S, n_channels), rate, kind, *options)
    except subprocess.CalledProcessError:
        pytest.skip(f"this ffmpeg does not write {kind}")
    assert container_of(data[:4096]) == kind
    assert tonal_s(piped(data)) == pytest.approx(LENGTH_S, abs=0.1)
    path = Path(tmp_path / f"file.{kind}")
    path.write_bytes(data)
    assert heard_by_ser_live(path).tonal_s == pytest.approx(LENGTH_S, abs=0.1)


@pytest.mark.parametrize(
    "first", [b"\xd7", b"\x9c\x31\x20", b"\xad\0\0", b"\x80\0\0\x24\x03\x12\x04"]
)
def test_samples_that_begin_like_a_frame(first):
    """Raw samples whose first bytes alone look like a frame stay samples."""
    noise = np.random.default_rng(4).normal(0, 900, 4000).astype("<i2").tobytes()
    data = first + noise[len(first) :]
    assert container_of(data[:4096]) is None
    assert np.array_equal(piped(data) * 32768, np.frombuffer(data, "<i2"))


def test_a_beginning_that_comes_in_two_pieces():
    """A long mark of which the first half came is waited for."""
    assert is_doubtful(b"Extended Instrument")
    assert is_doubtful(b"nut/multimedia con")
    assert not is_doubtful(bytes(range(1, 60)))


def test_what_cannot_be_decoded_is_refused_by_name():
    """A kind that no decoder knows is named instead of heard as noise."""
    with pytest.raises(AudioFileError, match="begins like silk but cannot be decoded"):
        piped(b"\x02#!SILK_V3" + odd.junk(3000))


def test_dwvw_in_aiff_is_heard_whole(tmp_path):
    """A coding in which libsndfile cannot seek is read from its beginning to its end."""
    path = tmp_path / "x.aiff"
    path.write_bytes(odd.coded("AIFF", "DWVW_16"))
    assert len(samples_of(path)) == round(odd.LENGTH_S * odd.RATE)


@pytest.mark.skipif(bool(MISSING), reason=MISSING or "ffmpeg is there")
def test_wavpack_in_matroska_is_not_called_cut_off(tmp_path):
    """Packets that say no length are no less of what the header promises."""
    pytest.importorskip("av", reason="the optional extra `media` is not installed")
    path = tmp_path / "x.mka"
    path.write_bytes(encoded(sweep(16_000, LENGTH_S), 16_000, "mka", "-c:a", "wavpack"))
    heard = heard_by_ser_live(path)
    assert heard.error == ""
    assert heard.tonal_s == pytest.approx(LENGTH_S, abs=0.05)
