"""Streams of descriptors that are fed in blocks, against one push of everything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from ser_live.features.pitch import PitchStream


class StreamWithPitch:
    """A family of descriptors together with the pitch stream that it reads."""

    def __init__(self, make: Callable[[PitchStream], Any]) -> None:
        self._pitch = PitchStream()
        self._family = make(self._pitch)

    def push(self, samples: np.ndarray) -> None:
        self._pitch.push(samples)
        if hasattr(self._family, "push"):
            self._family.push(samples)

    def contours(self, n_samples: int) -> dict[str, np.ndarray]:
        found: dict[str, np.ndarray] = self._family.contours(n_samples)
        return found

    def summary(self, n_samples: int) -> dict[str, float]:
        found: dict[str, float] = self._family.summary(n_samples)
        return found


def assert_blocks_are_one_push(
    make: Callable[[], Any],
    sound: np.ndarray,
    sizes: Sequence[int],
    n_samples: int,
    *,
    contour_tolerance: float,
) -> None:
    """The first n samples give what one push of ``sound[:n]`` gives, asked at any time."""
    stream, whole = make(), make()
    start = 0
    for size in sizes:
        stream.push(sound[start : start + size])
        start = min(start + size, len(sound))
        stream.summary(start)
        stream.contours(start)
    stream.push(sound[start:])
    whole.push(sound[:n_samples])
    for name, contour in whole.contours(n_samples).items():
        found = stream.contours(n_samples)[name]
        np.testing.assert_allclose(
            found, contour, rtol=contour_tolerance, atol=contour_tolerance, err_msg=name
        )
    for name, value in whole.summary(n_samples).items():
        found = stream.summary(n_samples)[name]
        assert found == pytest.approx(value, rel=1e-6, abs=1e-9, nan_ok=True), name
