"""Containers whose heads, numbers or times lie: all is heard, or a sentence says what was not."""

from __future__ import annotations

import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from beside_ffmpeg import Hearing, heard_by_ser_live
from container_parts import (
    boxes,
    chunks,
    flac_head_bytes,
    flac_parts,
    mpeg_frames,
    pages,
    summed_frame,
    summed_page,
)
from places import CORPUS

from ser_live.errors import AudioFileError
from ser_live.sources import FileSource, Lost, ogg_times

CONTAINERS = CORPUS / "containers"
LENGTH_S = 0.8
MP3_FRAME_S = 0.036


def heard(tmp_path: Path, data: bytes) -> Hearing:
    path = tmp_path / "input"
    path.write_bytes(data)
    return heard_by_ser_live(path)


def seed(kind: str, name: str) -> bytes:
    return (CONTAINERS / kind / name).read_bytes()


def items_of(path: Path) -> list[np.ndarray | Lost]:
    items = []
    with FileSource(path, speed=0) as source:
        while not source.exhausted:
            try:
                item = source.read(0)
            except AudioFileError:  # told once all was given
                break
            if isinstance(item, np.ndarray | Lost):
                items.append(item)
    return items


# -- flac


def of_rate(head: bytes, rate: int, n_channels: int) -> bytes:
    """A head of FLAC that says another form."""
    packed = int.from_bytes(head[18:26], "big") & (1 << 41) - 1
    packed |= rate << 44 | (n_channels - 1) << 41
    return head[:18] + packed.to_bytes(8, "big") + head[26:]


@pytest.mark.parametrize("name", ["16k", "24bit", "unknown"])
def test_flac_whose_head_says_another_form(tmp_path, name):
    """All frames together are believed rather than the head, and a note says so."""
    head, *frames = flac_parts(seed("flac", name))
    found = heard(tmp_path, b"".join([of_rate(head, 32_385, 8), *frames]))
    assert found.seconds == pytest.approx(LENGTH_S, abs=0.001)
    assert found.tonal_s > LENGTH_S - 0.02
    assert "says 32385 Hz, channels: 8" in found.notes[0]
    assert "say 16000 Hz, channels: 1" in found.notes[0]
    assert found.error == ""


def test_flac_with_frames_in_another_order(tmp_path):
    """Frames that were swapped are heard where they stand, without silence for their numbers."""
    head, *frames = flac_parts(seed("flac", "16k"))
    frames[3], frames[9] = frames[9], frames[3]
    found = heard(tmp_path, b"".join([head, *frames]))
    assert found.error == ""
    assert found.lost_s == 0.0
    assert found.tonal_s > LENGTH_S - 0.1  # at four places the tone jumps


def test_flac_whose_blocks_never_end(tmp_path):
    """Frames are not taken for a block before them because no block says that it is the last."""
    head, *frames = flac_parts(seed("flac", "16k"))
    frames[3], frames[9] = frames[9], frames[3]
    head = head[:4] + bytes([head[4] & 0x7F]) + head[5:42]
    found = heard(tmp_path, b"".join([head, bytes([0x33, 0, 0, 0, 0]), *frames]))
    assert found.error == ""
    assert found.seconds == pytest.approx(LENGTH_S, abs=0.001)


def test_flac_with_a_wrong_number(tmp_path):
    """One frame that claims another place is no gap."""
    head, *frames = flac_parts(seed("flac", "unknown"))
    frame = bytearray(frames[5])
    frame[4] = 90
    frames[5] = summed_frame(bytes(frame), head_bytes=flac_head_bytes(frames[5][:16]))
    found = heard(tmp_path, b"".join([head, *frames]))
    assert found.error == ""
    assert found.seconds == pytest.approx(LENGTH_S, abs=0.001)
    assert found.tonal_s > LENGTH_S - 0.02


