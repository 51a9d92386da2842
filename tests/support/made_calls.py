"""Calls on two channels, made of clips of speech whose turns, overlaps and leaks are known."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

import ser_live

RATE = 16_000
AGENT, CUSTOMER = 0, 1

_SENTENCES_S = ((0.9, 4.4), (5.7, 8.5), (11.9, 15.3), (16.3, 19.8), (27.4, 30.5), (34.9, 38.5))
"""Sentences of the bundled recording, with some silence around each."""


@dataclass(frozen=True)
class Turn:
    """A clip of one speaker at a moment."""

    speaker: int
    start_s: float
    clip: int = 0
    longest_s: float = 10.0
    """What is longer of the clip is left out."""


@dataclass(frozen=True)
class MadeCall:
    """A call and the truth about it."""

    samples: NDArray[np.float32]
    """Shape ``(n, 2)``, 16 kHz; the agent's channel first."""
    spans: dict[int, list[tuple[float, float]]] = field(default_factory=dict)
    """When each speaks, by channel."""


@cache
def clips(speaker: int) -> tuple[NDArray[np.float32], ...]:
    """Sentences of one of two voices, without silence at their ends, peak 0.4.

    The second voice is the first one a fifth higher and faster.
    """
    recording, rate = soundfile.read(Path(ser_live.__file__).parent / "demo.ogg", dtype="float32")
    played = rate if speaker == AGENT else round(rate * 1.25)
    return tuple(
        trimmed(soxr.resample(recording[round(a * rate) : round(b * rate)], played, RATE))
        for a, b in _SENTENCES_S
    )


def trimmed(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """A clip from its first to its last sound, peak 0.4."""
    power = np.convolve(samples.astype(np.float64) ** 2, np.ones(320) / 320, "same")
    sounding = np.flatnonzero(power > 2e-3 * power.max())
    clip = samples[sounding[0] : sounding[-1] + 1]
    return (0.4 * clip / np.abs(clip).max()).astype(np.float32)


def alternating(n_turns: int = 10, pause_s: float = 0.6) -> list[Turn]:
    """Turns of both, one after the other, agent first."""
    turns, at_s = [], 1.0
    for n in range(n_turns):
        speaker, clip = n % 2, n // 2 % len(_SENTENCES_S)
        turns.append(Turn(speaker, at_s, clip))
        at_s += len(clips(speaker)[clip]) / RATE + pause_s
    return turns


def made_call(
    turns: Sequence[Turn],
    *,
    leak_db: float | None = None,
    tail_s: float = 1.5,
    noise: float = 3e-4,
    voices: Sequence[Sequence[NDArray[np.float32]]] | None = None,
) -> MadeCall:
    """Lay clips out in time, each on its speaker's channel.

    Parameters
    ----------
    turns : sequence of Turn
    leak_db : float or None
        Level at which each leaks into the other's channel.
    tail_s : float
        Silence at the end.
    noise : float
        RMS of the noise of each channel.
    voices : clips by speaker, optional
        Instead of `clips`.
    """
    of = voices or (clips(AGENT), clips(CUSTOMER))
    cut = [of[turn.speaker][turn.clip][: round(turn.longest_s * RATE)] for turn in turns]
    starts = [round(turn.start_s * RATE) for turn in turns]
    n = max(s + len(c) for s, c in zip(starts, cut, strict=True)) + round(tail_s * RATE)
    clean = np.zeros((n, 2), np.float32)
    spans: dict[int, list[tuple[float, float]]] = {AGENT: [], CUSTOMER: []}
    for turn, start, clip in zip(turns, starts, cut, strict=True):
        clean[start : start + len(clip), turn.speaker] += clip
        spans[turn.speaker].append((start / RATE, (start + len(clip)) / RATE))
    samples = clean.copy()
    if leak_db is not None:
        samples += np.float32(10.0 ** (leak_db / 20.0)) * clean[:, ::-1]
    rng = np.random.default_rng(0)
    samples += (noise * rng.standard_normal(samples.shape)).astype(np.float32)
    return MadeCall(samples, spans)


def as_telephone(samples: NDArray[np.float32], subtype: str) -> tuple[NDArray[np.float32], int]:
    """Both channels at 8 kHz through a codec of telephones, ``ULAW`` or ``GSM610``."""
    channels = []
    for channel in samples.T:
        narrow = soxr.resample(np.ascontiguousarray(channel), RATE, 8000)
        coded = io.BytesIO()
        soundfile.write(coded, narrow, 8000, format="WAV", subtype=subtype)
        coded.seek(0)
        channels.append(soundfile.read(coded, dtype="float32")[0][: len(narrow)])
    return np.stack(channels, axis=1), 8000
