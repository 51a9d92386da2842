"""A frame with the detector's decision about it, and the utterance that is open."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ser_live.config import FRAME_S, SegmenterSettings


class Frame(NamedTuple):
    """One frame with what the detector said about it."""

    start_sample: int
    end_sample: int
    samples: NDArray[np.float32]
    is_speech: bool
    is_voiced: bool
    is_suspected: bool
    level_dbfs: float
    noise_dbfs: float


@dataclass
class OpenUtterance:
    """The open utterance; its audio is everything in the segmenter's history."""

    id: int
    first_speech_sample: int
    """Start of the first speech frame, after the pre-roll."""
    solid_end_sample: int
    """End of the last solid speech frame."""
    noise_dbfs: float
    n_speech: int = 0
    n_partials: int = 0
    """Partials that were due so far."""


def level_dbfs(frame: Frame) -> float:
    """Level of a frame in dBFS, at least -120 so that zeros can be averaged."""
    level = frame.level_dbfs
    if np.isnan(level):
        power = float(np.mean(np.square(frame.samples, dtype=np.float64)))
        level = 10 * np.log10(power) if power > 0 else -120.0
    return max(float(level), -120.0)


def is_enough(open_: OpenUtterance, frames: list[Frame], settings: SegmenterSettings) -> bool:
    """Whether the frames hold enough speech, dense and voiced enough to be speech."""
    heard = [
        f for f in frames if open_.first_speech_sample <= f.start_sample < open_.solid_end_sample
    ]
    n_speech = sum(f.is_speech for f in heard)
    n_suspected = sum(f.is_suspected for f in heard)
    n_voiced = sum(f.is_voiced for f in heard)
    return (
        n_speech >= whole(settings.min_speech_s / FRAME_S)
        and n_suspected >= settings.min_speech_share * len(heard)
        and n_voiced >= settings.min_voiced_share * n_speech
    )


def whole(value: float) -> int:
    """Smallest integer not below `value`, forgiving rounding errors."""
    return math.ceil(value - 1e-9)