@pytest.mark.parametrize("name", ["16k", "unknown"])
def test_flac_with_missing_frames(tmp_path, name):
    """Frames that are missing are a gap of their length at their place, not silence, and told."""
    head, *frames = flac_parts(seed("flac", name))
    path = tmp_path / "input"
    path.write_bytes(b"".join([head, *frames[:4], *frames[7:]]))
    found = heard_by_ser_live(path)
    assert found.lost_s == pytest.approx(3 * 800 / 16_000)
    assert found.seconds == pytest.approx(LENGTH_S - found.lost_s, abs=0.001)
    assert "0.15 s of 0.80 s could not be heard" in found.error
    items = items_of(path)
    (place,) = (k for k, item in enumerate(items) if isinstance(item, Lost))
    assert sum(len(item) for item in items[:place]) == 4 * 800


def test_flac_cut_before_frames_that_are_missing(tmp_path):
    """What is missing within a recording and behind it is told together."""
    head, *frames = flac_parts(seed("flac", "16k"))
    found = heard(tmp_path, b"".join([head, *frames[:4], *frames[7:10]]))
    assert "0.45 s of 0.80 s could not be heard" in found.error


def test_flac_behind_which_frames_of_another_form_stand(tmp_path):
    """Frames without a head of their own are heard in the form that they say."""
    mono, stereo = seed("flac", "16k"), seed("flac", "8k_stereo")
    found = heard(tmp_path, mono + b"".join(flac_parts(stereo)[1:]))
    assert found.error == ""
    assert found.seconds == pytest.approx(2 * LENGTH_S, abs=0.001)
    assert found.tonal_s > 2 * LENGTH_S - 0.04


def test_flac_behind_a_tag_that_holds_more_than_told(tmp_path):
    """A tag before the head hides nothing of what is looked at without one."""
    head, *frames = flac_parts(seed("flac", "8k_stereo"))
    tag = b"ID3\x03\0\0" + bytes([0, 0, 7, 104]) + bytes(1000)
    found = heard(tmp_path, tag + b"".join([head, *frames, *frames[:10]]))
    assert found.error == ""
    assert found.seconds == pytest.approx(LENGTH_S + 10 * 256 / 8000, abs=0.001)


def test_flac_in_mp4_whose_packets_hold_several_frames(tmp_path):
    """Frames behind a damaged one in the same packet are counted as lost, in seconds."""
    pytest.importorskip("av", reason="the optional extra `media` is not installed")
    data = seed("mp4", "flac")
    place, size, _ = next(box for box in boxes(data) if box[2] == b"stsz")
    sizes = list(struct.unpack(f">{(size - 20) // 4}I", data[place + 20 : place + size]))
    sizes[2] = sum(sizes[2:])  # all the rest, and three bytes of the fifth are wrong
    at = data.index(b"mdat") + 4 + sum(sizes[:2]) + 3000
    spoilt = bytearray(data)
    spoilt[place + 20 : place + size] = struct.pack(f">{len(sizes)}I", *sizes)
    spoilt[at : at + 3] = b"abc"
    found = heard(tmp_path, bytes(spoilt))
    told_s = float(found.error.split("damaged: ")[1].split(" s")[0])
    # The packets behind it that have lost their place count as a frame.
    assert told_s == pytest.approx(LENGTH_S - found.seconds, abs=0.08)
    assert told_s > 0.3


# -- ogg


def timed(page: bytes, granule: int) -> bytes:
    return summed_page(page[:6] + (granule % 2**64).to_bytes(8, "little") + page[14:])


@pytest.mark.parametrize("granule", [-1, -(2**63)])
def test_ogg_page_without_a_time(tmp_path, granule):
    """A page in which packets end has to say when; decoders stop where it does not."""
    pytest.importorskip("av", reason="the optional extra `media` is not installed")
    parts = pages(seed("ogg", "opus"))
    parts[4] = timed(parts[4], granule)
    found = heard(tmp_path, b"".join(parts))
    assert "1 place with damaged or missing pages" in found.error
    assert found.seconds + found.lost_s == pytest.approx(LENGTH_S, abs=0.02)


