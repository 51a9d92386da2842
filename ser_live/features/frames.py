"""The grid of frames that every contour shares."""

from __future__ import annotations

from typing import Final

from ser_live.config import SAMPLE_RATE_HZ

HOP_SAMPLES: Final = 160
"""Distance of frames in samples: 10 ms."""
FRAMES_PER_S: Final = SAMPLE_RATE_HZ / HOP_SAMPLES
