"""How well speech is found: frame errors, onsets, false utterances, and test sounds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ser_live.config import FRAME_SAMPLES, SAMPLE_RATE_HZ, Settings
from ser_live.events import Kind, StreamId, Utterance, Verdict
from ser_live.sources import ArraySource, AudioSource
from ser_live.stream.drive import drive
from ser_live.stream.segmenting import SegmentingStage

STEP_SAMPLES = SAMPLE_RATE_HZ // 100
"""Truth is kept per 10 ms."""

BoolArray = NDArray[np.bool_]
Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Segmentation:
    """What the live path makes of one recording fed as a stream."""

    speech: BoolArray
    """Decision per 30 ms frame, shape ``(n // 480,)``."""
    utterances: tuple[Utterance, ...]
    """Finals in order, rejected ones included."""
    n_ignored: int
    """Bursts that never became an utterance."""

    @property
    def accepted(self) -> tuple[Utterance, ...]:
        """Utterances that go on to the model."""
        return tuple(u for u in self.utterances if u.state is Verdict.OK)


def segment(samples: Samples, settings: Settings | None = None) -> Segmentation:
    """Hear 16 kHz samples as a stream of its own, to its end."""
    speech: list[bool] = []
    stages: list[SegmentingStage] = []

    def begin(source: AudioSource) -> SegmentingStage:
        stages.append(
            SegmentingStage(
                settings or Settings(),
                stream=StreamId(number=1, source=source.name),
                sample_rate=source.sample_rate,
                n_channels=source.n_channels,
                on_frame=lambda heard: speech.append(heard.is_speech),
            )
        )
        return stages[0]

    items = drive(ArraySource(samples, block_sizes=max(1, len(samples))), begin)
    finals = tuple(e for e in items if isinstance(e, Utterance) and e.kind is Kind.FINAL)
    return Segmentation(np.array(speech, dtype=np.bool_), finals, stages[0].n_ignored)


@dataclass(frozen=True)
class FrameErrors:
    """Errors per 10 ms of audio, as shares in [0, 1]; NaN where there is nothing to err on."""

    miss: float
    """Share of true speech not found."""
    false_alarm: float
    """Share of true silence called speech."""
    f1: float
    """``2 hits / (true + found)``."""


def frame_errors(truth: BoolArray, found: BoolArray) -> FrameErrors:
    """Compare two masks, shape ``(n_steps,)``; the longer one is cut."""
    n = min(len(truth), len(found))
    truth, found = truth[:n], found[:n]
    n_hits = int(np.count_nonzero(truth & found))
    n_true, n_found = int(np.count_nonzero(truth)), int(np.count_nonzero(found))
    nan = float("nan")
    return FrameErrors(
        miss=1 - n_hits / n_true if n_true else nan,
        false_alarm=(n_found - n_hits) / (n - n_true) if n > n_true else nan,
        f1=2 * n_hits / (n_true + n_found) if n_true + n_found else nan,
    )


def steps_of_frames(speech: BoolArray) -> BoolArray:
    """Decisions per 30 ms frame as a mask per 10 ms."""
    return np.repeat(speech, FRAME_SAMPLES // STEP_SAMPLES)


def steps_of_spans(spans: Iterable[tuple[int, int]], n_samples: int) -> BoolArray:
    """Spans ``[start, end)`` in samples as a mask per 10 ms."""
    mask = np.zeros(n_samples // STEP_SAMPLES, dtype=np.bool_)
    for start, end in spans:
        mask[round(start / STEP_SAMPLES) : round(end / STEP_SAMPLES)] = True
    return mask


def speech_by_energy(samples: Samples) -> BoolArray:
    """Truth for a clean recording of one sentence, from its energy alone, per 10 ms.

    A step counts when its level lies less than 30 dB below the 95th percentile of the
    levels and 6 dB above the 5th. The sentence starts where 80 ms in a row first lie within
    15 dB of the 95th percentile, and from there back over counting steps, pauses up to 50 ms
    bridged, at most 250 ms (a voiceless plosive with its aspiration): breath and lip noise
    before it are no speech. It ends likewise, with pauses up to 100 ms and at most 300 ms.
    Pauses under 200 ms count as speech.
    """
    n = len(samples) // STEP_SAMPLES
    blocks = samples[: n * STEP_SAMPLES].astype(np.float64).reshape(n, STEP_SAMPLES)
    level = 10 * np.log10(np.square(blocks - samples.mean(dtype=np.float64)).mean(axis=1) + 1e-12)
    top = np.percentile(level, 95)
    floor = np.percentile(level, 5)
    loud, heard = level > top - 15, level > max(top - 30, floor + 6, -75)
    runs = np.convolve(loud, np.ones(8), mode="valid") == 8
    anchors = np.flatnonzero(runs)
    mask = np.zeros(n, dtype=np.bool_)
    if len(anchors) == 0:
        return mask
    first = max(_walk(heard, int(anchors[0]), -1, 5), int(anchors[0]) - 25)
    last = min(_walk(heard, int(anchors[-1]) + 7, 1, 10), int(anchors[-1]) + 7 + 30)
    mask[first : last + 1] = heard[first : last + 1]
    steps = np.flatnonzero(mask)
    for left, right in pairwise(steps):
        if right - left <= 20:
            mask[left:right] = True
    return mask


def _walk(heard: BoolArray, start: int, direction: int, n_pause: int) -> int:
    """Last counting step from `start` on before a pause longer than `n_pause` steps."""
    last, n_missing, step = start, 0, start
    while 0 <= step < len(heard) and n_missing <= n_pause:
        if heard[step]:
            last, n_missing = step, 0
        else:
            n_missing += 1
        step += direction
    return last


def onset_error_s(truth: BoolArray, utterances: Sequence[Utterance]) -> float:
    """Start of the first utterance that reaches into the speech, less the true onset.

    Negative: audio from before the speech is kept; positive: speech is cut off. NaN when
    nothing was found.
    """
    onset = int(np.argmax(truth)) * STEP_SAMPLES
    starts = [u.start_sample for u in utterances if u.end_sample > onset]
    return (min(starts) - onset) / SAMPLE_RATE_HZ if starts else float("nan")


def read_rttm(path: Path) -> dict[str, list[tuple[int, int]]]:
    """Turns ``[start, end)`` in samples per recording of an RTTM file."""
    turns: dict[str, list[tuple[int, int]]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        fields = line.split()
        if fields[:1] == ["SPEAKER"]:
            start, duration = float(fields[3]), float(fields[4])
            span = (round(start * SAMPLE_RATE_HZ), round((start + duration) * SAMPLE_RATE_HZ))
            turns.setdefault(fields[1], []).append(span)
    return turns


def pink_noise(n_samples: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Noise with power falling 3 dB per octave from 40 Hz up, RMS 1."""
    frequency = np.fft.rfftfreq(n_samples, 1 / SAMPLE_RATE_HZ)
    spectrum = rng.standard_normal(len(frequency)) + 1j * rng.standard_normal(len(frequency))
    spectrum[1:] /= np.sqrt(frequency[1:])
    spectrum[frequency < 40] = 0
    noise = np.fft.irfft(spectrum, n_samples)
    return np.asarray(noise / np.sqrt(np.mean(np.square(noise))), dtype=np.float64)


CLATTER = ("typing", "clicking", "knocking", "doors")
"""Sounds that `clatter` makes."""

_PAUSE_S = {
    "typing": (0.08, 0.35),
    "clicking": (0.3, 1.5),
    "knocking": (0.15, 1.2),
    "doors": (2, 4),
}


def clatter(kind: str, duration_s: float, rng: np.random.Generator) -> Samples:
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


def _stroke(kind: str, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
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
) -> NDArray[np.float64]:
    """Sum of damped sines of quality 10 with random frequency, phase and strength."""
    time_s = np.arange(n) / SAMPLE_RATE_HZ
    total = np.zeros(n)
    for _ in range(count):
        frequency = rng.uniform(low_hz, high_hz)
        phase, strength = rng.uniform(0, 2 * np.pi), rng.standard_normal()
        damped = np.exp(-time_s * np.pi * frequency / 10)
        total += strength * damped * np.sin(2 * np.pi * frequency * time_s + phase)
    return total


def music(duration_s: float, rng: np.random.Generator) -> Samples:
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


def _note(f0_hz: float, n: int, decay_s: float, vibrato: float) -> NDArray[np.float64]:
    time_s = np.arange(n) / SAMPLE_RATE_HZ
    phase = 2 * np.pi * f0_hz * (time_s + vibrato / 35 * np.sin(2 * np.pi * 5.5 * time_s))
    wave = np.zeros(n)
    for harmonic in range(1, 1 + int(min(12, 7000 / f0_hz))):
        wave += np.sin(harmonic * phase) / harmonic
    return wave * np.exp(-time_s / decay_s) * np.minimum(time_s / 0.01, 1)
