"""Recordings without a mark at their beginning, known by frames or fields that fit each other."""

from __future__ import annotations

import re
from collections.abc import Callable

_GSM_BYTES, _GSM_MARK = 33, 0xD
"""Bytes of a frame of GSM 06.10, and the upper half of the first one."""

_GSM_FRAMES = 8
_SBC_FRAMES = 3
"""Frames that have to follow each other: fewer may be made of samples."""

_SBC, _MSBC = 0x9C, b"\xad\0\0"
_MSBC_BYTES = 57
_MONO, _DUAL, _JOINT = 0, 1, 3

_HTK_BYTES = 12
_HTK_TICKS = 10_000_000
_HTK_RATES_HZ = (4000, 192_000)

_MATLAB_5 = b"MATLAB 5.0 MAT-file"
_MATLAB_4_BEGINS, _MATLAB_4_BYTES = (bytes(4), b"\0\0\x03\xe8"), 31
_MATLAB_4 = re.compile(rb".{16}(\x0b\0\0\0|\0\0\0\x0b)samplerate\0", re.DOTALL)
_TRUE_HD, _MLP = b"\xf8\x72\x6f\xba", b"\xf8\x72\x6f\xbb"
_ADX, _ADX_CODED, _ADX_NAME = b"\x80\0", b"\x03\x12\x04", b"(c)CRI"

Follower = Callable[[bytes, int], int | None]
"""Gives the length of a frame that begins at a place; 0 for none, ``None`` for too few bytes."""


def headless_kind(head: bytes) -> str | None:
    """Name what bytes begin, where no mark tells it; ``None`` for nothing that is known."""
    if _follow(head, _gsm_bytes, _GSM_FRAMES):
        return "gsm"
    if _follow(head, _sbc_bytes, _SBC_FRAMES):
        return "sbc"
    if _is_htk(head):
        return "htk"
    is_matlab_4 = head[:4] in _MATLAB_4_BEGINS and _MATLAB_4.match(head) is not None
    if head.startswith(_MATLAB_5) or is_matlab_4:
        return "mat"
    if head[4:8] in (_TRUE_HD, _MLP):
        return "truehd" if head[4:8] == _TRUE_HD else "mlp"
    return "adx" if _is_adx(head) else None


def may_be_headless(head: bytes) -> bool:
    """Whether more bytes may still show that these begin frames without a mark."""
    return (
        _follow(head, _gsm_bytes, _GSM_FRAMES) is None
        or _follow(head, _sbc_bytes, _SBC_FRAMES) is None
        or (len(head) < _MATLAB_4_BYTES and head[:4] in _MATLAB_4_BEGINS)
        or _is_adx(head) is None
    )


def _follow(head: bytes, n_bytes_at: Follower, n_needed: int) -> bool | None:
    """Whether so many frames of one kind follow each other; ``None`` for not yet known."""
    place = 0
    for _ in range(n_needed):
        n_bytes = n_bytes_at(head, place)
        if n_bytes is None:
            return None
        if not n_bytes:
            return False
        place += n_bytes
    return True


def _gsm_bytes(head: bytes, place: int) -> int | None:
    if place >= len(head):
        return None
    return _GSM_BYTES if head[place] >> 4 == _GSM_MARK else 0


def _sbc_bytes(head: bytes, place: int) -> int | None:
    frame = head[place : place + 3]
    if frame and frame[0] not in (_SBC, _MSBC[0]):
        return 0
    if len(frame) < 3:
        return None
    # All but how finely the samples are told is the same in each of them.
    if frame[0] != head[0] or frame[1] != head[1]:
        return 0
    if frame[0] == _MSBC[0]:
        return _MSBC_BYTES if frame == _MSBC else 0
    n_blocks, mode = 4 * (1 + (frame[1] >> 4 & 3)), frame[1] >> 2 & 3
    n_bands, n_channels = 8 if frame[1] & 1 else 4, 1 if mode == _MONO else 2
    n_bits = n_blocks * frame[2] * (2 if mode == _DUAL else 1)
    n_bits += n_bands if mode == _JOINT else 0
    return 4 + n_bands * n_channels // 2 + (n_bits + 7) // 8 if frame[2] else 0


def _is_htk(head: bytes) -> bool:
    """Whether a head of HTK stands here that is followed by samples."""
    if len(head) < _HTK_BYTES:
        return False
    n_samples, ticks = int.from_bytes(head[:4], "big"), int.from_bytes(head[4:8], "big")
    slowest, fastest = _HTK_RATES_HZ
    is_possible = bool(n_samples) and _HTK_TICKS // fastest <= ticks <= _HTK_TICKS // slowest
    return is_possible and head[8:_HTK_BYTES] == b"\0\2\0\0"


def _is_adx(head: bytes) -> bool | None:
    """Whether a head of ADX stands here, which ends in a name; ``None`` for not yet known."""
    if head[:2] != _ADX or head[4:7] != _ADX_CODED:
        return False
    end = int.from_bytes(head[2:4], "big") + len(_ADX_NAME) - 2
    return head[:end].endswith(_ADX_NAME) if len(head) >= end else None
