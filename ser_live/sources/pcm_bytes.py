"""Samples out of raw PCM bytes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]


def _s16(data: bytes) -> Samples:
    return np.frombuffer(data, "<i2").astype(np.float32) / np.float32(32768)


def _u8(data: bytes) -> Samples:
    return (np.frombuffer(data, np.uint8).astype(np.float32) - 128) / np.float32(128)


def _s24(data: bytes) -> Samples:
    whole = np.zeros((len(data) // 3, 4), np.uint8)
    whole[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
    return whole.view("<i4")[:, 0].astype(np.float32) / np.float32(2**31)


def _s32(data: bytes) -> Samples:
    return np.frombuffer(data, "<i4").astype(np.float32) / np.float32(2**31)


def _f32(data: bytes) -> Samples:
    return np.frombuffer(data, "<f4").astype(np.float32)


def _f64(data: bytes) -> Samples:
    return np.frombuffer(data, "<f8").astype(np.float32)


def _mu_law(data: bytes) -> Samples:
    code = ~np.frombuffer(data, np.uint8)
    size = ((((code & 15).astype(np.int32) << 3) + 0x84) << (code >> 4 & 7)) - 0x84
    return np.where(code & 128, -size, size).astype(np.float32) / np.float32(32768)


def _a_law(data: bytes) -> Samples:
    code = np.frombuffer(data, np.uint8) ^ 0x55
    step, part = (code & 15).astype(np.int32), (code >> 4 & 7).astype(np.int32)
    size = np.where(part, (step * 16 + 0x108) << np.maximum(part - 1, 0), step * 16 + 8)
    return np.where(code & 128, size, -size).astype(np.float32) / np.float32(32768)


_Coding = tuple[int, Callable[[bytes], Samples]]

SIGNED_16: _Coding = (2, _s16)
"""Bytes of a sample, and what makes numbers of them: 16 bits, little endian."""

WAV_CODINGS: dict[tuple[int, int], _Coding] = {
    (1, 8): (1, _u8),
    (1, 16): SIGNED_16,
    (1, 24): (3, _s24),
    (1, 32): (4, _s32),
    (3, 32): (4, _f32),
    (3, 64): (8, _f64),
    (6, 8): (1, _a_law),
    (7, 8): (1, _mu_law),
}
"""Codings of wav by tag and bits whose samples each stand for themselves."""


class PcmBytes:
    """Samples out of raw PCM bytes, however the bytes are cut.

    Parameters
    ----------
    n_channels : int
        Interleaved channels.
    coding : tuple
        `SIGNED_16`, or one of `WAV_CODINGS`.
    """

    def __init__(self, n_channels: int, coding: _Coding = SIGNED_16) -> None:
        self._n_channels = n_channels
        n_bytes, self._decoded = coding
        self._block_bytes = n_bytes * n_channels
        self._rest = b""

    def samples(self, data: bytes) -> Samples:
        """Take the next bytes, give the samples they complete, shape ``(n, n_channels)``."""
        data = self._rest + data
        n = len(data) // self._block_bytes
        end = n * self._block_bytes
        self._rest = data[end:]
        return self._decoded(data[:end]).reshape(n, self._n_channels)
