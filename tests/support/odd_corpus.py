"""Several hundred odd files: one table of container, codec, rate, channel layout and damage.

Needs ffmpeg. Each is a few seconds of a tone that rises. `files` makes them one by one.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import soundfile
from beside_ffmpeg import (
    SILENT_LOSS_S,
    Hearing,
    encoded,
    heard_by_ffmpeg,
    heard_by_ser_live,
    silently_lost_s,
    sweep,
)
from container_parts import chunks, mpeg_frames, numbered_pages, pages, summed_page

LENGTH_S = 2.0


@dataclass(frozen=True)
class Coding:
    """One container with one codec in it."""

    name: str
    suffix: str
    options: tuple[str, ...]
    """Of ffmpeg, or ``sf`` with format and subtype for libsndfile."""
    forms: tuple[tuple[int, int], ...]
    """Sample rates in hertz with channel counts; the first one is what gets damaged."""

    def made(self, rate: int, n_channels: int, length_s: float = LENGTH_S) -> bytes:
        """The file, whole."""
        return _made(self.suffix, self.options, rate, n_channels, length_s)


@cache
def _made(
    suffix: str, options: tuple[str, ...], rate: int, n_channels: int, length_s: float
) -> bytes:
    samples = sweep(rate, length_s, n_channels)
    if n_channels == 3:  # two channels of which one is silent
        samples = samples[:, :2] * np.array([0.0, 1.0], np.float32)
    if options[0] != "sf":
        return encoded(samples, rate, suffix, *options)
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=options[1], subtype=options[2])
    return file.getvalue()


@dataclass(frozen=True)
class OddFile:
    """One file of the corpus."""

    kind: str
    """Container and codec."""
    name: str
    suffix: str
    data: bytes
    most_s: float
    """Length of all sound that was put into it, in seconds: more is made up by a decoder."""
    is_whole: bool
    """Whether nothing of it is missing or damaged, so that no decoder may call it so."""


_NOT_TONES = ("wav g723",)
"""Codings that make something else of a tone: their length is compared."""

MONO = ((16_000, 1), (8000, 1))
USUAL = ((16_000, 1), (8000, 1), (44_100, 2), (48_000, 3), (96_000, 1), (48_000, 6))
FEW = ((16_000, 1), (44_100, 2), (48_000, 3))
FIXED = ((48_000, 1), (48_000, 2))

CODINGS = (
    Coding("wav pcm16", "wav", ("sf", "WAV", "PCM_16"), USUAL),
    Coding("wav pcm8", "wav", ("sf", "WAV", "PCM_U8"), FEW),
    Coding("wav pcm24", "wav", ("sf", "WAV", "PCM_24"), FEW),
    Coding("wav pcm32", "wav", ("sf", "WAV", "PCM_32"), FEW),
    Coding("wav float", "wav", ("sf", "WAV", "FLOAT"), FEW),
    Coding("wav extensible", "wav", ("sf", "WAVEX", "PCM_16"), USUAL),
    Coding("wav alaw", "wav", ("sf", "WAV", "ALAW"), FEW),
    Coding("wav mulaw", "wav", ("sf", "WAV", "ULAW"), FEW),
    Coding("wav ima adpcm", "wav", ("sf", "WAV", "IMA_ADPCM"), FEW),
    Coding("wav ms adpcm", "wav", ("sf", "WAV", "MS_ADPCM"), FEW),
    Coding("wav gsm", "wav", ("sf", "WAV", "GSM610"), ((8000, 1),)),
    Coding("wav g722", "wav", ("-c:a", "g722"), ((16_000, 1),)),
    Coding("wav g726", "wav", ("-c:a", "g726"), ((8000, 1),)),
    Coding("wav g723", "wav", ("-c:a", "g723_1", "-b:a", "6300"), ((8000, 1),)),
    Coding("wav mp3", "wav", ("-c:a", "libmp3lame", "-b:a", "64k"), FEW),
    Coding("rf64 pcm16", "wav", ("sf", "RF64", "PCM_16"), FEW),
    Coding("w64 pcm16", "w64", ("sf", "W64", "PCM_16"), FEW),
    Coding("aiff pcm16", "aiff", ("sf", "AIFF", "PCM_16"), FEW),
    Coding("aifc ima", "aifc", ("-c:a", "adpcm_ima_qt", "-f", "aiff"), FEW),
    Coding("au pcm16", "au", ("sf", "AU", "PCM_16"), FEW),
    Coding("au mulaw", "au", ("sf", "AU", "ULAW"), FEW),
    Coding("caf pcm16", "caf", ("sf", "CAF", "PCM_16"), FEW),
    Coding("caf alac", "caf", ("sf", "CAF", "ALAC_16"), FEW),
    Coding("flac", "flac", ("sf", "FLAC", "PCM_16"), USUAL),
    Coding("flac 24", "flac", ("-c:a", "flac", "-sample_fmt", "s32"), FEW),
    Coding("ogg vorbis", "ogg", ("-c:a", "libvorbis", "-page_duration", "200000"), USUAL),
    Coding("ogg vorbis sf", "ogg", ("sf", "OGG", "VORBIS"), FEW),
    Coding("ogg opus", "opus", ("-c:a", "libopus", "-page_duration", "200000"), FIXED),
    Coding("ogg flac", "oga", ("-c:a", "flac", "-f", "ogg", "-page_duration", "200000"), FEW),
    Coding("ogg speex", "spx", ("-c:a", "libspeex", "-page_duration", "200000"), MONO),
    Coding("mp3 cbr", "mp3", ("-c:a", "libmp3lame", "-b:a", "64k"), FEW),
    Coding("mp3 low", "mp3", ("-c:a", "libmp3lame", "-b:a", "16k"), MONO),
    Coding("mp3 vbr", "mp3", ("-c:a", "libmp3lame", "-q:a", "5"), FEW),
    Coding(
        "mp3 uncounted", "mp3",
        ("-c:a", "libmp3lame", "-b:a", "64k", "-write_xing", "0", "-id3v2_version", "0"), FEW,
    ),
    Coding("mp2", "mp2", ("-c:a", "mp2", "-b:a", "64k"), ((16_000, 1), (48_000, 3))),
    Coding("m4a aac", "m4a", ("-c:a", "aac", "-b:a", "48k"), USUAL[:5]),
    Coding("m4a alac", "m4a", ("-c:a", "alac"), FEW),
    Coding("mp4 faststart", "mp4", ("-c:a", "aac", "-movflags", "+faststart"), FEW),
    Coding(
        "mp4 fragments", "mp4",
        ("-c:a", "aac", "-movflags", "frag_keyframe+empty_moov", "-frag_duration", "500000"), FEW,
    ),
    Coding("mp4 opus", "mp4", ("-c:a", "libopus"), FIXED),
    Coding("mov pcm", "mov", ("-c:a", "pcm_s16le"), FEW),
    Coding("adts aac", "aac", ("-c:a", "aac", "-b:a", "48k"), FEW),
    Coding("webm opus", "webm", ("-c:a", "libopus"), FIXED),
    Coding("webm unsized", "webm", ("-c:a", "libopus", "-live", "1"), FIXED),
    Coding("mkv vorbis", "mkv", ("-c:a", "libvorbis"), FEW),
    Coding("mkv flac", "mkv", ("-c:a", "flac"), FEW),
    Coding("mkv aac late", "mkv", ("-c:a", "aac", "-output_ts_offset", "3"), FEW),
    Coding("mkv pcm", "mkv", ("-c:a", "pcm_s16le"), FEW),
    Coding("ts aac", "ts", ("-c:a", "aac"), FEW),
    Coding("ts mp2", "ts", ("-c:a", "mp2"), ((48_000, 1),)),
    Coding("avi pcm", "avi", ("-c:a", "pcm_s16le"), FEW),
    Coding("avi mp3", "avi", ("-c:a", "libmp3lame"), FEW),
    Coding("flv aac", "flv", ("-c:a", "aac"), FEW),
    Coding("asf wma", "wma", ("-c:a", "wmav2"), FEW),
    Coding("ac3", "ac3", ("-c:a", "ac3"), ((48_000, 1), (48_000, 6))),
    Coding("eac3", "eac3", ("-c:a", "eac3"), ((48_000, 1),)),
    Coding("tta", "tta", ("-c:a", "tta"), FEW),
    Coding("wv", "wv", ("-c:a", "wavpack"), FEW),
)  # fmt: skip


# -- damage, the same for all

Spoil = Callable[[bytes], bytes]


def _middle(data: bytes, share: float = 0.5) -> int:
    return round(len(data) * share)


def _junk(n_bytes: int) -> bytes:
    return np.random.default_rng(5).bytes(n_bytes)


def _overwritten(data: bytes, with_: bytes, share: float = 0.5) -> bytes:
    at = _middle(data, share)
    return data[:at] + with_ + data[at + len(with_) :]


DAMAGES: dict[str, Spoil] = {
    "cut": lambda data: data[: _middle(data, 0.6) + 7],
    "cut near its end": lambda data: data[: _middle(data, 0.95)],
    "overwritten": lambda data: _overwritten(data, _junk(len(data) // 12)),
    "zeros within": lambda data: _overwritten(data, bytes(len(data) // 12)),
    "bytes missing": lambda data: data[: _middle(data)] + data[_middle(data) + len(data) // 15 :],
    "junk within": lambda data: data[: _middle(data)] + _junk(2500) + data[_middle(data) :],
}


# -- oddities of one kind of container; those of `WHOLE` are no damage


def _sized(data: bytes, n_bytes: int) -> bytes:
    at = data.index(b"data") + 4
    return data[:at] + struct.pack("<I", n_bytes) + data[at + 4 :]


def _with_chunk(data: bytes, at: int) -> bytes:
    parts = chunks(data)
    parts.insert(
        at, b"LIST" + struct.pack("<I", 26) + b"INFOISFT" + struct.pack("<I", 14) + bytes(14)
    )
    return b"".join(parts)


def _granules(data: bytes, change: Callable[[int, int], int]) -> bytes:
    """Ogg pages whose places in time are others, with the right checksums."""
    made = []
    for number, page in enumerate(pages(data)):
        granule = int.from_bytes(page[6:14], "little", signed=True)
        if granule > 0:
            granule = change(number, granule) % 2**64
            page = page[:6] + granule.to_bytes(8, "little") + page[14:]
        made.append(summed_page(page))
    return b"".join(made)


def _without_page(data: bytes, *, numbered: bool) -> bytes:
    parts = pages(data)
    del parts[len(parts) // 2]
    return b"".join(map(summed_page, numbered_pages(parts) if numbered else parts))


def _counting(data: bytes, factor: float) -> bytes:
    at = max(data.find(b"Xing"), data.find(b"Info")) + 8
    n_frames = round(int.from_bytes(data[at : at + 4], "big") * factor)
    return data[:at] + struct.pack(">I", n_frames) + data[at + 4 :]


def _without_frame(data: bytes) -> bytes:
    parts = mpeg_frames(data)
    del parts[len(parts) // 2 : len(parts) // 2 + 4]
    return b"".join(parts)


def _id3(n_bytes: int) -> bytes:
    return b"ID3\x03\0\0" + bytes([0, 0, n_bytes >> 7, n_bytes & 127]) + bytes(n_bytes)


def _unknown_flac(data: bytes) -> bytes:
    return data[:21] + bytes([data[21] & 0xF0]) + bytes(20) + data[42:]


def _reversed_bytes(data: bytes) -> bytes:
    """A RIFX of the WAV of 16 bits."""
    parts = chunks(data)
    form = struct.unpack("<HHIIHH", parts[1][8:24])
    sound = np.frombuffer(parts[2][8:], "<i2").astype(">i2").tobytes()
    return (
        b"RIFX" + struct.pack(">I", len(sound) + 36) + b"WAVEfmt " + struct.pack(">I", 16)
        + struct.pack(">HHIIHH", *form) + b"data" + struct.pack(">I", len(sound)) + sound
    )  # fmt: skip


WHOLE: dict[str, dict[str, Spoil]] = {
    "wav ": {
        "size 0": lambda data: _sized(data, 0),
        "size unknown": lambda data: _sized(data, 2**32 - 1),
        "size of a quarter": lambda data: _sized(data, len(data) // 4),
        "a list before": lambda data: _with_chunk(data, 1),
        "a list behind": lambda data: _with_chunk(data, 99),
    },
    "wav pcm16": {"bytes reversed": _reversed_bytes},
    "rf64": {
        "sizes 0": lambda data: data[:20] + bytes(24) + data[44:],
        "sizes unknown": lambda data: data[:20] + b"\xff" * 24 + data[44:],
    },
    "au": {
        "size unknown": lambda data: data[:8] + b"\xff" * 4 + data[12:],
        "size of a quarter": lambda data: data[:8] + struct.pack(">I", len(data) // 4) + data[12:],
    },
    "flac": {
        "unknown length": _unknown_flac,
        "joined": lambda data: 2 * data,
        "joined, unknown length": lambda data: 2 * _unknown_flac(data),
        "behind a tag": lambda data: _id3(300) + data,
    },
    "ogg": {
        "chained": lambda data: 2 * data,
        "zeros behind": lambda data: data + bytes(5000),
        "without an end": lambda data: b"".join(
            summed_page(page[:5] + bytes([page[5] & 3]) + page[6:]) for page in pages(data)
        ),
    },
    "mp3": {
        "joined": lambda data: 2 * data,
        "zeros behind": lambda data: data + bytes(5000),
        "tag before": lambda data: _id3(3000) + data,
        "tags behind": lambda data: data + b"APETAGEX" + struct.pack("<IIII", 2000, 32, 0, 0)
        + bytes(8) + b"TAG" + bytes(125),
        "tag between": lambda data: data + _id3(2000) + data,
        "zeros before": lambda data: bytes(1000) + data,
    },
    "mp3 cbr": {
        "counting a quarter": lambda data: _counting(data, 0.25),
        "counting nothing": lambda data: _counting(data, 0.0),
    },
    "mp3 vbr": {"counting a quarter": lambda data: _counting(data, 0.25)},
    "adts": {"joined": lambda data: 2 * data},
    "webm": {"joined": lambda data: 2 * data},
}  # fmt: skip
"""By the beginning of a coding's name."""

