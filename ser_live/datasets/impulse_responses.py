"""Impulse responses: what can be measured of one, and whether it is a room.

Collections of impulse responses mix halls and kitchens with springs, combs, reversed and
stretched sounds. A test of robustness to rooms must not ask for robustness to those, and nobody
wrote down which is which; so each response is measured and `Response.is_room` decides.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ser_live.arrays import Float32, Float64
from ser_live.config import SAMPLE_RATE_HZ
from ser_live.errors import DatasetError
from ser_live.sources.recording import read_recording

REVERBERATION_S = (0.15, 3.0)
"""Reverberation times of places people speak in: a furnished study to a concert hall."""
MIN_STRAIGHTNESS = 0.99
"""The level of a room falls along a straight line; echoes and stretched sounds make stairs."""
MAX_RISE_S = 0.05
"""The strongest sound follows the first within this time, or it is a separate event."""
MIN_DIRECT_DB = -20.0
"""Below this ratio of direct to reverberant sound no first arrival can be found."""
MIN_ECHO_DENSITY = 0.85
"""Reflections overlap into Gaussian noise (1.0); springs, combs and delays stay sparse."""
MAX_BAND_SPREAD_DB = 20.0
"""Octaves from 250 Hz to 4 kHz lie within this range, else it is a filter. Wide enough for the
colour of a clap by which a response was taken."""
EVERYDAY_S = 1.25
"""Up to this reverberation time a room is one of homes, offices and classrooms, not a hall."""

_DIRECT_S = 0.0025
_ONSET_DB = -20.0
_DECAY_DB = (-5.0, -25.0)
_MIN_FALL = 32
_LATE_S = (0.05, 0.14)
_DENSITY_WINDOW_S = 0.02
_GAUSSIAN_OUTSIDE = math.erfc(1.0 / math.sqrt(2.0))
_BANDS_HZ = ((250.0, 500.0), (500.0, 1000.0), (1000.0, 2000.0), (2000.0, 4000.0))


@dataclass(frozen=True)
class Response:
    """Measures of an impulse response, 16 kHz."""

    onset: int
    """First sample within 20 dB of the peak: the direct sound arrives."""
    rise_s: float
    """Samples from there to the peak."""
    reverberation_s: float
    """Time to fall by 60 dB, from the fall between -5 and -25 dB; NaN if it cannot be measured."""
    straightness: float
    """Squared correlation of that fall with a straight line."""
    direct_db: float
    """Energy of the first 2.5 ms over the energy after them."""
    echo_density: float
    """Share of samples beyond one standard deviation 50 to 140 ms after the onset, over that
    of Gaussian noise; NaN where the response is shorter."""
    band_spread_db: float
    """Loudest over quietest of four octaves, per hertz."""

    @property
    def is_everyday(self) -> bool:
        """Whether it can be a room of daily life, with little reverberation."""
        return self.is_room and self.reverberation_s <= EVERYDAY_S

    @property
    def is_room(self) -> bool:
        """Whether the response can be that of a room; false where a measure is NaN."""
        low, high = REVERBERATION_S
        return (
            low <= self.reverberation_s <= high
            and self.straightness >= MIN_STRAIGHTNESS
            and self.rise_s <= MAX_RISE_S
            and self.direct_db >= MIN_DIRECT_DB
            and self.echo_density >= MIN_ECHO_DENSITY
            and self.band_spread_db <= MAX_BAND_SPREAD_DB
        )


def direct_onset(response: NDArray[np.floating]) -> int:
    """First sample within 20 dB of the peak (ISO 3382-1), where the direct sound arrives."""
    height = np.abs(response)
    return int(np.argmax(height >= 10.0 ** (_ONSET_DB / 20.0) * height.max()))


def measure(response: NDArray[np.floating]) -> Response:
    """Measure an impulse response, shape ``(n,)``, 16 kHz, not all zeros."""
    onset = direct_onset(response)
    heard = response[onset:].astype(np.float64)
    energy = np.square(heard)
    n_direct = round(_DIRECT_S * SAMPLE_RATE_HZ)
    reverberation_s, straightness = _decay(energy)
    after = float(energy[n_direct:].sum())
    return Response(
        onset=onset,
        rise_s=(int(np.argmax(np.abs(response))) - onset) / SAMPLE_RATE_HZ,
        reverberation_s=reverberation_s,
        straightness=straightness,
        direct_db=_db(float(energy[:n_direct].sum()) / after) if after > 0.0 else math.inf,
        echo_density=_echo_density(heard),
        band_spread_db=_band_spread_db(heard),
    )


def find_rooms(folder: Path) -> dict[str, Float32]:
    """Impulse responses of rooms below `folder`, by file name without extension.

    Raises
    ------
    DatasetError
        No such folder, or no room in it.
    """
    rooms = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in (".flac", ".wav"):
            response = read_recording(path)
            if np.any(response) and measure(response).is_room:
                rooms[path.stem] = response
    if not rooms:
        raise DatasetError(
            f"{folder} holds no impulse response of a room: give a folder with some (.flac, .wav)."
        )
    return rooms


def _decay(energy: Float64) -> tuple[float, float]:
    """Reverberation time by backward integration, and how straight the fall is.

    The mean power of the last tenth is taken for background noise and subtracted.
    """
    noise = float(np.mean(energy[-max(1, len(energy) // 10) :]))
    left = np.cumsum((energy - noise)[::-1])[::-1]
    if left[0] <= 0.0:
        return math.nan, math.nan
    level_db = 10.0 * np.log10(np.maximum(left / left[0], 1e-9))
    start, end = (int(np.argmax(level_db <= bound)) for bound in _DECAY_DB)
    if end - start < _MIN_FALL or np.ptp(level_db[start:end]) == 0.0:
        return math.nan, math.nan
    time_s = np.arange(start, end) / SAMPLE_RATE_HZ
    slope = float(np.polyfit(time_s, level_db[start:end], 1)[0])
    straightness = float(np.corrcoef(time_s, level_db[start:end])[0, 1] ** 2)
    return -60.0 / slope if slope < 0.0 else math.nan, straightness


def _echo_density(heard: Float64) -> float:
    width = round(_DENSITY_WINDOW_S * SAMPLE_RATE_HZ)
    start, end = (round(bound * SAMPLE_RATE_HZ) for bound in _LATE_S)
    n_windows = (min(end, len(heard)) - start) // width
    if n_windows < 1:
        return math.nan
    windows = heard[start : start + n_windows * width].reshape(n_windows, width)
    deviation = windows.std(axis=1, keepdims=True)
    return float(np.mean(np.abs(windows) > np.maximum(deviation, 1e-12)) / _GAUSSIAN_OUTSIDE)


def _band_spread_db(heard: Float64) -> float:
    power = np.square(np.abs(np.fft.rfft(heard, max(len(heard), SAMPLE_RATE_HZ // 10))))
    frequency_hz = np.fft.rfftfreq(max(len(heard), SAMPLE_RATE_HZ // 10), 1.0 / SAMPLE_RATE_HZ)
    bands = [
        float(power[(frequency_hz >= low) & (frequency_hz < high)].mean())
        for low, high in _BANDS_HZ
    ]
    return _db(max(bands) / max(min(bands), 1e-30))


def _db(ratio: float) -> float:
    return 10.0 * math.log10(ratio) if ratio > 0.0 else -math.inf
