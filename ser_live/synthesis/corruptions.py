"""Corruptions of speech between mouth and program: noise, rooms, telephones, level, edges.

Every function takes and gives mono float32, 16 kHz, in [-1, 1], and leaves its argument alone.
Random choices are drawn from an identity, a string that names the recording: the
same recording is always corrupted in the same way. ``robustness_suite`` chooses the strengths.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ser_live.arrays import Float32, Float64
from ser_live.config import SAMPLE_RATE_HZ
from ser_live.datasets.impulse_responses import direct_onset
from ser_live.synthesis.acoustics import companded
from ser_live.synthesis.noises import mix, pink_noise

TELEPHONE_HZ = (300.0, 3400.0)
TELEPHONE_RATE_HZ = 8000

_COLOUR_HZ = (125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0)


def chance(identity: str, kind: str) -> np.random.Generator:
    """Source of chance for one kind of corruption of one recording."""
    return np.random.default_rng(zlib.crc32(f"{kind}|{identity}".encode()))


def white_noise(samples: Float32, identity: str, *, snr_db: float) -> Float32:
    """Add white noise, `snr_db` below the speech (``noises.mix``)."""
    return mix(samples, chance(identity, "white").standard_normal(len(samples)), snr_db)


def pink(samples: Float32, identity: str, *, snr_db: float) -> Float32:
    """Add noise falling 3 dB per octave, `snr_db` below the speech."""
    if len(samples) < 2:
        return samples
    return mix(samples, pink_noise(len(samples), chance(identity, "pink")), snr_db)


def recorded_noise(
    samples: Float32, identity: str, *, noises: tuple[Float32, ...], kind: str, snr_db: float
) -> Float32:
    """Add an excerpt of one of `noises`, `snr_db` below the speech.

    Recording and place are drawn from `identity`; digital silence at its ends is dropped, and a
    noise that is too short starts again. The level that counts is that of the excerpt, so that
    a lull does not pass for noise.
    """
    rng = chance(identity, kind)
    noise = np.trim_zeros(noises[int(rng.integers(len(noises)))])
    start = int(rng.integers(max(1, len(noise) - len(samples) + 1)))
    return mix(samples, np.resize(noise[start:], len(samples)), snr_db)


def tone(samples: Float32, identity: str, *, snr_db: float) -> Float32:
    """Add a steady whistle between 5 and 7 kHz, `snr_db` below the speech."""
    rng = chance(identity, "tone")
    phase = 2.0 * np.pi * rng.uniform(5000.0, 7000.0) * np.arange(len(samples)) / SAMPLE_RATE_HZ
    return mix(samples, np.sin(phase + rng.uniform(0.0, 2.0 * np.pi)), snr_db)


def room(samples: Float32, identity: str, *, response: NDArray[np.floating[Any]]) -> Float32:
    """Put into a room with this impulse response.

    The direct sound stays where it was and the length is kept, so that words keep their
    times; RMS stays too, unless that would clip.
    """
    from scipy.signal import fftconvolve

    if not np.any(samples):
        return samples
    onset = direct_onset(response)
    heard = fftconvolve(samples.astype(np.float64), response)[onset : onset + len(samples)]
    heard = heard * np.sqrt(np.mean(np.square(samples, dtype=np.float64)) / np.mean(heard**2))
    return np.asarray(heard / max(1.0, float(np.abs(heard).max())), dtype=np.float32)


def synthetic_room(reverberation_s: float, direct_db: float, rng: np.random.Generator) -> Float64:
    """Impulse response of an ideal diffuse room: a click, then noise that dies away.

    Parameters
    ----------
    reverberation_s : float
        Time in which the noise falls by 60 dB, in seconds; the length of the response.
    direct_db : float
        Energy of the click over that of the noise.
    rng : Generator
    """
    time_s = np.arange(1, round(reverberation_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    tail = rng.standard_normal(len(time_s)) * 10.0 ** (-3.0 * time_s / reverberation_s)
    tail *= 10.0 ** (-direct_db / 20.0) / np.sqrt(np.sum(tail**2))
    return np.concatenate([[1.0], tail])


def telephone(samples: Float32, identity: str) -> Float32:
    """Send over a wire: 300 to 3400 Hz, 8 kHz, eight bits by mu-law."""
    return _wide_band(companded(_narrow_band(samples)), len(samples))


def mobile_telephone(samples: Float32, identity: str) -> Float32:
    """Send over the air: 300 to 3400 Hz, 8 kHz, GSM 06.10 full rate (13 kbit/s)."""
    import soundfile

    if len(samples) == 0:
        return samples
    coded = io.BytesIO()
    soundfile.write(coded, _narrow_band(samples), TELEPHONE_RATE_HZ, format="WAV", subtype="GSM610")
    coded.seek(0)
    return _wide_band(soundfile.read(coded)[0], len(samples))


def gain(samples: Float32, identity: str, *, gain_db: float) -> Float32:
    """Make louder or quieter; what exceeds full scale is cut off, as a converter does."""
    louder = samples * np.float32(10.0 ** (gain_db / 20.0))
    return np.asarray(np.clip(louder, -1.0, 1.0), dtype=np.float32)


def clipping(samples: Float32, identity: str, *, share: float) -> Float32:
    """The highest `share` of samples, in [0, 1], cut down to one height.

    The level is left as it is: `gain` tests that.
    """
    if not np.any(samples):
        return samples
    height = np.float32(np.quantile(np.abs(samples), 1.0 - share, method="lower"))
    return np.asarray(np.clip(samples, -height, height), dtype=np.float32)


def zeros_in_front(samples: Float32, identity: str, *, duration_s: float) -> Float32:
    """Digital silence before the recording."""
    return np.concatenate([_silence(duration_s), samples])


def zeros_behind(samples: Float32, identity: str, *, duration_s: float) -> Float32:
    """Digital silence after the recording."""
    return np.concatenate([samples, _silence(duration_s)])


def start_shift(samples: Float32, identity: str, *, shift_s: float) -> Float32:
    """Another beginning: `shift_s` cut off, or prepended where it is negative.

    What is prepended is the beginning, mirrored, and thus the recording's own background.
    """
    n = round(abs(shift_s) * SAMPLE_RATE_HZ)
    if shift_s > 0.0:
        return samples[n:]
    return np.pad(samples, (n, 0), mode="reflect") if len(samples) > 1 else samples


def end_shift(samples: Float32, identity: str, *, shift_s: float) -> Float32:
    """Another end: `shift_s` cut off, or appended where it is negative."""
    return start_shift(samples[::-1], identity, shift_s=shift_s)[::-1].copy()


def low_pass(samples: Float32, identity: str, *, cutoff_hz: float) -> Float32:
    """Sound without anything above `cutoff_hz` (Butterworth, 24 dB per octave)."""
    return _filter(samples, cutoff_hz, "lowpass")


def high_pass(samples: Float32, identity: str, *, cutoff_hz: float) -> Float32:
    """Sound without anything below `cutoff_hz` (Butterworth, 24 dB per octave)."""
    return _filter(samples, cutoff_hz, "highpass")


def microphone_colour(samples: Float32, identity: str, *, spread_db: float) -> Float32:
    """Play through another microphone: seven octaves raised or lowered by up to `spread_db`.

    The curve between them is smooth over the logarithm of frequency, there is no delay, and RMS is
    kept unless that would clip.
    """
    if not np.any(samples):
        return samples
    gains_db = chance(identity, "colour").uniform(-spread_db, spread_db, len(_COLOUR_HZ))
    n_fft = len(samples) + SAMPLE_RATE_HZ // 10
    frequency_hz = np.maximum(np.fft.rfftfreq(n_fft, 1.0 / SAMPLE_RATE_HZ), 1.0)
    curve_db = np.interp(np.log(frequency_hz), np.log(_COLOUR_HZ), gains_db)
    spectrum = np.fft.rfft(samples, n_fft) * 10.0 ** (curve_db / 20.0)
    heard = np.fft.irfft(spectrum, n_fft)[: len(samples)]
    heard *= np.sqrt(np.mean(np.square(samples, dtype=np.float64)) / np.mean(heard**2))
    return np.asarray(heard / max(1.0, float(np.abs(heard).max())), dtype=np.float32)


def _silence(duration_s: float) -> Float32:
    return np.zeros(round(duration_s * SAMPLE_RATE_HZ), dtype=np.float32)


def _filter(
    samples: Float32,
    cutoff_hz: float | Sequence[float],
    kind: Literal["lowpass", "highpass", "bandpass"],
) -> Float32:
    from scipy.signal import butter, sosfilt

    if len(samples) == 0:
        return samples
    sections = butter(4, cutoff_hz, kind, fs=SAMPLE_RATE_HZ, output="sos")
    heard = sosfilt(sections, samples.astype(np.float64))
    return np.asarray(np.clip(heard, -1.0, 1.0), dtype=np.float32)


def _narrow_band(samples: Float32) -> Float64:
    """Telephone band, at 8 kHz."""
    import soxr

    band = _filter(samples, TELEPHONE_HZ, "bandpass").astype(np.float64)
    narrow = soxr.resample(band, SAMPLE_RATE_HZ, TELEPHONE_RATE_HZ)
    return np.asarray(np.clip(narrow, -1.0, 1.0), dtype=np.float64)


def _wide_band(narrow: Float64, n_samples: int) -> Float32:
    """Back at 16 kHz, cut or filled up to `n_samples`."""
    import soxr

    wide = soxr.resample(narrow, TELEPHONE_RATE_HZ, SAMPLE_RATE_HZ)[:n_samples]
    padded = np.pad(wide, (0, n_samples - len(wide)))
    return np.asarray(np.clip(padded, -1.0, 1.0), dtype=np.float32)
