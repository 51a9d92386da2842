"""Samples out of raw PCM bytes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class PcmBytes:
    """Samples out of raw PCM bytes, 16-bit little endian, however the bytes are cut.

    Parameters
    ----------
    n_channels : int
        Interleaved channels.
    """

    def __init__(self, n_channels: int) -> None:
        self._n_channels = n_channels
        self._rest = b""

    def samples(self, data: bytes) -> NDArray[np.float32]:
        """Take the next bytes, give the samples they complete, shape ``(n, n_channels)``."""
        data = self._rest + data
        n = len(data) // (2 * self._n_channels)
        end = n * 2 * self._n_channels
        self._rest = data[end:]
        pcm = np.frombuffer(data[:end], "<i2").reshape(n, self._n_channels)
        return pcm.astype(np.float32) / np.float32(32768)
