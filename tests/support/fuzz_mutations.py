"""Mutations that make hostile inputs out of good ones, the same for the same random numbers."""

from __future__ import annotations

import json
import random
import re
import struct
from collections.abc import Sequence
from typing import Any

MAX_BYTES = 64_000
"""An input grown longer than this is cut off: small inputs find as much, faster."""

_INTEGERS = (0, 1, 2, 7, 16, 127, 128, 255, 256, 1024, 32767, 32768, 65535, 65536, 2**31 - 1,
             2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1)  # fmt: skip
_NUMBERS = (b"0", b"-1", b"-0.0", b"1e308", b"1e400", b"-1e400", b"NaN", b"nan", b"inf",
            b"Infinity", b"1e-320", b"9" * 400, b"9" * 5000, b"0x10", b"1_0", b"99999999999",
            b"\xd9\xa3", b"")  # fmt: skip
NASTY_TEXT = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e[red]x[/red][link=http://x]y[/link]\r\n../..\0"
"""Terminal escapes, a direction override, markup, line ends, a way up and a NUL."""
_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**63, 10**400, -0.0, 1e308, float("inf"), float("nan"), 0.5,
    "", "a", "final", "ok", "1", "\ud800", NASTY_TEXT, "x" * 300, [], {}, [None], [[]], {"a": {}},
    [1, 2, 3],
)  # fmt: skip
_HEX_FIELD = re.compile(rb"\|([0-9a-f]{8,32})\|")
_HEX = tuple(
    struct.pack(form, number).hex().encode()
    for form in ("<d", "<f")
    for number in (0.0, -0.0, -1.0, 1e-30, 1e30, 3e38, float("inf"), float("nan"), 0.5, 7.0)
)
_NUMBER = re.compile(rb"-?\d+(\.\d+)?([eE][-+]?\d+)?")


def mutated(
    seeds: Sequence[bytes], rng: random.Random, tokens: Sequence[bytes] = (), *, is_text: bool
) -> bytes:
    """One of `seeds` after one to six mutations; now and then a seed as it is, or noise."""
    data = rng.choice(seeds)
    roll = rng.random()
    if roll < 0.01:
        return data
    if roll < 0.02:
        return rng.randbytes(rng.randrange(200))
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 6))):
        data = _once(data, seeds, rng, tokens, is_text=is_text)
    return data[:MAX_BYTES]


def _once(
    data: bytes,
    seeds: Sequence[bytes],
    rng: random.Random,
    tokens: Sequence[bytes],
    *,
    is_text: bool,
) -> bytes:
    if is_text and rng.random() < 0.55:
        return _text(data, rng)
    at = _place(len(data), rng)
    match rng.randrange(10):
        case 0:
            return _over(data, at, bytes([data[at] ^ 1 << rng.randrange(8)]) if data else b"")
        case 1:
            return _over(data, at, rng.randbytes(rng.choice((1, 2, 4))))
        case 2:
            size = rng.choice((1, 2, 4, 8))
            number = rng.choice(_INTEGERS) % (1 << 8 * size)
            return _over(data, at, number.to_bytes(size, rng.choice(("little", "big"))))
        case 3:
            return data[:at] + data[at + rng.choice((1, 2, 4, 16, 256)) :]
        case 4:
            return data[:at] + rng.randbytes(rng.choice((1, 2, 8, 64))) + data[at:]
        case 5:
            size = rng.choice((1, 4, 32, 512))
            return data[:at] + data[at : at + size] * rng.choice((2, 2, 3, 40)) + data[at + size :]
        case 6:
            return data[:at]
        case 7:
            other = rng.choice(seeds)
            return data[:at] + other[_place(len(other), rng) :]
        case 8:
            token = rng.choice(tokens) if tokens else rng.choice(_NUMBERS)
            return data[:at] + token + data[at + rng.choice((0, len(token))) :]
        case _:
            end = _place(len(data), rng)
            return data[:at] + data[end : end + 8] + data[at:]


def _place(size: int, rng: random.Random) -> int:
    """Mostly anywhere, often near the beginning, where headers are."""
    if size == 0:
        return 0
    return rng.randrange(min(size, 96)) if rng.random() < 0.4 else rng.randrange(size)


def _over(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]


def _text(data: bytes, rng: random.Random) -> bytes:
    """Change a number or a JSON value somewhere in the text."""
    fields = list(_HEX_FIELD.finditer(data)) if rng.random() < 0.3 else []
    if fields:
        found = rng.choice(fields)
        return data[: found.start(1)] + rng.choice(_HEX) + data[found.end(1) :]
    if rng.random() < 0.3:
        numbers = list(_NUMBER.finditer(data[:4000]))
        if numbers:
            number = rng.choice(numbers)
            return data[: number.start()] + rng.choice(_NUMBERS) + data[number.end() :]
    lines = data.split(b"\n")
    index = rng.randrange(len(lines))
    try:
        value = json.loads(lines[index])
    except (ValueError, RecursionError):
        lines[index] = rng.choice(lines)
        return b"\n".join(lines)
    if rng.random() < 0.1:
        lines.insert(rng.randrange(len(lines) + 1), lines[index])
    else:
        lines[index] = json.dumps(_changed(value, rng), separators=(",", ":")).encode()
    return b"\n".join(lines)


def _changed(value: Any, rng: random.Random) -> Any:
    """`value` with one node of its tree replaced, removed or added."""
    if isinstance(value, (dict, list)) and value and rng.random() < 0.85:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        key = rng.choice(keys)
        roll = rng.random()
        if roll < 0.15:
            del value[key]
        elif roll < 0.25 and isinstance(value, dict):
            value[rng.choice(("x", "type", "file", "", NASTY_TEXT))] = rng.choice(_VALUES)
        elif roll < 0.35 and isinstance(value, list):
            value.insert(key, rng.choice(_VALUES))
        elif roll < 0.40:
            other = rng.choice(keys)
            value[key], value[other] = value[other], value[key]
        else:
            value[key] = _changed(value[key], rng)
        return value
    return rng.choice(_VALUES)
