"""Sound of a day: conversation, single sentences, noises, a quiet room, nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reliability.machinery import read_16_khz, talk

RATE_HZ = 16_000
SPEECH_SHARE, NOISE_SHARE = 0.10, 0.05
ZEROS_S = 20
"""Duration of exact zeros in every period, as a muted microphone sends them."""


def a_period(period_s: int, data: Path | None) -> list[bytes]:
    """Conversation, single sentences, noises, silence and zeros, as 16-bit PCM.

    Parameters
    ----------
    period_s : int
        Length, in seconds; an even number of frames, so that every period is cut alike.
    data : Path or None
        Folder of recordings; without it the demo recording and made-up noise are used.
    """
    speech = _cut(_speech(data), SPEECH_SHARE * period_s)
    noise = _cut(_noises(data), NOISE_SHARE * period_s)
    pieces: list[NDArray[np.float32]] = []
    while speech or noise:
        pieces += speech[:1] + noise[:1]
        speech, noise = speech[1:], noise[1:]
    n_silence = period_s * RATE_HZ - sum(map(len, pieces)) - ZEROS_S * RATE_HZ
    pause = _room(n_silence // (len(pieces) + 1))
    chunks = [_pcm(pause)]
    for piece in pieces:
        chunks += [_pcm(piece), _pcm(pause)]
    n_rest = n_silence - (len(pieces) + 1) * len(pause)
    return [*chunks, bytes(2 * ZEROS_S * RATE_HZ), _pcm(_room(n_rest))]


def _speech(data: Path | None) -> Iterator[NDArray[np.float32]]:
    if data is None:
        while True:
            yield talk(30)
    sentences = sorted((data / "ravdess").glob("Actor_*/*.flac"))[::7]
    talks = sorted((data / "conversation").glob("*.flac"))
    for number, sentence in enumerate(sentences):
        yield read_16_khz(sentence)
        if number % 8 == 0:
            yield read_16_khz(talks[number // 8 % len(talks)])


def _noises(data: Path | None) -> Iterator[NDArray[np.float32]]:
    if data is None:
        rng = np.random.default_rng(7)
        while True:
            yield (0.02 * rng.standard_normal(5 * RATE_HZ)).astype(np.float32)
    while True:
        for path in sorted((data / "noise").glob("*.flac")):
            yield read_16_khz(path)[: 10 * RATE_HZ]


def _cut(sounds: Iterator[NDArray[np.float32]], duration_s: float) -> list[NDArray[np.float32]]:
    """As many of `sounds` as fill the duration."""
    taken: list[NDArray[np.float32]] = []
    while sum(map(len, taken)) < duration_s * RATE_HZ:
        taken.append(next(sounds))
    return taken


def _room(n: int) -> NDArray[np.float32]:
    """A quiet room: noise at -70 dBFS."""
    rng = np.random.default_rng(11)
    return (3e-4 * rng.standard_normal(n)).astype(np.float32)


def _pcm(samples: NDArray[np.float32]) -> bytes:
    return (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
