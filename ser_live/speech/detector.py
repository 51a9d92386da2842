"""Speech decisions for 30 ms frames: a cheap gate, and a network that confirms it.

The cheap gate: WebRTC's detector notices what is new in a signal, not what is speech: in
loud pink noise it calls everything speech, and it calls typing speech 41 % of the time. So
a frame must stand above the tracked noise floor in any case. Then either
WebRTC's detector or the test for voicing must call it speech: in noise WebRTC's misses soft
vowels that are plainly periodic.

The network (`ser_live.speech.silero`) sleeps until something stands above the noise floor. It
then says how likely each frame is speech: sure of it, it needs no cheap gate, which is deaf
in strong noise; where the cheap gate hears something, it only has to think it possible.

All of it hears what `high_pass.HighPass` lets through: an offset or hum of the mains is no sound.

Many frames at once cost less than one after the other, and are decided alike: one after the
other is many at once with one frame each.

The segmenter opens no utterance without voiced frames: those the network is sure of, or,
without it, periodic ones, which typing, doors and rain do not have. Everything is causal
and deterministic.
"""

from __future__ import annotations

import math
from collections import deque
from enum import Enum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ser_live.arrays import Bool, Float64
from ser_live.config import FRAME_S, FRAME_SAMPLES, SAMPLE_RATE_HZ, VadSettings
from ser_live.errors import InvalidAudioError
from ser_live.high_pass import HighPass
from ser_live.speech.shouting import ABOVE_NOISE_DB, Shouting
from ser_live.speech.silero import Confirmer, is_runnable
from ser_live.speech.voicing import burstiness, energy, low_shares, periodicity


class VadReason(str, Enum):
    """Reason for which a frame is speech or is not."""

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


class VadDecision(NamedTuple):
    """Decision about one frame, and what it rests on."""

    is_speech: bool
    reason: VadReason
    level_dbfs: float
    """RMS level of what the high-pass lets through, dB relative to full scale; -inf for zeros."""
    noise_dbfs: float
    """Noise floor including this frame, dBFS RMS; NaN in the first half second."""
    is_voiced: bool
    """Speech the network is sure of; without it, speech that is periodic and low enough for
    a voice, and not a click."""
    is_suspected: bool
    """May be speech: the cheap gate hears it, and the network does not rule it out."""
    probability: float
    """Probability of speech by the network; 0 while it sleeps, NaN where there is none."""


