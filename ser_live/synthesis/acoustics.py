"""Synthetic changes of a recording: room, line, another microphone, another speed.

Everything is made from random numbers and formulas, so that real noises and real rooms
stay unseen for measurements. Float32 are mono at 16 kHz.
"""

from __future__ import annotations

import numpy as np
from scipy import signal

from ser_live.arrays import Float32, Float64
from ser_live.config import SAMPLE_RATE_HZ

_MU = 255.0
"""Companding constant of ITU-T G.711."""
_MU_STEPS = 127
"""Steps to each side of zero."""


def play_faster(samples: Float32, speed: float) -> Float32:
    """Play at another speed: pitch and formants move along, as with another vocal tract."""
    import soxr

    changed: Float32 = soxr.resample(samples, SAMPLE_RATE_HZ * speed, SAMPLE_RATE_HZ)
    return changed


def room(samples: Float32, rng: np.random.Generator) -> Float32:
    """Put into a room: noise that decays after the direct sound, high tones faster than low ones.

    The reverberation time is 0.2 to 2.0 s, the direct sound -10 to 8 dB above the decay, and
    1 to 30 ms lie between them. The RMS stays.
    """
    decay_s = float(np.exp(rng.uniform(np.log(0.2), np.log(2.0))))
    delay = round(rng.uniform(0.001, 0.030) * SAMPLE_RATE_HZ)
    n_tail = round(decay_s * SAMPLE_RATE_HZ)
    time_s = np.arange(n_tail) / SAMPLE_RATE_HZ
    noise = rng.standard_normal(n_tail)
    low = signal.lfilter([0.3], [1.0, -0.7], noise)
    # 60 dB down after the reverberation time; the treble in half of it.
    tail = low * 10.0 ** (-3.0 * time_s / decay_s) * 1.5
    tail += (noise - low) * 10.0 ** (-6.0 * time_s / decay_s) * rng.uniform(0.2, 1.0)
    tail /= np.sqrt(np.sum(tail**2))
    response = np.zeros(delay + n_tail)
    response[0] = 1.0
    response[delay:] += 10.0 ** (-rng.uniform(-10.0, 8.0) / 20.0) * tail
    return _like(signal.fftconvolve(samples, response)[: len(samples)], samples)


def line(samples: Float32, rng: np.random.Generator) -> Float32:
    """Send over a narrow line: a band from 50-400 Hz to 2.7-7 kHz, and the marks of its coding.

    A third each is companded to 8 bits (mu-law), gets noise that follows the signal 8 to
    30 dB below it, as coders leave it (the reference unit of ITU-T P.810), or passes
    unharmed. The RMS stays.
    """
    low_hz = float(np.exp(rng.uniform(np.log(50.0), np.log(400.0))))
    high_hz = float(np.exp(rng.uniform(np.log(2700.0), np.log(7000.0))))
    order = int(rng.integers(2, 6))
    sections = signal.butter(order, (low_hz, high_hz), "bandpass", fs=SAMPLE_RATE_HZ, output="sos")
    heard = signal.sosfilt(sections, samples.astype(np.float64))
    coding = rng.integers(3)
    if coding == 0:
        heard = companded(heard, full_scale=float(np.abs(heard).max(initial=0.0)))
    elif coding == 1:
        distance = 10.0 ** (-rng.uniform(8.0, 30.0) / 20.0)
        heard = heard * (1.0 + distance * rng.standard_normal(len(heard)))
        heard = signal.sosfilt(sections, heard)
    return _like(heard, samples)


def companded(sound: Float64, full_scale: float = 1.0) -> Float64:
    """Code in 8 bits by mu-law and decode again; ``full_scale`` fills the 8 bits."""
    if full_scale == 0.0:
        return sound
    value = sound / full_scale
    magnitude = np.log1p(_MU * np.abs(value)) / np.log1p(_MU)
    coded = np.sign(value) * np.rint(magnitude * _MU_STEPS) / _MU_STEPS
    decoded = full_scale * np.sign(coded) * np.expm1(np.abs(coded) * np.log1p(_MU)) / _MU
    return np.asarray(decoded, dtype=np.float64)


def tilt(samples: Float32, db_per_3_octaves: float) -> Float32:
    """Tilt the spectrum around 1 kHz, as microphones differ. The RMS stays."""
    spectrum = np.fft.rfft(samples)
    octaves = np.log2(np.maximum(np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE_HZ), 100.0) / 1000.0)
    gain = 10.0 ** (db_per_3_octaves * octaves / 3.0 / 20.0)
    return _like(np.fft.irfft(spectrum * gain, len(samples)), samples)


def _like(changed: Float64, samples: Float32) -> Float32:
    """Bring to the RMS of `samples`, scaled down where it would clip."""
    power = float(np.mean(changed**2)) if len(changed) else 0.0
    gain = np.sqrt(float(np.mean(np.square(samples, dtype=np.float64))) / power) if power else 1.0
    peak = gain * float(np.abs(changed).max(initial=0.0))
    return np.asarray(changed * (gain / max(1.0, peak)), dtype=np.float32)
