"""First stage of a stream: native audio blocks in, events and utterances out."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ser_live.audio import FrameCutter, StreamConverter, peak_dbfs
from ser_live.config import FRAME_SAMPLES, SAMPLE_RATE_HZ, Settings
from ser_live.events import (
    Cause,
    DeviceFound,
    DeviceLost,
    DeviceSought,
    Hearing,
    Level,
    Mark,
    Note,
    NotedBy,
    Paused,
    StreamGap,
    StreamId,
    StreamNotice,
    StreamStarted,
)
from ser_live.exhaustive import assert_never
from ser_live.sources import (
    DeviceNotice,
    Lost,
    MicrophoneFound,
    MicrophoneLost,
    MicrophoneSought,
    SignalNotice,
)
from ser_live.speech.activity import ActivityTracker
from ser_live.speech.detector import VadDecision, VoiceActivityDetector
from ser_live.speech.segmenter import Segmenter, no_clock
from ser_live.stream.segmented import EndOfStream, ForgetVoice, Segmented
from ser_live.stream.signal_notices import SignalNotices

FRAMES_PER_LEVEL = 3
"""Frames from one `Level` to the next: 90 ms, as often as a display is drawn."""


def _tell_nobody(decision: VadDecision) -> None:
    """Stand in where nobody measures the detector."""


def as_decided(start_sample: int, decision: VadDecision) -> VadDecision:
    """Stand in where nobody knows better than the detector."""
    return decision


class SegmentingStage:
    """One stream of native audio blocks in, stream events and utterances out.

    Parameters
    ----------
    settings : Settings
    stream : StreamId
        Name of the stream; stands on every event. Its channel is the one that is heard.
    sample_rate, n_channels : int
        Native rate in hertz and channel count of the blocks.
    started_at : str or None
        Wall time of the first sample, ISO 8601 with offset.
    first_id : int
        Identifier of the first utterance.
    no_signal_message : str
        Sentence for the user where only zeros arrive.
    clock : callable
        Read when an utterance becomes known, in seconds.
    with_partials, with_levels : bool
        Whether to give utterances while they go on too, and the level, every
        `FRAMES_PER_LEVEL` frames.
    on_frame : callable
        Called with the decision for every frame, for measurements.
    level : Hearing
        ``ACTIVITY`` to tell nothing but who speaks when; samples are let go of frame by frame.
    with_activity : bool
        Whether to tell that of an analyzed stream too.
    revise : callable
        Gives the decision that counts for the frame at a position, from that of the detector.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        stream: StreamId,
        sample_rate: int,
        n_channels: int,
        started_at: str | None = None,
        first_id: int = 1,
        no_signal_message: str = "",
        clock: Callable[[], float] = no_clock,
        with_partials: bool = True,
        with_levels: bool = False,
        on_frame: Callable[[VadDecision], None] = _tell_nobody,
        level: Hearing = Hearing.ANALYZE,
        with_activity: bool = False,
        revise: Callable[[int, VadDecision], VadDecision] = as_decided,
    ) -> None:
        self.stream = stream
        self._sample_rate = sample_rate
        self._started = StreamStarted(
            stream=stream,
            sample_rate=sample_rate,
            n_channels=n_channels,
            started_at=started_at,
            level=level,
        )
        self._is_analyzed = level is Hearing.ANALYZE
        self._n_native = 0
        self._n_native_lost = 0
        self._converter = StreamConverter(sample_rate, n_channels, stream.channel)
        self._notices = SignalNotices(stream, sample_rate)
        self._first_id = first_id
        self._is_drained = False
        self._cutter = FrameCutter(FRAME_SAMPLES)
        self._vad = VoiceActivityDetector(settings.vad)
        self._activity = ActivityTracker(stream) if with_activity and self._is_analyzed else None
        self._segmenter: Segmenter | ActivityTracker
        if self._is_analyzed:
            self._segmenter = Segmenter(
                settings.segmenter,
                stream=stream,
                first_id=first_id,
                no_signal_message=no_signal_message,
                clock=clock,
                with_partials=with_partials,
            )
        else:
            self._segmenter = ActivityTracker(stream, first_id)
        self._with_levels = with_levels and self._is_analyzed
        self._on_frame = on_frame
        self._revise = revise
        self._n_unleveled = 0
        self._n_paused: int | None = None
        """Native samples passed over in a pause that is on; ``None`` while audio is heard."""
        self._n_paused_told = 0

    @property
    def position(self) -> int:
        """Samples at 16 kHz since the start of the stream, gaps included; for any thread."""
        n_paused = self._n_paused
        if n_paused:
            return self._clock_at(self._n_native + n_paused)
        return self._segmenter.clock

    @property
    def is_paused(self) -> bool:
        """Whether audio is passed over at present."""
        return self._n_paused is not None

    @property
    def soonest_final(self) -> int:
        """Position before which no utterance can become final, as for `Segmenter`."""
        return self._segmenter.soonest_final

    @property
    def next_id(self) -> int:
        """Identifier the next utterance will get."""
        return self._segmenter.next_id

    @property
    def n_ignored(self) -> int:
        """Bursts of speech frames that never became an utterance, e.g. typing."""
        return self._segmenter.n_ignored

    def start(self) -> list[Segmented]:
        """Begin the stream."""
        return [self._started]

    def push(self, item: NDArray[np.float32] | Lost | DeviceNotice) -> list[Segmented]:
        """Take the next item of a source.

        Parameters
        ----------
        item : float32 array of shape (n, n_channels), Lost or DeviceNotice
            Audio, a note of lost audio at its place, or news of the device.
        """
        if self._n_paused is not None:
            return self._pass_over(item)
        return self._push(item)

    def _push(self, item: NDArray[np.float32] | Lost | DeviceNotice) -> list[Segmented]:
        if isinstance(item, np.ndarray):
            if self._is_drained:
                self._converter, self._is_drained = self._converter.renewed(), False
            samples = self._converter.push(item)
            self._notices.add(self._converter.take_findings(), self._n_native_lost)
            self._n_native += len(item)
            return self._push_samples(samples)
        if isinstance(item, Lost):
            return self._push_lost(item)
        return self._push_notice(item)

    def mark(self, label: str, source: NotedBy = NotedBy.API) -> list[Segmented]:
        """Mark the present moment."""
        return [Mark(stream=self.stream, sample=self.position, label=label, source=source)]

    def note(self, text: str, rating: int | None = None) -> list[Segmented]:
        """Note something about the present moment."""
        return [Note(stream=self.stream, sample=self.position, text=text, rating=rating)]

    def pause(self) -> list[Segmented]:
        """End the open utterance, and pass audio over from here on; the clock runs on."""
        if self._n_paused is not None:
            return []
        events = self.flush()
        self._n_paused = self._n_paused_told = 0
        return [*events, Paused(stream=self.stream, sample=self.position)]

    def resume(self) -> list[Segmented]:
        """Go on after a pause, which becomes a gap."""
        if self._n_paused is None:
            return []
        events = self._tell_pause()
        self._n_paused = None
        return [*events, Paused(stream=self.stream, sample=self.position, is_over=True)]

    def flush(self) -> list[Segmented]:
        """Give what was heard but not yet reported, an open utterance as final."""
        if self._n_paused is not None:  # all was reported when the pause began
            return []
        events, leftover = self._drain()
        if self._activity is not None:
            events.extend(self._activity.flush(leftover))
        events.extend(self._segmenter.flush(leftover))
        return events

    def close(self) -> list[Segmented]:
        """End the stream."""
        rest = [*self.resume(), *self.flush()]
        n_utterances = self.next_id - self._first_id
        notices: list[StreamNotice] = []
        if self._is_analyzed:
            notices = self._notices.at_end(self.position, self._converter.peak, n_utterances)
        return [*rest, *notices, EndOfStream(stream=self.stream, n_samples=self.position)]

    def _push_samples(self, samples: NDArray[np.float32]) -> list[Segmented]:
        events: list[Segmented] = []
        frames = self._cutter.push(samples)
        for frame, decision in zip(frames, self._vad.process_all(frames), strict=True):
            heard = self._revise(self.position, decision)
            self._on_frame(heard)
            if self._activity is not None:
                events.extend(
                    self._activity.push(frame, heard.is_speech, is_voiced=heard.is_voiced)
                )
            events.extend(
                self._segmenter.push(
                    frame,
                    heard.is_speech,
                    noise_dbfs=heard.noise_dbfs,
                    level_dbfs=heard.level_dbfs,
                    is_voiced=heard.is_voiced,
                    is_suspected=heard.is_suspected,
                )
            )
            if self._with_levels:
                self._n_unleveled += 1
                if self._n_unleveled == FRAMES_PER_LEVEL:
                    self._n_unleveled = 0
                    events.append(self._level(frame, heard))
            events.extend(self._due_notices(self.position))
        return events

    def _due_notices(self, position: float) -> list[StreamNotice]:
        """Notices that are due; of a stream that is not analyzed nothing is said of its signal."""
        due = self._notices.due(position)
        return due if self._is_analyzed else []

    def _level(self, frame: NDArray[np.float32], heard: VadDecision) -> Level:
        return Level(
            stream=self.stream,
            sample=self.position,
            rms_dbfs=heard.level_dbfs,
            peak_dbfs=peak_dbfs(frame),
            noise_dbfs=heard.noise_dbfs,
            is_speech=heard.is_speech,
        )

    def _drain(self) -> tuple[list[Segmented], NDArray[np.float32]]:
        """Empty the resampler and the frame cutter; the rest is shorter than a frame."""
        events = self._push_samples(self._converter.flush())
        events.extend(self._due_notices(math.inf))
        self._is_drained = True
        return events, self._cutter.flush()

    def _push_lost(self, lost: Lost) -> list[Segmented]:
        events, leftover = self._drain()
        self._n_native += lost.n_samples
        self._n_native_lost += lost.n_samples
        # The clock is derived from the native count, so that roundings never add up.
        start = self._segmenter.clock + len(leftover)
        n_lost = max(0, self._clock_at(self._n_native) - start)
        if self._activity is not None:
            events.extend(self._activity.gap(n_lost, leftover))
        events.extend(self._segmenter.gap(n_lost, leftover))
        events.append(
            StreamGap(stream=self.stream, start_sample=start, n_samples=n_lost, cause=lost.cause)
        )
        return events

    def _clock_at(self, n_native: int) -> int:
        return n_native * SAMPLE_RATE_HZ // self._sample_rate

    def _pass_over(self, item: NDArray[np.float32] | Lost | DeviceNotice) -> list[Segmented]:
        """Take an item of the source while paused: audio only counts, news is told in its place."""
        assert self._n_paused is not None  # noqa: S101  the caller looked
        if not isinstance(item, np.ndarray):
            return [*self._tell_pause(), *self._push(item)]
        self._n_paused += len(item)
        if self._n_paused - self._n_paused_told < self._sample_rate:
            return []
        self._n_paused_told = self._n_paused
        return [Paused(stream=self.stream, sample=self.position)]

    def _tell_pause(self) -> list[Segmented]:
        """The gap of the pause so far, where there is any."""
        n_paused, self._n_paused, self._n_paused_told = self._n_paused, 0, 0
        return self._push_lost(Lost(n_paused, Cause.PAUSED)) if n_paused else []

    def _push_notice(self, notice: DeviceNotice) -> list[Segmented]:
        match notice:
            case MicrophoneLost():
                # The rest of the audio is not waited for: it may be hours away.
                events = self.flush()
                events.append(
                    DeviceLost(
                        stream=self.stream,
                        sample=self.position,
                        device=notice.device,
                        cause=notice.cause,
                        message=notice.message,
                    )
                )
                return events
            case MicrophoneSought():
                return [
                    DeviceSought(stream=self.stream, sample=self.position, waited_s=notice.waited_s)
                ]
            case MicrophoneFound():
                found = DeviceFound(
                    stream=self.stream,
                    sample=self.position,
                    device=notice.device,
                    sample_rate=notice.sample_rate,
                    n_channels=notice.n_channels,
                    lost_device=notice.lost_device,
                )
                if not notice.is_chosen and notice.device == notice.lost_device:
                    return [found]
                # Another level and spectrum: what was learned of the voice does not hold there.
                return [found, ForgetVoice(stream=self.stream, sample=self.position)]
            case SignalNotice():
                return [
                    StreamNotice(stream=self.stream, sample=self.position, message=notice.message)
                ]
        assert_never(notice)