class VoiceActivityDetector:
    """Decides about the frames of one stream.

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
        self._high_pass = HighPass()
        self._noise = NoiseFloor(self.settings.noise_window_s)
        self._previous = np.zeros((1, FRAME_SAMPLES))
        self._shouting = Shouting()
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
        if not np.isfinite(frame).all():
            raise InvalidAudioError(
                "a frame holds NaN or infinity; finite samples are needed: check the source."
            )
        return self.process_all(frame[np.newaxis])[0]

    def process_all(self, frames: NDArray[np.float32]) -> list[VadDecision]:
        """Decide about the next frames of the stream, as `process` does one after the other.

        Parameters
        ----------
        frames : ndarray of float32, shape (n, 480)
            Finite.
        """
        if len(frames) == 0:
            return []
        heard = self._high_pass.process(frames.reshape(-1)).reshape(frames.shape)
        wide = heard.astype(np.float64)
        levels = [_level_dbfs(power) for power in (energy(wide) / FRAME_SAMPLES).tolist()]
        floors = [self._noise.update(level) for level in levels]
        gate = self._cheap_gate(wide, levels, floors)
        if self._confirmer is None:
            return [
                VadDecision(
                    is_speech=reason is VadReason.SPEECH,
                    reason=reason,
                    level_dbfs=level,
                    noise_dbfs=floor,
                    is_voiced=voiced,
                    is_suspected=reason is VadReason.SPEECH,
                    probability=math.nan,
                )
                for (reason, voiced), level, floor in zip(gate, levels, floors, strict=True)
            ]
        wakes = [self._could_be_speech(*both) for both in zip(levels, floors, strict=True)]
        return [
            self._confirmed(probability, reason, voiced, level, floor)
            for probability, (reason, voiced), level, floor in zip(
                self._confirmer.process_all(heard, wakes), gate, levels, floors, strict=True
            )
        ]

    def _could_be_speech(self, level_dbfs: float, noise_dbfs: float) -> bool:
        """Whether the frame is loud enough to wake the network."""
        s = self.settings
        # Compared this way round, a floor that is not known yet (NaN) wakes it too.
        is_near_noise = level_dbfs < noise_dbfs + s.wake_above_noise_db
        return level_dbfs >= s.min_level_dbfs and not is_near_noise

    def _confirmed(
        self,
        probability: float,
        reason: VadReason,
        voiced: bool,
        level_dbfs: float,
        noise_dbfs: float,
    ) -> VadDecision:
        """The cheap gate's decision after the network heard the frame."""
        s = self.settings
        is_audible = level_dbfs >= s.min_level_dbfs
        is_heard = reason is VadReason.SPEECH
        is_loud = is_heard and level_dbfs >= noise_dbfs + ABOVE_NOISE_DB
        is_shout = self._shouting.update(is_loud=is_loud, is_voiced=voiced, probability=probability)
        is_sure = is_audible and probability >= s.sure_probability
        is_speech = is_sure or is_shout or (is_heard and probability >= s.possible_probability)
        is_suspected = is_heard and (is_loud or probability >= s.suspected_probability)
        if is_speech:
            reason = VadReason.SPEECH
        elif is_heard:
            reason = VadReason.NOT_SPEECH
        return VadDecision(
            is_speech=is_speech,
            reason=reason,
            level_dbfs=level_dbfs,
            noise_dbfs=noise_dbfs,
            is_voiced=is_sure or (is_shout and voiced),
            is_suspected=is_speech or is_suspected,
            probability=probability,
        )

    def _cheap_gate(
        self, frames: Float64, levels: list[float], floors: list[float]
    ) -> list[tuple[VadReason, bool]]:
        """Ask level, WebRTC's detector and voicing; tell also whether it is voiced speech."""
        before = np.concatenate((self._previous, frames[:-1]))
        self._previous = frames[-1:].copy()
        # WebRTC hears every frame, also where a gate is closed: it keeps a model of the noise.
        pcm = np.clip(frames * 32767.0, -32768.0, 32767.0).astype("<i2")
        heard = [self._webrtc.is_speech(frame.tobytes(), SAMPLE_RATE_HZ) for frame in pcm]
        reasons = [self._reason(*gated) for gated in zip(levels, floors, heard, strict=True)]
        is_open = [reason in _LOUD_ENOUGH for reason in reasons]
        if not any(is_open):
            return [(reason, False) for reason in reasons]
        if not all(is_open):
            before, frames = before[is_open], frames[is_open]
        voiced = iter(self._are_voiced(before, frames).tolist())
        found = [opened and next(voiced) for opened in is_open]
        return [
            (VadReason.SPEECH if is_voiced else reason, is_voiced)
            for reason, is_voiced in zip(reasons, found, strict=True)
        ]

    def _reason(self, level_dbfs: float, noise_dbfs: float, is_heard: bool) -> VadReason:
        """Decision of level and WebRTC's detector."""
        if level_dbfs < self.settings.min_level_dbfs:
            return VadReason.TOO_QUIET
        if level_dbfs < noise_dbfs + self.settings.min_above_noise_db:
            return VadReason.NEAR_NOISE
        return VadReason.SPEECH if is_heard else VadReason.NOT_SPEECH

    def _are_voiced(self, before: Float64, frames: Float64) -> Bool:
        """Whether each frame is voiced, given those before them; the dearest sign comes last."""
        voiced = burstiness(frames) <= self.settings.max_burstiness
        both = np.concatenate((before, frames), axis=1)
        for are_like_voice in (self._are_periodic, self._are_low):
            if voiced.all():
                voiced = are_like_voice(both)
            elif voiced.any():
                voiced[voiced] = are_like_voice(both[voiced])
        return voiced

    def _are_periodic(self, both: Float64) -> Bool:
        return np.asarray(periodicity(both) >= self.settings.min_periodicity)

    def _are_low(self, both: Float64) -> Bool:
        below_1_khz, below_2_khz = low_shares(both)
        return np.asarray(
            (below_1_khz >= self.settings.min_share_below_1_khz)
            & (below_2_khz >= self.settings.min_share_below_2_khz)
        )


_LOUD_ENOUGH = frozenset({VadReason.SPEECH, VadReason.NOT_SPEECH})


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


def _level_dbfs(power: float) -> float:
    """RMS level in dBFS; -inf where nothing but rounding is left."""
    return 10.0 * math.log10(power) if power > 1e-20 else -math.inf
