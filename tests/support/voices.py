"""Signals made in code whose pitch, perturbation and noise are known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 16_000


def sine(f0_hz: float, seconds: float, amplitude: float = 0.5) -> NDArray[np.float32]:
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (amplitude * np.sin(2.0 * np.pi * f0_hz * time)).astype(np.float32)


def noise(seconds: float, rms: float = 0.1, seed: int = 0) -> NDArray[np.float32]:
    values = np.random.default_rng(seed).standard_normal(round(seconds * SAMPLE_RATE))
    return (rms * values).astype(np.float32)


def pulses(
    times_s: NDArray[np.float64], heights: NDArray[np.float64], highest_hz: float = 3000.0
) -> NDArray[np.float64]:
    """Pulses from 150 Hz to the highest, at any, also fractional, sample positions."""
    n_samples = int((times_s[-1] + 0.05) * SAMPLE_RATE)
    wave = np.zeros(n_samples + 80)
    places = times_s * SAMPLE_RATE
    first = np.floor(places).astype(np.int64)
    taps = np.arange(-31, 33)
    distance = taps - (places - first)[:, np.newaxis]
    sinc = np.sinc(distance) * np.cos(np.pi * distance / 66.0) ** 2
    np.add.at(wave, np.maximum(first[:, np.newaxis] + taps, 0), heights[:, np.newaxis] * sinc)
    n_fft = 1 << len(wave).bit_length()
    hz = np.arange(n_fft // 2 + 1) * SAMPLE_RATE / n_fft
    shape = (hz / 150.0) ** 2 / (1.0 + (hz / 150.0) ** 2) / (1.0 + (hz / highest_hz) ** 4)
    return np.fft.irfft(np.fft.rfft(wave, n_fft) * shape, n_fft)[:n_samples]


def train(
    period_s: float, n_periods: int, jitter: float = 0.0, shimmer: float = 0.0
) -> NDArray[np.float32]:
    """Pulses with periods T(1 +- jitter) and heights A(1 +- shimmer), alternating."""
    sign = 1.0 - 2.0 * (np.arange(n_periods) % 2)
    times_s = 0.05 + np.concatenate(([0.0], np.cumsum(period_s * (1.0 + jitter * sign))))[:-1]
    wave = pulses(times_s, 1.0 + shimmer * sign)
    return (0.7 * wave / np.abs(wave).max()).astype(np.float32)


def vowel(
    f0_hz: NDArray[np.float64] | float,
    seconds: float,
    formants_hz: tuple[float, ...] = (700.0, 1200.0, 2600.0, 3500.0, 4500.0),
    amplitude: float = 0.3,
) -> NDArray[np.float32]:
    """Pulses at an F0 (a number, or one per sample) through formant resonators."""
    n_samples = round(seconds * SAMPLE_RATE)
    phase = np.cumsum(np.broadcast_to(np.asarray(f0_hz, dtype=np.float64), n_samples)) / SAMPLE_RATE
    marks = np.interp(np.arange(1.0, phase[-1]), phase, np.arange(n_samples) / SAMPLE_RATE)
    source = pulses(marks, np.ones(len(marks)), highest_hz=6000.0)
    n_fft = 1 << (2 * n_samples).bit_length()
    delay = np.exp(-2j * np.pi * np.arange(n_fft // 2 + 1) / n_fft)
    spectrum = np.fft.rfft(source, n_fft) / (1.0 - 0.97 * delay)
    for centre_hz in formants_hz:
        radius = np.exp(-np.pi * (50.0 + 0.03 * centre_hz) / SAMPLE_RATE)
        pole = radius * np.exp(2j * np.pi * centre_hz / SAMPLE_RATE)
        spectrum *= abs(1.0 - pole) ** 2 / ((1.0 - pole * delay) * (1.0 - np.conj(pole) * delay))
    wave = np.zeros(n_samples)
    shaped = np.fft.irfft(spectrum, n_fft)[:n_samples]
    wave[: len(shaped)] = shaped
    return (amplitude * wave / np.abs(wave).max()).astype(np.float32)


def _uneven_train() -> NDArray[np.float32]:
    """Periods and heights that scatter by 1 % and 5 %."""
    rng = np.random.default_rng(7)
    periods_s = 0.0082 * (1.0 + 0.01 * rng.standard_normal(180))
    wave = pulses(0.05 + np.cumsum(periods_s), 1.0 + 0.05 * rng.standard_normal(180))
    return (0.5 * wave / np.abs(wave).max()).astype(np.float32)


GOLDEN_SIGNALS: dict[str, Callable[[], NDArray[np.float32]]] = {
    "sine 200 Hz in noise at 20 dB": lambda: sine(200.0, 1.5) + noise(1.5, 0.0354),
    "sine 310 Hz in noise at 5 dB": lambda: sine(310.0, 1.5) + noise(1.5, 0.199),
    "pulses with jitter 0.5 %": lambda: train(0.008, 150, jitter=0.005),
    "pulses with shimmer 5 %": lambda: train(0.008, 150, shimmer=0.05),
    "pulses with scattered periods and heights": _uneven_train,
    "gliding vowel in noise": lambda: (
        vowel(np.linspace(220.0, 130.0, 24_000), 1.5) + noise(1.5, 0.003)
    ),
    "high vowel": lambda: vowel(430.0, 1.0) + noise(1.0, 0.002),
}
"""Sounds that ``scripts/make_golden.py`` has measured with other programs."""