def test_ogg_whose_head_claims_a_rate_that_no_sound_has(tmp_path):
    """A quarter of a second at that rate would be a gigabyte; the file is small, and so is this."""
    first, *rest = pages(seed("ogg", "vorbis_of_libsndfile"))
    place = first.index(b"vorbis") + len(b"vorbis") + 5
    first = summed_page(first[:place] + struct.pack("<I", 1_510_927_688) + first[place + 4 :])
    tracemalloc.start()
    try:
        heard(tmp_path, seed("ogg", "vorbis_of_libsndfile") + b"".join([first, *rest]))
        assert tracemalloc.get_traced_memory()[1] < 100e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("name", "granule"), [("vorbis_of_libsndfile", 13_640), ("opus", 34_800)])
def test_ogg_whose_last_time_is_too_early(tmp_path, name, granule):
    """Sound that stands before the end in the file but behind it in time is heard, and told."""
    pytest.importorskip("av", reason="the optional extra `media` is not installed")
    *parts, last = pages(seed("ogg", name))
    found = heard(tmp_path, b"".join([*parts, timed(last, granule)]))
    if name == "opus":  # 0.08 s before the end, and its last page has 0.02 s
        parts[-1] = timed(parts[-1], granule - 100)
        found = heard(tmp_path, b"".join([*parts, timed(last, granule)]))
    assert "damaged or missing pages" in found.error


def test_ogg_without_an_end_whose_times_begin_before_it(tmp_path):
    """libsndfile stops early and fills what was asked for with zeros; the sound goes on there."""
    pytest.importorskip("av", reason="the optional extra `media` is not installed")
    *parts, last = pages(seed("ogg", "vorbis_of_libsndfile"))
    last = summed_page(last[:5] + bytes([last[5] & ~4]) + last[6:])
    found = heard(tmp_path, b"".join([*parts, timed(last, 13_640)]))
    assert found.error == ""
    assert found.tonal_s == pytest.approx(LENGTH_S, abs=0.03)


@pytest.mark.parametrize("path", sorted((CONTAINERS / "ogg").iterdir()), ids=lambda path: path.name)
def test_ogg_times_of_whole_files_fit(path):
    """The samples counted in the packets are those that the pages tell, up to the last one."""
    times = ogg_times.PageTimes()
    *parts, last = pages(path.read_bytes())
    for page in parts:
        granule = int.from_bytes(page[6:14], "little", signed=True)
        assert times.fits(page, granule)
        if path.name.startswith(("vorbis", "opus")):
            assert times._n_samples == granule
    assert times.fits(last, int.from_bytes(last[6:14], "little", signed=True))


# -- mp3


def test_mp3_cut_out_of_a_longer_one(tmp_path):
    """First frames whose bits were in those before are silent for that long, which is told."""
    parts = mpeg_frames(seed("mp3", "varying_of_libsndfile"))
    found = heard(tmp_path, b"".join(parts[-18:]))
    assert found.error == ""
    assert found.seconds == pytest.approx(18 * MP3_FRAME_S, abs=MP3_FRAME_S)
    (note,) = found.notes
    told_s = float(note.split("its first ")[1].split(" s")[0])
    assert told_s == pytest.approx(found.seconds - found.tonal_s, abs=0.06)
    assert told_s > 0.1


def test_mp3_joined_to_one_that_was_cut_out(tmp_path):
    """Frames without their bits within a file are damage, and said in seconds."""
    whole = seed("mp3", "steady_44k_stereo")
    cut = b"".join(mpeg_frames(seed("mp3", "varying_of_libsndfile"))[-18:])
    found = heard(tmp_path, whole + cut)
    assert "could not be heard" in found.error
    assert heard(tmp_path, whole + seed("mp3", "steady_16k")).error == ""


