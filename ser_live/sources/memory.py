"""Samples in memory as a source."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ser_live.audio import check_format
from ser_live.sources.protocol import AudioSource, Lost


class ArraySource(AudioSource):
    """Samples in memory, cut into blocks of given sizes.

    Parameters
    ----------
    samples : ndarray, shape (n,) or (n, n_channels)
        Nominal range [-1, 1].
    sample_rate : int
        Hertz.
    block_sizes : int or sequence of int
        Samples per block; a sequence is used round and round.
    name : str
        For people.
    """

    is_live = False
    file: str | None = None

    def __init__(
        self,
        samples: NDArray[np.float32],
        sample_rate: int = 16_000,
        block_sizes: int | Sequence[int] = 320,
        name: str = "array",
    ) -> None:
        samples = np.asarray(samples, np.float32)
        self._samples = samples[:, np.newaxis] if samples.ndim == 1 else samples
        sizes = [block_sizes] if isinstance(block_sizes, int) else list(block_sizes)
        if not sizes or min(sizes) < 1:
            raise ValueError(f"block sizes must be positive, not {block_sizes}")
        self._sizes = itertools.cycle(sizes)
        self._position = 0
        self.name = name
        self.sample_rate = sample_rate
        self.n_channels = self._samples.shape[1]

    @property
    def exhausted(self) -> bool:
        return self._position >= len(self._samples)

    def open(self) -> None:
        check_format(self.sample_rate, self.n_channels, self.name)

    def read(self, timeout_s: float) -> NDArray[np.float32] | Lost | None:
        if self.exhausted:
            return None
        start = self._position
        block = self._samples[start : start + next(self._sizes)].copy()
        self._position += len(block)
        return block

    def close(self) -> None:
        self._position = len(self._samples)
