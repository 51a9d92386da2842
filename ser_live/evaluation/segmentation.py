"""Measures of how well speech is found: frame errors, onsets, false utterances."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ser_live.arrays import Bool, Float32
from ser_live.config import FRAME_SAMPLES, SAMPLE_RATE_HZ, Settings
from ser_live.events import Kind, StreamId, Utterance, Verdict
from ser_live.sources import ArraySource, AudioSource
from ser_live.stream.drive import drive
from ser_live.stream.segmenting import SegmentingStage

STEP_SAMPLES = SAMPLE_RATE_HZ // 100
"""Truth is kept per 10 ms."""


@dataclass(frozen=True)
class Segmentation:
    """Result of the live path for one recording fed as a stream."""

    speech: Bool
    """Decision per 30 ms frame, shape ``(n // 480,)``."""
    utterances: tuple[Utterance, ...]
    """Finals in order, rejected ones included."""
    n_ignored: int
    """Bursts that never became an utterance."""

    @property
    def accepted(self) -> tuple[Utterance, ...]:
        """Utterances that go on to the model."""
        return tuple(u for u in self.utterances if u.state is Verdict.OK)


def segment(samples: Float32, settings: Settings | None = None) -> Segmentation:
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


def frame_errors(truth: Bool, found: Bool) -> FrameErrors:
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


def steps_of_frames(speech: Bool) -> Bool:
    """Decisions per 30 ms frame as a mask per 10 ms."""
    return np.repeat(speech, FRAME_SAMPLES // STEP_SAMPLES)


def steps_of_spans(spans: Iterable[tuple[int, int]], n_samples: int) -> Bool:
    """Spans ``[start, end)`` in samples as a mask per 10 ms."""
    mask = np.zeros(n_samples // STEP_SAMPLES, dtype=np.bool_)
    for start, end in spans:
        mask[round(start / STEP_SAMPLES) : round(end / STEP_SAMPLES)] = True
    return mask


def speech_by_energy(samples: Float32) -> Bool:
    """Truth for a clean recording of one sentence, from its energy alone, per 10 ms.

    A step counts when its level lies less than 30 dB below the 95th percentile of the
    levels and 6 dB above the 5th. The sentence starts where 80 ms in a row first lie within
    15 dB of the 95th percentile, and from there back over counting steps, pauses up to 50 ms
    bridged, at most 250 ms (a voiceless plosive with its aspiration): breath and lip noise
    before it are not speech. It ends likewise, with pauses up to 100 ms and at most 300 ms.
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


def _walk(heard: Bool, start: int, direction: int, n_pause: int) -> int:
    """Last counting step from `start` on before a pause longer than `n_pause` steps."""
    last, n_missing, step = start, 0, start
    while 0 <= step < len(heard) and n_missing <= n_pause:
        if heard[step]:
            last, n_missing = step, 0
        else:
            n_missing += 1
        step += direction
    return last


def onset_error_s(truth: Bool, utterances: Sequence[Utterance]) -> float:
    """Start of the first utterance that reaches into the speech, less the true onset.

    Negative: audio from before the speech is kept; positive: speech is cut off. NaN when
    nothing was found.
    """
    onset = int(np.argmax(truth)) * STEP_SAMPLES
    starts = [u.start_sample for u in utterances if u.end_sample > onset]
    return (min(starts) - onset) / SAMPLE_RATE_HZ if starts else float("nan")
