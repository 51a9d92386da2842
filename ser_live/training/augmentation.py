"""Variants of a training recording: another speed, noise, rooms, microphones, lines.

All of it is synthesised, so training needs nothing beyond the corpus, and real noises
and rooms stay unseen for measurements. The ``notebook`` variants repeat what a
widespread notebook does to RAVDESS; they serve the protocol of that name alone.
"""

from __future__ import annotations

import zlib

import numpy as np

from ser_live.arrays import Float32
from ser_live.config import SAMPLE_RATE_HZ
from ser_live.synthesis.acoustics import line, play_faster, room, tilt
from ser_live.synthesis.noises import any_noise, mix, steady

PLAIN = "plain"
VARIANTS = (PLAIN, "speed", "noisy")
"""Names of the variants, the unchanged recording first."""

SPEED_CHANGE = (0.06, 0.12)
"""Range from which ``speed`` draws how much slower or faster a recording is played; pitch
and formants move along, which imitates another vocal tract."""

NOTEBOOK_VARIANTS = (PLAIN, "notebook noise", "notebook stretch and pitch")
"""The three rows that the notebook derives from every recording."""

NOISE_SNR_DB = (0.0, 20.0)
"""Range from which the speech-to-noise ratio of ``noisy`` is drawn, in dB."""

MILD, STRONG, NOISE, ROOM, LINE = "mild", "strong", "noise", "room", "line"
NOISE_AGAIN, ROOM_AGAIN = "noise again", "room again"
EAR_VARIANTS = (PLAIN, MILD, STRONG, NOISE, ROOM, LINE, NOISE_AGAIN, ROOM_AGAIN)
"""Variants the learned ear trains on: ``mild`` is another microphone in a quiet place, ``noise``,
``room`` and ``line`` one bad thing each, ``strong`` a random mixture of all. ``noise again`` and
``room again`` draw another noise, another room."""


def vary(samples: Float32, variant: str, identity: str) -> Float32:
    """One variant of a recording.

    Parameters
    ----------
    samples : float32 array, shape (n,)
        Mono, 16 kHz.
    variant : str
        One of ``VARIANTS``, ``EAR_VARIANTS`` or ``NOTEBOOK_VARIANTS``.
    identity : str
        Name of the recording; the same name always draws the same noise.

    Returns
    -------
    float32 array, mono, 16 kHz, about as long
    """
    if variant == PLAIN or len(samples) == 0:
        return samples
    known = dict.fromkeys((*VARIANTS, *EAR_VARIANTS, *NOTEBOOK_VARIANTS))
    if variant not in known:
        raise ValueError(f"unknown variant {variant!r}: choose one of {', '.join(known)}")
    if variant in _EAR_CHANGES:
        # Each its own chance: the same voice in the same noise would teach less.
        rng = np.random.default_rng(zlib.crc32(f"{variant} {identity}".encode()))
        return _EAR_CHANGES[variant](samples, rng)
    rng = np.random.default_rng(zlib.crc32(identity.encode()))
    if variant in NOTEBOOK_VARIANTS:
        return _notebook(samples, variant, rng)
    if variant == "speed":
        return play_faster(samples, 1.0 + rng.choice((-1.0, 1.0)) * rng.uniform(*SPEED_CHANGE))
    noise = steady(len(samples), rng)
    return mix(samples, noise, float(rng.uniform(*NOISE_SNR_DB)))


def _mild(samples: Float32, rng: np.random.Generator) -> Float32:
    """Up to 8 % faster or slower, tilted by up to 6 dB, noise at 10 to 30 dB; a half each."""
    if rng.random() < 0.5:
        samples = play_faster(samples, rng.uniform(0.92, 1.08))
    if rng.random() < 0.5:
        samples = tilt(samples, rng.uniform(-6.0, 6.0))
    if rng.random() < 0.5:
        samples = _in_noise(samples, rng, 10.0, 30.0)
    return _gain(samples, float(rng.uniform(-6.0, 3.0)))


def _strong(samples: Float32, rng: np.random.Generator) -> Float32:
    """Vary strongly: half in a room, 60 % in noise at 0 to 25 dB, 20 % over a line, 30 % tilted."""
    if rng.random() < 0.3:
        samples = play_faster(samples, rng.uniform(0.9, 1.1))
    if rng.random() < 0.5:
        samples = room(samples, rng)
    if rng.random() < 0.3:
        samples = tilt(samples, rng.uniform(-6.0, 6.0))
    if rng.random() < 0.6:
        samples = _in_noise(samples, rng, 0.0, 25.0)
    if rng.random() < 0.2:
        samples = line(samples, rng)
    return _gain(samples, float(rng.uniform(-8.0, 4.0)))


def _noise(samples: Float32, rng: np.random.Generator) -> Float32:
    """Add noise at 0 to 25 dB."""
    return _gain(_in_noise(samples, rng, 0.0, 25.0), float(rng.uniform(-8.0, 4.0)))


def _room(samples: Float32, rng: np.random.Generator) -> Float32:
    """Put into a room, half of the time with noise at 10 to 30 dB."""
    samples = room(samples, rng)
    if rng.random() < 0.5:
        samples = _in_noise(samples, rng, 10.0, 30.0)
    return _gain(samples, float(rng.uniform(-8.0, 4.0)))


def _line(samples: Float32, rng: np.random.Generator) -> Float32:
    """Send over a line, half of the time with noise at 10 to 30 dB where the speaker is."""
    if rng.random() < 0.5:
        samples = _in_noise(samples, rng, 10.0, 30.0)
    return _gain(line(samples, rng), float(rng.uniform(-8.0, 4.0)))


_EAR_CHANGES = {
    MILD: _mild,
    STRONG: _strong,
    NOISE: _noise,
    ROOM: _room,
    LINE: _line,
    NOISE_AGAIN: _noise,
    ROOM_AGAIN: _room,
}


def _in_noise(samples: Float32, rng: np.random.Generator, low_db: float, high_db: float) -> Float32:
    """Add any noise, its ratio drawn from this range."""
    return mix(samples, any_noise(len(samples), rng), float(rng.uniform(low_db, high_db)))


def _gain(samples: Float32, gain_db: float) -> Float32:
    """Make louder or softer, never beyond full scale."""
    peak = float(np.abs(samples).max(initial=0.0))
    gain = 10.0 ** (gain_db / 20.0)
    return np.asarray(samples * min(gain, 1.0 / max(peak, 1e-9)), dtype=np.float32)


def _notebook(samples: Float32, variant: str, rng: np.random.Generator) -> Float32:
    """White noise of up to 3.5 % of the peak, or 0.8 speed and 0.7 semitones up."""
    if variant == "notebook noise":
        amplitude = 0.035 * rng.uniform() * float(np.abs(samples).max())
        return np.asarray(samples + amplitude * rng.standard_normal(len(samples)), dtype=np.float32)
    from librosa import effects

    changed = effects.pitch_shift(
        effects.time_stretch(samples, rate=0.8), sr=SAMPLE_RATE_HZ, n_steps=0.7
    )
    return np.ascontiguousarray(changed, dtype=np.float32)
