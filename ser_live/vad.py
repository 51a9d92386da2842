"""Which 30 ms frames are speech: a cheap gate, and a network that confirms it.

The cheap gate: WebRTC's detector notices what is new in a signal, not what is speech: in
loud pink noise it calls everything speech, and it calls typing speech 41 % of the time. So
a frame must stand above the tracked noise floor, whoever calls it speech. Then either
WebRTC's detector or the test for voicing must call it speech: in noise WebRTC's misses soft
vowels that are plainly periodic.

The network (`ser_live.silero`) sleeps until something stands above the noise floor. It
then says how likely each frame is speech: sure of it, it needs no cheap gate, which is deaf
in strong noise; where the cheap gate hears something, it only has to think it possible.

The segmenter opens no utterance without voiced frames: those the network is sure of, or,
without it, periodic ones, which typing, doors and rain do not have. Everything is causal
and deterministic.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ser_live.config import FRAME_S, FRAME_SAMPLES, SAMPLE_RATE_HZ, VadSettings
from ser_live.errors import InvalidAudioError
from ser_live.silero import Confirmer, is_runnable

NAN = float("nan")

Frame = NDArray[np.float64]
"""30 ms of sound, shape (480,)."""

# Voicing is looked for at 4 kHz, where the strong harmonics are.
_DECIMATION = 4
_LOW_RATE_HZ = SAMPLE_RATE_HZ // _DECIMATION
_N_LOW = 2 * FRAME_SAMPLES // _DECIMATION
_N_FFT = 512
_MIN_LAG = _LOW_RATE_HZ // 500
_MAX_LAG = math.ceil(_LOW_RATE_HZ / 60)
_PADDING = np.zeros(_MAX_LAG + 1)
_BIN_100_HZ, _BIN_1_KHZ, _BIN_2_KHZ = (round(f * _N_FFT / _LOW_RATE_HZ) for f in (100, 1000, 2000))


class VadReason(str, Enum):
    """Why a frame is speech or is not."""

    SPEECH = "speech"
    """All gates passed."""
    TOO_QUIET = "too quiet"
    """Below `min_level_dbfs`."""
    NEAR_NOISE = "near noise"
    """Not `min_above_noise_db` above the noise floor."""
    NOT_SPEECH = "not speech"
    """Neither WebRTC's detector nor the voicing calls it speech, or the network does not."""

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class VadDecision:
    """What is said about one frame."""

    is_speech: bool
    reason: VadReason
    level_dbfs: float
    """RMS level without its mean, dB relative to full scale; -inf for a constant frame."""
    noise_dbfs: float
    """Noise floor including this frame, dBFS RMS; NaN in the first half second."""
    is_voiced: bool
    """Speech the network is sure of; without it, speech that is periodic and low enough for
    a voice, and no click."""
    is_suspected: bool
    """May be speech: the cheap gate hears it, and the network does not rule it out."""
    probability: float
    """Of speech, as the network hears it; 0 while it sleeps, NaN where there is none."""