def test_mp3_with_a_tag_that_ends_in_the_middle_of_sound(tmp_path):
    """Behind a tag whose size is wrong sound goes on where it begins, be there a zero or not."""
    parts = mpeg_frames(seed("mp3", "steady_16k"))
    rest = b"".join(parts[12:])
    zeros = [at for at in range(300, 800) if rest[at] == 0 and rest[at + 1] != 0]
    for n_more in zeros[:3]:
        size = 200 + n_more
        tag = b"ID3\x03\0\0" + bytes([0, 0, size >> 7, size & 127]) + bytes(200)
        found = heard(tmp_path, b"".join([*parts[:12], tag, rest]))
        assert found.seconds == pytest.approx(LENGTH_S, abs=0.05)
    assert zeros


def test_mp3_with_a_tag_that_takes_whole_frames_for_its_own(tmp_path):
    """A tag whose size reaches to the beginning of a later frame holds no sound all the same."""
    parts = mpeg_frames(seed("mp3", "steady_16k"))
    size = 30 + sum(map(len, parts[12:18]))
    tag = b"ID3\x03\0\0" + bytes([0, 0, size >> 7, size & 127]) + bytes(30)
    found = heard(tmp_path, b"".join([*parts[:12], tag, *parts[12:]]))
    assert found.seconds == pytest.approx(LENGTH_S, abs=0.05)


def test_mp3_with_a_frame_missing_inside(tmp_path):
    """Frames that begin in bytes of one that is missing are told, though all heads are there."""
    parts = mpeg_frames(seed("mp3", "varying_of_libsndfile"))
    found = heard(tmp_path, b"".join([*parts[:2], *parts[3:]]))
    told_s = float(found.error.split("damaged: ")[1].split(" s")[0])
    assert 0.3 < told_s < 0.7  # all until 255 bytes of sound have come: 36 bytes hold 23 of it


def test_mp3_in_which_fewer_frames_are_than_counted(tmp_path):
    """Frames and bytes that are fewer than a head counts are told where both say so."""
    parts = mpeg_frames(seed("mp3", "varying_of_libsndfile"))
    assert "its header promises" in heard(tmp_path, b"".join(parts[:-3])).error
    whole = bytearray(seed("mp3", "varying_of_libsndfile"))
    at = whole.index(b"Xing") + 8
    whole[at : at + 4] = struct.pack(">I", 32)  # it has 25, and as many bytes as it says
    found = heard(tmp_path, bytes(whole))
    assert found.error == ""
    assert found.tonal_s > LENGTH_S - 0.05


def test_mp3_cut_off_whose_head_counts_too_much_to_be_true(tmp_path):
    """A count that nobody believes does not excuse an end within a frame."""
    data = bytearray(seed("mp3", "varying_of_libsndfile"))
    at = data.index(b"Xing") + 8
    data[at : at + 4] = struct.pack(">I", 2**31 - 1)
    assert "in the middle of a frame" in heard(tmp_path, bytes(data[:1418])).error
    assert heard(tmp_path, bytes(data)).error == ""


def test_joined_mp3_whose_head_counts_are_refused(tmp_path):
    """What mpg123 takes for a frame of sound does not cut the first of two recordings short."""
    first = bytearray(seed("mp3", "varying_of_libsndfile"))
    first[6] = 2  # a head that counts has zeros there
    found = heard(tmp_path, bytes(first) + seed("mp3", "bare_44k"))
    assert found.error == ""
    assert found.tonal_s > 2 * LENGTH_S - 0.1


# -- wav


def formed(data: bytes, place: int, *numbers: int) -> bytes:
    """A wav with other numbers of 16 bits in its form."""
    at = data.index(b"fmt ") + 8 + place
    new = struct.pack(f"<{len(numbers)}H", *numbers)
    return data[:at] + new + data[at + len(new) :]


