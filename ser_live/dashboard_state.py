"""What the dashboard knows: pure state, changed by events alone.

No clock, no input or output. Durations come from the sample clock that the events
carry, so a replay at any speed leaves the same state behind.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import Any

from ser_live.config import SAMPLE_RATE_HZ
from ser_live.emotions import EMOTIONS, Emotion, State
from ser_live.events import (
    DeviceFound,
    DeviceLost,
    DeviceSought,
    Drop,
    EmotionResult,
    LevelMeter,
    QueueDepth,
    SessionStarted,
    SourceFailed,
    SpeechStarted,
    StreamEnded,
    StreamGap,
    StreamStarted,
    StreamState,
    seconds,
)
from ser_live.result_lines import found_again
from ser_live.tally import Tally

SMOOTHING = 0.5
"""Weight of a new partial result against what is shown; a final replaces it at once."""
PEAK_HOLD_S = 1.5
"""How long the highest peak stays on the meter, in seconds."""
PEAK_FALL_DB_PER_S = 20.0
"""How fast the held peak sinks afterwards."""
N_TIMELINE = 100
"""Utterances kept for the timeline."""

FLOOR_DBFS = float("-inf")


@dataclass(frozen=True)
class TimelineEntry:
    """One past utterance."""

    start_s: float
    duration_s: float
    """Speech time; for a dropped utterance its whole length."""
    label: str
    """The emotion's name, the state's, or ``dropped``."""
    emotion: Emotion | None = None
    best: Emotion | None = None
    confidence: float | None = None
    stream: int = 0
    """Which stream of the session it belongs to, counted from 1."""


@dataclass
class Meter:
    """Level of the latest audio, dBFS, and the peak held for the eye."""

    level_dbfs: float = FLOOR_DBFS
    peak_dbfs: float = FLOOR_DBFS
    noise_dbfs: float = float("nan")
    _held_at: int = 0
    _moved_at: int = 0

    def move(self, event: LevelMeter) -> None:
        self.level_dbfs = event.rms_dbfs
        self.noise_dbfs = event.noise_dbfs
        if event.peak_dbfs >= self.peak_dbfs:
            self.peak_dbfs, self._held_at = event.peak_dbfs, event.sample
        elif event.sample - self._held_at > PEAK_HOLD_S * SAMPLE_RATE_HZ:
            fall_db = PEAK_FALL_DB_PER_S * (event.sample - self._moved_at) / SAMPLE_RATE_HZ
            self.peak_dbfs = max(event.peak_dbfs, self.peak_dbfs - fall_db)
        self._moved_at = event.sample


class DashboardState:
    """Everything the dashboard shows."""

    def __init__(self) -> None:
        self.version = 0
        """Grows whenever something changed, apart from the level and the clock."""
        self.n_levels = 0
        """Grows whenever the level and the clock moved."""
        self.stream: StreamStarted | None = None
        self.n_streams = 0
        self.stream_state: State | None = None
        """What the stream does now; ``None`` before it began and after it ended."""
        self.signal_message = ""
        """One sentence about the stream as it is now; empty when all is well."""
        self.sought_s: float | None = None
        """How long the lost microphone has been looked for; ``None`` while it is there."""
        self.notice = ""
        """The last thing that went wrong elsewhere; stays until the next one."""
        self.sample = 0
        """Position in the stream, on the sample clock."""
        self.meter = Meter()
        self._level: LevelMeter | None = None
        self.running: SpeechStarted | None = None
        self.result: EmotionResult | None = None
        """The latest result, partial or final."""
        self.probabilities: tuple[float, ...] | None = None
        """What the bars show: `result`'s probabilities, smoothed over partials."""
        self.affect: tuple[float, float] | None = None
        """Valence and arousal of `result`, smoothed over partials."""
        self.speaker: str | None = None
        """Name of the enrolled speaker; ``None`` for a stranger."""
        self.n_past = 0
        """Utterances of this speaker that the latest result went by."""
        self.timeline: deque[TimelineEntry] = deque(maxlen=N_TIMELINE)
        """Past utterances, the newest last."""
        self.stream_names: dict[int, str] = {}
        """Names of the streams in `timeline`, by number."""
        self.queue = QueueDepth(0, 0)
        self.tally = Tally()

    def apply(self, event: Any) -> None:
        """Take one event in; kinds that the dashboard does not show are passed over."""
        if isinstance(event, LevelMeter):
            if event == self._level:
                return
            self._level = event
            self.n_levels += 1
            self.meter.move(event)
            self.sample = event.sample
            return
        if event == self.queue:
            return
        self.version += 1
        match event:
            case EmotionResult():
                self._take_result(event)
            case SessionStarted():
                self.speaker = event.speaker
            case SpeechStarted():
                self.running = event
                self.sample = max(self.sample, event.start_sample)
            case StreamState():
                self._take_stream_state(event)
            case QueueDepth():
                self.queue = event
            case StreamGap():
                self.tally.add(event.as_record())
                self.sample = max(self.sample, event.start_sample + event.n_samples)
            case Drop():
                self._take_drop(event)
            case DeviceLost():
                self._lose_device()
            case DeviceSought():
                self.sought_s = event.waited_s
                self.sample = event.sample + round(event.waited_s * SAMPLE_RATE_HZ)
            case DeviceFound():
                self._find_device(event)
            case StreamStarted():
                self._start_stream(event)
            case StreamEnded():
                self._end_stream(event)
            case SourceFailed():
                self.notice = event.message
            case _:
                self.version -= 1

    def note(self, message: str) -> None:
        """Show a sentence from elsewhere, such as a log that cannot be written."""
        if message != self.notice:
            self.notice = message
            self.version += 1

    @property
    def position_s(self) -> float:
        """Position in the stream, in seconds."""
        return seconds(self.sample)

    @property
    def running_s(self) -> float | None:
        """How long the open utterance has lasted, in seconds; ``None`` when none is open."""
        if self.running is None:
            return None
        return seconds(max(0, self.sample - self.running.start_sample))

    def _start_stream(self, event: StreamStarted) -> None:
        self.stream = event
        self.n_streams += 1
        self.stream_names[self.n_streams] = event.source
        shown = {entry.stream for entry in self.timeline} | {self.n_streams}
        self.stream_names = {n: name for n, name in self.stream_names.items() if n in shown}
        self.stream_state = State.NO_SPEECH
        self.signal_message = ""
        self.sample = 0
        self.meter = Meter()
        self.running = None
        self.n_past = 0

    def _lose_device(self) -> None:
        self.sought_s = 0.0
        self.signal_message = ""
        self.meter = Meter()
        self.running = None

    def _find_device(self, event: DeviceFound) -> None:
        self.sought_s = None
        if event.device != event.lost_device:
            self.notice = found_again(event)
        if self.stream is not None:
            self.stream = replace(
                self.stream,
                source=event.device,
                sample_rate=event.sample_rate,
                n_channels=event.n_channels,
            )

    def _end_stream(self, event: StreamEnded) -> None:
        self.stream_state = None
        self.sought_s = None
        self.signal_message = ""
        self.sample = event.n_samples
        self.meter = Meter()
        self.running = None

    def _take_stream_state(self, event: StreamState) -> None:
        self.stream_state = event.state
        self.signal_message = event.message
        if event.state is not State.LISTENING:
            self.running = None

    def _take_result(self, result: EmotionResult) -> None:
        if result.kind == "final":
            self.tally.add(result.as_record())
            self._remember(result)
            if self.running is not None and self.running.id == result.id:
                self.running = None
        shown = self.result
        if shown is not None and shown.id > result.id:
            return
        goes_on = shown is not None and shown.id == result.id and self.probabilities is not None
        if result.kind == "partial" and result.probabilities is not None and goes_on:
            self.probabilities = tuple(
                old + SMOOTHING * (new - old)
                for old, new in zip(self.probabilities or (), result.probabilities, strict=True)
            )
        else:
            self.probabilities = result.probabilities
        self._take_affect(result, goes_on=result.kind == "partial" and goes_on)
        self.n_past = result.n_past
        self.result = result

    def _take_affect(self, result: EmotionResult, *, goes_on: bool) -> None:
        if result.valence is None or result.arousal is None:
            self.affect = None
            return
        weight = SMOOTHING if goes_on else 1.0
        valence, arousal = self.affect or (result.valence, result.arousal)
        self.affect = (
            valence + weight * (result.valence - valence),
            arousal + weight * (result.arousal - arousal),
        )

    def _remember(self, result: EmotionResult) -> None:
        label = result.state.value if result.emotion is None else result.emotion.value
        self.timeline.append(
            TimelineEntry(
                start_s=seconds(result.start_sample),
                duration_s=result.speech_s,
                label=label,
                emotion=result.emotion,
                best=result.best,
                confidence=result.confidence,
                stream=self.n_streams,
            )
        )

    def _take_drop(self, event: Drop) -> None:
        self.tally.add(event.as_record())
        if event.kind == "final":
            self.timeline.append(
                TimelineEntry(
                    start_s=seconds(event.start_sample),
                    duration_s=seconds(event.end_sample - event.start_sample),
                    label="dropped",
                    stream=self.n_streams,
                )
            )

    @property
    def winner(self) -> tuple[Emotion, float] | None:
        """The highest bar and its height; ``None`` while there are no bars."""
        if self.probabilities is None:
            return None
        height = max(self.probabilities)
        return EMOTIONS[self.probabilities.index(height)], height

    def probability(self, emotion: Emotion) -> float | None:
        """The bar of one emotion, ``None`` while there are no bars."""
        if self.probabilities is None:
            return None
        return self.probabilities[EMOTIONS.index(emotion)]
