"""Spectral contours: the shape of the short-time spectrum every 10 ms.

Frame ``k`` is the 512 samples (32 ms) from sample ``160 k`` of the utterance on, under
a periodic Hann window; nothing is padded or centred, so no frame needs the future.
Bins below 62.5 Hz are left out everywhere: mains hum and offset live there, the
voice does not. A frame of digital silence has no spectrum: all its contours are NaN.

Every contour is free of the recording's level except `LEVEL_ADDITIVE`, which a
gain of g dB shifts by a constant. Logarithms therefore have no absolute floor;
instead a bin counts as at most 120 dB and a band as at most 80 dB below the strongest of
its frame, which keeps the rounding noise of synthetic sounds out.
"""

from __future__ import annotations

import numpy as np

from ser_live.arrays import Float32, Float64
from ser_live.config import SAMPLE_RATE_HZ
from ser_live.features.description import Description
from ser_live.features.frames import HOP_SAMPLES
from ser_live.features.mel import dct_matrix, mel_edges_hz, mel_filters

WINDOW_SAMPLES = 512
"""Length of a frame in samples (32 ms), and of its Fourier transform."""

N_MFCC = 14
"""MFCC 0 to 13."""
N_MEL = 32
"""Mel bands from 60 Hz to 8 kHz, below the MFCC and as contours of their own."""
MEL_LOW_HZ = 60.0
MEL_HIGH_HZ = 8000.0

_LOW_BIN = 2
_GROUP = 50
_BIN_FLOOR = 1e-12
_BAND_FLOOR = 1e-8
# Quietest frame power with a spectrum: far below one quantum of 24-bit audio.
_SILENCE = 1e-24

_BINS_HZ = np.fft.rfftfreq(WINDOW_SAMPLES, 1.0 / SAMPLE_RATE_HZ)[_LOW_BIN:]
_WINDOW = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(WINDOW_SAMPLES) / WINDOW_SAMPLES)
# From summed one-sided power to mean square of the unwindowed signal.
_POWER_TO_MEAN_SQUARE = 2.0 / (WINDOW_SAMPLES * np.sum(_WINDOW**2))
_MEL = mel_filters(SAMPLE_RATE_HZ, WINDOW_SAMPLES, N_MEL, MEL_LOW_HZ, MEL_HIGH_HZ)[:, _LOW_BIN:]
_DCT = dct_matrix(N_MFCC, N_MEL)
_ROLLOFFS = (0.25, 0.50, 0.85, 0.95)
_CONTRAST_LOW_HZ = 200.0
_CONTRAST_QUANTILE = 0.1
_N_CONTRAST = 6
_SUB_BANDS_HZ = ((60, 500), (500, 1000), (1000, 2000), (2000, 4000), (4000, 8001))


def _bins(low_hz: float, high_hz: float) -> slice:
    """Bins with ``low_hz <= f < high_hz``."""
    return slice(*np.searchsorted(_BINS_HZ, [low_hz, high_hz]).tolist())


def _slope_weights(low_hz: float, high_hz: float) -> tuple[slice, Float64]:
    """Bins and weights whose inner product with a dB spectrum is its slope in dB/kHz."""
    where = _bins(low_hz, high_hz)
    khz = _BINS_HZ[where] / 1000.0
    khz = khz - khz.mean()
    return where, khz / np.sum(khz**2)


def _contrast_bands() -> list[tuple[slice, int]]:
    """Bins and quantile size of each octave band, as librosa cuts them."""
    corners = np.concatenate([[0.0], _CONTRAST_LOW_HZ * 2.0 ** np.arange(_N_CONTRAST)])
    bands = []
    for band in range(_N_CONTRAST):
        low_hz, high_hz = corners[band : band + 2]
        inside = np.flatnonzero((low_hz <= _BINS_HZ) & (high_hz >= _BINS_HZ))
        first = inside[0] - (band > 0)
        last = len(_BINS_HZ) - 1 if band == _N_CONTRAST - 1 else inside[-1]
        n_quantile = max(int(np.rint(_CONTRAST_QUANTILE * (last - first + 1))), 1)
        bands.append((slice(first, last + (band == _N_CONTRAST - 1)), n_quantile))
    return bands


