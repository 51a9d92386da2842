"""Glottal period marks: where each period of a voiced segment begins.

After Praat's "To PointProcess (cc)": from the largest extremum near the middle of
a voiced segment, each next mark lies where one period of the waveform correlates
best with the period before, searched between 0.8 and 1.25 times the period that F0
predicts, and placed between samples by a parabola.

Departure: Praat walks from mark to mark. Here the marks of a segment are first
laid out by integrating F0, all neighbours are then correlated at once, and the
lags found are summed from the extremum outwards. The windows correlated therefore
start at another phase of the period than Praat's; a second round from the marks found
was tried and came no nearer to Praat.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import as_strided

from ser_live.arrays import Float32, Float64
from ser_live.config import SAMPLE_RATE_HZ
from ser_live.features.frames import HOP_SAMPLES
from ser_live.features.pitch import WINDOW, PitchTrack

_SHORTEST_FACTOR: Final = 0.8
_LONGEST_FACTOR: Final = 1.25
_LEAST_CORRELATION: Final = 0.3
_AMPLITUDE_WIDTH: Final = 0.2  # of a period, on both sides of a mark


@dataclass(frozen=True)
class PeriodMarks:
    """Marks of one voiced segment."""

    positions: Float64
    """``(n,)``, in samples from the start of the utterance, between samples."""
    correlations: Float64
    """``(n - 1,)``, of each period with the next, -1 to 1."""
    amplitudes: Float64
    """``(n,)``, RMS in a Hann window of +-0.2 periods; NaN at the first and last mark."""

    @property
    def periods(self) -> Float64:
        """``(n - 1,)``, in samples; NaN where the correlation is at most 0.3."""
        found = np.diff(self.positions)
        return np.where(self.correlations > _LEAST_CORRELATION, found, np.nan)


class PeriodMarker:
    """Finds the marks of a growing utterance; segments that are over are found once."""

    def __init__(self) -> None:
        self._found: dict[tuple[int, bytes], tuple[int, PeriodMarks]] = {}

    def marks(self, samples: Float32, track: PitchTrack) -> list[PeriodMarks]:
        """Marks of every voiced segment.

        Parameters
        ----------
        samples : ``(n_samples,)`` of ``track.n_samples``
        track : F0 of these samples
        """
        found: dict[tuple[int, bytes], tuple[int, PeriodMarks]] = {}
        for start, end in track.segments():
            f0_hz = track.f0_hz[start:end]
            key = (start, f0_hz.tobytes())
            known = self._found.get(key)
            if known is None or known[0] > len(samples):
                known = _mark_segment(samples, start * HOP_SAMPLES + WINDOW // 2, f0_hz)
            found[key] = known
        self._found = found
        return [marks for _, marks in found.values()]


def _mark_segment(samples: Float32, first_centre: int, f0_hz: Float64) -> tuple[int, PeriodMarks]:
    """Marks of one segment, and the sample up to which it looked.

    Parameters
    ----------
    samples : the utterance
    first_centre : sample index of the centre of the first voiced frame
    f0_hz : ``(n_frames,)``, all defined
    """
    longest = SAMPLE_RATE_HZ / float(f0_hz.min())
    # The segment reaches half a hop beyond the centres of its outer frames; room on both
    # sides for a window and a lag, zeros where there are no samples.
    room = int(2.5 * longest) + 8
    begin = first_centre - HOP_SAMPLES // 2 - room
    length = len(f0_hz) * HOP_SAMPLES + 2 * room
    wave = np.zeros(length)
    inside = samples[max(0, begin) : begin + length]
    wave[max(0, -begin) : max(0, -begin) + len(inside)] = inside
    wave -= wave[room:-room].mean()

    time = np.arange(room, length - room)
    centres = room + HOP_SAMPLES // 2 + np.arange(len(f0_hz)) * HOP_SAMPLES
    f0 = np.interp(time, centres, f0_hz)
    cycles = np.concatenate(([0.0], np.cumsum(0.5 * (f0[1:] + f0[:-1])))) / SAMPLE_RATE_HZ
    anchor = _extremum(wave, (room + length - room) // 2, SAMPLE_RATE_HZ / f0[len(f0) // 2])
    at_anchor = float(np.interp(anchor, time, cycles))
    numbers = np.arange(np.ceil(-at_anchor), np.floor(cycles[-1] - at_anchor) + 1.0)
    positions = np.interp(numbers + at_anchor, cycles, time)
    anchor_index = int(np.searchsorted(numbers, 0.0))
    positions[anchor_index] = anchor
    correlations = np.zeros(0)
    if len(positions) > 1:
        predicted = SAMPLE_RATE_HZ / np.interp(positions[:-1], time, f0)
        lags, correlations = _best_lags(wave, positions[:-1], predicted)
        summed = np.concatenate(([0.0], np.cumsum(lags)))
        positions = anchor + summed - summed[anchor_index]
        positions = np.clip(positions, 0.7 * room, length - 0.7 * room)
    marks = PeriodMarks(positions + begin, correlations, _amplitudes(wave, positions))
    return begin + length, marks


def _extremum(wave: Float64, middle: int, period: float) -> float:
    """Position of the largest magnitude within half a period of ``middle``."""
    start = middle - int(period / 2)
    part = np.abs(wave[start : middle + int(period / 2) + 1])
    return float(start + int(part.argmax()))


def _best_lags(wave: Float64, positions: Float64, periods: Float64) -> tuple[Float64, Float64]:
    """Lag at which the period around each position correlates best with what follows.

    Parameters
    ----------
    wave : ``(n_samples,)``
    positions : ``(n,)``, centres of the windows, in samples
    periods : ``(n,)``, lengths of the windows, in samples

    Returns
    -------
    lags : ``(n,)``, in samples, between 0.8 and 1.25 periods
    correlations : ``(n,)``, normalised, at those lags
    """
    widths = np.round(periods).astype(np.int64)
    starts = np.round(positions - 0.5 * periods).astype(np.int64)
    shortest = np.floor(_SHORTEST_FACTOR * periods).astype(np.int64) - 1
    n_lags = np.ceil(_LONGEST_FACTOR * periods).astype(np.int64) + 2 - shortest
    widest, most_lags = int(widths.max()), int(n_lags.max())
    span = widest + most_lags
    padded = np.concatenate([wave, np.zeros(2 * span)])  # rows of shorter periods reach further
    columns = np.arange(widest)
    inside = columns < widths[:, np.newaxis]
    pattern = np.where(inside, padded[starts[:, np.newaxis] + columns], 0.0)
    ahead = padded[(starts + shortest)[:, np.newaxis] + np.arange(span)]
    row, step = ahead.strides
    shifted = as_strided(ahead, (len(ahead), most_lags, widest), (row, step, step))
    products = np.einsum("nlw,nw->nl", shifted, pattern)
    energy = np.concatenate(([0.0], np.cumsum(padded**2)))
    lags = np.arange(most_lags)
    first = (starts + shortest)[:, np.newaxis] + lags
    energies = energy[first + widths[:, np.newaxis]] - energy[first]
    norm = np.einsum("nw,nw->n", pattern, pattern)[:, np.newaxis] * energies
    correlation = np.zeros(products.shape)
    np.divide(products, np.sqrt(np.maximum(norm, 0.0)), out=correlation, where=norm > 1e-20)
    allowed = (lags >= 1) & (lags < n_lags[:, np.newaxis] - 1)
    best = np.where(allowed, correlation, -2.0).argmax(axis=1)
    rows = np.arange(len(best))
    before, at, after = (correlation[rows, best + shift] for shift in (-1, 0, 1))
    curvature = 2.0 * at - before - after
    is_peak = (at >= before) & (at >= after) & (curvature > 1e-12)
    offset = np.zeros(len(best))
    np.divide(0.5 * (after - before), curvature, out=offset, where=is_peak)
    return shortest + best + offset, np.minimum(1.0, at + 0.25 * (after - before) * offset)


def _amplitudes(wave: Float64, positions: Float64) -> Float64:
    """RMS around each mark, Hann window reaching 0.2 of the period to each side.

    NaN at the outer marks, which lack a period on one side.
    """
    amplitudes = np.full(len(positions), np.nan)
    if len(positions) < 3:
        return amplitudes
    periods = np.diff(positions)
    reaches = np.maximum(_AMPLITUDE_WIDTH * periods, 1.0)
    left, right = reaches[:-1], reaches[1:]
    middle = positions[1:-1, np.newaxis]
    reach = int(np.ceil(max(left.max(), right.max()))) + 1
    columns = np.floor(middle).astype(np.int64) + np.arange(-reach, reach + 1)
    distance = columns - middle
    width = np.where(distance < 0.0, left[:, np.newaxis], right[:, np.newaxis])
    window = np.where(np.abs(distance) < width, 0.5 + 0.5 * np.cos(np.pi * distance / width), 0.0)
    values = window * wave[columns]
    amplitudes[1:-1] = np.sqrt((values**2).sum(axis=1) / (window**2).sum(axis=1))
    return amplitudes