LYING: dict[str, dict[str, Spoil]] = {
    "wav ": {
        "size of twice": lambda data: _sized(data, 2 * len(data)),
        "joined": lambda data: 2 * data,
    },
    "ogg": {
        "a page missing": lambda data: _without_page(data, numbered=False),
        "a page missing, numbered": lambda data: _without_page(data, numbered=True),
        "places 0": lambda data: _granules(data, lambda _, __: 0),
        "places jump": lambda data: _granules(data, lambda n, at: at + 48_000 * (n > 6)),
        "places go back": lambda data: _granules(data, lambda n, at: at - 16_000 * (n > 6)),
        "a wrong sum": lambda data: _overwritten(data, b"\x55", 0.55),
    },
    "mp3": {
        "frames missing": _without_frame,
        "junk behind": lambda data: data + _junk(5000),
        "junk before": lambda data: _junk(1500) + data,
    },
    "mp3 cbr": {"counting four times": lambda data: _counting(data, 4.0)},
    "m4a": {"joined": lambda data: 2 * data},
}

JOINED = {
    # By the name of a coding: what is joined to it, in rates and channels.
    "ogg vorbis": (44_100, 2), "ogg opus": (48_000, 2), "ogg flac": (44_100, 2),
    "ogg speex": (8000, 1), "flac": (44_100, 2), "mp3 cbr": (44_100, 2), "mp3 vbr": (48_000, 3),
    "mp3 uncounted": (44_100, 2),
}  # fmt: skip
"""Whole recordings with another behind them."""


