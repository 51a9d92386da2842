"""The parts that containers are made of: chunks, pages, frames, boxes, and their checksums."""

from __future__ import annotations

import struct
import zlib

_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


# -- wav


def chunks(data: bytes) -> list[bytes]:
    """The first twelve bytes of a wav, then its chunks with their padding."""
    parts, place = [data[:12]], 12
    while place + 8 <= len(data):
        size = struct.unpack("<I", data[place + 4 : place + 8])[0]
        end = min(len(data), place + 8 + size + size % 2)
        parts.append(data[place:end])
        place = end
    return [*parts, data[place:]] if place < len(data) else parts


def sized_riff(parts: list[bytes]) -> list[bytes]:
    """The parts with the right length in the first one."""
    size = min(sum(map(len, parts)) - 8, 2**32 - 1)
    return [parts[0][:4] + struct.pack("<I", max(0, size)) + parts[0][8:], *parts[1:]]


# -- ogg


def pages(data: bytes) -> list[bytes]:
    """The pages of an Ogg file; bytes that belong to none are parts of their own."""
    parts, place = [], 0
    while place < len(data):
        end = place + 27
        if data[place : place + 4] == b"OggS" and end <= len(data):
            table = data[end : end + data[place + 26]]
            end = min(len(data), end + len(table) + sum(table))
        else:
            found = data.find(b"OggS", place + 1)
            end = found if found >= 0 else len(data)
        parts.append(data[place:end])
        place = end
    return parts


def summed_page(page: bytes) -> bytes:
    """A page with the right checksum; other bytes as they are."""
    if page[:4] != b"OggS" or len(page) < 27:
        return page
    mirrored = (page[:22] + bytes(4) + page[26:]).translate(_MIRRORED)
    crc = zlib.crc32(mirrored, 0xFFFF_FFFF) ^ 0xFFFF_FFFF
    stored = int.from_bytes(crc.to_bytes(4, "little").translate(_MIRRORED), "big")
    return page[:22] + stored.to_bytes(4, "little") + page[26:]


def numbered_pages(parts: list[bytes]) -> list[bytes]:
    """Pages whose numbers follow each other in every stream."""
    n_of: dict[bytes, int] = {}
    numbered = []
    for page in parts:
        if page[:4] == b"OggS" and len(page) >= 27:
            serial = page[14:18]
            if page[5] & 2:
                n_of[serial] = 0
            number = n_of.get(serial, 0)
            n_of[serial] = number + 1
            page = page[:18] + struct.pack("<I", number) + page[22:]
        numbered.append(page)
    return numbered


# -- mp3


def mpeg_frames(data: bytes) -> list[bytes]:
    """The frames of an MP3; tags and other bytes are parts of their own."""
    parts, place = [], 0
    while place < len(data):
        size = _mpeg_frame_bytes(data[place : place + 4])
        if not size:
            found = place + 1
            while found < len(data) and not _mpeg_frame_bytes(data[found : found + 4]):
                found += 1
            size = found - place
        parts.append(data[place : place + size])
        place += size
    return parts


_KBITS_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBITS_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_MPEG_RATES_HZ = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000)}
_MPEG_RATES_HZ[0] = (11_025, 12_000, 8_000)