@pytest.mark.parametrize("bits", [2, 7, 8, 17, 32])
def test_wav_whose_depth_is_another_than_all_else_says(tmp_path, bits):
    """The depth that sizes and valid bits agree on is heard, sample for sample."""
    right = seed("wav", "stereo")
    wrong = formed(right, 14, bits)
    found = heard(tmp_path, wrong)
    assert found.seconds == pytest.approx(LENGTH_S)
    assert found.tonal_s > LENGTH_S - 0.02
    (note,) = found.notes
    assert f"2 channels of {bits} bits" in note
    assert "all else says 16 bits" in note
    (tmp_path / "right").write_bytes(right)
    for one, other in zip(items_of(tmp_path / "input"), items_of(tmp_path / "right"), strict=True):
        assert np.array_equal(one, other)


def test_wav_whose_channels_contradict_its_blocks(tmp_path):
    """Where nothing says which number is wrong, the usual ones are believed and a note tells."""
    found = heard(tmp_path, formed(seed("wav", "pcm_16"), 2, 2))
    (note,) = found.notes
    assert "contradicts itself: it says 2 channels of 16 bits" in note
    assert "it was heard as 2 channels of 16 bits" in note
    assert heard(tmp_path, seed("wav", "pcm_16")).notes == ()


@pytest.mark.parametrize("name", ["pcm_16", "pcm_24", "gsm"])
def test_wav_with_a_short_chunk_before_its_sound(tmp_path, name):
    """A first chunk of sound that is hardly one hides nothing of the second, nor shifts it."""
    head, *parts = chunks(seed("wav", name))
    first = b"data" + struct.pack("<I", 31) + np.random.default_rng(2).bytes(31) + b"\0"
    at = next(k for k, part in enumerate(parts) if part[:4] == b"data")
    found = heard(tmp_path, b"".join([head, *parts[:at], first, *parts[at:]]))
    assert found.tonal_s > LENGTH_S - 0.06


def test_wav_with_another_chunk_between_its_sound(tmp_path):
    """Known chunks between two of sound are passed over, and both are heard."""
    head, form, sound = chunks(seed("wav", "pcm_16"))
    tag = b"LIST" + struct.pack("<I", 12) + b"INFO" + bytes(8)
    second = b"data" + struct.pack("<I", 4000) + sound[8 : 8 + 4000]
    found = heard(tmp_path, head + form + sound + tag + second)
    assert found.seconds == pytest.approx(LENGTH_S + 0.25)
    assert heard(tmp_path, head + form + sound + tag).notes == ()


def test_wav_that_tells_its_form_again_between_its_sound(tmp_path):
    """An empty chunk, sound, the same form once more, sound: all of it is heard."""
    head, form, sound = chunks(seed("wav", "pcm_16"))
    empty = b"data" + struct.pack("<I", 0)
    second = b"data" + struct.pack("<I", 4000) + sound[8 : 8 + 3000]  # and cut
    found = heard(tmp_path, head + form + empty + sound + form + second)
    assert found.seconds == pytest.approx(LENGTH_S + 3000 / 16_000)


def test_wav_of_blocks_that_are_longer_than_its_samples(tmp_path):
    """Samples behind the last whole block are heard where the size of a block is a lie."""
    data = formed(seed("wav", "pcm_16"), 12, 8000)
    at = data.index(b"data") + 4
    found = heard(tmp_path, data[:at] + struct.pack("<I", 6400) + data[at + 4 :])
    assert found.seconds == pytest.approx(LENGTH_S)


def test_mp3_in_wav_of_unknown_length(tmp_path):
    """A codec that has no blocks is heard to the last byte."""
    pytest.importorskip("av", reason="the optional extra `media` is not installed")
    data = seed("wav", "mp3")
    at = data.index(b"data") + 4
    found = heard(tmp_path, data[:at] + bytes(4) + data[at + 4 :])
    whole = heard(tmp_path, data)
    assert found.seconds == pytest.approx(whole.seconds, abs=0.001)
