"""Kinds of odd files that fuzzing beside ffmpeg found: heard whole, or a sentence tells."""

from __future__ import annotations

import io
import struct
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import soundfile
from beside_ffmpeg import Hearing, heard_by_ser_live, sweep
from container_parts import (
    chunks,
    flac_head_bytes,
    flac_parts,
    mpeg_frames,
    pages,
    summed_frame,
    summed_page,
)
from places import CORPUS

from ser_live.sources import FileSource, flac_frames
from ser_live.sources.file_window import FileWindow

CONTAINERS = CORPUS / "containers"
LENGTH_S = 0.8
FRAME_S = 0.04
"""A frame of MP3 of 16 kHz, and a little."""


def heard(tmp_path: Path, data: bytes) -> Hearing:
    path = tmp_path / "input"
    path.write_bytes(data)
    return heard_by_ser_live(path)


def samples_of(path: Path) -> np.ndarray:
    with FileSource(path, speed=0) as source:
        blocks = []
        while not source.exhausted:
            block = source.read(0)
            if isinstance(block, np.ndarray):
                blocks.append(block)
    return np.concatenate(blocks)


@pytest.mark.parametrize("name", ["varying_of_libsndfile", "steady_16k", "steady_44k_stereo"])
def test_mp3_of_a_low_bit_rate_is_heard_as_one_piece(name):
    """Frames that begin many frames before are decoded as in a read of the whole file."""
    path = CONTAINERS / "mp3" / name
    whole, _ = soundfile.read(path, dtype="float32", always_2d=True)
    assert np.abs(samples_of(path) - whole).max() < 1e-6


def test_frames_in_a_tag_that_says_too_much(tmp_path):
    """A tag whose size is wrong ends where the next frames begin."""
    parts = mpeg_frames((CONTAINERS / "mp3" / "steady_16k").read_bytes())
    tag = b"ID3\x03\0\0" + bytes([0, 0, 5, 70]) + bytes(200)  # says 710
    found = heard(tmp_path, b"".join([*parts[:12], tag, *parts[12:]]))
    assert found.error == ""
    assert abs(found.seconds - LENGTH_S) < FRAME_S


def test_tag_that_says_more_than_the_file(tmp_path):
    """A tag that would reach beyond the end hides no frames."""
    parts = mpeg_frames((CONTAINERS / "mp3" / "steady_16k").read_bytes())
    tag = b"ID3\x03\0\0" + bytes([0, 9, 0, 0])
    found = heard(tmp_path, b"".join([*parts[:12], tag, *parts[12:]]))
    assert abs(found.seconds - LENGTH_S) < FRAME_S


def test_more_junk_than_sound_in_an_mp3(tmp_path):
    """Behind junk that is longer than all sound the frames are heard, and the loss is told."""
    parts = mpeg_frames((CONTAINERS / "mp3" / "steady_16k").read_bytes())
    junk = np.random.default_rng(4).bytes(5000)
    found = heard(tmp_path, b"".join([*parts[:12], junk, *parts[12:]]))
    assert found.seconds > LENGTH_S - 2 * FRAME_S
    assert "could not be heard" in found.error


def test_flac_that_holds_more_than_its_head_says(tmp_path):
    """Frames beyond the length in the head, and frames twice, are heard."""
    data = (CONTAINERS / "flac" / "16k").read_bytes()
    head, *frames = flac_parts(data)
    less = head[:21] + bytes([head[21] & 0xF0]) + struct.pack(">I", 4000) + head[26:]
    found = heard(tmp_path, less + b"".join(frames))
    assert found.error == ""
    assert abs(found.seconds - LENGTH_S) < 0.001
    twice = heard(tmp_path, b"".join([head, *frames, *frames]))
    assert abs(twice.tonal_s - 2 * LENGTH_S) < 0.05


def test_flac_whose_head_is_right_is_decoded_as_it_is(tmp_path):
    """The look through the frames changes nothing where they are as the head says."""
    path = CONTAINERS / "flac" / "44k_of_libsndfile"
    whole, _ = soundfile.read(path, dtype="float32", always_2d=True)
    assert np.array_equal(samples_of(path), whole)


