"""One voice that leaks into the channel of another, told from the levels of both over time.

For each pair of channels it is learned how far below the one the other stands while only the
one sounds. A window of a channel that is hardly above what may have leaked into it is no
speech of its own. Both directions are looked at alike, so nobody needs a name for it.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ser_live.mixing.measures import WINDOW_S, Measures, Window
from ser_live.mixing.voices import Voices

MARGIN_DB: Final = 6.0
"""A channel has a voice of its own where it is so far above what may have leaked into it."""

REACH_S: Final = 0.24
"""Longest time that a leak may trail its voice, in a room or on a line."""

_FULL_S: Final = 0.06
"""Time for which it may trail unweakened."""

_DECAY_DB: Final = 1.5
"""Its fall with every window after that."""

BEGIN_DB: Final = -15.0
"""Leak that is assumed before any was measured, in dB below the voice."""

FAINTEST_DB: Final = -45.0
"""Level from which on it is a leak; further below it is the noise of the line."""

_LOWEST_DB: Final = -60
_HIGHEST_DB: Final = -3
"""A channel that is hardly below another has a voice of its own."""

_EQUAL: Final = 0.25
"""Share of the loudest power from which on a channel has a voice for sure, 6 dB below."""

_NOISE: Final = 4.0
"""Power above its floor, as a multiple, up to which a channel holds noise alone: 6 dB."""

_WEIGHT: Final = 25.0
"""Windows of experience that the assumption is worth: half a second."""

_SHARE: Final = 0.6
"""Share of the windows that the measured leak explains: in others both speak."""

_KEPT_S: Final = 30.0
"""Time that decisions are kept for whoever asks later."""


_FADES: Final = tuple(
    10.0 ** (-_DECAY_DB * max(0, n - round(_FULL_S / WINDOW_S)) / 10.0)
    for n in range(round(REACH_S / WINDOW_S))
)
"""Share of its power that a leak still has, by the number of windows since."""


class Bleed:
    """Tells of each moment which channels hold nothing but what leaked from another one.

    What it says of a moment hangs on the sound up to then, never on how that was cut.

    Parameters
    ----------
    sample_rate : int
        Hertz.
    n_channels : int
        At least 2.
    """

    def __init__(self, sample_rate: int, n_channels: int) -> None:
        self._sample_rate = sample_rate
        self._n_channels = n_channels
        self._measures = Measures(sample_rate, n_channels)
        self._voices = Voices(n_channels)
        self._position = 0
        """Native samples that came, lost ones included."""
        self._windows_start = 0
        self._recent: deque[list[float]] = deque(maxlen=len(_FADES))
        self._counts = np.zeros((n_channels, n_channels, _HIGHEST_DB - _LOWEST_DB + 1))
        """Windows by voice, by other channel, by the level of that below the voice in dB."""
        self._leaks_db = np.full((n_channels, n_channels), BEGIN_DB)
        self._decided: deque[tuple[int, tuple[bool, ...]]] = deque(
            maxlen=math.ceil(_KEPT_S / WINDOW_S)
        )
        """End of a window in native samples, and which channels held only a leak."""

    def push(self, block: NDArray[np.float32]) -> None:
        """Take the next samples, shape ``(n, n_channels)``."""
        self._position += len(block)
        for window in self._measures.push(block):
            self._windows_start += self._measures.n_samples
            self._decided.append((self._windows_start, self._take(window)))

    def skip(self, n_samples: int) -> None:
        """Let the clock run over samples that are missing."""
        self._position += n_samples
        self._windows_start = self._position
        self._measures.begin()
        self._recent.clear()

    def leak_db(self, voice: int, other: int) -> float:
        """Level at which a channel was found in another one, in dB; what is assumed before."""
        return float(self._leaks_db[voice, other])

    def measured_db(self, voice: int, other: int) -> float | None:
        """Level at which a channel leaks into another one; ``None`` where none was found."""
        counts = self._counts[voice, other]
        found_db = self._leaks_db[voice, other]
        is_known = counts.sum() >= _WEIGHT and found_db > FAINTEST_DB
        return float(found_db) - 0.5 if is_known else None  # the middle of its bin

    def is_leak(self, channel: int, start_s: float, end_s: float) -> bool:
        """Whether most of a stretch of a channel is nothing but a leak."""
        first, last = start_s * self._sample_rate, end_s * self._sample_rate
        n_windows = n_leaks = 0
        for end, leaks in reversed(self._decided):
            if end <= first:
                break
            if end - self._measures.n_samples < last:
                n_windows += 1
                n_leaks += leaks[channel]
        return n_windows > 0 and 2 * n_leaks >= n_windows

    def _take(self, window: Window) -> tuple[bool, ...]:
        self._voices.take(window)
        loudest = max(window.band)
        # What is far below another voice is its leak, rather than one that may leak back.
        self._recent.append([p if p >= _EQUAL * loudest else 0.0 for p in window.band])
        for voice in range(self._n_channels):
            if self._voices.speaks[voice]:
                self._learn(voice, window.band)
        return tuple(self._holds_leak(channel, window.band) for channel in range(self._n_channels))

    def _learn(self, voice: int, band: list[float]) -> None:
        if band[voice] < max(band):
            return
        for other in range(self._n_channels):
            if other == voice:
                continue
            below_db = 10.0 * math.log10(max(band[other], 1e-12) / band[voice])
            if below_db > _HIGHEST_DB:
                continue
            if band[other] < _NOISE * self._voices.floors[other]:
                below_db = _LOWEST_DB  # the noise of the line, whatever the voice does
            counts = self._counts[voice, other]
            counts[max(_LOWEST_DB, math.floor(below_db)) - _LOWEST_DB] += 1.0
            self._leaks_db[voice, other] = _explained_db(counts)

    def _holds_leak(self, channel: int, band: list[float]) -> bool:
        for voice in range(self._n_channels):
            if voice == channel:
                continue
            loudest = max(
                bands[voice] * fade
                for bands, fade in zip(reversed(self._recent), _FADES, strict=False)
            )
            factor = 10.0 ** ((self._leaks_db[voice, channel] + MARGIN_DB) / 10.0)
            if loudest >= Voices.MIN_POWER and band[channel] < factor * loudest:
                return True
        return False


def _explained_db(counts: NDArray[np.float64]) -> float:
    """Level that most windows are not above, the assumption counted among them."""
    weighted = counts.copy()
    weighted[round(BEGIN_DB) - _LOWEST_DB] += _WEIGHT
    sums = np.cumsum(weighted)
    return float(_LOWEST_DB + 1 + np.searchsorted(sums, _SHARE * sums[-1]))
