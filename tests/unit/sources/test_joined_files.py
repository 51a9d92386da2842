"""Whole files one behind the other in one file, as ``cat`` makes them, are all heard."""

from __future__ import annotations

import io
import struct
import time
from pathlib import Path

import numpy as np
import odd_corpus
import odd_recordings as odd
import pytest
from beside_ffmpeg import heard_by_ser_live
from debian_packages import missing_programs
from odd_recordings import LENGTH_S, RATE

from ser_live.sources import FileSource, PcmSource
from ser_live.sources.flow_cutters import cutter_of
from ser_live.sources.joints import joined_parts

MISSING = missing_programs(["ffmpeg"])


def parts_of(folder: Path, data: bytes) -> list[tuple[int, int]]:
    path = folder / "input"
    path.write_bytes(data)
    return [span.pieces[0] for span in joined_parts(path, data[:64])]


@pytest.mark.parametrize("kind", ["AIFF", "AU", "CAF", "W64"])
def test_joined_files_of_libsndfile(kind, tmp_path):
    """Of the second one nothing is lost, also where it has another rate and channel count."""
    first, second = odd.coded(kind), odd.coded(kind, None, 8000, 2)
    path = tmp_path / "a"
    path.write_bytes(first + second + first)
    with FileSource(path, speed=0) as source:
        parts = []
        while not source.exhausted:
            if isinstance(item := source.read(0), np.ndarray):
                parts.append(item)
    assert source.notes == []
    assert len(np.concatenate(parts)) == pytest.approx(3 * LENGTH_S * RATE, abs=2)
    assert parts_of(tmp_path, first) == []


JOINABLE = ("m4a aac", "mp4 fragments", "mov pcm", "webm unsized", "mkv vorbis", "avi pcm",
            "flv aac", "asf wma")  # fmt: skip


@pytest.mark.skipif(bool(MISSING), reason=MISSING or "ffmpeg is there")
@pytest.mark.parametrize("name", JOINABLE)
def test_joined_media_files(name, tmp_path):
    """Both are heard from their beginnings to their ends, whatever their rates are."""
    pytest.importorskip("av", reason="the optional extra `media` is not installed")
    coding = next(it for it in odd_corpus.CODINGS if it.name == name)
    made = [coding.made(*coding.forms[0]), coding.made(*coding.forms[-1])]
    alone = []
    for data in made:
        assert parts_of(tmp_path, data) == []
        alone.append(heard_by_ser_live(tmp_path / "input"))
    assert parts_of(tmp_path, b"".join(made)) == [
        (0, len(made[0])),
        (len(made[0]), sum(map(len, made))),
    ]
    both = heard_by_ser_live(tmp_path / "input")
    assert both.error == ""
    assert both.seconds == pytest.approx(sum(it.seconds for it in alone), abs=0.01)
    assert both.tonal_s > 3.8


