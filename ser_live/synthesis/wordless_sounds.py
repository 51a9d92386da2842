"""Synthesised sounds that are not speech, to train the speech check with.

Recorded noises and voices without words are few; these keep the check from knowing only
them. All are voiced or rhythmic enough that the segmenter takes many for an utterance.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import signal

from ser_live.arrays import Float32, Float64
from ser_live.config import SAMPLE_RATE_HZ
from ser_live.synthesis.noises import steady

Rng = np.random.Generator

_MAX_PARTIAL_HZ = 7800.0
_MAJOR, _MINOR = (0, 2, 4, 5, 7, 9, 11, 12, 14, 16), (0, 3, 5, 7, 10, 12, 15)

_VOWELS_HZ = np.array(
    [
        (730, 1090, 2440),
        (270, 2290, 3010),
        (300, 870, 2240),
        (530, 1840, 2480),
        (570, 840, 2410),
        (440, 1020, 2240),
        (490, 1350, 1690),
        (660, 1720, 2410),
    ],
    dtype=np.float64,
)
"""Formants of American English vowels (Peterson and Barney 1952)."""

_VOICES_S = {
    "held": (0.6, 3.0),
    "laugh": (0.8, 3.5),
    "sigh": (0.6, 2.0),
    "hum": (0.5, 2.5),
    "groan": (0.6, 2.5),
    "scream": (0.5, 2.0),
    "sob": (1.0, 4.0),
}
"""Sounds of a voice without words, and how long they last."""


def wordless_sound(kind: str, rng: Rng) -> Float32:
    """One sound between silences, with a faint background, at a random level.

    Parameters
    ----------
    kind : str
        One of ``SOUNDS``.
    rng : Generator

    Returns
    -------
    float32 array, mono, 16 kHz, 2 to 7 s
    """
    sound = SOUNDS[kind](rng)
    before, after = _samples(rng.uniform(0.5, 1.0)), _samples(0.7)
    sound = np.concatenate([np.zeros(before), sound, np.zeros(after)])
    sound *= 10 ** (-rng.uniform(3, 25) / 20) / max(1e-9, float(np.abs(sound).max()))
    sound += 10 ** (-rng.uniform(50, 75) / 20) * steady(len(sound), rng)
    return np.clip(sound, -0.99, 0.99).astype(np.float32)


def music(rng: Rng) -> Float64:
    """A melody or chords of plucked or held tones, sometimes with a drum."""
    duration_s = rng.uniform(1.5, 5)
    result = np.zeros(_samples(duration_s))
    amplitudes, base_hz, step_s = _timbre(rng), rng.uniform(100, 500), rng.uniform(0.12, 0.7)
    scale = _MAJOR if rng.random() < 0.6 else _MINOR
    n_voices, decay_s, start_s = rng.integers(1, 5), rng.uniform(0.1, 2.0), 0.0
    while start_s < duration_s - 0.1:
        length_s = step_s * rng.choice((0.5, 1, 1, 2))
        n = _samples(min(length_s * rng.uniform(0.8, 1.6), duration_s - start_s))
        time_s, first = np.arange(n) / SAMPLE_RATE_HZ, _samples(start_s)
        note = result[first : first + n]
        for _ in range(n_voices):
            vibrato = 1 + rng.uniform(0, 0.01) * np.sin(2 * np.pi * rng.uniform(4, 7) * time_s)
            tone = _harmonic(base_hz * 2 ** (rng.choice(scale) / 12) * vibrato, amplitudes)
            note += (tone * _fade(n, rng.uniform(0.005, 0.05), 0.05) * np.exp(-time_s / decay_s))[
                : len(note)
            ]
        if rng.random() < 0.4:
            drum = rng.uniform(0.5, 3) * rng.standard_normal(len(note))
            note += drum * np.exp(-time_s[: len(note)] / rng.uniform(0.01, 0.05))
        start_s += length_s
    return result


def tone(rng: Rng) -> Float64:
    """A steady or beeping tone."""
    n = _samples(rng.uniform(0.6, 4))
    amplitudes = _timbre(rng) if rng.random() < 0.7 else np.ones(1)
    result = _harmonic(np.full(n, np.exp(rng.uniform(np.log(80), np.log(3000)))), amplitudes)
    if rng.random() < 0.5:
        period_s = rng.uniform(0.1, 0.8)
        result *= np.arange(n) / SAMPLE_RATE_HZ % period_s < period_s * rng.uniform(0.3, 0.8)
    return result * _fade(n, 0.02, 0.1)


def siren(rng: Rng) -> Float64:
    """A tone that goes up and down, wails or alternates."""
    n = _samples(rng.uniform(1, 5))
    low_hz, phase = rng.uniform(200, 900), rng.uniform(0.2, 6) * np.arange(n) / SAMPLE_RATE_HZ
    wave = (signal.sawtooth, np.sin, signal.square)[rng.integers(3)](2 * np.pi * phase)
    sweep_hz = low_hz * (1 + (rng.uniform(1.2, 2.5) - 1) * (wave + 1) / 2)
    return np.asarray(_harmonic(sweep_hz, _timbre(rng)) * _fade(n, 0.02, 0.1))


def engine(rng: Rng) -> Float64:
    """A motor: low harmonics with a throb, and its noise."""
    n = _samples(rng.uniform(1, 5))
    drift = np.repeat(np.cumsum(rng.standard_normal(n // 800 + 1)), 800)[:n]
    fundamental_hz = np.clip(rng.uniform(25, 180) * (1 + 0.05 * drift), 20, 400)
    amplitudes = rng.uniform(0, 1, 25) / np.arange(1, 26) ** rng.uniform(0.3, 1.2)
    result = _harmonic(fundamental_hz, amplitudes)
    throb_hz, time_s = rng.uniform(5, 30), np.arange(n) / SAMPLE_RATE_HZ
    result *= 1 + rng.uniform(0, 0.8) * np.sin(2 * np.pi * throb_hz * time_s)
    noise = steady(n, rng) * rng.uniform(0.1, 1)
    return np.asarray((result / result.std() + noise) * _fade(n, 0.02, 0.1))


def clatter(rng: Rng) -> Float64:
    """Typing, dishes, knocking: ringing clicks."""
    n = _samples(rng.uniform(1.5, 5))
    result, start_s = np.zeros(n), 0.0
    ring_s, ring_hz, mean_pause_s = (
        rng.uniform(0.002, 0.05),
        rng.uniform(150, 4000),
        rng.uniform(0.05, 0.3),
    )
    while start_s < n / SAMPLE_RATE_HZ - 0.1:
        click = result[_samples(start_s) :][: _samples(0.15)]
        time_s = np.arange(len(click)) / SAMPLE_RATE_HZ
        ringing = np.sin(2 * np.pi * ring_hz * rng.uniform(0.8, 1.2) * time_s)
        ringing += rng.uniform() * rng.standard_normal(len(click))
        click += rng.uniform(0.3, 1) * np.exp(-time_s / ring_s) * ringing
        start_s += rng.exponential(mean_pause_s) + 0.02
    return result


def animal(rng: Rng) -> Float64:
    """Barks, mews, crows: harmonic calls with a bent pitch, again and again."""
    duration_s = rng.uniform(1, 4)
    result, start_s = np.zeros(_samples(duration_s)), rng.uniform(0, 0.1)
    call_s, base_hz, amplitudes = rng.uniform(0.08, 0.8), rng.uniform(120, 1200), _timbre(rng)
    while start_s < duration_s - 0.1:
        call = result[_samples(start_s) :][: _samples(call_s * rng.uniform(0.7, 1.3))]
        course = np.linspace(0, 1, len(call))
        bend = rng.uniform(0.1, 1) * np.sin(np.pi * course) ** rng.uniform(0.5, 2)
        pitch_hz = base_hz * (1 + bend - rng.uniform(0, 0.4) * course)
        rough = rng.uniform(0, 0.6) * rng.standard_normal(len(call))
        call += (_harmonic(pitch_hz, amplitudes) + rough) * _fade(len(call), 0.02, 0.08)
        start_s += len(call) / SAMPLE_RATE_HZ + rng.uniform(0.05, 0.7)
    return result


def voice(rng: Rng) -> Float64:
    """Held vowels, laughs, sighs, hums, groans, screams, sobs: a voice without words."""
    kind = str(rng.choice(list(_VOICES_S)))
    n = _samples(rng.uniform(*_VOICES_S[kind]))
    course = np.linspace(0, 1, n)
    envelope = _fade(n, rng.uniform(0.03, 0.2), rng.uniform(0.05, 0.4))
    breath = np.full(n, rng.uniform(0.02, 0.3))
    octaves = rng.uniform(-0.6, 0.6) * course + rng.uniform(-0.3, 0.5) * np.sin(np.pi * course)
    pitch_hz = rng.uniform(80, 320) * 2**octaves
    tract = rng.uniform(0.85, 1.25)
    formants_hz = tract * _VOWELS_HZ[rng.integers(len(_VOWELS_HZ))] * rng.uniform(0.92, 1.08, 3)
    if kind == "scream":
        pitch_hz = np.minimum(900, pitch_hz * rng.uniform(1.8, 3))
    if kind == "hum":
        formants_hz, breath = tract * np.array([250.0, 1100.0, 2200.0]), 0.3 * breath
    if kind == "sigh":
        breath = np.minimum(0.98, rng.uniform(0.3, 0.7) + rng.uniform(0, 0.5) * course)
        pitch_hz = pitch_hz * 2 ** (-rng.uniform(0.2, 1) * course)
        envelope *= np.exp(-course * rng.uniform(0, 3)) * np.minimum(1, course * rng.uniform(3, 20))
    if kind in ("laugh", "sob"):
        per_s = rng.uniform(3.5, 6.5) if kind == "laugh" else rng.uniform(1.2, 3.5)
        beat = course * n / SAMPLE_RATE_HZ * per_s % 1
        share = rng.uniform(0.35, 0.75)
        is_voiced = beat < share
        pulse = np.sin(np.pi * np.minimum(beat / share, 1)) ** rng.uniform(0.3, 1.5)
        breath = np.where(is_voiced, breath, 0.97)
        envelope *= np.where(is_voiced, pulse, 0) + rng.uniform(0.03, 0.35) * ~is_voiced
        envelope *= np.exp(-course * rng.uniform(-0.5, 2.0))
        pitch_hz = pitch_hz * 2 ** (0.25 * rng.uniform(-1, 1) * beat)
    excitation = _glottal(pitch_hz, breath, rng)
    for formant_hz, width_hz in zip((*formants_hz, 3500 * tract), (80, 100, 140, 200), strict=True):
        excitation = _resonate(excitation, formant_hz, width_hz * rng.uniform(0.7, 1.6))
    return excitation / max(1e-9, float(np.abs(excitation).max())) * envelope


SOUNDS: dict[str, Callable[[Rng], Float64]] = {
    "music": music,
    "tone": tone,
    "siren": siren,
    "engine": engine,
    "clatter": clatter,
    "animal": animal,
    "voice": voice,
}


def _samples(duration_s: float) -> int:
    return int(duration_s * SAMPLE_RATE_HZ)


def _fade(n: int, in_s: float, out_s: float) -> Float64:
    time_s, end_s = np.arange(n) / SAMPLE_RATE_HZ, n / SAMPLE_RATE_HZ
    rise = time_s / max(1e-9, min(in_s, end_s / 3))
    fall = (end_s - time_s) / max(1e-9, min(out_s, end_s / 2))
    return np.minimum(1, rise) * np.minimum(1, fall)


def _timbre(rng: Rng) -> Float64:
    """Amplitudes of the harmonics."""
    n = int(rng.integers(3, 16))
    return np.asarray(rng.uniform(0.3, 1, n) / np.arange(1, n + 1) ** rng.uniform(0.5, 2))


def _harmonic(pitch_hz: Float64, amplitudes: Float64) -> Float64:
    phase = 2 * np.pi * np.cumsum(pitch_hz) / SAMPLE_RATE_HZ
    result = np.zeros(len(pitch_hz))
    for number, amplitude in enumerate(amplitudes, 1):
        result += amplitude * (number * pitch_hz < _MAX_PARTIAL_HZ) * np.sin(number * phase)
    return result


def _glottal(pitch_hz: Float64, breath: Float64, rng: Rng) -> Float64:
    """Derivative of the flow through the vocal folds, with jitter, mixed with breath."""
    n = len(pitch_hz)
    jitter = 1 + rng.uniform(0, 0.03) * np.repeat(rng.standard_normal(n // 160 + 1), 160)[:n]
    phase = np.cumsum(pitch_hz * jitter) / SAMPLE_RATE_HZ % 1
    open_share = rng.uniform(0.4, 0.8)
    flow = np.where(phase < open_share, np.sin(np.pi * phase / open_share) ** 2, 0)
    pulses = np.diff(flow, prepend=0.0)
    pulses /= max(1e-9, float(pulses.std()))
    return np.asarray(pulses * (1 - breath) + breath * rng.standard_normal(n))


def _resonate(samples: Float64, centre_hz: float, width_hz: float) -> Float64:
    """One formant: a resonance with gain 1 at 0 Hz."""
    radius = np.exp(-np.pi * width_hz / SAMPLE_RATE_HZ)
    turn = 2 * radius * np.cos(2 * np.pi * centre_hz / SAMPLE_RATE_HZ)
    gain = 1 - turn + radius**2
    return np.asarray(signal.lfilter([gain], [1, -turn, radius**2], samples))
