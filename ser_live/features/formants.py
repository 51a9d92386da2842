"""Formants F1-F3 by linear prediction from power spectra.

The autocorrelation that linear prediction needs is the inverse transform of the
power spectrum, so pre-emphasis is a weight on the bins and resampling to 11 kHz is
leaving out the bins above 5.5 kHz ("selective linear prediction", Makhoul 1975,
Proc. IEEE 63, 561-580). Five resonances below 5.5 kHz as in Praat's
"To Formant (burg)" with its settings for women, used for everyone.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ser_live.arrays import Float64
from ser_live.config import SAMPLE_RATE_HZ
from ser_live.features.description import Description
from ser_live.features.transforms import cosine_transform

N_FORMANTS: Final = 3
_ORDER: Final = 10
_MARGIN_HZ: Final = 50.0
_PRE_EMPHASIS: Final = float(
    np.exp(-2.0 * np.pi * 50.0 / SAMPLE_RATE_HZ)
)  # +6 dB/octave from 50 Hz
_HIGHEST_HZ: Final = 5500.0
_WHITENING: Final = 1e-6  # -60 dB of noise keeps the recursion stable

_SOURCE: Final = "Makhoul 1975, Proc. IEEE 63, 561-580; roots as in Praat's To Formant (burg)"

DESCRIPTIONS: dict[str, Description] = {
    **{
        f"f{number}_hz": Description(
            "Hz",
            f"frequency of resonance {number} from below: root of linear prediction (order 10, "
            "0-5.5 kHz) more than 50 Hz from either end; found in every second frame, between "
            "them interpolated; NaN where unvoiced",
            _SOURCE,
        )
        for number in range(1, N_FORMANTS + 1)
    },
    **{
        f"f{number}_bandwidth_hz": Description("Hz", f"bandwidth of resonance {number}", _SOURCE)
        for number in range(1, N_FORMANTS + 1)
    },
}


def formants(power: Float64, bin_hz: float) -> Float64:
    """Frequencies and bandwidths of the lowest three resonances.

    Parameters
    ----------
    power : power spectra ``(n, n_bins)`` of windowed frames, without pre-emphasis
    bin_hz : distance of the bins

    Returns
    -------
    ``(n, 6)``: three frequencies, three bandwidths, in Hz; NaN where absent
    """
    n_bins = int(_HIGHEST_HZ / bin_hz) + 1
    rate = 2.0 * (n_bins - 1) * bin_hz
    angle = 2.0 * np.pi * np.arange(n_bins) * bin_hz / SAMPLE_RATE_HZ
    emphasis = 1.0 + _PRE_EMPHASIS**2 - 2.0 * _PRE_EMPHASIS * np.cos(angle)
    lags = cosine_transform(power[:, :n_bins] * emphasis)[:, : _ORDER + 1]
    found = np.full((len(power), 2 * N_FORMANTS), np.nan)
    sounding = lags[:, 0] > 0.0
    lags = lags[sounding] / lags[sounding, :1]
    lags[:, 0] *= 1.0 + _WHITENING
    companion = np.zeros((len(lags), _ORDER, _ORDER))
    companion[:, 0] = -_prediction(lags)
    companion[:, np.arange(1, _ORDER), np.arange(_ORDER - 1)] = 1.0
    roots = np.linalg.eigvals(companion)
    hz = np.angle(roots) * rate / (2.0 * np.pi)
    width_hz = -np.log(np.maximum(np.abs(roots), 1e-6)) * rate / np.pi
    wanted = (hz > _MARGIN_HZ) & (hz < _HIGHEST_HZ - _MARGIN_HZ)
    order = np.argsort(np.where(wanted, hz, np.inf), axis=1)[:, :N_FORMANTS]
    absent = ~np.take_along_axis(wanted, order, axis=1)
    both = np.stack([np.take_along_axis(part, order, axis=1) for part in (hz, width_hz)], axis=1)
    both[np.broadcast_to(absent[:, np.newaxis], both.shape)] = np.nan
    found[sounding] = both.reshape(len(both), -1)
    return found


def _prediction(lags: Float64) -> Float64:
    """Levinson-Durbin recursion over all frames at once.

    Parameters
    ----------
    lags : autocorrelation ``(n, order + 1)``

    Returns
    -------
    ``(n, order)``: a(1)...a(order) of the polynomial 1 + a(1)/z + a(2)/z^2 + ...
    """
    order = lags.shape[1] - 1
    coefficients = np.zeros((len(lags), order))
    error = lags[:, 0].copy()
    for step in range(order):
        known = coefficients[:, :step]
        reflection = -(lags[:, step + 1] + (known * lags[:, step:0:-1]).sum(axis=1)) / error
        coefficients[:, :step] = known + reflection[:, np.newaxis] * known[:, ::-1]
        coefficients[:, step] = reflection
        error *= 1.0 - reflection**2
    return coefficients
