"""Powers of channels, window by window, where voices are and hum is not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WINDOW_S = 0.02
"""Length of a window, in seconds; in samples it is the nearest that the decimation divides."""

_ENOUGH_HZ = 8_000
"""Rate at which powers are measured, or somewhat above."""

_LAG_S = 0.0005
"""Lag of the differences: they pass 1 kHz whole, and hold back 50 Hz by 66 dB, 150 Hz by 38 dB."""

_N_DIFFERENCES = 3


@dataclass(frozen=True, slots=True)
class Window:
    """Mean squares of one window, full scale 1."""

    band: list[float]
    """By channel, about 500 to 1500 Hz."""
    broad: list[float]
    """By channel, from 0 to about 4 kHz."""
    sum_band: float
    """Of the sum of all channels, about 500 to 1500 Hz."""


class Measures:
    """Windows of a stream of blocks; they do not depend on how it was cut.

    Parameters
    ----------
    sample_rate : int
        Hertz.
    n_channels : int
    """

    def __init__(self, sample_rate: int, n_channels: int) -> None:
        self._step = max(1, sample_rate // _ENOUGH_HZ)
        self._n_taken = round(WINDOW_S * sample_rate / self._step)
        self._lag = round(_LAG_S * sample_rate / self._step)
        self.n_samples = self._n_taken * self._step
        """Length of a window in samples."""
        self._nothing = np.zeros((0, n_channels), np.float32)
        self.begin()

    def begin(self) -> None:
        """Begin anew, as after a gap."""
        self._rest = self._nothing
        self._history: NDArray[np.float64] | None = None

    def push(self, block: NDArray[np.float32]) -> list[Window]:
        """Take the next samples, shape ``(n, n_channels)``, give the windows they complete."""
        rows = np.concatenate([self._rest, block]) if len(self._rest) else block
        n_windows = len(rows) // self.n_samples
        end = n_windows * self.n_samples
        self._rest = rows[end:].copy()
        return self._windows(rows[:end], n_windows) if n_windows else []

    def _windows(self, rows: NDArray[np.float32], n_windows: int) -> list[Window]:
        by_channel = rows.T.astype(np.float64, order="C")
        taken = by_channel[:, :: self._step].copy()
        for offset in range(1, self._step):
            taken += by_channel[:, offset :: self._step]
        taken /= self._step
        n_history = _N_DIFFERENCES * self._lag
        if self._history is None:
            # As if the first sample had always been there: an offset is no sound.
            self._history = np.repeat(taken[:, :1], n_history, axis=1)
        band = np.concatenate([self._history, taken], axis=1)
        self._history = band[:, -n_history:].copy()
        for _ in range(_N_DIFFERENCES):
            band = 0.5 * (band[:, self._lag :] - band[:, : -self._lag])
        total = band[0].copy()
        for channel in band[1:]:
            total += channel
        powers = self._powers(band, n_windows).T.tolist()
        broad = self._powers(taken, n_windows).T.tolist()
        of_sum = self._powers(total[np.newaxis], n_windows)[0].tolist()
        return [Window(*window) for window in zip(powers, broad, of_sum, strict=True)]

    def _powers(self, signals: NDArray[np.float64], n_windows: int) -> NDArray[np.float64]:
        """Mean squares, shape ``(n_signals, n_windows)``."""
        squares = np.square(signals).reshape(len(signals), n_windows, self._n_taken)
        means: NDArray[np.float64] = squares.sum(axis=2) / self._n_taken
        return means