class VoiceActivityDetector:
    """Decides frame by frame.

    Parameters
    ----------
    settings : VadSettings

    Raises
    ------
    ModelError
        The network is asked for and onnxruntime is missing, or its file is missing or altered.
    """

    def __init__(self, settings: VadSettings | None = None) -> None:
        import webrtcvad

        self.settings = settings or VadSettings()
        self._webrtc: Any = webrtcvad.Vad(self.settings.aggressiveness)
        self._noise = NoiseFloor(self.settings.noise_window_s)
        self._previous: Frame = np.zeros(FRAME_SAMPLES)
        self._confirmer = Confirmer() if is_confirming(self.settings) else None

    def process(self, frame: NDArray[np.float32]) -> VadDecision:
        """Decide about the next frame of the stream.

        Parameters
        ----------
        frame : ndarray of float32, shape (480,)
            Nominal range [-1, 1]; the WebRTC detector hears what is beyond as clipped.

        Raises
        ------
        InvalidAudioError
            The frame has another shape, or holds NaN or infinity.
        """
        if frame.shape != (FRAME_SAMPLES,):
            raise InvalidAudioError(
                f"a frame of shape {frame.shape} was given to the speech detector; it takes "
                f"({FRAME_SAMPLES},) samples: cut the stream with FrameCutter."
            )
        wide = frame.astype(np.float64)
        level_dbfs = _level_without_mean_dbfs(wide)
        if math.isnan(level_dbfs):
            raise InvalidAudioError(
                "a frame holds NaN or infinity; finite samples are needed: check the source."
            )
        noise_dbfs = self._noise.update(level_dbfs)
        reason, voiced = self._cheap_gate(wide, level_dbfs, noise_dbfs)
        suspected = reason is VadReason.SPEECH
        if self._confirmer is None:
            return VadDecision(suspected, reason, level_dbfs, noise_dbfs, voiced, suspected, NAN)

        s = self.settings
        is_audible = level_dbfs >= s.min_level_dbfs
        # Compared this way round, a floor that is not known yet (NaN) wakes it too.
        is_near_noise = level_dbfs < noise_dbfs + s.wake_above_noise_db
        probability = self._confirmer.process(frame, is_audible and not is_near_noise)
        is_sure = is_audible and probability >= s.sure_probability
        is_speech = is_sure or (suspected and probability >= s.possible_probability)
        suspected = is_speech or (suspected and probability >= s.suspected_probability)
        if is_speech:
            reason = VadReason.SPEECH
        elif reason is VadReason.SPEECH:
            reason = VadReason.NOT_SPEECH
        return VadDecision(
            is_speech, reason, level_dbfs, noise_dbfs, is_sure, suspected, probability
        )

    def _cheap_gate(
        self, frame: Frame, level_dbfs: float, noise_dbfs: float
    ) -> tuple[VadReason, bool]:
        """What level, WebRTC's detector and voicing say; whether it is voiced speech."""
        previous, self._previous = self._previous, frame
        # WebRTC hears every frame, whatever the gates say: it keeps a model of the noise.
        pcm = np.clip(frame * 32767.0, -32768.0, 32767.0).astype("<i2")
        heard = bool(self._webrtc.is_speech(pcm.tobytes(), SAMPLE_RATE_HZ))
        if level_dbfs < self.settings.min_level_dbfs:
            return VadReason.TOO_QUIET, False
        if level_dbfs < noise_dbfs + self.settings.min_above_noise_db:
            return VadReason.NEAR_NOISE, False
        voiced = self._is_voiced(previous, frame)
        return VadReason.SPEECH if heard or voiced else VadReason.NOT_SPEECH, voiced

    def _is_voiced(self, previous: Frame, frame: Frame) -> bool:
        s = self.settings
        if burstiness(frame) > s.max_burstiness:
            return False
        both = np.concatenate((previous, frame))
        if periodicity(both) < s.min_periodicity:
            return False
        below_1_khz, below_2_khz = low_shares(both)
        return below_1_khz >= s.min_share_below_1_khz and below_2_khz >= s.min_share_below_2_khz


def is_confirming(settings: VadSettings) -> bool:
    """Whether the network is used with these settings on this machine."""
    return settings.confirm == "on" or (settings.confirm == "auto" and is_runnable())


def missing_confirmation(settings: VadSettings) -> str:
    """A note for people where the network is wanted but cannot run; otherwise empty."""
    if settings.confirm != "auto" or is_runnable():
        return ""
    return (
        "onnxruntime is not installed, so speech is found without the confirming network: "
        "more noises are taken for speech, and speech in strong noise is missed."
    )


class NoiseFloor:
    """Level of the quietest moments of the last seconds (after minimum statistics).

    Frame powers are averaged over 3 frames; the floor is their minimum over the window,
    raised by `BIAS_DB` because a minimum lies below the mean. It falls at once and rises
    when the last quieter moment leaves the window. Digital silence counts as
    `LOWEST_DBFS`. See R. Martin, Noise power spectral density estimation based on optimal
    smoothing and minimum statistics, IEEE Trans. Speech and Audio Processing 9(5), 2001.

    Parameters
    ----------
    window_s : float
        How far back the minimum reaches, in seconds.
    """

    BIAS_DB = 1.5
    """Mean of noise above its minimum, dB: measured 0.4 for white, 1.0 for pink, 2-5 indoors."""
    LOWEST_DBFS = -100.0
    """Lowest level, about the rounding noise of 16 bits."""
    KNOWN_AFTER_S = 0.5
    """Before so much was heard the floor is NaN, in seconds."""

    def __init__(self, window_s: float) -> None:
        self._n_window = max(1, round(window_s / FRAME_S))
        self._n_known = round(self.KNOWN_AFTER_S / FRAME_S)
        self._powers: deque[float] = deque(maxlen=3)
        self._n_heard = 0
        # Ascending minima with their positions: the usual sliding-window minimum.
        self._minima: deque[tuple[int, float]] = deque()

    def update(self, level_dbfs: float) -> float:
        """Take the level of the next frame, return the noise floor in dBFS or NaN."""
        self._powers.append(10.0 ** (max(level_dbfs, self.LOWEST_DBFS) / 10.0))
        power = sum(self._powers) / len(self._powers)
        while self._minima and self._minima[-1][1] >= power:
            self._minima.pop()
        self._minima.append((self._n_heard, power))
        self._n_heard += 1
        if self._minima[0][0] <= self._n_heard - 1 - self._n_window:
            self._minima.popleft()
        if self._n_heard < self._n_known:
            return math.nan
        return 10.0 * math.log10(self._minima[0][1]) + self.BIAS_DB