def files(only: Callable[[Coding], bool] = lambda _: True) -> Iterator[OddFile]:
    """Every file of the table."""
    for coding in CODINGS:
        if not only(coding):
            continue
        base = coding.made(*coding.forms[0])
        for rate, n_channels in coding.forms:
            layout = {1: "mono", 2: "stereo", 3: "one live", 6: "5.1"}[n_channels]
            yield _odd(coding, f"{rate} {layout}", coding.made(rate, n_channels), is_whole=True)
        for what, spoil in DAMAGES.items():
            yield _odd(coding, what, spoil(base), is_whole=False)
        for table, is_whole in ((WHOLE, True), (LYING, False)):
            for start, spoils in table.items():
                if coding.name.startswith(start):
                    for what, spoil in spoils.items():
                        yield _odd(coding, what, spoil(base), is_whole=is_whole)
        if coding.name in JOINED:
            other = coding.made(*JOINED[coding.name])
            yield _odd(coding, "joined to another kind", base + other, is_whole=True)


def _odd(coding: Coding, what: str, data: bytes, *, is_whole: bool) -> OddFile:
    most_s = LENGTH_S * (1 + any(word in what for word in ("joined", "chained", "between")))
    return OddFile(coding.name, f"{coding.name}, {what}", coding.suffix, data, most_s, is_whole)