def test_flac_with_frames_of_another(tmp_path):
    """Frames longer than the head allows are told."""
    head, *frames = flac_parts((CONTAINERS / "flac" / "16k").read_bytes())
    _, *others = flac_parts((CONTAINERS / "flac" / "24bit").read_bytes())
    found = heard(tmp_path, b"".join([head, *frames[:3], *others[3:]]))
    assert found.error


@pytest.mark.parametrize("name", ["vorbis_16k", "opus"])
def test_ogg_whose_places_go_back(tmp_path, name):
    """Pages behind the last place in time are heard or told, not dropped."""
    parts = pages((CONTAINERS / "ogg" / name).read_bytes())
    numbered = [
        summed_page(page[:18] + struct.pack("<I", n) + page[22:])
        for n, page in enumerate([*parts, *parts[-4:]])
    ]
    found = heard(tmp_path, b"".join(numbered))
    assert "damaged or missing pages" in found.error
    assert heard(tmp_path, b"".join(parts)).error == ""


def test_au_that_says_less_than_it_holds(tmp_path):
    """All that lies behind the header of an au is sound, and a note tells of it."""
    file = io.BytesIO()
    soundfile.write(file, sweep(16_000, LENGTH_S), 16_000, format="AU", subtype="PCM_16")
    data = file.getvalue()
    wrong = tmp_path / "wrong.au"
    wrong.write_bytes(data[:8] + struct.pack(">I", 5000) + data[12:])
    right = tmp_path / "right.au"
    right.write_bytes(data)
    assert np.array_equal(samples_of(wrong), samples_of(right))
    (note,) = heard_by_ser_live(wrong).notes
    assert "declares 5000 bytes of sound, but 25600 lie behind it" in note
    assert heard_by_ser_live(right).notes == ()


def test_wav_of_several_data_chunks(tmp_path):
    """Sound in a second data chunk follows that in the first one."""
    data = (CONTAINERS / "wav" / "pcm_16").read_bytes()
    head, form, sound = chunks(data)
    second = b"data" + struct.pack("<I", 4000) + sound[8 + 2000 : 8 + 6000]
    path = tmp_path / "two.wav"
    path.write_bytes(head + form + sound + second)
    found = samples_of(path)[:, 0]
    one = samples_of(CONTAINERS / "wav" / "pcm_16")[:, 0]
    assert np.array_equal(found, np.concatenate([one, one[1000:3000]]))


@pytest.mark.parametrize("before", [bytes(1000), np.random.default_rng(5).bytes(1500)])
def test_mp3_that_begins_late(tmp_path, before):
    """Behind zeros or junk an mp3 is looked through as at the beginning of a file."""
    found = heard(tmp_path, before + (CONTAINERS / "mp3" / "varying_of_libsndfile").read_bytes())
    assert found.error == ""
    assert found.tonal_s > LENGTH_S - FRAME_S


def test_chained_ogg_that_libsndfile_does_not_know(tmp_path):
    """Two FLAC recordings in Ogg, of other formats, are heard one behind the other."""
    pytest.importorskip("av", reason="the optional extra `media` is not installed")
    one = (CONTAINERS / "ogg" / "flac").read_bytes()
    parts = pages(one)
    other = (CONTAINERS / "ogg" / "speex").read_bytes()
    found = heard(tmp_path, one + other + b"".join(parts))
    assert found.error == ""
    assert abs(found.tonal_s - 3 * LENGTH_S) < 0.1


def test_flac_in_which_sound_looks_like_a_frame(tmp_path):
    """Bytes within a frame that begin one by chance, as long recordings have, are none."""
    head, *frames = flac_parts((CONTAINERS / "flac" / "16k").read_bytes())
    n_head = flac_head_bytes(frames[3][:16])
    chance = frames[9][: flac_head_bytes(frames[9][:16])]
    assert frames[3] == summed_frame(frames[3], head_bytes=n_head)
    spoilt = frames[3][:100] + chance + frames[3][100 + len(chance) :]
    frames[3] = summed_frame(spoilt, head_bytes=n_head)
    path = tmp_path / "chance.flac"
    path.write_bytes(b"".join([head, *frames]))
    with closing(FileWindow(path)) as data:
        contents = flac_frames.look_through(data, 0, len(data))
    assert contents.is_as_told
    assert len(contents.runs) == 1


