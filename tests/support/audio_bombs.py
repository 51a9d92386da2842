"""Small files that promise, or hold, a hundred hours of sound.

Every builder takes a folder, makes one file in it and gives its path.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import soundfile
from hostile_audio import tone

HOURS = 100
RATE = 16_000
N_SAMPLES = HOURS * 3600 * RATE


def wav_promise(folder: Path) -> Path:
    """RF64, whose length has 64 bits: a header of 100 hours before one second."""
    path = folder / "promise.wav"
    soundfile.write(path, tone(RATE), RATE, format="RF64")
    data = bytearray(path.read_bytes())
    ds64 = data.index(b"ds64") + 8
    data[ds64 : ds64 + 24] = struct.pack("<3Q", 2 * N_SAMPLES + 72, 2 * N_SAMPLES, N_SAMPLES)
    path.write_bytes(data)
    return path


def flac_promise(folder: Path) -> Path:
    """FLAC: the number of samples in its first block says 100 hours."""
    path = folder / "promise.flac"
    soundfile.write(path, tone(RATE), RATE)
    data = bytearray(path.read_bytes())
    # 36 bits, the last four of byte 13 of the block and the four bytes behind it.
    data[8 + 13] = (data[8 + 13] & 0xF0) | (N_SAMPLES >> 32)
    data[8 + 14 : 8 + 18] = (N_SAMPLES & 0xFFFF_FFFF).to_bytes(4, "big")
    path.write_bytes(data)
    return path


def ogg_promise(folder: Path) -> Path:
    """Ogg Vorbis: the last page says that it ends after 100 hours."""
    path = folder / "promise.ogg"
    soundfile.write(path, tone(RATE), RATE)
    data = bytearray(path.read_bytes())
    page = data.rindex(b"OggS")
    data[page + 6 : page + 14] = N_SAMPLES.to_bytes(8, "little")
    data[page + 22 : page + 26] = bytes(4)
    data[page + 22 : page + 26] = _ogg_crc(bytes(data[page:])).to_bytes(4, "little")
    path.write_bytes(data)
    return path


def mp3_promise(folder: Path) -> Path:
    """MP3: the Xing header counts the frames of 100 hours."""
    path = folder / "promise.mp3"
    soundfile.write(path, tone(RATE), RATE)
    data = bytearray(path.read_bytes())
    found = max(data.find(b"Xing"), data.find(b"Info"))
    assert found >= 0, "the encoder wrote no Xing header"
    data[found + 8 : found + 12] = (N_SAMPLES // 576).to_bytes(4, "big")
    path.write_bytes(data)
    return path


PROMISES: tuple[Callable[[Path], Path], ...] = (
    wav_promise,
    flac_promise,
    ogg_promise,
    mp3_promise,
)
"""Headers that promise 100 hours; one second is there."""


def silent_flac(folder: Path, hours: float = HOURS, rate: int = RATE) -> Path:
    """Real silence in a FLAC of some hundred kilobytes for each 10 hours."""
    block = 65_535
    n_blocks = round(hours * 3600 * rate / block)
    info = struct.pack(">HH", block, block) + bytes(6)  # frame sizes: unknown
    info += ((rate << 44) | (0 << 41) | (15 << 36) | n_blocks * block).to_bytes(8, "big")
    info += bytes(16)  # no checksum of the whole
    path = folder / "silence.flac"
    with path.open("wb") as file:
        file.write(b"fLaC" + b"\x80" + len(info).to_bytes(3, "big") + info)
        for number in range(n_blocks):
            # Block of 16 bits as written behind the number, rate of the first block, 1 channel.
            head = b"\xff\xf8\x70\x08" + _coded(number) + (block - 1).to_bytes(2, "big")
            frame = head + bytes([_crc8(head)]) + b"\x00\x00\x00"  # one constant: 0
            file.write(frame + _crc16(frame).to_bytes(2, "big"))
    return path


def wide_wav(folder: Path) -> Path:
    """A thousand channels at 192 kHz: a quarter of a second would be 196 MB."""
    path = folder / "wide.wav"
    n_channels, rate = 1024, 192_000
    form = struct.pack("<HHIIHH", 1, n_channels, rate, rate * n_channels * 2, n_channels * 2, 16)
    data = bytes(2 * n_channels * 100)
    path.write_bytes(
        b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt " + struct.pack("<I", 16) + form
        + b"data" + struct.pack("<I", len(data)) + data
    )  # fmt: skip
    return path


def _coded(number: int) -> bytes:
    """A number in UTF-8's way, as FLAC counts its frames."""
    if number < 0x80:
        return bytes([number])
    rest = []
    while number >= 1 << (6 - len(rest)):
        rest.insert(0, 0x80 | number & 0x3F)
        number >>= 6
    return bytes([0xFF00 >> len(rest) + 1 & 0xFF | number, *rest])


def _table(polynomial: int, n_bits: int) -> list[int]:
    top = 1 << n_bits - 1
    table = []
    for value in range(256):
        crc = value << n_bits - 8
        for _ in range(8):
            crc = (crc << 1 ^ polynomial if crc & top else crc << 1) & (1 << n_bits) - 1
        table.append(crc)
    return table


_CRC8 = _table(0x07, 8)
_CRC16 = _table(0x8005, 16)
_OGG_CRC = _table(0x04C11DB7, 32)


def _crc8(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc = _CRC8[crc ^ byte]
    return crc


def _crc16(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc = (crc << 8 & 0xFFFF) ^ _CRC16[crc >> 8 ^ byte]
    return crc


def _ogg_crc(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc = (crc << 8 & 0xFFFF_FFFF) ^ _OGG_CRC[crc >> 24 ^ byte]
    return crc