_SLOPE_LOW = _slope_weights(60.0, 501.0)
_SLOPE_MID = _slope_weights(500.0, 1501.0)
_CONTRAST = _contrast_bands()
_ALPHA_LOW, _ALPHA_HIGH = _bins(60.0, 1000.0), _bins(1000.0, 5001.0)
_HAMMARBERG_LOW, _HAMMARBERG_HIGH = _bins(60.0, 2000.0), _bins(2000.0, 5001.0)
_SUB_BANDS = [_bins(*band) for band in _SUB_BANDS_HZ]

_LIBROSA = "librosa"
_EGEMAPS = "Eyben et al. 2016 (GeMAPS)"
_PEETERS = "Peeters 2004 (CUIDADO)"


def _describe() -> dict[str, Description]:
    """Describe the contours in the order in which `_analyze` gives them."""
    return {**_describe_mel(), **_describe_shape(), **_describe_bands(), **_describe_change()}


def _describe_mel() -> dict[str, Description]:
    contours = {
        f"mfcc{i}": Description(
            "1", f"MFCC {i}: orthonormal DCT-II over {N_MEL} mel bands in dB", _LIBROSA
        )
        for i in range(N_MFCC)
    }
    edges = mel_edges_hz(N_MEL, MEL_LOW_HZ, MEL_HIGH_HZ)
    for i in range(N_MEL):
        contours[f"mel{i + 1:02d}_db"] = Description(
            "dB", f"Power in mel band {i + 1} of {N_MEL}, centre {edges[i + 1]:.0f} Hz", _LIBROSA
        )
    return contours


def _describe_shape() -> dict[str, Description]:
    contours = {}
    contours["spectral_centroid_hz"] = Description(
        "Hz", "Centre of gravity of the magnitude spectrum: sum f |X| / sum |X|", _LIBROSA
    )
    contours["spectral_bandwidth_hz"] = Description(
        "Hz", "Spread about the centroid: sqrt(sum (f - centroid)^2 |X| / sum |X|)", _LIBROSA
    )
    contours["spectral_skewness"] = Description(
        "1", "Third standardised moment of the magnitude spectrum about its centroid", _PEETERS
    )
    contours["spectral_kurtosis"] = Description(
        "1", "Fourth standardised moment of the magnitude spectrum about its centroid", _PEETERS
    )
    for share in _ROLLOFFS:
        contours[f"spectral_rolloff{share * 100:.0f}_hz"] = Description(
            "Hz", f"Lowest frequency below which {share:.0%} of the magnitude lies", _LIBROSA
        )
    contours["spectral_flatness_db"] = Description(
        "dB", "Geometric over arithmetic mean of the power spectrum; 0 for an impulse", _LIBROSA
    )
    contours["spectral_entropy"] = Description(
        "1", "-sum p ln p / ln n over the n bins, p the share of power; 0 to 1", _PEETERS
    )
    return contours


def _describe_bands() -> dict[str, Description]:
    contours = {}
    for name, band in (("0_500", "62.5-500 Hz"), ("500_1500", "500-1500 Hz")):
        contours[f"spectral_slope_{name}_db_per_khz"] = Description(
            "dB/kHz", f"Slope of the regression line through the dB spectrum, {band}", _EGEMAPS
        )
    contours["alpha_ratio_db"] = Description(
        "dB", "Power 1-5 kHz over power below 1 kHz: brightness (sign as in openSMILE)", _EGEMAPS
    )
    contours["hammarberg_index_db"] = Description(
        "dB", "Strongest bin below 2 kHz over strongest bin of 2-5 kHz", _EGEMAPS
    )
    for low, high in _SUB_BANDS_HZ:
        contours[f"band_{low}_{high // 10 * 10}_hz_db"] = Description(
            "dB", f"Share of the frame's power in {low}-{high // 10 * 10} Hz", "sub-band energy"
        )
    for i in range(_N_CONTRAST):
        contours[f"spectral_contrast{i}_db"] = Description(
            "dB",
            f"Strongest over weakest {_CONTRAST_QUANTILE:.0%} of the bins' power in octave band "
            + (f"{100 * 2**i}-{200 * 2**i} Hz" if i else "below 200 Hz"),
            "Jiang et al. 2002; librosa",
        )
    return contours


def _describe_change() -> dict[str, Description]:
    contours = {}
    contours["spectral_flux"] = Description(
        "1",
        "Euclidean distance of this and the previous frame's magnitude spectrum, each scaled "
        "to norm 1; 0 to sqrt(2)",
        "Peeters 2004; openSMILE",
    )
    contours["onset_strength_db"] = Description(
        "dB", "Mean rise of the mel bands since the previous frame, falls counted as 0", _LIBROSA
    )
    contours["zero_crossing_rate_hz"] = Description(
        "Hz", "Sign changes per second of the frame", _LIBROSA
    )
    contours["level_dbfs"] = Description(
        "dBFS", "Level of the frame above 62.5 Hz; full-scale sine -3.01", "RMS"
    )
    return contours


