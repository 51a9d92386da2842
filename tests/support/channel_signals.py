"""Signals of several channels, made of the bundled recording, and of bursts like syllables."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

import ser_live

RATE = 16_000


@cache
def talk() -> NDArray[np.float32]:
    """Two sentences of the bundled recording, nine seconds at 16 kHz."""
    samples, rate = soundfile.read(Path(ser_live.__file__).parent / "demo.ogg", dtype="float32")
    heard: NDArray[np.float32] = soxr.resample(samples[: 9 * rate], rate, RATE)
    heard.flags.writeable = False
    return heard


def syllables(
    duration_s: float, rate: int, seed: int = 0, gain: float = 0.1
) -> NDArray[np.float32]:
    """Bursts of noise between 400 and 1600 Hz, four a second, with silence between."""
    rng = np.random.default_rng(seed)
    n = round(duration_s * rate)
    spectrum = np.fft.rfft(rng.standard_normal(n))
    hertz = np.fft.rfftfreq(n, 1 / rate)
    spectrum[(hertz < 400) | (hertz > 1600)] = 0
    noise = np.fft.irfft(spectrum, n)
    noise /= np.sqrt(np.mean(noise**2))
    t = np.arange(n) / rate
    envelope = np.maximum(0.0, np.sin(2 * np.pi * 4 * t + 0.5 * seed)) ** 2
    return (gain * noise * envelope).astype(np.float32)


def hum(duration_s: float, rate: int, gain: float = 0.5) -> NDArray[np.float32]:
    """Hum of the mains."""
    t = np.arange(round(duration_s * rate)) / rate
    return (gain * np.sin(2 * np.pi * 50 * t)).astype(np.float32)
