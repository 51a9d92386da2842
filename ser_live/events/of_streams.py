"""Events of a stream: its beginning and end, its state, its losses, its level."""

# Without postponed annotations: the forms of the fields are read from them.

from dataclasses import dataclass
from typing import Annotated, ClassVar

from ser_live.events.forms import COUNT, RATING, SAMPLES, TEXT, TRUTH, number, or_none, word
from ser_live.events.kinds import Cause, Hearing, NotedBy, StreamState
from ser_live.events.record import OfStream
from ser_live.events.stream_id import seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamStarted(OfStream):
    """A stream (the microphone, or one file, or one channel of it) begins.

    Its sample clock is 0 here.
    """

    type: ClassVar[str] = "stream_started"
    names_source: ClassVar[bool] = True

    sample_rate: Annotated[int, COUNT]
    """Native sample rate in hertz."""
    n_channels: Annotated[int, COUNT]
    """Native channel count."""
    started_at: Annotated[str | None, or_none(TEXT).newer(None)] = None
    """Wall time of the stream's first sample, ISO 8601 with offset; ``None`` if unknown."""
    level: Annotated[Hearing, word(Hearing).newer(Hearing.ANALYZE)] = Hearing.ANALYZE
    """Level to which the stream is heard."""

    @property
    def source(self) -> str:
        """Name for people: device name or file name."""
        return self.stream.source


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChanged(OfStream):
    """The stream changed between no speech, listening and no signal."""

    type: ClassVar[str] = "state"

    sample: Annotated[int, SAMPLES.at("start_s")]
    """Position on the stream's clock."""
    state: Annotated[StreamState, word(StreamState)]
    """State from here on."""
    message: Annotated[str, TEXT] = ""
    """One sentence for the user where there is something to do, else empty."""

    @property
    def start_s(self) -> float:
        """Position, in seconds."""
        return seconds(self.sample)