CONTOURS: dict[str, Description] = _describe()
"""Every contour with its unit, definition and source, in order."""

LEVEL_ADDITIVE: frozenset[str] = frozenset(
    {"mfcc0", "level_dbfs"} | {name for name in CONTOURS if name.startswith("mel")}
)
"""Contours which a gain shifts by a constant; no other contour feels it."""


class SpectralStream:
    """Contours of one utterance, computed while its samples arrive.

    Frames are analyzed in groups of fixed size, aligned to the utterance's start, so
    the values do not depend on how the samples were cut into blocks, to the last bit.
    """

    def __init__(self) -> None:
        self._pending: list[Float64] = []
        self._n_pending = 0
        self._groups: list[Float64] = []
        self._before: Float64 | None = None

    def push(self, samples: Float32) -> None:
        """Take the next samples, shape ``(n,)``, any n."""
        self._pending.append(np.asarray(samples, dtype=np.float64))
        self._n_pending += len(samples)
        needed = (_GROUP - 1) * HOP_SAMPLES + WINDOW_SAMPLES
        if self._n_pending < needed:
            return
        buffer = np.concatenate(self._pending)
        start = 0
        while len(buffer) - start >= needed:
            values, self._before = _analyze(buffer[start : start + needed], self._before)
            self._groups.append(values)
            start += _GROUP * HOP_SAMPLES
        self._pending = [buffer[start:]]
        self._n_pending = len(buffer) - start

    def contours(self, n_samples: int) -> dict[str, Float64]:
        """Every contour over the frames inside the first `n_samples`.

        Returns
        -------
        dict of str to ndarray of float64, shape (n_frames,)
            In the order of `CONTOURS`; NaN where a frame has no value.
        """
        matrix = self.matrix(n_samples)
        return dict(zip(CONTOURS, matrix, strict=True))

    def matrix(self, n_samples: int) -> Float64:
        """The same as `contours`, as one array of shape ``(len(CONTOURS), n_frames)``."""
        n_frames = frame_count(n_samples)
        groups = self._groups[: -(-n_frames // _GROUP)]
        if len(groups) * _GROUP < n_frames:
            # The open group is analyzed as if followed by silence, in its full size: the
            # frames inside are then the same numbers as they will be when it is complete.
            buffer = np.zeros((_GROUP - 1) * HOP_SAMPLES + WINDOW_SAMPLES)
            samples = np.concatenate(self._pending)[: len(buffer)]
            buffer[: len(samples)] = samples
            groups = [*groups, _analyze(buffer, self._before)[0]]
        if not groups:
            return np.empty((len(CONTOURS), 0))
        return np.concatenate(groups, axis=1)[:, :n_frames]


def frame_count(n_samples: int) -> int:
    """Number of whole frames inside the first `n_samples`."""
    return 0 if n_samples < WINDOW_SAMPLES else 1 + (n_samples - WINDOW_SAMPLES) // HOP_SAMPLES


def _analyze(samples: Float64, before: Float64 | None) -> tuple[Float64, Float64]:
    """Contours of one group of frames, and what the next group needs of its last frame.

    Parameters
    ----------
    samples : ndarray of float64
        Exactly the samples under the group's frames.
    before : ndarray of float64, shape (n_bins + N_MEL,) or None
        Scaled magnitudes and mel bands of the frame before; None at the start.

    Returns
    -------
    ndarray of float64, shape (len(CONTOURS), _GROUP), and the new `before`
    """
    frames = np.lib.stride_tricks.sliding_window_view(samples, WINDOW_SAMPLES)[::HOP_SAMPLES]
    spectrum = np.fft.rfft(frames * _WINDOW, axis=1)[:, _LOW_BIN:]
    power = spectrum.real**2 + spectrum.imag**2
    total = power.sum(axis=1)
    silent = total * _POWER_TO_MEAN_SQUARE < _SILENCE
    power[silent] = 1.0
    total[silent] = power.shape[1]
    magnitude = np.sqrt(power)
    mel = power @ _MEL.T
    mel_db = 10.0 * np.log10(np.maximum(mel, _BAND_FLOOR * mel.max(axis=1, keepdims=True)))
    power = np.maximum(power, _BIN_FLOOR * power.max(axis=1, keepdims=True))
    decibel = 10.0 * np.log10(power)
    scaled = magnitude / np.sqrt(total)[:, None]
    here = np.concatenate([scaled, mel_db], axis=1)
    here[silent] = np.nan
    first = np.full(here.shape[1], np.nan) if before is None else before
    step = np.diff(here, axis=0, prepend=first[None, :])
    n_bins = power.shape[1]

    columns = [
        mel_db @ _DCT.T,
        mel_db,
        *_moments(magnitude),
        *_rolloffs(magnitude),
        np.mean(decibel, axis=1) - 10.0 * np.log10(power.mean(axis=1)),
        _entropy(power, total, decibel),
        decibel[:, _SLOPE_LOW[0]] @ _SLOPE_LOW[1],
        decibel[:, _SLOPE_MID[0]] @ _SLOPE_MID[1],
        _ratio_db(power[:, _ALPHA_HIGH].sum(axis=1), power[:, _ALPHA_LOW].sum(axis=1)),
        _ratio_db(power[:, _HAMMARBERG_LOW].max(axis=1), power[:, _HAMMARBERG_HIGH].max(axis=1)),
        *(_ratio_db(power[:, band].sum(axis=1), total) for band in _SUB_BANDS),
        *_contrasts(power),
        np.sqrt(np.sum(step[:, :n_bins] ** 2, axis=1)),
        np.mean(np.maximum(step[:, n_bins:], 0.0), axis=1),
        _zero_crossing_rate(samples),
        10.0 * np.log10(total * _POWER_TO_MEAN_SQUARE),
    ]
    values = np.column_stack(columns)
    values[silent] = np.nan
    return np.ascontiguousarray(values.T), here[-1]


def _ratio_db(above: Float64, below: Float64) -> Float64:
    return np.asarray(10.0 * np.log10(above / below))


def _moments(magnitude: Float64) -> list[Float64]:
    """Centroid and bandwidth in hertz, skewness and kurtosis of the spectrum."""
    weight = magnitude / magnitude.sum(axis=1, keepdims=True)
    centroid = weight @ _BINS_HZ
    distance = _BINS_HZ - centroid[:, None]
    squared = distance**2
    second = weight * squared
    variance = np.sum(second, axis=1)
    third = np.sum(second * distance, axis=1)
    fourth = np.sum(weight * squared**2, axis=1)
    return [centroid, np.sqrt(variance), third / variance**1.5, fourth / variance**2]


def _rolloffs(magnitude: Float64) -> list[Float64]:
    """First bin, in hertz, at which the summed magnitude reaches each share."""
    summed = np.cumsum(magnitude, axis=1)
    whole = summed[:, -1:]
    # The first of the bins that reach it, found without counting those that do not.
    return [_BINS_HZ[(summed >= share * whole).argmax(axis=1)] for share in _ROLLOFFS]


def _entropy(power: Float64, total: Float64, decibel: Float64) -> Float64:
    """``-sum p ln p / ln n`` with ``p = power / total``, from logarithms already at hand."""
    mean_db = np.sum(power * decibel, axis=1) / total
    return np.asarray((10.0 * np.log10(total) - mean_db) / (10.0 * np.log10(power.shape[1])))


def _contrasts(power: Float64) -> list[Float64]:
    """Peak over valley of each octave band, dB."""
    contrasts = []
    for band, n_quantile in _CONTRAST:
        ordered = np.sort(power[:, band], axis=1)
        # Sums divided by their number: `mean` gives the same bits in twice the time.
        peak = np.add.reduce(ordered[:, -n_quantile:], axis=1) / n_quantile
        valley = np.add.reduce(ordered[:, :n_quantile], axis=1) / n_quantile
        contrasts.append(_ratio_db(peak, valley))
    return contrasts


def _zero_crossing_rate(samples: Float64) -> Float64:
    """Sign changes a second in each frame of a group."""
    negative = np.signbit(samples)
    n_before = np.zeros(len(samples), np.int64)
    np.cumsum(negative[1:] != negative[:-1], out=n_before[1:])
    last = WINDOW_SAMPLES - 1
    crossings = n_before[last::HOP_SAMPLES] - n_before[:-last:HOP_SAMPLES]
    return np.asarray(crossings * (SAMPLE_RATE_HZ / WINDOW_SAMPLES), dtype=np.float64)
