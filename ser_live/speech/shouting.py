"""Shouts and screams, which the confirming network hardly takes for speech.

Of 1440 acted sentences it is nearly deaf to eight, all screamed; each made it doubt for a
moment only. They are loud, last, and are plainly voiced. Barks, bells and horns are shorter,
or the network never doubts.
"""

from __future__ import annotations

from collections import deque

from ser_live.config import FRAME_S

ABOVE_NOISE_DB = 20.0
"""A loud frame stands this far above the noise floor."""

_N_FRAMES = round(1.0 / FRAME_S)
_N_LOUD = round(0.75 * _N_FRAMES)
_N_VOICED = round(0.35 * _N_FRAMES)
_N_DOUBT = 2 * _N_FRAMES
_DOUBT = 0.10


class Shouting:
    """Whether somebody shouts: a second of loud, voiced sound and a moment of doubt.

    Of the last second 75 % must be loud and 35 % voiced besides, and in the last two the
    network must have given at least 0.10 once.
    """

    def __init__(self) -> None:
        self._loud: deque[bool] = deque(maxlen=_N_FRAMES)
        self._voiced: deque[bool] = deque(maxlen=_N_FRAMES)
        self._doubt: deque[bool] = deque(maxlen=_N_DOUBT)

    def update(self, *, is_loud: bool, is_voiced: bool, probability: float) -> bool:
        """Take the next frame; whether there is shouting now."""
        self._loud.append(is_loud)
        self._voiced.append(is_loud and is_voiced)
        self._doubt.append(probability >= _DOUBT)
        return (
            is_loud
            and sum(self._loud) >= _N_LOUD
            and sum(self._voiced) >= _N_VOICED
            and any(self._doubt)
        )