@dataclass(frozen=True)
class Trial:
    """What came of one file."""

    file: OddFile
    ours: Hearing
    theirs: Hearing
    escape: str = ""
    """What was raised that is none of the project's errors."""

    @property
    def lost_s(self) -> float:
        """Length of the sound that ffmpeg hears, and that is lost without a word."""
        of_tone = self.file.kind not in _NOT_TONES
        most_s = self.file.most_s
        theirs = replace(
            self.theirs,
            seconds=min(self.theirs.seconds, most_s),
            tonal_s=min(self.theirs.tonal_s, most_s),
        )
        return 0.0 if self.escape else silently_lost_s(self.ours, theirs, of_tone=of_tone)

    @property
    def is_silent_loss(self) -> bool:
        """Whether that is too much."""
        return self.lost_s > SILENT_LOSS_S

    @property
    def is_false_alarm(self) -> bool:
        """Whether a whole file was called damaged."""
        return self.file.is_whole and bool(self.ours.error)

    def __str__(self) -> str:
        return (
            f"{self.file.name}: {self.ours.seconds:.2f} s heard and {self.ours.lost_s:.2f} s told "
            f"as gaps, by ffmpeg {self.theirs.seconds:.2f} s; of a tone {self.ours.tonal_s:.2f} s "
            f"and {self.theirs.tonal_s:.2f} s; {self.ours.error or self.ours.notes} {self.escape}"
        )


def tried(file: OddFile, folder: Path) -> Trial:
    """Hear one file both ways."""
    path = folder / f"odd.{file.suffix}"
    path.write_bytes(file.data)
    theirs = heard_by_ffmpeg(path)
    try:
        return Trial(file, heard_by_ser_live(path), theirs)
    except Exception as error:  # noqa: BLE001  whatever it is, it is what is looked for
        return Trial(file, Hearing(0.0, 0.0), theirs, f"{type(error).__name__}: {error}")
