"""Conversion of one native format into another, for a stream whose device changed on the way."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ser_live.sources.ring_buffer import Lost


class FormatAdapter:
    """Brings a device's blocks to the sample rate and channel count of its stream.

    Where the channel counts differ, every channel gets the mean of all. After `flush`,
    the whole has ``n * to_rate / from_rate`` samples, within 1, losses included.

    Parameters
    ----------
    from_rate, to_rate : int
        Hertz.
    from_channels, to_channels : int
    """

    def __init__(
        self, from_rate: int, from_channels: int, *, to_rate: int, to_channels: int
    ) -> None:
        self._rates = (from_rate, to_rate)
        self._has_same_channels = from_channels == to_channels
        self._n_channels = to_channels
        self._n_taken = 0
        self._n_given = 0
        self._start()

    def _start(self) -> None:
        import soxr

        self._resampler = soxr.ResampleStream(
            *self._rates, self._n_channels, dtype="float32", quality="HQ"
        )

    def push(self, item: NDArray[np.float32] | Lost) -> list[NDArray[np.float32] | Lost]:
        """Take a block ``(n, from_channels)`` or a loss, give what is complete."""
        if isinstance(item, Lost):
            return [*self.flush(), self._lost(item)]
        self._n_taken += len(item)
        if not self._has_same_channels:
            item = np.repeat(item.mean(axis=1, keepdims=True), self._n_channels, axis=1)
        return self._given(self._resampler.resample_chunk(item))

    def flush(self) -> list[NDArray[np.float32] | Lost]:
        """Give the rest that the filter still held; what follows begins a new stream."""
        rest = self._resampler.resample_chunk(
            np.zeros((0, self._n_channels), np.float32), last=True
        )
        self._start()
        return self._given(rest)

    def _given(self, block: NDArray[np.float32]) -> list[NDArray[np.float32] | Lost]:
        self._n_given += len(block)
        return [block.reshape(-1, self._n_channels)] if len(block) else []

    def _lost(self, lost: Lost) -> Lost:
        self._n_taken += lost.n_samples
        from_rate, to_rate = self._rates
        # Derived from the whole count, so that roundings never add up.
        n_lost = max(0, self._n_taken * to_rate // from_rate - self._n_given)
        self._n_given += n_lost
        return Lost(n_lost, lost.cause)
