"""Typing, clicking, knocking, doors and music: sounds the segmenter must not take for speech."""

from __future__ import annotations

import numpy as np

from ser_live.arrays import Float32, Float64
from ser_live.config import SAMPLE_RATE_HZ

CLATTER = ("typing", "clicking", "knocking", "doors")
"""Sounds that `clatter` makes."""

_PAUSE_S = {
    "typing": (0.08, 0.35),
    "clicking": (0.3, 1.5),
    "knocking": (0.15, 1.2),
    "doors": (2, 4),
}


def clatter(kind: str, duration_s: float, rng: np.random.Generator) -> Float32:
    """Imitate typing, mouse clicks, knocking or doors: struck wood and plastic in quiet noise.

    Each stroke is a sum of damped resonances (quality about 10, as of wood) and a burst of
    noise; peak -12 dBFS, background -65 dBFS. No substitute for recordings, but the timing
    and the steep attacks that fool novelty detectors are there.
    """
    n = round(duration_s * SAMPLE_RATE_HZ)
    stroke_n = SAMPLE_RATE_HZ // 2
    out = np.zeros(n + 2 * stroke_n)
    position_s = 0.8
    while position_s < duration_s - 0.5:
        at = round(position_s * SAMPLE_RATE_HZ)
        out[at : at + stroke_n] += _stroke(kind, stroke_n, rng) * rng.uniform(0.5, 1.0)
        position_s += rng.uniform(*_PAUSE_S[kind])
    out = out[:n]
    out *= 0.25 / np.abs(out).max()
    return (out + 10 ** (-65 / 20) * rng.standard_normal(n)).astype(np.float32)


def _stroke(kind: str, n: int, rng: np.random.Generator) -> Float64:
    if kind == "typing":
        press = _resonances(1500, 5500, 4, n, rng) + 0.6 * _resonances(120, 450, 2, n, rng)
        release = np.roll(
            _resonances(1500, 6000, 4, n, rng), round(rng.uniform(0.06, 0.12) * 16000)
        )
        return press + 0.4 * release
    if kind == "clicking":
        second = np.roll(_resonances(2000, 7000, 5, n, rng), round(rng.uniform(0.08, 0.15) * 16000))
        return _resonances(2000, 7000, 5, n, rng) + 0.8 * second
    if kind == "knocking":
        return _resonances(70, 350, 4, n, rng) + 0.3 * _resonances(600, 2500, 4, n, rng)
    slam = np.convolve(rng.standard_normal(n), np.ones(8) / 8, "same")
    slam *= np.exp(-np.arange(n) / rng.uniform(600, 2500))
    return 2 * slam + 2 * _resonances(40, 180, 5, n, rng) + _resonances(300, 2000, 8, n, rng)


def _resonances(
    low_hz: float, high_hz: float, count: int, n: int, rng: np.random.Generator
) -> Float64:
    """Sum of damped sines of quality 10 with random frequency, phase and strength."""
    time_s = np.arange(n) / SAMPLE_RATE_HZ
    total = np.zeros(n)
    for _ in range(count):
        frequency = rng.uniform(low_hz, high_hz)
        phase, strength = rng.uniform(0, 2 * np.pi), rng.standard_normal()
        damped = np.exp(-time_s * np.pi * frequency / 10)
        total += strength * damped * np.sin(2 * np.pi * frequency * time_s + phase)
    return total


def music(duration_s: float, rng: np.random.Generator) -> Float32:
    """Imitate a small band: chords, a bass and drums at 100 beats a minute, peak -6 dBFS.

    Notes are harmonics that decay, the melody has vibrato: as periodic as a voice.
    """
    n = round(duration_s * SAMPLE_RATE_HZ)
    beat = round(0.6 * SAMPLE_RATE_HZ)
    out = np.zeros(n + 4 * beat)
    scale_hz = 220.0 * 2.0 ** (np.array([0, 2, 4, 5, 7, 9, 11, 12]) / 12)
    for index, at in enumerate(range(0, n, beat)):
        root = rng.choice(scale_hz)
        if index % 4 == 0:
            for ratio in (1.0, 1.25, 1.5):
                out[at : at + 4 * beat] += 0.3 * _note(root * ratio, 4 * beat, 0.8, 0.0)
        out[at : at + beat] += 0.8 * _note(root / 4, beat, 0.3, 0.0)
        out[at : at + beat] += 0.7 * _note(rng.choice(scale_hz) * 2, beat, 0.4, 0.01)
        drum = rng.standard_normal(beat) * np.exp(-np.arange(beat) / 800)
        out[at : at + beat] += (
            drum if index % 2 else 2 * np.convolve(drum, np.ones(40) / 40, "same")
        )
    out = out[:n] * (0.5 / np.abs(out[:n]).max())
    return np.asarray(out, dtype=np.float32)


def _note(f0_hz: float, n: int, decay_s: float, vibrato: float) -> Float64:
    time_s = np.arange(n) / SAMPLE_RATE_HZ
    phase = 2 * np.pi * f0_hz * (time_s + vibrato / 35 * np.sin(2 * np.pi * 5.5 * time_s))
    wave = np.zeros(n)
    for harmonic in range(1, 1 + int(min(12, 7000 / f0_hz))):
        wave += np.sin(harmonic * phase) / harmonic
    return wave * np.exp(-time_s / decay_s) * np.minimum(time_s / 0.01, 1)
