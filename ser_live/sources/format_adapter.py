"""Conversion of one native format into another, for a stream whose device changed on the way."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ser_live.mixing import Mixer
from ser_live.sources.ring_buffer import Lost


class FormatAdapter:
    """Brings a device's blocks to the sample rate and channel count of its stream.

    Where the channel counts differ, every channel gets the mean of all, as
    `Mixer` makes it. After `flush`,
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
        self._mixer: Mixer | None = None
        if from_channels != to_channels and from_channels > 1:
            self._mixer = Mixer(from_rate, from_channels)
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
        return self._given(self._resampler.resample_chunk(self._for_all(item)))

    def flush(self) -> list[NDArray[np.float32] | Lost]:
        """Give the rest that the filter still held; what follows begins a new stream."""
        rest = np.zeros((0, self._n_channels), np.float32)
        if self._mixer is not None:
            rest = self._repeated(self._mixer.flush())
        rest = self._resampler.resample_chunk(rest, last=True)
        self._start()
        return self._given(rest)

    def _for_all(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """A block for every channel of the stream."""
        if self._mixer is not None:
            return self._repeated(self._mixer.push(block))
        if block.shape[1] != self._n_channels:
            return self._repeated(block[:, 0])
        return block

    def _repeated(self, mono: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.repeat(mono[:, np.newaxis], self._n_channels, axis=1)

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
