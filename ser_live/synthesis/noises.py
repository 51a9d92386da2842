"""Synthetic noise, and how it is added to speech.

Everything is made from random numbers and formulas, so that recorded noises stay unseen
for measurements. Every noise has RMS 1, float64, 16 kHz.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from ser_live.arrays import Float32, Float64
from ser_live.config import SAMPLE_RATE_HZ

_NYQUIST_HZ = SAMPLE_RATE_HZ / 2
_FRAME_SAMPLES = 320
_SPEECH_SHARE = 0.3


def any_noise(n_samples: int, rng: np.random.Generator) -> Float64:
    """One of the noises below: half of the time a steady one, a quarter people talking."""
    kind = rng.random()
    if kind < 0.5:
        return steady(n_samples, rng)
    if kind < 0.75:
        return babble(n_samples, rng)
    return (hum if kind < 0.9 else crackle)(n_samples, rng)


def steady(n_samples: int, rng: np.random.Generator) -> Float64:
    """Steady or slowly swelling noise with a random spectral slope.

    The power spectrum falls with ``f^-a``, a between 0 (white) and 2 (brown), above a
    corner of 50 Hz; half of the noises swell by up to 20 dB at 0.2 to 4 Hz.
    """
    spectrum = np.fft.rfft(rng.standard_normal(n_samples))
    frequency_hz = np.fft.rfftfreq(n_samples, 1.0 / SAMPLE_RATE_HZ)
    slope = rng.uniform(0.0, 2.0)
    noise = np.fft.irfft(spectrum * np.maximum(frequency_hz, 50.0) ** (-slope / 2.0), n_samples)
    if rng.random() < 0.5:
        swell_hz, depth_db, phase = rng.uniform(0.2, 4.0), rng.uniform(0.0, 20.0), rng.uniform()
        time_s = np.arange(n_samples) / SAMPLE_RATE_HZ
        swell = np.sin(2.0 * np.pi * (swell_hz * time_s + phase))
        noise = noise * 10.0 ** (depth_db / 40.0 * swell)
    return _at_one(noise)


def hum(n_samples: int, rng: np.random.Generator) -> Float64:
    """A motor: harmonics of 40 to 400 Hz falling by 3 to 12 dB an octave, and steady noise."""
    time_s = np.arange(n_samples) / SAMPLE_RATE_HZ
    pitch_hz = float(np.exp(rng.uniform(np.log(40.0), np.log(400.0))))
    drift = 1.0 + 0.02 * np.sin(2.0 * np.pi * (rng.uniform(0.1, 1.0) * time_s + rng.uniform()))
    phase = 2.0 * np.pi * np.cumsum(pitch_hz * drift) / SAMPLE_RATE_HZ
    slope_db = rng.uniform(3.0, 12.0)
    tones = np.zeros(n_samples)
    for harmonic in range(1, min(40, int(_NYQUIST_HZ / (1.1 * pitch_hz))) + 1):
        gain_db = rng.uniform(-6.0, 6.0) - slope_db * np.log2(harmonic)
        tones += 10.0 ** (gain_db / 20.0) * np.sin(harmonic * phase + rng.uniform(0.0, 2.0 * np.pi))
    share = rng.uniform(0.3, 1.0)
    return _at_one(_at_one(tones) + share * steady(n_samples, rng))


def crackle(n_samples: int, rng: np.random.Generator) -> Float64:
    """Rain or cutlery: 5 to 500 clicks a second of 1 to 10 ms, and soft steady noise."""
    rate_hz = float(np.exp(rng.uniform(np.log(5.0), np.log(500.0))))
    clicks = rng.standard_normal(n_samples) * (rng.random(n_samples) < rate_hz / SAMPLE_RATE_HZ)
    low_hz = rng.uniform(200.0, 3000.0)
    ringing = np.exp(-1.0 / (rng.uniform(0.001, 0.010) * SAMPLE_RATE_HZ))
    sections = signal.butter(2, low_hz, "highpass", fs=SAMPLE_RATE_HZ, output="sos")
    tails = rng.standard_normal(n_samples) * signal.lfilter([1.0], [1.0, -ringing], np.abs(clicks))
    share = rng.uniform(0.1, 0.7)
    return _at_one(_at_one(signal.sosfilt(sections, tails)) + share * steady(n_samples, rng))


def babble(n_samples: int, rng: np.random.Generator) -> Float64:
    """3 to 12 people talking at once, near and far."""
    voices = np.zeros(n_samples)
    for _ in range(rng.integers(3, 13)):
        voices += 10.0 ** (rng.uniform(-12.0, 0.0) / 20.0) * talker(n_samples, rng)
    return _at_one(voices)


def talker(n_samples: int, rng: np.random.Generator) -> Float64:
    """Somebody saying nothing: syllables of random vowels, hisses and pauses.

    A syllable lasts 80 to 280 ms and has its own three formants, pitch (within a few
    semitones of the voice's) and loudness; one of six is a hiss, one of six a pause.
    """
    voice_hz = float(np.exp(rng.uniform(np.log(85.0), np.log(280.0))))
    result = np.zeros(n_samples)
    # Starts before the excerpt does, in the middle of something.
    start = -int(rng.integers(SAMPLE_RATE_HZ // 4))
    while start < n_samples:
        n = int(rng.uniform(0.08, 0.28) * SAMPLE_RATE_HZ)
        kind = rng.integers(6)
        sound = _hiss(n, rng) if kind == 1 else _vowel(n, voice_hz, rng)
        sound *= np.hanning(n) ** 0.5 * 10.0 ** (rng.uniform(-10.0, 0.0) / 20.0)
        if kind > 0:
            low, high = max(0, start), max(0, min(n_samples, start + n))
            result[low:high] += sound[low - start : high - start]
        start += n
    return _at_one(result)


def pink_noise(n_samples: int, rng: np.random.Generator) -> Float64:
    """Noise with power falling 3 dB per octave from 40 Hz up, RMS 1."""
    frequency = np.fft.rfftfreq(n_samples, 1 / SAMPLE_RATE_HZ)
    spectrum = rng.standard_normal(len(frequency)) + 1j * rng.standard_normal(len(frequency))
    spectrum[1:] /= np.sqrt(frequency[1:])
    spectrum[frequency < 40] = 0
    noise = np.fft.irfft(spectrum, n_samples)
    return np.asarray(noise / np.sqrt(np.mean(np.square(noise))), dtype=np.float64)


def mix(samples: Float32, noise: NDArray[np.floating], snr_db: float) -> Float32:
    """Speech with noise at a ratio of speech level to noise level, in dB.

    The speech level is the RMS of the loudest 30 % of 20 ms frames, so that silence
    around the speech does not count. The sum is scaled down where it would clip.
    """
    n_frames = len(samples) // _FRAME_SAMPLES
    if n_frames == 0 or not np.any(noise):
        return samples
    power = np.sort(
        np.mean(samples[: n_frames * _FRAME_SAMPLES].reshape(n_frames, _FRAME_SAMPLES) ** 2, axis=1)
    )
    speech = float(np.mean(power[-max(1, round(_SPEECH_SHARE * n_frames)) :]))
    gain = np.sqrt(speech / np.mean(noise**2) / 10.0 ** (snr_db / 10.0))
    mixed = samples + gain * noise
    return np.asarray(mixed / max(1.0, float(np.abs(mixed).max())), dtype=np.float32)


def _vowel(n_samples: int, voice_hz: float, rng: np.random.Generator) -> Float64:
    first, last = voice_hz * 2.0 ** (rng.normal(0.0, 3.0, 2) / 12.0)
    phase = np.cumsum(np.linspace(first, last, n_samples)) / SAMPLE_RATE_HZ
    sound = 2.0 * (phase % 1.0) - 1.0
    for low_hz, high_hz, width_hz in ((280, 850, 80), (850, 2400, 120), (2300, 3300, 200)):
        angle = 2.0 * np.pi * rng.uniform(low_hz, high_hz) / SAMPLE_RATE_HZ
        radius = np.exp(-np.pi * width_hz / SAMPLE_RATE_HZ)
        poles = [1.0, -2.0 * radius * np.cos(angle), radius**2]
        sound = signal.lfilter([sum(poles)], poles, sound)
    return _at_one(sound)


def _hiss(n_samples: int, rng: np.random.Generator) -> Float64:
    sections = signal.butter(
        2, rng.uniform(1500.0, 4500.0), "highpass", fs=SAMPLE_RATE_HZ, output="sos"
    )
    return 0.5 * _at_one(signal.sosfilt(sections, rng.standard_normal(n_samples)))


def _at_one(noise: Float64) -> Float64:
    """Scale to RMS 1; silence stays silence."""
    rms = float(np.sqrt(np.mean(noise**2))) if len(noise) else 0.0
    return np.asarray(noise / rms if rms > 0.0 else noise)