def test_flac_number_of_impossible_length():
    """A first byte that no number of a frame begins with is no frame, and no error."""
    assert flac_frames._read(b"\xff\xf8\x77\x1e" + b"\xff" * 12) is None


def test_flac_that_ends_in_its_head(tmp_path):
    """A flac cut within its first block is refused with a sentence."""
    assert heard(tmp_path, (CONTAINERS / "flac" / "16k").read_bytes()[:18]).error


def test_joined_flac_one_of_which_holds_more_than_its_head_says(tmp_path):
    """Each of several recordings in a file is heard to its own end."""
    whole = (CONTAINERS / "flac" / "16k").read_bytes()
    half = int.from_bytes(whole[21:26], "big") & (1 << 36) - 1
    head = whole[:21] + bytes([whole[21] & 0xF0]) + (half // 2).to_bytes(4, "big") + whole[26:]
    both = heard(tmp_path, head + whole)
    assert both.seconds == pytest.approx(2 * half / 16_000, abs=0.01)


def test_mp3_of_a_counting_frame_alone(tmp_path):
    """A first frame that counts others, behind junk and with none of them there, is told."""
    first = (
        b"\xff\xf3\x88\xc4" + bytes(9) + b"Xing" + bytes([0, 0, 0, 3, 0, 0, 0, 25, 0, 0, 9, 144])
    )
    frame = first.ljust(576 // 8 * 64_000 // 16_000, b"\0")
    assert heard(tmp_path, b"junk" * 50 + frame).error


def test_frame_whose_head_claims_those_behind_it(tmp_path):
    """Frames within one that says too great a length are heard, and the one that lied is told."""
    parts = mpeg_frames((CONTAINERS / "mp3" / "steady_16k").read_bytes())
    k = len(parts) // 2
    rates = {part[2] for part in parts[k:-1]}
    # 24 kbit/s become 96: the four frames behind it lie within what it claims.
    assert len(rates) == 1
    assert parts[k][2] >> 4 == 3
    lying = parts[k][:2] + bytes([0xA0 | parts[k][2] & 15]) + parts[k][3:]
    its = heard(tmp_path, b"".join([*parts[:k], lying, *parts[k + 1 :]]))
    assert "is damaged" in its.error
    assert its.seconds + its.lost_s == pytest.approx(LENGTH_S, abs=2 * FRAME_S)


def test_two_forms_before_the_samples_of_a_wav(tmp_path):
    """Of two forms that contradict each other the last is believed, and both are told."""
    parts = chunks((CONTAINERS / "wav" / "pcm_16").read_bytes())
    k = next(i for i, part in enumerate(parts) if part[:4] == b"fmt ")
    slow = parts[k][:12] + struct.pack("<I", 32) + parts[k][16:]
    its = heard(tmp_path, b"".join([*parts[:k], slow, *parts[k:]]))
    assert its.seconds == pytest.approx(LENGTH_S, abs=0.01)
    assert any(
        "16 bits at 32 Hz, and then 1 channel of 16 bits at 8000 Hz" in note for note in its.notes
    )
    twice = heard(tmp_path, b"".join([*parts[:k], parts[k], *parts[k:]]))
    assert twice.notes == ()
    assert twice.seconds == its.seconds


@pytest.mark.parametrize("n_bytes", [0, 4096])
def test_attributes_that_a_mac_put_beside_a_recording(n_bytes, tmp_path, monkeypatch):
    """MP3 without a tag is heard by libsndfile although a file of that name with ._ is there."""
    monkeypatch.setitem(sys.modules, "av", None)
    data = (CONTAINERS / "mp3" / "bare_44k").read_bytes()
    alone = heard(tmp_path, data)
    (tmp_path / "._input").write_bytes(
        b"\0\5\x16\7\0\2\0\0Mac OS X        "[:n_bytes].ljust(n_bytes)
    )
    its = heard(tmp_path, data)
    assert (its.error, its.seconds) == ("", alone.seconds)
