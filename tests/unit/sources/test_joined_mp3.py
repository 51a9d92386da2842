"""Recordings of MP3 one behind the other, and heads that decoders do not know, heard whole."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from beside_ffmpeg import Hearing, heard_by_ser_live
from container_parts import mpeg_frames
from places import CORPUS

from ser_live.sources.decoding import open_recording
from ser_live.sources.ring_buffer import Lost

BARE_16K, BARE_22K, BARE_44K = "varying_uncounted", "uncounted", "bare_44k"
N_SAMPLES = {BARE_16K: 576, BARE_22K: 576, BARE_44K: 1152}


def seed(name: str) -> bytes:
    return (CORPUS / "containers" / "mp3" / name).read_bytes()


def samples(path: Path, data: bytes) -> np.ndarray:
    path.write_bytes(data)
    decoder = open_recording(path)
    items = list(decoder.chunks())
    decoder.close()
    assert decoder.notes == []
    assert not any(isinstance(item, Lost) for item in items)
    return np.concatenate([item for item in items if not isinstance(item, Lost)])


def heard(path: Path, data: bytes) -> Hearing:
    path.write_bytes(data)
    return heard_by_ser_live(path)


@pytest.mark.parametrize("name", N_SAMPLES)
def test_no_sample_of_a_joined_part_is_lost(name, tmp_path):
    """Each part has as many samples as its frames, also the 529 that are a decoder's delay."""
    n = len(mpeg_frames(seed(name))) * N_SAMPLES[name]
    joined = samples(tmp_path / "a.mp3", seed(name) + bytes(300) + seed(name))
    assert len(joined) == 2 * n
    parts = seed(BARE_16K) + seed(BARE_44K) + seed(BARE_16K)
    n_first = len(mpeg_frames(seed(BARE_16K))) * 576
    n_second = len(mpeg_frames(seed(BARE_44K))) * 1152
    whole = samples(tmp_path / "b.mp3", parts)
    assert len(whole) == pytest.approx(2 * n_first + n_second * 16_000 / 44_100, abs=2)
    alone = samples(tmp_path / "c.mp3", seed(BARE_16K) + bytes(5000))
    assert np.abs(whole[:n_first] - alone[:n_first]).max() < 1e-4


def test_two_frames_before_another_recording(tmp_path):
    """Two frames of the kind that came before are sound, whatever stands around them."""
    first = mpeg_frames(seed("steady_16k"))[2:10]
    data = b"".join(first[:6]) + bytes(3000) + b"".join(first[6:]) + b"\xff\xf3" + seed(BARE_44K)
    both = heard(tmp_path / "a.mp3", data).seconds
    without = heard(tmp_path / "b.mp3", b"".join(first[:6]) + seed(BARE_44K)).seconds
    assert both - without == pytest.approx(2 * 0.036, abs=1e-3)


def test_one_frame_among_junk_is_told(tmp_path):
    """Foreign bytes longer than two frames are spoken of, however low the bit rate is."""
    data = b"".join(mpeg_frames(seed("steady_16k"))[2:10])
    found = heard(tmp_path / "a.mp3", data + 230 * b"\x11" + seed(BARE_44K))
    assert any("230 of" in note and "passed over" in note for note in found.notes)


def vbri(data: bytes) -> bytes:
    """Frames behind a head as Fraunhofer's coder writes it, of another length than they."""
    frames = mpeg_frames(data)
    begin = int.from_bytes(data[:4], "big") & ~0xF000 | 8 << 12
    head = begin.to_bytes(4, "big").ljust(len(frames[0]) * 2, b"\0")
    size = 208  # 64 kbit/s at 22,050 Hz
    head = head[:36] + struct.pack(
        ">4sHHHIIHHHH", b"VBRI", 1, 0, 75, len(data) + size, len(frames), 0, 1, 2, len(frames)
    )
    return head.ljust(size, b"\0") + data


def test_head_of_fraunhofer(tmp_path):
    """What stands behind a VBRI head is heard whole, though libmpg123 guesses its length."""
    n = len(mpeg_frames(seed(BARE_22K))) * 576
    assert len(samples(tmp_path / "a.mp3", vbri(seed(BARE_22K)))) == n


def test_head_without_a_delay(tmp_path):
    """A head that counts the frames and knows of no delay takes no sample of a joined part."""
    frames = mpeg_frames(seed(BARE_22K))
    begin = int.from_bytes(frames[0][:4], "big") & ~0xF000 | 8 << 12
    counts = b"Xing" + struct.pack(">III", 3, len(frames), len(seed(BARE_22K)) + 208)
    head = (begin.to_bytes(4, "big") + bytes(9) + counts).ljust(208, b"\0")
    part = head + seed(BARE_22K)
    assert len(samples(tmp_path / "a.mp3", part + part)) == 2 * len(frames) * 576


@pytest.mark.parametrize(("place", "lie"), [(0, b"\x9a\x11"), (21, b"\xff\xff\xff")])
def test_a_damaged_tag_of_a_coder_takes_no_sound_away(place, lie, tmp_path):
    """A delay is not believed of a tag without a coder, nor one longer than coders make."""
    data = seed("varying_of_libsndfile")
    at = data.index(b"LAME") + place
    whole = samples(tmp_path / "a.mp3", data[:at] + lie + data[at + len(lie) :])
    n_frames = len(mpeg_frames(seed(BARE_16K)))  # the same sound without a head
    assert len(whole) == n_frames * 576
