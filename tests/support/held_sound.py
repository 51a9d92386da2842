"""How much of what ffmpeg gives can be sound of a file, by what stands in the file itself.

ffmpeg's parser of FLAC hands out frames twice where one recording follows another, and between
joined MP3 it gives the padding of their coders as if it were sound. Only what the file's own
frames and heads say counts here; nothing is taken off for good measure.
"""

from __future__ import annotations

import math
import re
import struct

from container_parts import flac_head_bytes, mpeg_frames

_FLAC_RATES_HZ = {
    1: 88_200, 2: 176_400, 3: 192_000, 4: 8000, 5: 16_000, 6: 22_050, 7: 24_000, 8: 32_000,
    9: 44_100, 10: 48_000, 11: 96_000,
}  # fmt: skip
_FLAC_SAMPLES = {1: 192, 2: 576, 3: 1152, 4: 2304, 5: 4608, **{n: 1 << n for n in range(8, 16)}}


def most_flac_s(data: bytes) -> float:
    """Length of all frames whose heads have the right checksum, whether they are whole or not.

    0 where no FLAC is in the bytes, and infinity where a frame does not say its rate.
    """
    total_s, place = 0.0, -1
    while (place := data.find(b"\xff", place + 1)) >= 0:
        head = data[place : place + 16]
        n_head = flac_head_bytes(head)
        if not n_head:
            continue
        code, length = head[2] & 15, head[2] >> 4
        rate = _FLAC_RATES_HZ.get(code)
        if rate is None:
            return float("inf")
        at = n_head - 1  # the length, where it is no usual one, stands before the checksum
        n_samples = _FLAC_SAMPLES.get(length, 0)
        if length in (6, 7):
            n_samples = int.from_bytes(head[at - (length - 5) : at], "big") + 1
        total_s += n_samples / rate
    return total_s


def padding_between_s(data: bytes) -> float:
    """Length of what coders put before and behind joined MP3 recordings, by their own heads.

    ffmpeg takes it off at the beginning of the first one alone.
    """
    total_s, n_heads, place = 0.0, 0, -1
    last_s = 0.0
    while (place := _head_that_counts(data, place + 1)) >= 0:
        coder = data[place + 120 : place + 144]
        rate = _rate_before(data, place)
        if rate and coder[:4] in (b"LAME", b"Lavc", b"Lavf"):
            both = int.from_bytes(coder[21:24], "big")
            is_first = not n_heads and _n_frames(data[:place]) < 2
            last_s = (both & 0xFFF) / rate
            total_s += last_s + (0.0 if is_first else (both >> 12) / rate)
            n_heads += 1
    # Behind the last one nothing follows, unless it is the first of several.
    return total_s if n_heads > 1 or total_s > last_s else 0.0


def _n_frames(data: bytes) -> int:
    return sum(part[:1] == b"\xff" for part in mpeg_frames(data))


def _head_that_counts(data: bytes, start: int) -> int:
    found = [place for word in (b"Xing", b"Info") if (place := data.find(word, start)) >= 0]
    return min(found, default=-1)


def _rate_before(data: bytes, place: int) -> int:
    """Sample rate of the frame in which a head that counts stands."""
    for n_before in (13, 21, 36):
        head = data[max(0, place - n_before) :][:4]
        if len(head) == 4 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2 and head[2] >> 2 & 3 < 3:
            rate = (44_100, 48_000, 32_000)[head[2] >> 2 & 3]
            return rate >> {3: 0, 2: 1, 0: 2}.get(head[1] >> 3 & 3, 0)
    return 0


_WAV_HEAD = re.compile(rb"(?:RIFF|RF64|BW64)....WAVE.{0,96}?fmt (....)(.{16})", re.DOTALL)


def most_wav_s(data: bytes) -> float:
    """Length of the sound that recordings joined in a wav can hold, by the byte rate of each.

    ffmpeg goes on past the end of one whose length is unknown, and hears the next in its form.
    """
    heads = [
        (head.start(), struct.unpack("<I", head[2][8:12])[0]) for head in _WAV_HEAD.finditer(data)
    ]
    ends = [start for start, _ in heads[1:]] + [len(data)]
    if len(heads) < 2:
        return math.inf
    return sum(
        (end - start) / rate if rate else math.inf
        for (start, rate), end in zip(heads, ends, strict=True)
    )