def _mpeg_frame_bytes(head: bytes) -> int:
    """Length of a frame of layer 3; 0 where none begins."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:
        return 0
    version, n_kbits, n_rate = head[1] >> 3 & 3, head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or n_kbits in (0, 15) or n_rate == 3:
        return 0
    kbits, factor = (_KBITS_1, 144_000) if version == 3 else (_KBITS_2, 72_000)
    return factor * kbits[n_kbits] // _MPEG_RATES_HZ[version][n_rate] + (head[2] >> 1 & 1)


# -- flac


def flac_parts(data: bytes) -> list[bytes]:
    """Everything before the first frame of a FLAC, then its frames."""
    place, is_last = 4, False
    while not is_last and place + 4 <= len(data):
        is_last = bool(data[place] & 0x80)
        place += 4 + int.from_bytes(data[place + 1 : place + 4], "big")
    parts, begin, at = [data[:place]], place, place + 1
    while begin < len(data):
        end = len(data)
        while (at := data.find(b"\xff", at)) >= 0 and at + 16 < len(data):
            n_head = flac_head_bytes(data[at : at + 16])
            if n_head and crc16(data[begin:at]) == 0:
                end = at
                break
            at += 1
        parts.append(data[begin:end])
        begin, at = end, end + 1
    return parts


def flac_head_bytes(head: bytes) -> int:
    """Length of the head of a frame, with its checksum; 0 where none begins."""
    if len(head) < 6 or head[0] != 0xFF or head[1] & 0xFE != 0xF8:
        return 0
    n_number = 1 if head[4] < 0x80 else 8 - (head[4] ^ 0xFF).bit_length()
    n = (
        4
        + n_number
        + {6: 1, 7: 2}.get(head[2] >> 4, 0)
        + {12: 1, 13: 2, 14: 2}.get(head[2] & 15, 0)
    )
    return n + 1 if n < len(head) and crc8(head[:n]) == head[n] else 0


def summed_frame(frame: bytes, *, head_bytes: int) -> bytes:
    """A frame of FLAC with the right checksums; `head_bytes` is the length of its head."""
    if not head_bytes or len(frame) < head_bytes + 2:
        return frame
    head = frame[: head_bytes - 1]
    body = head + bytes([crc8(head)]) + frame[head_bytes:-2]
    return body + crc16(body).to_bytes(2, "big")


def _table(polynomial: int, n_bits: int) -> tuple[int, ...]:
    values = []
    for byte in range(256):
        value = byte << n_bits - 8
        for _ in range(8):
            value = (value << 1) ^ (polynomial if value >> n_bits - 1 & 1 else 0)
        values.append(value & (1 << n_bits) - 1)
    return tuple(values)


_CRC8, _CRC16 = _table(0x07, 8), _table(0x8005, 16)


def crc8(data: bytes) -> int:
    """Checksum of the head of a frame of FLAC."""
    value = 0
    for byte in data:
        value = _CRC8[value ^ byte]
    return value


def crc16(data: bytes) -> int:
    """Checksum of a frame of FLAC; 0 over a frame with its own."""
    value = 0
    for byte in data:
        value = (value << 8 & 0xFFFF) ^ _CRC16[value >> 8 ^ byte]
    return value


# -- mp4

NESTING = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"mvex", b"moof", b"traf", b"dinf")


def boxes(data: bytes, start: int = 0, end: int | None = None) -> list[tuple[int, int, bytes]]:
    """All boxes of an MP4, those within others too: place, length, name."""
    found, place = [], start
    end = len(data) if end is None else end
    while place + 8 <= end:
        size = int.from_bytes(data[place : place + 4], "big")
        name = data[place + 4 : place + 8]
        size = end - place if size == 0 else size
        if size < 8 or place + size > end:
            break
        found.append((place, size, name))
        if name in NESTING:
            found += boxes(data, place + 8, place + size)
        place += size
    return found


def replaced_box(data: bytes, place: int, size: int, new: bytes) -> bytes:
    """An MP4 with other bytes in the place of a box; boxes around it count them.

    Where the samples lie is put right in ``stco`` for what moved.
    """
    more = len(new) - size
    changed = bytearray(data)
    for at, n_bytes, name in boxes(data):
        if at < place and at + n_bytes >= place + size and name in NESTING:
            changed[at : at + 4] = struct.pack(">I", n_bytes + more)
        if name == b"stco" and n_bytes >= 16 and at != place:
            for k in range(at + 16, at + n_bytes - 3, 4):
                offset = int.from_bytes(data[k : k + 4], "big")
                if offset > place:
                    changed[k : k + 4] = struct.pack(">I", max(0, offset + more) & 0xFFFF_FFFF)
    return bytes(changed[:place]) + new + bytes(changed[place + size :])
