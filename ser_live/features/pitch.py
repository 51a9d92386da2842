"""Fundamental frequency (F0) by short-time autocorrelation and a best path.

The method is that of Boersma (1993), as in Praat's "To Pitch (ac)": the
autocorrelation of a Hann-windowed frame is divided by the autocorrelation of the
window, its maxima are F0 candidates, and dynamic programming picks one candidate,
or "unvoiced", per frame such that strengths count for and octave jumps and
voiced/unvoiced changes count against a path.

Departures from Praat:

- no centred padding: frame ``k`` covers samples ``160 k ... 160 k + 740`` and nothing else;
- maxima are placed by a parabola on the autocorrelation upsampled by 2 in the
  frequency domain, instead of sinc interpolation;
- silence is judged against the 98th percentile of the frame peaks in steps of
  1 dB instead of against the single largest sample, so that one click does not
  turn soft speech into silence (and so that the path found so far stays valid
  while the utterance grows);
- 9 candidates per frame instead of 15.

References
----------
P. Boersma (1993), "Accurate short-term analysis of the fundamental frequency and
the harmonics-to-noise ratio of a sampled sound", IFA Proceedings 17, 97-110.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ser_live.arrays import Bool, Float32, Float64, Int64
from ser_live.config import SAMPLE_RATE_HZ
from ser_live.features.frames import HOP_SAMPLES
from ser_live.features.growing_array import GrowingArray
from ser_live.features.transforms import cosine_transform

FLOOR_HZ: Final = 65.0
CEILING_HZ: Final = 650.0
WINDOW: Final = 740
"""Samples of one frame: three periods of the lowest F0, 46 ms, rounded up."""
SEMITONE_REFERENCE_HZ: Final = 27.5
"""0 semitones; the A0 of eGeMAPS, so that every voice lies between 15 and 55."""

_N_FFT: Final = 1024  # >= WINDOW + longest lag + 1, so the autocorrelation does not wrap
_UPSAMPLING: Final = 2
_TRANSFORMED: Final = 32  # frames at once: more of them leave the cache and cost twice as much
_BATCH: Final = (
    128  # frames whose maxima are looked for at once: many small steps, whatever their number
)
_N_CANDIDATES: Final = 9
_SILENCE_THRESHOLD: Final = 0.03
_VOICING_THRESHOLD: Final = 0.45
_OCTAVE_COST: Final = 0.01
_OCTAVE_JUMP_COST: Final = 0.35
_VOICED_UNVOICED_COST: Final = 0.14
_REFERENCE_QUANTILE: Final = 0.98
_ABSENT: Final = -1e6  # strength of a candidate that does not exist


def _autocorrelation_of_window(window: Float64) -> Float64:
    """Normalised autocorrelation of the window on the upsampled lag grid."""
    power = np.abs(np.fft.rfft(window, _N_FFT)) ** 2
    lags = _autocorrelation(power[np.newaxis])[0]
    return np.asarray(lags / lags[0])


def _autocorrelation(power: Float64) -> Float64:
    """Autocorrelation from power spectra ``(n, 513)`` on a half-sample lag grid.

    A power spectrum is real and even, so that its inverse transform is a cosine
    transform of half the size.
    """
    halved = power.copy()
    halved[:, -1] *= 0.5  # the Nyquist bin is split between both halves
    return cosine_transform(halved, _UPSAMPLING * _N_FFT // 2 + 1)


_WINDOW_SHAPE: Final = 0.5 - 0.5 * np.cos(2.0 * np.pi * (np.arange(WINDOW) + 0.5) / WINDOW)
_FIRST_LAG: Final = int(_UPSAMPLING * SAMPLE_RATE_HZ / CEILING_HZ)
_LAST_LAG: Final = int(_UPSAMPLING * SAMPLE_RATE_HZ / FLOOR_HZ) + 1
_WINDOW_LAGS: Final = _autocorrelation_of_window(_WINDOW_SHAPE)[_FIRST_LAG - 1 : _LAST_LAG + 2]
_MEAN: Final = np.full(WINDOW, 1.0 / WINDOW)
_CENTRE: Final = slice(WINDOW // 2 - 123, WINDOW // 2 + 123)  # one period of FLOOR_HZ


@dataclass(frozen=True)
class PitchTrack:
    """F0 of the frames wholly inside the first ``n_samples`` samples."""

    n_samples: int
    f0_hz: Float64
    """``(n_frames,)``, Hz, NaN where unvoiced. Frame ``k`` is centred at ``160 k + 370``."""
    strength: Float64
    """``(n_frames,)``, normalised autocorrelation at the period, NaN where unvoiced."""

    @property
    def voiced(self) -> Bool:
        return ~np.isnan(self.f0_hz)

    @property
    def f0_semitones(self) -> Float64:
        """F0 in semitones above 27.5 Hz; NaN where unvoiced."""
        return np.asarray(12.0 * np.log2(self.f0_hz / SEMITONE_REFERENCE_HZ))

    def voiced_at(self, centres: Int64) -> Bool:
        """Whether the frame nearest to each sample index is voiced.

        An index more than half a hop outside the first and last frame's centre is
        not voiced. For families whose frames have another length.
        """
        nearest = (centres - WINDOW // 2 + HOP_SAMPLES // 2) // HOP_SAMPLES
        inside = (nearest >= 0) & (nearest < len(self.f0_hz))
        voiced = np.zeros(len(centres), dtype=np.bool_)
        voiced[inside] = self.voiced[nearest[inside]]
        return voiced

    def segments(self) -> list[tuple[int, int]]:
        """Runs of voiced frames as ``[start, end)`` frame indices."""
        return runs(self.voiced)


def runs(mask: Bool) -> list[tuple[int, int]]:
    """Runs of True in a mask, as ``[start, end)`` indices in order."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False])).astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