def test_a_second_file_that_is_cut_off(tmp_path):
    """What is missing of it is told, and the first one is heard."""
    pytest.importorskip("av", reason="the optional extra `media` is not installed")
    data = odd.media(tmp_path / "x.m4a", "aac").read_bytes()
    (tmp_path / "a.m4a").write_bytes(data + data[: len(data) // 2])
    found = heard_by_ser_live(tmp_path / "a.m4a")
    assert found.seconds > 0.9 * LENGTH_S
    assert "1 of them could not be heard whole" in found.error


def test_boxes_that_lead_nowhere(tmp_path):
    """Sizes that are none end the search, and so does a file that is full of boxes."""
    box = struct.pack(">I4s", 8, b"free")
    for data in (
        b"\0\0\0\x10ftypmp42\0\0\0\0" + b"\0\0\0\0mdat",
        b"\0\0\0\x10ftypmp42\0\0\0\0" + 10_000 * box,
        b"\0\0\0\x10ftypmp42\0\0\0\0" + b"\0\0\0\1mdat" + b"\xff" * 8,
        b"\x1a\x45\xdf\xa3\0\0\0\0" + bytes(100),
        b"\x1a\x45\xdf\xa3" + b"\x01" + b"\xff" * 7 + bytes(100),
        b"caff\0\1\0\0data" + b"\xff" * 8 + bytes(50),
        b"FORM\0\0\0\0AIFF",
        b".snd" + bytes(40),
        b"FLV\x01" + bytes(100),
        b"RIFF\xff\xff\xff\xffAVI LIST",
    ):
        assert parts_of(tmp_path, data) == []


def test_a_pipe_of_joined_files():
    """What is gathered out of a pipe is heard as the file would be."""
    heard = []
    with PcmSource(io.BytesIO(2 * odd.coded("AIFF")), RATE) as source:
        while not source.exhausted:
            if isinstance(item := source.read(0), np.ndarray):
                heard.append(item)
    assert len(np.concatenate(heard)) == 2 * LENGTH_S * RATE


def test_a_joined_file_without_sound(tmp_path):
    """Of two files of which the second one is no more than a head, this is told."""
    (tmp_path / "a.aiff").write_bytes(odd.coded("AIFF") + b"FORM\0\0\0\4AIFF")
    found = heard_by_ser_live(tmp_path / "a.aiff")
    assert found.seconds == LENGTH_S
    assert "2 recordings one behind the other, and 1 of them" in found.error


def cut(kind: str, data: bytes, n_bytes: int) -> list[bytes]:
    """Recordings that a cutter finds in bytes that come in pieces."""
    cutter, held, parts = cutter_of(kind), b"", [b""]
    for place in range(0, len(data), n_bytes):
        held += data[place : place + n_bytes]
        is_last, is_more = place + n_bytes >= len(data), True
        while is_more:
            ready, held, is_end = cutter(held, is_last)
            parts[-1] += ready
            is_more = bool(held) and (is_end or bool(ready))
            if is_end:
                parts.append(b"")
    assert held == b""
    return parts


EBML = b"\x1a\x45\xdf\xa3\x93\x42\x86\x81\x01\x42\x82\x84webm" + odd.junk(300) + b"\x1a\x45\xdf"
FLV = b"FLV\x01\x04\0\0\0\x09\0\0\0\0" + odd.junk(100) + b"FLV\x01"
ASF = b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c" + odd.junk(99) + b"\x30"
MP4 = (
    struct.pack(">I4s", 16, b"ftyp") + b"isom\0\0\0\0" + struct.pack(">I4s", 8, b"moov")
    + struct.pack(">I4sQ", 1, b"mdat", 16 + 50) + odd.junk(50)
)  # fmt: skip
WHOLE = {
    "flac": odd.coded("FLAC", length_s=0.1),
    "webm": EBML,
    "flv": FLV,
    "wma": ASF,
    "m4a": MP4,
    "au": odd.coded("AU", length_s=0.02),
}


@pytest.mark.parametrize("n_bytes", [1, 7, 100, 1 << 20])
@pytest.mark.parametrize("kind", WHOLE)
def test_bytes_of_a_pipe_are_cut_where_the_next_file_begins(kind, n_bytes):
    """However the bytes come, each part is one file, and none of them is lost."""
    assert cut(kind, 3 * WHOLE[kind], n_bytes) == 3 * [WHOLE[kind]]
    for behind in (b"behind", b".", 300 * b"x"):
        assert cut(kind, WHOLE[kind] + behind, n_bytes) == [WHOLE[kind] + behind]


def test_an_au_in_a_pipe_that_says_less_than_it_holds():
    """Sound behind the declared length is heard, as from a file, and nothing waits for ever."""
    pytest.importorskip("av", reason="the optional extra `media` is not installed")
    data = odd.coded("AU")
    for size in (0, 8000, len(data) - 24 - 2):
        said = data[:8] + struct.pack(">I", size) + data[12:]
        n_heard, deadline_s = 0, time.monotonic() + 30
        with PcmSource(io.BytesIO(said), RATE) as source:
            while not source.exhausted:
                item = source.read(0.01)
                n_heard += len(item) if isinstance(item, np.ndarray) else 0
                assert time.monotonic() < deadline_s
        assert n_heard == LENGTH_S * RATE


@pytest.mark.skipif(bool(MISSING), reason=MISSING or "ffmpeg is there")
@pytest.mark.parametrize("name", ["mp4 fragments", "webm unsized", "mkv pcm", "flv aac"])
def test_joined_files_of_a_pipe(name, tmp_path):
    """What flows through a pipe is as long as it is out of a file."""
    pytest.importorskip("av", reason="the optional extra `media` is not installed")
    coding = next(it for it in odd_corpus.CODINGS if it.name == name)
    data = coding.made(*coding.forms[0]) + coding.made(*coding.forms[-1])
    (tmp_path / "a").write_bytes(data)
    n_heard = 0
    with PcmSource(io.BytesIO(data), RATE) as source:
        while not source.exhausted:
            item = source.read(0.01)
            n_heard += len(item) if isinstance(item, np.ndarray) else 0
    alone = heard_by_ser_live(tmp_path / "a")
    assert n_heard / RATE == pytest.approx(alone.seconds, abs=0.01)
    assert list(source.notes) == []


@pytest.mark.parametrize(("kind", "place", "order"), [("WAV", 24, "<"), ("AU", 16, ">")])
def test_a_second_file_of_an_impossible_rate(kind, place, order, tmp_path):
    """One of 1.5 GHz takes neither time nor memory: the first one is heard, and it is told."""
    data = odd.coded(kind)
    lie = data[:place] + struct.pack(order + "I", 1_500_000_000) + data[place + 4 :]
    (tmp_path / "a").write_bytes(data + lie)
    found = heard_by_ser_live(tmp_path / "a")
    assert found.seconds == LENGTH_S
    assert "1 of them could not be heard whole" in found.error


@pytest.mark.parametrize(("kind", "mark"), [("AIFF", b"SSND"), ("CAF", b"data")])
def test_a_header_that_says_less_than_there_is(kind, mark, tmp_path):
    """Sound behind the length that a recorder wrote before it crashed is heard, with a note."""
    data, path = odd.coded(kind), tmp_path / "a"
    at = data.index(mark) + 4
    size = struct.pack(">I" if kind == "AIFF" else ">q", 8008)
    path.write_bytes(data[:at] + size + data[at + len(size) :])
    found = heard_by_ser_live(path)
    assert found.seconds == pytest.approx(LENGTH_S, abs=0.001)
    assert any("declares 8008 bytes of sound, but 1280" in note for note in found.notes)
    name = b"NAME" + struct.pack(">I" if kind == "AIFF" else ">q", 6) + b"a name"
    for behind in (b"", name, b"TAG" + bytes(125), b"\0"):
        path.write_bytes(data + behind)
        found = heard_by_ser_live(path)
        assert (found.seconds, found.notes, found.error) == (LENGTH_S, (), "")


@pytest.mark.skipif(bool(MISSING), reason=MISSING or "ffmpeg is there")
@pytest.mark.parametrize("name", ["adts aac", "ts aac"])
@pytest.mark.parametrize("is_slow_first", [True, False])
def test_joined_streams_of_two_rates_have_no_gaps(name, is_slow_first, tmp_path):
    """Timestamps that are counted on by the length of the first frames place nothing."""
    pytest.importorskip("av", reason="the optional extra `media` is not installed")
    coding = next(it for it in odd_corpus.CODINGS if it.name == name)
    made = [coding.made(*form) for form in ((16_000, 1), (44_100, 2))]
    path = tmp_path / "input"
    path.write_bytes(b"".join(made if is_slow_first else made[::-1]))
    both = heard_by_ser_live(path)
    assert both.error == ""
    assert both.lost_s == 0.0
    assert not any("jump" in note for note in both.notes)
    assert both.tonal_s > 3.9
