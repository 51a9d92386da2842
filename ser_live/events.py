"""The events that flow from the microphone to the screen, all immutable.

Positions are integer sample indices at 16 kHz since the start of the stream;
seconds are derived from them, never added up. ``[start_sample, end_sample)`` is
half open. ``as_record`` gives the form used by session log, stdout, CSV and API
alike: undefined is ``None``, never 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from ser_live.config import SAMPLE_RATE_HZ
from ser_live.emotions import LABELS, Emotion, State

if TYPE_CHECKING:  # without numpy the doctor still draws, writes JSON and looks at folders
    import numpy as np
    from numpy.typing import NDArray


def seconds(n_samples: int) -> float:
    """Duration of `n_samples` at 16 kHz, in seconds, rounded to the microsecond."""
    return round(n_samples / SAMPLE_RATE_HZ, 6)


@dataclass(frozen=True)
class SessionStarted:
    """A session begins. Wall time is stored here and nowhere else."""

    type: ClassVar[str] = "session_started"

    started_at: str
    """Wall-clock time of the start, ISO 8601 with offset."""
    version: str
    """Version of ser-live."""
    model: str
    """Model identifier."""
    model_sha256: str
    """Hash of the model weights."""
    settings: dict[str, Any] = field(default_factory=dict)
    """All settings that shape results."""
    speaker: str | None = None
    """Name of the enrolled speaker whom every stream begins with; ``None`` for a stranger."""
    audio_folder: str | None = None
    """Absolute path of the folder that keeps the audio of utterances; ``None`` for none."""

    def as_record(self) -> dict[str, Any]:
        return {
            "type": self.type,
            "started_at": self.started_at,
            "version": self.version,
            "model": self.model,
            "model_sha256": self.model_sha256,
            "settings": self.settings,
            "speaker": self.speaker,
            "audio_folder": self.audio_folder,
        }


@dataclass(frozen=True)
class StreamStarted:
    """One stream (the microphone, or one file) begins; its sample clock is 0."""

    type: ClassVar[str] = "stream_started"

    source: str
    """Name for people: device name or file name."""
    sample_rate: int
    """Native sample rate in hertz."""
    n_channels: int
    """Native channel count."""
    file: str | None = None
    """Path as given, for files."""

    def as_record(self) -> dict[str, Any]:
        return {
            "type": self.type,
            "source": self.source,
            "sample_rate": self.sample_rate,
            "n_channels": self.n_channels,
            "file": self.file,
        }


@dataclass(frozen=True)
class StreamEnded:
    """One stream is over and everything heard in it has been reported."""

    type: ClassVar[str] = "stream_ended"

    n_samples: int
    """Length of the stream on the sample clock, gaps included."""
    n_utterances: int
    """Final results given for this stream."""
    file: str | None = None

    def as_record(self) -> dict[str, Any]:
        return {
            "type": self.type,
            "duration_s": seconds(self.n_samples),
            "n_utterances": self.n_utterances,
            "file": self.file,
        }


@dataclass(frozen=True)
class StreamGap:
    """Audio that never arrived. The clock runs on over it."""

    type: ClassVar[str] = "gap"

    start_sample: int
    n_samples: int
    cause: str
    """``overflow`` (ring buffer full), ``device`` (capture reported loss), ``stalled`` (the
    device fell silent without a word), ``disconnected`` (it was gone), ``suspended`` (the
    computer slept)."""
    file: str | None = None

    def as_record(self) -> dict[str, Any]:
        return {
            "type": self.type,
            "start_s": seconds(self.start_sample),
            "duration_s": seconds(self.n_samples),
            "cause": self.cause,
            "file": self.file,
        }


@dataclass(frozen=True)
class DeviceLost:
    """The microphone is gone; it is looked for while the session goes on.

    What was heard before is reported first. The gap follows when its length is known.
    """

    type: ClassVar[str] = "device_lost"

    sample: int
    device: str
    cause: str
    """``disconnected`` or ``stalled``, as in the gap."""
    message: str
    """One sentence: what happened, and what to do."""

    def as_record(self) -> dict[str, Any]:
        return {
            "type": self.type,
            "start_s": seconds(self.sample),
            "device": self.device,
            "cause": self.cause,
            "message": self.message,
        }


@dataclass(frozen=True)
class DeviceSought:
    """The microphone is still looked for, said once a second; shown, not logged."""

    sample: int
    waited_s: float
    """Since it fell silent, in seconds."""


@dataclass(frozen=True)
class DeviceFound:
    """A microphone is heard again; the gap stands before this."""

    type: ClassVar[str] = "device_found"

    sample: int
    device: str
    sample_rate: int
    """Native sample rate it has now, hertz."""
    n_channels: int
    """Native channel count it has now."""
    lost_device: str
    """The one that was lost; another name than `device` where the default stands in."""

    def as_record(self) -> dict[str, Any]:
        return {
            "type": self.type,
            "start_s": seconds(self.sample),
            "device": self.device,
            "sample_rate": self.sample_rate,
            "n_channels": self.n_channels,
            "lost_device": self.lost_device,
        }


DeviceNotice = DeviceLost | DeviceSought | DeviceFound
"""What a source says about its device; the position is filled in on the way."""


@dataclass(frozen=True)
class StreamState:
    """The stream changed between no speech, listening and no signal."""

    type: ClassVar[str] = "state"

    sample: int
    state: State
    message: str = ""
    """One sentence for the user where there is something to do."""
    file: str | None = None

    def as_record(self) -> dict[str, Any]:
        return {
            "type": self.type,
            "start_s": seconds(self.sample),
            "state": self.state.value,
            "message": self.message,
            "file": self.file,
        }


@dataclass(frozen=True)
class LevelMeter:
    """Level of the latest audio; shown, never logged."""

    sample: int
    """Position just after the measured audio."""
    rms_dbfs: float
    """RMS level, dB relative to full scale (full-scale sine: -3.01); -inf for zeros."""
    peak_dbfs: float
    """Highest absolute sample, dB relative to full scale; -inf for zeros."""
    noise_dbfs: float
    """Tracked noise floor, dBFS; NaN before it is known."""
    is_speech: bool


@dataclass(frozen=True)
class QueueDepth:
    """Utterances waiting for analysis; shown, not logged."""

    n_waiting: int
    capacity: int


@dataclass(frozen=True)
class SpeechStarted:
    """An utterance was opened; shown, not logged."""

    id: int
    start_sample: int


@dataclass(frozen=True, eq=False)
class Utterance:
    """A stretch of speech, complete (``final``) or still growing (``partial``)."""

    id: int
    """Unique in the session; a partial carries the id of its later final."""
    kind: str
    """``partial`` or ``final``."""
    start_sample: int
    end_sample: int
    samples: NDArray[np.float32]
    """Mono, 16 kHz, shape ``(end_sample - start_sample,)``."""
    speech: NDArray[np.bool_]
    """Speech decision per 30 ms frame of `samples`, shape ``(ceil(n / 480),)``."""
    noise_dbfs: float
    """Noise floor before the utterance, dBFS RMS; NaN when unknown."""
    state: State = State.OK
    """``OK``, or why the segmenter rejects it (``TOO_SHORT``, ``TOO_NOISY``)."""
    is_split: bool = False
    """Cut at the longest allowed length, so speech goes on in the next utterance."""
    known_at_s: float = float("nan")
    """``time.monotonic()`` when this event became known; latency counts from here."""

    @property
    def speech_s(self) -> float:
        """Duration of frames marked as speech, in seconds."""
        return float(self.speech.sum()) * 0.030


@dataclass(frozen=True)
class Reason:
    """One thing in the voice that stands out, in words."""

    feature: str
    """Feature name, unit included."""
    difference: float
    """Value minus the speaker's own running mean, in the feature's unit."""
    z: float
    """The same in standard deviations."""
    text: str
    """For people: ``pitch +3.1 st``, ``louder +4 dB``, ``faster``."""

    def as_record(self) -> dict[str, Any]:
        return {
            "feature": self.feature,
            "difference": _number(self.difference, 4),
            "z": _number(self.z, 2),
            "text": self.text,
        }


@dataclass(frozen=True)
class EmotionResult:
    """What is said about one utterance."""

    type: ClassVar[str] = "emotion"

    id: int
    kind: str
    """``partial`` or ``final``."""
    start_sample: int
    end_sample: int
    state: State
    emotion: Emotion | None
    """``None`` whenever `state` is not ``OK``."""
    probabilities: tuple[float, ...] | None
    """Eight calibrated probabilities in the order of ``EMOTIONS``; ``None`` when the
    utterance was rejected before classification."""
    speech_s: float
    """Duration of speech frames, in seconds."""
    level_dbfs: float
    """RMS level of the speech frames, dBFS; NaN when there is none."""
    snr_db: float
    """Speech level above the noise floor, dB; NaN when the floor is unknown."""
    latency_ms: float
    """From the moment the utterance was known to this result, milliseconds."""
    reasons: tuple[Reason, ...] = ()
    file: str | None = None
    valence: float | None = None
    """-1 unpleasant to +1 pleasant, see ``affect``; ``None`` without `probabilities`."""
    arousal: float | None = None
    """-1 sleepy to +1 excited; ``None`` without `probabilities`."""
    n_past: int = 0
    """Utterances of this speaker that were known before; 0 where it was taken by itself."""

    @property
    def confidence(self) -> float | None:
        """Largest probability, ``None`` where there are none."""
        return None if self.probabilities is None else max(self.probabilities)

    @property
    def best(self) -> Emotion | None:
        """Most probable emotion, also where it is too uncertain to be named."""
        if self.probabilities is None:
            return None
        return Emotion(LABELS[self.probabilities.index(max(self.probabilities))])

    def as_record(self) -> dict[str, Any]:
        return {
            "type": self.type,
            "id": self.id,
            "kind": self.kind,
            "start_s": seconds(self.start_sample),
            "end_s": seconds(self.end_sample),
            "emotion": None if self.emotion is None else self.emotion.value,
            "state": self.state.value,
            "confidence": _number(self.confidence, 4),
            "probabilities": None
            if self.probabilities is None
            else {
                label: _number(p, 4) for label, p in zip(LABELS, self.probabilities, strict=True)
            },
            "valence": _number(self.valence, 3),
            "arousal": _number(self.arousal, 3),
            "n_past": self.n_past,
            "speech_s": _number(self.speech_s, 3),
            "level_dbfs": _number(self.level_dbfs, 1),
            "snr_db": _number(self.snr_db, 1),
            "latency_ms": _number(self.latency_ms, 1),
            "reasons": [reason.as_record() for reason in self.reasons],
            "file": self.file,
        }


@dataclass(frozen=True)
class Drop:
    """Something that was heard but not analyzed because analysis fell behind."""

    type: ClassVar[str] = "drop"

    id: int
    kind: str
    start_sample: int
    end_sample: int
    file: str | None = None

    def as_record(self) -> dict[str, Any]:
        return {
            "type": self.type,
            "id": self.id,
            "kind": self.kind,
            "start_s": seconds(self.start_sample),
            "end_s": seconds(self.end_sample),
            "file": self.file,
        }


@dataclass(frozen=True)
class SourceFailed:
    """A stream could not be opened or broke off; the session goes on with the next."""

    type: ClassVar[str] = "source_failed"

    message: str
    """One sentence: what was found, what is needed, what to do."""
    file: str | None = None

    def as_record(self) -> dict[str, Any]:
        return {"type": self.type, "message": self.message, "file": self.file}


@dataclass(frozen=True)
class SessionEnded:
    """The session is over; its counts."""

    type: ClassVar[str] = "session_ended"

    reason: str
    """``end`` (sources exhausted), ``interrupt``, ``abort``, ``error``."""
    duration_s: float
    """Audio time heard, in seconds."""
    n_utterances: int
    n_dropped: int
    n_gaps: int
    emotions: dict[str, int] = field(default_factory=dict)
    """Final results per emotion named."""
    states: dict[str, int] = field(default_factory=dict)
    """Final results per state."""
    latency_ms_p50: float = float("nan")
    latency_ms_p95: float = float("nan")

    def as_record(self) -> dict[str, Any]:
        return {
            "type": self.type,
            "reason": self.reason,
            "duration_s": _number(self.duration_s, 3),
            "n_utterances": self.n_utterances,
            "n_dropped": self.n_dropped,
            "n_gaps": self.n_gaps,
            "emotions": self.emotions,
            "states": self.states,
            "latency_ms_p50": _number(self.latency_ms_p50, 1),
            "latency_ms_p95": _number(self.latency_ms_p95, 1),
        }


def _number(value: float | None, digits: int) -> float | None:
    """Rounded number, or ``None`` where it is undefined or infinite."""
    if value is None or not math.isfinite(value):
        return None
    return round(float(value), digits)