def periodicity(samples: NDArray[np.float64]) -> float:
    """Autocorrelation of 60 ms at the best pitch period of 60-500 Hz.

    The 960 samples are decimated to 4 kHz by averaging. Of the local maxima of
    ``sum x[i] x[i+l] / sqrt(sum x[i]^2 sum x[i+l]^2)``, each over the overlap of `x` with
    itself shifted, the largest counts: about 1 for a steady vowel, mostly below 0.5 for
    noise, 0 where there is no maximum.
    """
    low = _decimated(samples)
    products = np.correlate(np.concatenate((low, _PADDING)), low)
    energy = np.zeros(_N_LOW + 1)
    np.cumsum(low * low, out=energy[1:])
    n_lags = len(products)
    overlap = energy[: -n_lags - 1 : -1] * (energy[-1] - energy[:n_lags])
    ratio = products / np.sqrt(np.maximum(overlap, 1e-24))
    inner = ratio[_MIN_LAG:-1]
    is_peak = (inner >= ratio[_MIN_LAG - 1 : -2]) & (inner > ratio[_MIN_LAG + 1 :])
    return float((inner * is_peak).max(initial=0.0))


def low_shares(samples: NDArray[np.float64]) -> tuple[float, float]:
    """Shares of the energy above 100 Hz that lie below 1 kHz and below 2 kHz, 0 to 1.

    Measured at 4 kHz after averaging, which takes up to 4 dB near 2 kHz and lets some of
    what is above through. Birds, glass and clicks have little there. Zeros give 0.
    """
    low = _decimated(samples)
    spectrum = np.fft.rfft(low, _N_FFT)
    power = spectrum.real**2 + spectrum.imag**2
    # Parseval; the mean of 4 samples stands for 4 of them.
    power *= 2.0 * _DECIMATION / _N_FFT
    rumble = float(power[1:_BIN_100_HZ].sum())
    mean = float(samples.sum()) / len(samples)
    total = float(samples @ samples) - len(samples) * mean * mean - rumble
    if total <= 0.0:
        return 0.0, 0.0
    below_1_khz = float(power[_BIN_100_HZ:_BIN_1_KHZ].sum())
    below_2_khz = below_1_khz + float(power[_BIN_1_KHZ:_BIN_2_KHZ].sum())
    return below_1_khz / total, below_2_khz / total


def _decimated(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means of 4 neighbours, less the mean of all: 4 kHz."""
    low = (samples[0::4] + samples[1::4] + samples[2::4] + samples[3::4]) * (1 / _DECIMATION)
    low -= low.sum() / len(low)
    return low


def burstiness(frame: Frame) -> float:
    """Largest power of an eighth of the frame over the mean power: 1 to 8, high for clicks."""
    eighths = frame.reshape(8, -1)
    power = np.einsum("ij,ij->i", eighths, eighths)
    mean = float(power.mean())
    return float(power.max()) / mean if mean > 0.0 else 1.0


def _level_without_mean_dbfs(frame: Frame) -> float:
    """RMS level about the mean in dBFS: a microphone's DC offset is no sound."""
    mean = float(frame.sum()) / len(frame)
    power = float(frame @ frame) / len(frame) - mean * mean
    if power <= 1e-20:
        return -math.inf
    return 10.0 * math.log10(power) if math.isfinite(power) else math.nan