class PitchStream:
    """F0 of a growing utterance.

    Blocks of any size are pushed; the result for the first ``n`` samples is the
    result of one push of ``samples[:n]``. Candidates are found once per frame;
    asking for a longer stretch adds only the new frames to the path.
    """

    def __init__(self) -> None:
        self._samples = GrowingArray(dtype=np.float32)
        self._frequencies = GrowingArray((_N_CANDIDATES,))
        self._strengths = GrowingArray((_N_CANDIDATES,))
        self._peaks = GrowingArray()
        self._spectra = GrowingArray((_N_FFT // 2 + 1,), np.float32)
        self._path = _BestPath()
        self._last: PitchTrack | None = None

    def push(self, samples: Float32) -> None:
        """Add ``(n,)`` samples, any ``n``."""
        self._samples.append(samples)
        self._analyse(at_least=_TRANSFORMED)

    @property
    def samples(self) -> Float32:
        """Everything pushed so far, ``(n,)``, read-only."""
        return self._samples.rows

    def power_spectra(self, n_frames: int) -> Float32:
        """Power spectra ``(n_frames, 513)`` of the windowed frames, bins of 15.625 Hz."""
        self._analyse(at_least=1)
        return self._spectra.rows[:n_frames]

    def track(self, n_samples: int) -> PitchTrack:
        """F0 of the frames wholly inside the first ``n_samples`` samples.

        Nothing shorter than one window (46 ms) has a frame: the arrays are empty.
        """
        n_samples = min(n_samples, len(self._samples))
        if self._last is not None and self._last.n_samples == n_samples:
            return self._last
        self._analyse(at_least=1)
        n_frames = max(0, (n_samples - WINDOW) // HOP_SAMPLES + 1)
        frequencies = self._frequencies.rows[:n_frames]
        strengths = self._strengths.rows[:n_frames]
        choice = self._path.choose(frequencies, strengths, self._peaks.rows[:n_frames])
        voiced = choice < _N_CANDIDATES
        index = np.where(voiced, choice, 0)[:, np.newaxis]
        f0 = np.where(voiced, np.take_along_axis(frequencies, index, 1)[:, 0], np.nan)
        strength = np.where(voiced, np.take_along_axis(strengths, index, 1)[:, 0], np.nan)
        self._last = PitchTrack(n_samples, f0, strength)
        return self._last

    def _analyse(self, at_least: int) -> None:
        """Find the candidates of the frames that have become complete."""
        done = len(self._peaks)
        complete = max(0, (len(self._samples) - WINDOW) // HOP_SAMPLES + 1)
        if complete - done < at_least:
            return
        windows = np.lib.stride_tricks.sliding_window_view(self._samples.rows, WINDOW)[
            ::HOP_SAMPLES
        ]
        for start in range(done, complete, _BATCH):
            end = min(start + _BATCH, complete)
            lags = [
                self._transform(windows[first : min(first + _TRANSFORMED, end)])
                for first in range(start, end, _TRANSFORMED)
            ]
            frequencies, strengths = _candidates(np.concatenate(lags))
            self._frequencies.append(frequencies)
            self._strengths.append(strengths)

    def _transform(self, windows: Float32) -> Float64:
        """Keep peaks and spectra of frames; give what `_candidates` takes."""
        frames = windows.astype(np.float64)
        frames -= (frames @ _MEAN)[:, np.newaxis]
        self._peaks.append(np.abs(frames[:, _CENTRE]).max(axis=1))
        frames *= _WINDOW_SHAPE
        spectrum = np.fft.rfft(frames, _N_FFT, axis=1)
        power = spectrum.real**2 + spectrum.imag**2
        self._spectra.append(power)
        lags = _autocorrelation(power)
        energy = np.maximum(lags[:, :1], 1e-12)  # an all-zero frame keeps no candidate
        return np.asarray(lags[:, _FIRST_LAG - 1 : _LAST_LAG + 2] / energy / _WINDOW_LAGS)


def _candidates(
    normalised: Float64,
) -> tuple[Float64, Float64]:
    """Strongest maxima of the normalised autocorrelation.

    Parameters
    ----------
    normalised : ``(n, n_lags)``, on the half-sample grid from one before the shortest lag on

    Returns
    -------
    frequencies : ``(n, 9)``, Hz, strongest first; 1 where there is none
    strengths : ``(n, 9)``, autocorrelation 0-1; a large negative number where there is none
    """
    inner = normalised[:, 1:-1]
    is_maximum = (inner > normalised[:, :-2]) & (inner >= normalised[:, 2:])
    is_maximum &= inner > 0.5 * _VOICING_THRESHOLD
    frame, lag = np.divmod(np.flatnonzero(is_maximum), is_maximum.shape[1])
    before, at, after = (normalised[frame, lag + shift] for shift in range(3))
    curvature = 2.0 * at - before - after
    offset = 0.5 * (after - before) / curvature
    height = at + 0.25 * (after - before) * offset
    height = np.where(height > 1.0, 1.0 / height, height)  # as in Praat: above 1 is no better
    frequency = _UPSAMPLING * SAMPLE_RATE_HZ / (lag + _FIRST_LAG + offset)
    inside = (frequency >= FLOOR_HZ) & (frequency <= CEILING_HZ)
    frame, height, frequency = frame[inside], height[inside], frequency[inside]
    order = np.lexsort((-(height - _octave_cost(frequency)), frame))
    frame, height, frequency = frame[order], height[order], frequency[order]
    rank = np.arange(len(frame)) - np.searchsorted(frame, frame)
    kept = rank < _N_CANDIDATES
    frequencies = np.ones((len(normalised), _N_CANDIDATES))
    strengths = np.full((len(normalised), _N_CANDIDATES), _ABSENT)
    frequencies[frame[kept], rank[kept]] = frequency[kept]
    strengths[frame[kept], rank[kept]] = height[kept]
    return frequencies, strengths


def _octave_cost(frequency: Float64) -> Float64:
    """Cost of a candidate for being low: of equal maxima the highest F0 wins."""
    return np.asarray(_OCTAVE_COST * np.log2(CEILING_HZ / frequency))


class _BestPath:
    """Viterbi search whose forward pass is continued, not repeated, as frames are added.

    State ``_N_CANDIDATES`` means unvoiced.
    """

    def __init__(self) -> None:
        self._scores = GrowingArray((_N_CANDIDATES + 1,))
        self._origins = GrowingArray((_N_CANDIDATES + 1,), np.int64)
        self._reference = np.nan

    def choose(
        self,
        frequencies: Float64,
        strengths: Float64,
        peaks: Float64,
    ) -> Int64:
        """Index of the chosen candidate per frame, ``(n_frames,)``."""
        n_frames = len(peaks)
        choice = np.full(n_frames, _N_CANDIDATES, dtype=np.int64)
        largest = float(np.quantile(peaks, _REFERENCE_QUANTILE)) if n_frames else 0.0
        if largest <= 0.0:
            return choice
        reference = float(np.ceil(20.0 * np.log10(largest)))
        if reference != self._reference:
            self._reference = reference
            self._scores.truncate(0)
            self._origins.truncate(0)
        if n_frames > len(self._scores):
            self._extend(frequencies, strengths, peaks)
        state = int(np.argmax(self._scores.rows[n_frames - 1]))
        backwards = [state]
        for origins in self._origins.rows[n_frames - 1 : 0 : -1].tolist():
            state = origins[state]
            backwards.append(state)
        choice[:] = backwards[::-1]
        return choice

    def _extend(
        self,
        frequencies: Float64,
        strengths: Float64,
        peaks: Float64,
    ) -> None:
        """Continue the forward pass to the last frame."""
        done = len(self._scores)
        first = max(0, done - 1)  # the frame before the first new one, for its transition
        octaves = np.log2(frequencies[first:])
        present = strengths[first:] > _ABSENT
        local = np.empty((len(octaves), _N_CANDIDATES + 1))
        local[:, :-1] = np.where(
            present, strengths[first:] - _octave_cost(frequencies[first:]), _ABSENT
        )
        level = peaks[first:] / 10.0 ** (self._reference / 20.0)
        quietness = 2.0 - level * (1.0 + _VOICING_THRESHOLD) / _SILENCE_THRESHOLD
        local[:, -1] = _VOICING_THRESHOLD + np.maximum(0.0, quietness)
        # From the states along the last axis to those along the one before it.
        cost = np.zeros((max(0, len(octaves) - 1), _N_CANDIDATES + 1, _N_CANDIDATES + 1))
        cost[:, :-1, :-1] = _OCTAVE_JUMP_COST * np.abs(
            octaves[1:, :, np.newaxis] - octaves[:-1, np.newaxis, :]
        )
        cost[:, -1, :-1] = cost[:, :-1, -1] = _VOICED_UNVOICED_COST
        scores = np.empty((len(peaks) - done, _N_CANDIDATES + 1))
        origins = np.empty(scores.shape, dtype=np.int64)
        row = 0
        if done:
            previous = self._scores.rows[-1]
        else:
            previous = scores[0] = local[0]
            origins[0] = _N_CANDIDATES
            row = 1
        totals = np.empty(cost.shape)
        best = np.empty(_N_CANDIDATES + 1)
        subtract, largest, add = np.subtract, np.maximum.reduce, np.add
        for paid, gained, total, score in zip(cost, local[1:], totals, scores[row:], strict=True):
            subtract(previous, paid, total)
            # The largest of all ways here; which one it was is asked of all frames at once below.
            largest(total, axis=1, out=best)
            previous = add(best, gained, score)
        origins[row:] = totals.argmax(axis=2)
        self._scores.append(scores)
        self._origins.append(origins)
