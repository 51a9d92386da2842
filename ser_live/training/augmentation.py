"""Variants of a training recording: other speeds, added noise.

All noise is synthesised, so training needs nothing beyond the corpus, and real
noise stays unseen for measurements.
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

from ser_live.config import SAMPLE_RATE_HZ

PLAIN = "plain"
VARIANTS = (PLAIN, "slow", "fast", "noisy")
"""Names of the variants, the unchanged recording first."""

SPEEDS = {"slow": 0.92, "fast": 1.08}
"""Playback speed; pitch and formants move along, which imitates another vocal tract."""

NOISE_SNR_DB = (0.0, 20.0)
"""Range from which the speech-to-noise ratio of ``noisy`` is drawn, in dB."""

_FRAME = 320
_SPEECH_SHARE = 0.3


def vary(samples: NDArray[np.float32], variant: str, identity: str) -> NDArray[np.float32]:
    """One variant of a recording.

    Parameters
    ----------
    samples : float32 array, shape (n,)
        Mono, 16 kHz.
    variant : str
        One of ``VARIANTS``.
    identity : str
        Name of the recording; the same name always draws the same noise.

    Returns
    -------
    float32 array, shape (n / speed,)
    """
    if variant == PLAIN:
        return samples
    if variant in SPEEDS:
        import soxr

        changed: NDArray[np.float32] = soxr.resample(
            samples, SAMPLE_RATE_HZ * SPEEDS[variant], SAMPLE_RATE_HZ
        )
        return changed
    if variant != "noisy":
        raise ValueError(f"unknown variant {variant!r}: choose one of {', '.join(VARIANTS)}")
    rng = np.random.default_rng(zlib.crc32(identity.encode()))
    noise = synthetic_noise(len(samples), rng)
    return mix(samples, noise, float(rng.uniform(*NOISE_SNR_DB)))


def mix(
    samples: NDArray[np.float32], noise: NDArray[np.floating], snr_db: float
) -> NDArray[np.float32]:
    """Speech with noise at a ratio of speech level to noise level, in dB.

    The speech level is the RMS of the loudest 30 % of 20 ms frames, so that silence
    around the speech does not count. The sum is scaled down where it would clip.
    """
    n_frames = len(samples) // _FRAME
    if n_frames == 0 or not np.any(noise):
        return samples
    power = np.sort(np.mean(samples[: n_frames * _FRAME].reshape(n_frames, _FRAME) ** 2, axis=1))
    speech = float(np.mean(power[-max(1, round(_SPEECH_SHARE * n_frames)) :]))
    gain = np.sqrt(speech / np.mean(noise**2) / 10.0 ** (snr_db / 10.0))
    mixed = samples + gain * noise
    return np.asarray(mixed / max(1.0, float(np.abs(mixed).max())), dtype=np.float32)


def synthetic_noise(n_samples: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Steady or slowly swelling noise with a random spectral slope, RMS 1.

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
    return np.asarray(noise / np.sqrt(np.mean(noise**2)))