@dataclass(frozen=True, slots=True, kw_only=True)
class Level(OfStream):
    """Level of the latest frame; for displays."""

    type: ClassVar[str] = "level"
    is_logged: ClassVar[bool] = False

    sample: Annotated[int, SAMPLES.at("end_s")]
    """Position just after the measured frame."""
    rms_dbfs: Annotated[float, number(1)]
    """RMS level, dB relative to full scale (full-scale sine: -3.01); -inf for zeros, which
    is ``null`` in a record."""
    peak_dbfs: Annotated[float, number(1)]
    """Highest absolute sample, dB relative to full scale; -inf for zeros."""
    noise_dbfs: Annotated[float, number(1)]
    """Tracked noise floor, dBFS; NaN before it is known."""
    is_speech: Annotated[bool, TRUTH]
    """Decision of the speech detector for the frame."""

    @property
    def end_s(self) -> float:
        """Position, in seconds."""
        return seconds(self.sample)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamGap(OfStream):
    """Audio that never arrived. The clock runs on over it."""

    type: ClassVar[str] = "gap"

    start_sample: Annotated[int, SAMPLES.at("start_s")]
    """Position of the first sample that is missing."""
    n_samples: Annotated[int, SAMPLES.at("duration_s")]
    """Length on the stream's clock."""
    cause: Annotated[Cause, word(Cause)]
    """Reason why it never arrived."""

    @property
    def start_s(self) -> float:
        """Position, in seconds."""
        return seconds(self.start_sample)

    @property
    def duration_s(self) -> float:
        """Length, in seconds."""
        return seconds(self.n_samples)


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused(OfStream):
    """Listening is paused, said about once a second, and once more when it goes on; for displays.

    The gap follows when its length is known.
    """

    type: ClassVar[str] = "paused"
    is_logged: ClassVar[bool] = False

    sample: Annotated[int, SAMPLES.at("start_s")]
    """Present position on the stream's clock."""
    is_over: Annotated[bool, TRUTH] = False
    """Whether listening goes on."""

    @property
    def start_s(self) -> float:
        """Position, in seconds."""
        return seconds(self.sample)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceLost(OfStream):
    """The microphone is gone; it is looked for while the session goes on.

    Everything heard before is reported first. The gap follows when its length is known.
    """

    type: ClassVar[str] = "device_lost"

    sample: Annotated[int, SAMPLES.at("start_s")]
    """Position where the gap begins."""
    device: Annotated[str, TEXT]
    """Name of the device."""
    cause: Annotated[Cause, word(Cause)]
    """``disconnected`` or ``stalled``, as in the gap."""
    message: Annotated[str, TEXT]
    """One sentence: what happened, and what to do."""

    @property
    def start_s(self) -> float:
        """Position, in seconds."""
        return seconds(self.sample)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSought(OfStream):
    """The microphone is still looked for, said once a second; for displays."""

    type: ClassVar[str] = "device_sought"
    is_logged: ClassVar[bool] = False

    sample: Annotated[int, SAMPLES.at("start_s")]
    """Position where the gap begins."""
    waited_s: Annotated[float, number(1)]
    """Time since it fell silent, in seconds."""

    @property
    def start_s(self) -> float:
        """Position, in seconds."""
        return seconds(self.sample)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceFound(OfStream):
    """A microphone is heard again, or another one was chosen; the gap stands before this."""

    type: ClassVar[str] = "device_found"

    sample: Annotated[int, SAMPLES.at("start_s")]
    """Position where the gap ends."""
    device: Annotated[str, TEXT]
    """Name of the device that is heard now."""
    sample_rate: Annotated[int, COUNT]
    """Native sample rate it has now, hertz."""
    n_channels: Annotated[int, COUNT]
    """Native channel count it has now."""
    lost_device: Annotated[str, TEXT]
    """Name of the one heard before; another than `device` where the default stands in, or
    somebody chose."""

    @property
    def start_s(self) -> float:
        """Position, in seconds."""
        return seconds(self.sample)


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity(OfStream):
    """A stretch in which somebody speaks, where channels have roles.

    It is all that there is of a channel whose level is ``activity``.
    """

    type: ClassVar[str] = "activity"

    start_sample: Annotated[int, SAMPLES.at("start_s")]
    """Position of its first sample."""
    end_sample: Annotated[int, SAMPLES.at("end_s")]
    """Position just after its last sample."""

    @property
    def start_s(self) -> float:
        """Start, in seconds."""
        return seconds(self.start_sample)

    @property
    def end_s(self) -> float:
        """End, in seconds."""
        return seconds(self.end_sample)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark(OfStream):
    """A moment that a person or a program marked."""

    type: ClassVar[str] = "mark"

    sample: Annotated[int, SAMPLES.at("start_s")]
    """Position on the stream's clock."""
    label: Annotated[str, TEXT]
    """Text given with the mark."""
    source: Annotated[NotedBy, word(NotedBy).newer(NotedBy.API)] = NotedBy.API
    """Origin of the mark."""

    @property
    def start_s(self) -> float:
        """Position, in seconds."""
        return seconds(self.sample)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note(OfStream):
    """Words of a person about a moment, with a rating of their own if they gave one."""

    type: ClassVar[str] = "note"

    sample: Annotated[int, SAMPLES.at("start_s")]
    """Position on the stream's clock."""
    text: Annotated[str, TEXT]
    """Their words."""
    rating: Annotated[int | None, RATING] = None
    """Their own rating, 1 (bad) to 5 (good); ``None`` without one."""

    @property
    def words(self) -> str:
        """Text with the rating in front, where there is one."""
        return self.text if self.rating is None else f"({self.rating} of 5) {self.text}".rstrip()

    @property
    def start_s(self) -> float:
        """Position, in seconds."""
        return seconds(self.sample)


FORGOTTEN = "the voice heard so far was forgotten: judgements begin anew."
"""Sentence for the log and for people where somebody asked for that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamNotice(OfStream):
    """Something about the signal of a stream that people should know; the stream goes on."""

    type: ClassVar[str] = "stream_notice"

    sample: Annotated[int, SAMPLES.at("start_s")]
    """Position on the stream's clock where it was known."""
    message: Annotated[str, TEXT]
    """One sentence: what was found, what is heard, and what to do."""

    @property
    def start_s(self) -> float:
        """Position, in seconds."""
        return seconds(self.sample)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamEnded(OfStream):
    """One stream is over and everything heard in it has been reported."""

    type: ClassVar[str] = "stream_ended"

    n_samples: Annotated[int, SAMPLES.at("duration_s")]
    """Length of the stream on its clock, gaps included."""
    n_utterances: Annotated[int, COUNT]
    """Final results given for this stream."""

    @property
    def duration_s(self) -> float:
        """Length, in seconds."""
        return seconds(self.n_samples)
