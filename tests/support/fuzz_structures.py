"""Mutations that know chunks, pages, frames and boxes, the same for the same random numbers."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Sequence

from container_parts import (
    boxes,
    chunks,
    flac_head_bytes,
    flac_parts,
    mpeg_frames,
    numbered_pages,
    pages,
    replaced_box,
    sized_riff,
    summed_frame,
    summed_page,
)
from fuzz_mutations import mutated

MAX_BYTES = 200_000

_LIES = (0, 1, 2, 3, 7, 100, 576, 1024, 4096, 8191, 44_100, 65_535, 2**31 - 1, 2**31, 2**32 - 1)

Mutation = Callable[[Sequence[bytes], random.Random], bytes]


def wav(seeds: Sequence[bytes], rng: random.Random) -> bytes:
    """A wav with other chunks, sizes and formats, or two of them."""

    def once(data: bytes) -> bytes:
        parts = chunks(data)
        k = _index(parts, rng)
        part = bytearray(parts[k])
        match rng.randrange(9):
            case 0:
                return b"".join(_rearranged(parts, rng, n_kept=1))
            case 1 | 2 if len(part) >= 8:  # a chunk that says another size than it has
                size = max(0, len(part) - 8)
                lie = rng.choice((*_LIES, size // 2, size - 1, size + 1, 2 * size, size + 1000))
                part[4:8] = struct.pack("<I", max(0, lie) % 2**32)
            case 3:  # another format than that of the samples
                k = next((i for i, p in enumerate(parts) if p[:4] == b"fmt "), k)
                part = bytearray(parts[k])
                at = rng.choice((8, 10, 12, 16, 20, 22))
                part[at : at + 2] = struct.pack("<H", rng.choice(_WAV_NUMBERS))
            case 4:
                chunk = rng.choice((b"LIST", b"JUNK", b"fact", b"xyz ", b"id3 ", b"data", b"PAD "))
                inside = rng.choice((b"", b"INFO", bytes(12), rng.randbytes(31), bytes(4096)))
                pad = bytes(len(inside) % 2 * rng.randrange(2))
                parts.insert(
                    rng.randint(1, len(parts)),
                    chunk + struct.pack("<I", len(inside)) + inside + pad,
                )
                return b"".join(parts)
            case 5:
                return _long_form(parts, rng)
            case 6:
                return _spoilt(data, rng)
            case 7:
                return data + rng.choice((rng.choice(seeds), rng.randbytes(3001), bytes(5000)))
            case _:
                return data[: _place(data, rng)]
        parts[k] = bytes(part)
        return b"".join(sized_riff(parts) if rng.random() < 0.3 else parts)

    return _several(seeds, rng, once, lambda data: data)


_WAV_NUMBERS = (0, 1, 2, 3, 4, 6, 7, 8, 16, 17, 24, 32, 49, 85, 255, 8000, 16_000, 48_000, 65_534)


def _long_form(parts: list[bytes], rng: random.Random) -> bytes:
    """An RF64 with sizes of 64 bits that are right, unknown or wrong."""
    n_data = next((len(p) - 8 for p in parts if p[:4] == b"data"), 0)
    number = rng.choice((n_data, n_data, 0, 2**64 - 1, n_data // 2, n_data * 2, 2**40))
    long = struct.pack("<QQQI", *((n % 2**64) for n in (number + 100, number, number // 2)), 0)
    kind = rng.choice((b"RF64", b"BW64", b"RIFF"))
    small = rng.choice((b"\xff" * 4, b"\xff" * 4, bytes(4)))
    rest = [p[:4] + small + p[8:] if p[:4] == b"data" else p for p in parts[1:]]
    return b"".join([kind + b"\xff" * 4 + b"WAVE" + b"ds64\x1c\0\0\0" + long, *rest])


def ogg(seeds: Sequence[bytes], rng: random.Random) -> bytes:
    """Pages that are missing, moved, lie of their place, or belong to another stream."""

    def once(data: bytes) -> bytes:
        parts = pages(data)
        k = _index(parts, rng)
        page = bytearray(parts[k])
        match rng.randrange(9):
            case 0 | 1:
                return b"".join(_rearranged(parts, rng, n_kept=rng.choice((0, 2, 3))))
            case 2 if len(page) >= 27:  # the place in time
                granule = int.from_bytes(page[6:14], "little", signed=True)
                more = rng.choice((-1, 1, 960, 48_000, -48_000, 10**7, 2**40))
                granule = rng.choice((granule + more, granule + more, 0, -1, 2**63 - 1, -(2**63)))
                page[6:14] = (granule % 2**64).to_bytes(8, "little")
            case 3:  # all from here on later or earlier
                more = rng.choice((-48_000, -4000, 4000, 16_000, 48_000, 480_000))
                return b"".join([*parts[:k], *(_moved(page, more) for page in parts[k:])])
            case 4 if len(page) >= 27:
                page[rng.choice((4, 5, 5, 5, 26))] = rng.choice((0, 1, 2, 3, 4, 5, 6, 7, 255))
            case 5 if len(page) >= 27:  # another stream, from here on or alone
                serial = rng.choice((bytes(4), b"\xff" * 4, rng.randbytes(4)))
                alone = rng.random() < 0.3
                last = k + 1 if alone else len(parts)
                return b"".join(
                    p[:14] + serial + p[18:] if k <= i < last and p[:4] == b"OggS" else p
                    for i, p in enumerate(parts)
                )
            case 6 if len(page) > 40:
                at = rng.randrange(27, len(page))
                page[at : at + 4] = rng.randbytes(4)[: len(page) - at]
            case 7:
                other = pages(rng.choice(seeds))
                return b"".join([*parts[: rng.choice((k, len(parts)))], *other])
            case _:
                return data[: _place(data, rng)] if rng.random() < 0.5 else _spoilt(data, rng)
        parts[k] = bytes(page)
        return b"".join(parts)

    def mended(data: bytes) -> bytes:
        parts = pages(data)
        if rng.random() < 0.6:
            parts = numbered_pages(parts)
        return b"".join(map(summed_page, parts)) if rng.random() < 0.8 else b"".join(parts)

    return _several(seeds, rng, once, mended)


def _moved(page: bytes, more: int) -> bytes:
    if page[:4] != b"OggS" or len(page) < 27:
        return page
    granule = int.from_bytes(page[6:14], "little", signed=True)
    if granule <= 0:
        return page
    return page[:6] + ((granule + more) % 2**64).to_bytes(8, "little") + page[14:]


def mp3(seeds: Sequence[bytes], rng: random.Random) -> bytes:
    """Frames that are missing, moved or of another kind, tags anywhere, and counts that lie."""

    def once(data: bytes) -> bytes:
        parts = mpeg_frames(data)
        k = _index(parts, rng)
        frame = bytearray(parts[k])
        match rng.randrange(8):
            case 0 | 1:
                return b"".join(_rearranged(parts, rng))
            case 2:  # the count of frames or bytes
                at = max(data.find(b"Xing", 0, 4000), data.find(b"Info", 0, 4000))
                if at >= 0:
                    at += rng.choice((4, 7, 8, 8, 8, 12))
                    lie = rng.choice((*_LIES, len(parts) // 2, len(parts) * 2, len(data) // 2))
                    return data[:at] + struct.pack(">I", lie) + data[at + 4 :]
            case 3 if len(frame) >= 4:
                frame[rng.randrange(4)] ^= 1 << rng.randrange(8)
            case 4:
                parts.insert(rng.randint(0, len(parts)), _tag(rng))
                return b"".join(parts)
            case 5:
                return data + rng.choice((b"", _tag(rng), bytes(777))) + rng.choice(seeds)
            case 6:
                return data[: _place(data, rng)]
            case _:
                return _spoilt(data, rng)
        parts[k] = bytes(frame)
        return b"".join(parts)

    return _several(seeds, rng, once, lambda data: data)


def _tag(rng: random.Random) -> bytes:
    n = rng.choice((0, 30, 200, 3000))
    inside = rng.choice((bytes(n), rng.randbytes(n)))
    said = rng.choice((n, n, n, n + 500, 0))
    size = bytes([said >> 21 & 127, said >> 14 & 127, said >> 7 & 127, said & 127])
    return rng.choice(
        (
            b"ID3\x03\0\0" + size + inside,
            b"ID3\x04\0\0" + size + inside,
            b"TAG" + inside[:125].ljust(125, b"\0"),
            b"APETAGEX" + struct.pack("<IIII", 2000, said + 32, 1, 0x80000000) + bytes(8),
            bytes(n),
            inside,
        )
    )


def flac(seeds: Sequence[bytes], rng: random.Random) -> bytes:
    """Frames that are missing, moved, damaged or numbered anew, and heads that lie."""

    def once(data: bytes) -> bytes:
        parts = flac_parts(data)
        k = _index(parts, rng)
        frame = bytearray(parts[k])
        match rng.randrange(8):
            case 0 | 1:
                return b"".join(_rearranged(parts, rng, n_kept=rng.choice((0, 1, 1, 1))))
            case 2 if len(parts[0]) >= 42:  # what the head says of rate, width and length
                head = bytearray(parts[0])
                at = rng.choice((8, 10, 12, 15, 18, 19, 20, 21, 22, 24, 25, 26))
                head[at] = rng.choice((0, 255, head[at] ^ 1 << rng.randrange(8)))
                return bytes(head) + b"".join(parts[1:])
            case 3 if k and len(frame) > 6:  # one that claims another place or kind
                n_head = flac_head_bytes(bytes(frame[:16]))
                at = rng.choice((2, 3, 4, 4, 4))
                frame[at] = rng.choice((0, 1, 5, 127, frame[at] ^ 1 << rng.randrange(7)))
                frame = bytearray(summed_frame(bytes(frame), head_bytes=n_head))
            case 4 if k and len(frame) > 20:
                n_head = flac_head_bytes(bytes(frame[:16]))
                at = rng.randrange(6, len(frame))
                frame[at : at + 4] = rng.randbytes(len(frame[at : at + 4]))
                if rng.random() < 0.5:
                    frame = bytearray(summed_frame(bytes(frame), head_bytes=n_head))
            case 5:
                other = flac_parts(rng.choice(seeds))
                return b"".join([*parts, *other[rng.randrange(2) :]])
            case 6:
                return data[: _place(data, rng)]
            case _:
                return _spoilt(data, rng) if rng.random() < 0.7 else _tag(rng) + data
        parts[k] = bytes(frame)
        return b"".join(parts)

    return _several(seeds, rng, once, lambda data: data)


def mp4(seeds: Sequence[bytes], rng: random.Random) -> bytes:
    """Boxes that are missing, twice, moved, or lie of sizes, counts and times."""

    def once(data: bytes) -> bytes:
        found = boxes(data)
        if not found:
            return _spoilt(data, rng)
        place, size, _ = rng.choice(found)
        box = bytearray(data[place : place + size])
        match rng.randrange(10):
            case 0:
                return replaced_box(data, place, size, b"")
            case 1:
                return replaced_box(data, place, size, bytes(box) * 2)
            case 2:
                lie = rng.choice((0, 1, 7, 8, size - 4, size + 8, size * 2, 2**32 - 1))
                return data[:place] + struct.pack(">I", lie % 2**32) + data[place + 4 :]
            case 3 | 4 | 5:  # a number in a table of times, sizes or places
                tables = [b for b in found if b[2] in _TABLES and b[1] >= 16]
                if not tables:
                    return data
                place, size, _ = rng.choice(tables)
                at = place + rng.randrange(8, size - 3, 4)
                number = int.from_bytes(data[at : at + 4], "big")
                lie = rng.choice((*_LIES, number + 1, number - 1, number * 2, number // 2))
                return data[:at] + struct.pack(">I", lie % 2**32) + data[at + 4 :]
            case 6:
                junk = struct.pack(">I", 8 + 600) + rng.choice((b"free", b"uuid", b"zzzz"))
                return replaced_box(data, place, size, junk + rng.randbytes(600) + bytes(box))
            case 7:
                mdat = [b for b in found if b[2] == b"mdat" and b[1] > 16]
                if not mdat:
                    return data
                place, size, _ = rng.choice(mdat)
                at = rng.randrange(place + 8, place + size)
                junk = rng.randbytes(min(rng.choice((1, 4, 100, 600)), place + size - at))
                return data[:at] + junk + data[at + len(junk) :]
            case 8:
                return data[: _place(data, rng)] if rng.random() < 0.6 else _spoilt(data, rng)
            case _:
                return data + rng.choice((rng.choice(seeds), bytes(100), rng.randbytes(100)))

    return _several(seeds, rng, once, lambda data: data)


_TABLES = (b"stts", b"stsz", b"stsc", b"stco", b"elst", b"mdhd", b"mvhd", b"tkhd", b"tfhd", b"trun",
           b"tfdt", b"trex", b"ctts", b"stsd", b"mehd", b"sidx")  # fmt: skip


# -- what is common to all


def _several(
    seeds: Sequence[bytes],
    rng: random.Random,
    once: Callable[[bytes], bytes],
    mended: Callable[[bytes], bytes],
) -> bytes:
    data = rng.choice(seeds)
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 4))):
        data = once(data)[:MAX_BYTES] or b"\0"
    return mended(data)


def _index(parts: Sequence[bytes], rng: random.Random) -> int:
    return rng.randrange(len(parts)) if parts else 0


def _place(data: bytes, rng: random.Random) -> int:
    return rng.randint(0, len(data))


def _rearranged(parts: list[bytes], rng: random.Random, n_kept: int = 0) -> list[bytes]:
    """Parts of which some are missing, twice, swapped, cut or behind junk."""
    parts = list(parts)
    if len(parts) <= n_kept:
        return parts
    k = rng.randrange(n_kept, len(parts))
    n = rng.choice((1, 1, 1, 2, 3, 10))
    match rng.randrange(7):
        case 0 | 1:
            del parts[k : k + n]
        case 2:
            parts[k:k] = parts[k : k + n]
        case 3:
            other = rng.randrange(n_kept, len(parts))
            parts[k], parts[other] = parts[other], parts[k]
        case 4:
            parts[k] = parts[k][: rng.randint(0, len(parts[k]))]
        case 5:
            n_junk = rng.choice((1, 10, 500, 1500, 3000, 20_000))
            parts.insert(k, rng.choice((bytes, rng.randbytes))(n_junk))
        case _:
            parts = parts[:n_kept] + parts[k:]
    return parts


def _spoilt(data: bytes, rng: random.Random) -> bytes:
    """Bytes changed, missing or put in without regard to parts."""
    if rng.random() < 0.5:
        return mutated([data], rng, is_text=False)
    at, n = _place(data, rng), rng.choice((1, 3, 100, 700, 2500))
    return rng.choice(
        (data[:at] + rng.randbytes(n) + data[at + n :], data[:at] + data[at + n :],
         data[:at] + rng.randbytes(n) + data[at:], data[:at] + bytes(n) + data[at + n :])
    )  # fmt: skip
