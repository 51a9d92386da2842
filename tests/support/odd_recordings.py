"""Recordings that hold more, or other, than their headers say: whole ones, and damaged ones.

Every builder takes a path without suffix, makes one file beside it and gives its path.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from hostile_audio import tone
from numpy.typing import NDArray

RATE = 16_000
LENGTH_S = 4.0

Builder = Callable[[Path], Path]


def sound(rate: int = RATE, n_channels: int = 1, length_s: float = LENGTH_S) -> NDArray[np.float32]:
    """A tone under noise, so that coders of any kind have something to do."""
    noise = np.random.default_rng(7).standard_normal((round(rate * length_s), n_channels))
    fading = np.linspace(0.01, 0.2, len(noise))[:, np.newaxis]
    return (0.3 * tone(rate, length_s, n_channels) + fading * noise).astype(np.float32)


def coded(
    format_: str,
    subtype: str | None = None,
    rate: int = RATE,
    n_channels: int = 1,
    length_s: float = LENGTH_S,
) -> bytes:
    """A file of libsndfile as bytes."""
    file = io.BytesIO()
    soundfile.write(file, sound(rate, n_channels, length_s), rate, format=format_, subtype=subtype)
    return file.getvalue()


def written(suffix: str, make: Callable[[], bytes]) -> Builder:
    """Make a builder of a file of these bytes."""

    def build(path: Path) -> Path:
        path = path.with_suffix(suffix)
        path.write_bytes(make())
        return path

    return build


# -- wav


def wav_declaring(n_bytes: int | None, subtype: str, behind: bytes = b"") -> bytes:
    """A wav whose data chunk says `n_bytes`; ``None`` for the truth."""
    data = bytearray(coded("WAV", subtype))
    place = data.index(b"data") + 4
    if n_bytes is not None:
        data[place : place + 4] = struct.pack("<I", n_bytes)
    return bytes(data) + behind


def rf64_declaring(size: bytes) -> bytes:
    """An RF64 whose sizes of 64 bits were never put in."""
    data = bytearray(coded("RF64", "PCM_16"))
    place = data.index(b"ds64") + 8
    data[place : place + 24] = 3 * size
    return bytes(data)


LIST = b"LIST" + struct.pack("<I", 12) + b"INFOISFT" + bytes(4)


# -- flac


def flac_of_unknown_length() -> bytes:
    data = bytearray(coded("FLAC"))
    data[21] &= 0xF0
    data[22:42] = bytes(20)
    return bytes(data)


def flac_segment() -> bytes:
    """The second half of one of unknown length: its first frame is not number 0."""
    data = flac_of_unknown_length()
    # Frames of libsndfile have one length; the head repeats but for the number.
    begin = data.index(b"\xff\xf8")
    head = data[begin : begin + 4]
    places = [place for place in range(begin, len(data)) if data[place : place + 4] == head]
    return data[:begin] + data[places[len(places) // 2] :]


# -- mp3


def mp3_frames(rate: int = RATE, n_channels: int = 1) -> tuple[bytes, bytes]:
    """The frame that counts the others, and those, of an mp3 whose bit rate varies."""
    data = coded("MP3", None, rate, n_channels)
    heads = [
        place
        for place in range(1, len(data) - 4)
        if data[place : place + 2] == data[:2] and data[place + 3] & 0xC0 == data[3] & 0xC0
    ]
    return data[: heads[0]], data[heads[0] :]


def mp3_counting(n_frames: int) -> bytes:
    first, frames = mp3_frames()
    place = max(first.find(b"Xing"), first.find(b"Info"))
    return first[: place + 8] + struct.pack(">I", n_frames) + first[place + 12 :] + frames


def id3(n_bytes: int) -> bytes:
    return b"ID3\x03\0\0" + bytes([0, 0, n_bytes >> 7, n_bytes & 127]) + bytes(n_bytes)


def junk(n_bytes: int) -> bytes:
    return np.random.default_rng(3).bytes(n_bytes)


def overwritten(data: bytes, with_: bytes) -> bytes:
    place = len(data) // 2
    return data[:place] + with_ + data[place + len(with_) :]


def _joined_mp3_of_two_rates() -> bytes:
    return coded("MP3") + coded("MP3", None, 44_100, 2)


def _opus() -> bytes:
    return coded("OGG", "OPUS", 48_000)


WHOLE: dict[str, tuple[Builder, float]] = {
    **{
        f"wav {subtype} {size}": (
            written(".wav", lambda n=n, subtype=subtype: wav_declaring(n, subtype)),
            LENGTH_S,
        )
        for subtype in ("PCM_16", "PCM_24", "PCM_U8", "FLOAT", "ULAW", "IMA_ADPCM", "MS_ADPCM")
        for size, n in (("true", None), ("0", 0), ("unknown", 2**32 - 1), ("stale", 8192))
    },
    "wav stale, then a list": (
        written(".wav", lambda: wav_declaring(None, "PCM_16", LIST)),
        LENGTH_S,
    ),
    "rf64 of zeros": (written(".wav", lambda: rf64_declaring(bytes(8))), LENGTH_S),
    "rf64 unknown": (written(".wav", lambda: rf64_declaring(b"\xff" * 8)), LENGTH_S),
    "flac unknown": (written(".flac", flac_of_unknown_length), LENGTH_S),
    "flac joined": (written(".flac", lambda: 2 * coded("FLAC")), 2 * LENGTH_S),
    "mp3": (written(".mp3", lambda: coded("MP3")), LENGTH_S),
    "mp3 joined": (written(".mp3", lambda: 3 * coded("MP3")), 3 * LENGTH_S),
    "mp3 joined, two rates": (written(".mp3", _joined_mp3_of_two_rates), 2 * LENGTH_S),
    "mp3 counting 20": (written(".mp3", lambda: mp3_counting(20)), LENGTH_S),
    "mp3 uncounted": (written(".mp3", lambda: mp3_frames()[1]), LENGTH_S),
    "mp3 zeros behind": (written(".mp3", lambda: mp3_frames()[1] + bytes(3000)), LENGTH_S),
    "mp3 junk behind": (written(".mp3", lambda: mp3_frames()[1] + junk(5000)), LENGTH_S),
    "mp3 tag between": (
        written(".mp3", lambda: coded("MP3") + id3(5000) + coded("MP3")),
        2 * LENGTH_S,
    ),
    "ogg chained": (written(".ogg", lambda: 2 * coded("OGG")), 2 * LENGTH_S),
    "ogg chained, two rates": (
        written(".ogg", lambda: coded("OGG") + coded("OGG", None, 44_100, 2)),
        2 * LENGTH_S,
    ),
    "opus chained": (written(".opus", lambda: 2 * _opus()), 2 * LENGTH_S),
    "aiff": (written(".aiff", lambda: coded("AIFF")), LENGTH_S),
    "au": (written(".au", lambda: coded("AU")), LENGTH_S),
    "caf": (written(".caf", lambda: coded("CAF")), LENGTH_S),
    "w64": (written(".w64", lambda: coded("W64")), LENGTH_S),
}
"""Whole recordings: builder, and seconds of sound in them."""


DAMAGED: dict[str, tuple[Builder, float]] = {
    f"{kind} {damage}": (written(suffix, lambda m=make, s=spoil: s(m())), LENGTH_S)
    for kind, suffix, make in (
        ("wav", ".wav", lambda: coded("WAV")),
        ("flac", ".flac", lambda: coded("FLAC")),
        ("mp3", ".mp3", lambda: coded("MP3")),
        ("mp3 uncounted", ".mp3", lambda: mp3_frames()[1]),
        ("ogg", ".ogg", lambda: coded("OGG")),
        ("opus", ".opus", _opus),
    )
    for damage, spoil in (
        ("cut", lambda data: data[: len(data) * 6 // 10 + 7]),
        ("overwritten", lambda data: overwritten(data, junk(3000))),
        ("shortened", lambda data: data[: len(data) // 2] + data[len(data) // 2 + 3001 :]),
    )
    # What no header counts cannot be missed, and samples of wav have no mark of their own.
    if (kind, damage) not in (("mp3 uncounted", "shortened"), ("wav", "overwritten"))
}
"""Recordings of which some is missing: builder, and seconds that were in them."""


# -- media, which need PyAV


def media(
    path: Path,
    codec: str,
    rate: int = RATE,
    *,
    late_s: float = 0.0,
    jump: tuple[float, float] | None = None,
    skipped: tuple[float, float] | None = None,
    picture_s: float = 0.0,
    n_tracks: int = 1,
    default: int | str | None = None,
    sounds: Sequence[NDArray[np.float32]] = (),
    codec_options: dict[str, Any] | None = None,
    container_options: dict[str, str] | None = None,
) -> Path:
    """A media file whose sound begins late, jumps, or lacks packets.

    Parameters
    ----------
    jump : tuple of two numbers
        All from the first on is later by the second, in seconds.
    skipped : tuple of two numbers
        Packets between these seconds are left out.
    default : int, "all" or None
        Track that is marked as the default.
    sounds : sequence of ndarray
        Sound of each track; without it a tone, softer from track to track.
    """
    import av

    with av.open(str(path), "w", options=container_options) as container:
        packets = []
        if picture_s:
            picture = container.add_stream("mpeg4", rate=10)
            picture.width, picture.height, picture.pix_fmt = 64, 64, "yuv420p"
            black = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
            for _ in range(round(10 * picture_s)):
                packets += picture.encode(black)
            packets += picture.encode(None)
        for track in range(1, n_tracks + 1):
            stream = container.add_stream(codec, rate=rate, layout="mono", options=codec_options)
            if default is not None:
                stream.disposition = 1 if default in (track, "all") else 0
            samples = sounds[track - 1] if sounds else sound(rate) / track
            packets += _coded_by(av, stream, samples, rate)
        for packet in packets:
            if packet.stream.type == "audio":
                _move(packet, late_s, jump)
        # Sorted as players expect it.
        for packet in sorted(packets, key=lambda p: float(p.dts * p.time_base)):
            at_s = float(packet.pts * packet.time_base)
            is_sound = packet.stream.type == "audio"
            if not (is_sound and skipped and skipped[0] < at_s < skipped[1]):
                container.mux(packet)
    return path


def fragmented(path: Path) -> bytes:
    """An m4a whose index comes first and in pieces, as browsers record it."""
    options = {"movflags": "frag_keyframe+empty_moov"}
    return media(path, "aac", container_options=options).read_bytes()


def _coded_by(av: Any, stream: Any, samples: NDArray[np.float32], rate: int) -> list[Any]:
    frame = av.AudioFrame.from_ndarray(
        np.ascontiguousarray((samples.T * 32767).astype("<i2")), format="s16", layout="mono"
    )
    frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
    stream.codec_context.open()
    size = stream.codec_context.frame_size or 960
    resampler = av.AudioResampler(stream.format, stream.layout, stream.rate, size)
    parts = [*resampler.resample(frame), *resampler.resample(None)]
    return [packet for part in [*parts, None] for packet in stream.encode(part)]


def _move(packet: Any, late_s: float, jump: tuple[float, float] | None) -> None:
    at_s = float(packet.pts * packet.time_base)
    moved_s = late_s + (jump[1] if jump and at_s > jump[0] else 0.0)
    packet.pts += round(moved_s / packet.time_base)
    packet.dts = packet.pts
