"""Whether channels carry the same sound, told from three running sums a pair."""

from __future__ import annotations

import math
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

_DIFFERENT: Final = 1e-3
"""Share of the power that the one channel does not explain of the other: 30 dB below it.

Two codings of one sound in mu-law differ by less, the two sides of a call by much more."""

_MOST_GAIN: Final = 4.0
"""Ratio of the powers beyond which the fainter channel is a leak rather than a copy: 6 dB."""


class Sameness:
    """Running sums that tell channels with one and the same sound.

    Parameters
    ----------
    channels : sequence of int
        Channels that are compared, two by two.
    """

    def __init__(self, channels: tuple[int, ...]) -> None:
        self._sums = {pair: np.zeros(3) for pair in combinations(channels, 2)}

    def push(self, block: NDArray[np.float32]) -> None:
        """Take the next samples, shape ``(n, n_channels)``."""
        for (first, second), sums in self._sums.items():
            a, b = block[:, first].astype(np.float64), block[:, second].astype(np.float64)
            sums += (a @ a, b @ b, a @ b)

    def message(self, name: str) -> str:
        """One sentence where two channels carry the same sound; empty where none do.

        Parameters
        ----------
        name : str
            Name of the recording, for people.
        """
        for (first, second), (one, other, both) in self._sums.items():
            if not one or not other or not 1 / _MOST_GAIN <= one / other <= _MOST_GAIN:
                continue
            share = both / math.sqrt(one * other)
            if 1.0 - share * share < _DIFFERENT:
                turned = ", one with opposite polarity" if share < 0 else ""
                pair = f"channels {first + 1} and {second + 1} of {name}"
                return (
                    f"{pair} carry the same sound{turned}, but a channel "
                    "for each side is needed: it is a mono recording, so leave "
                    "--roles out, or name who speaks when with --speakers FILE.rttm."
                )
        return ""
