"""Sounds with known properties for tests of the features."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 16_000


def speechlike(seconds: float = 2.0, seed: int = 0) -> NDArray[np.float64]:
    """Vowel-like pulses with moving pitch, formants and syllables, over faint noise."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    f0 = 150.0 + 40.0 * np.sin(2 * np.pi * 0.7 * time)
    phase = 2 * np.pi * np.cumsum(f0) / SAMPLE_RATE
    sound = np.zeros_like(time)
    for harmonic in range(1, 40):
        frequency = harmonic * f0
        gain = sum(
            1.0 / (1.0 + ((frequency - formant) / width) ** 2)
            for formant, width in ((600.0 + 200.0 * np.sin(9 * time), 90.0), (1500.0, 120.0))
        )
        sound += gain * np.sin(harmonic * phase) / harmonic**0.5
    syllables = 0.55 + 0.45 * np.sin(2 * np.pi * 4.0 * time)
    return 0.1 * sound * syllables + 1e-3 * rng.normal(size=len(time))


def tone(frequency_hz: float, seconds: float = 1.0, amplitude: float = 0.5) -> NDArray[np.float64]:
    """A sine."""
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return amplitude * np.sin(2 * np.pi * frequency_hz * time)


def white(seconds: float = 1.0, seed: int = 0, sigma: float = 0.1) -> NDArray[np.float64]:
    """White Gaussian noise."""
    return sigma * np.random.default_rng(seed).normal(size=int(seconds * SAMPLE_RATE))
