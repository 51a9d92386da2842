"""State of the dashboard, changed by events alone.

No clock, no input or output. Durations come from the sample clock that the events
carry, so a replay at any speed leaves the same state behind.
"""

from __future__ import annotations

from copy import copy, deepcopy
from dataclasses import replace

from ser_live.events import (
    FORGOTTEN,
    Activity,
    AffectState,
    Cause,
    DeviceFound,
    DeviceLost,
    DeviceSought,
    Drop,
    EmotionResult,
    Event,
    Kind,
    Level,
    Mark,
    Note,
    Notice,
    Paused,
    QueueDepth,
    SessionEnded,
    SessionStarted,
    SourceFailed,
    SpeechStarted,
    StateChanged,
    StreamEnded,
    StreamEvent,
    StreamGap,
    StreamNotice,
    StreamStarted,
    StreamState,
    samples,
)
from ser_live.exhaustive import assert_never
from ser_live.outputs.dashboard.past import Past
from ser_live.outputs.dashboard.stream_view import StreamView, wall_time_of
from ser_live.outputs.text_lines import found_again
from ser_live.records.tally import Tally

SMOOTHING = 0.5
"""Weight of a new partial result against what is shown; a final replaces it at once."""


class DashboardState:
    """Everything the dashboard shows.

    Streams that run side by side are kept apart; the one that spoke last is shown.
    """

    def __init__(self) -> None:
        self.version = 0
        """Grows whenever something changed, apart from the level and the clock."""
        self.n_levels = 0
        """Grows whenever the level and the clock moved."""
        self.shown = StreamView()
        """The stream that the display is about."""
        self._running: dict[int, StreamView] = {}
        """The streams that are not over, by number; the one that spoke last is the last."""
        self.n_streams = 0
        """Streams that began so far."""
        self.notice = ""
        """The last thing that went wrong elsewhere; stays until the next one."""
        self.result: EmotionResult | None = None
        """The latest result, partial or final."""
        self._result_end_s = 0.0
        """End of its utterance on the session's clock."""
        self.probabilities: tuple[float, ...] | None = None
        """Heights of the bars: `result`'s probabilities, smoothed over partials."""
        self.affect: tuple[float, float] | None = None
        """Valence and arousal of `result`, smoothed over partials."""
        self.speaker: str | None = None
        """Name of the enrolled speaker; ``None`` for a stranger."""
        self.past = Past()
        """Utterances, gaps and marks so far."""
        self.stream_names: dict[int, str] = {}
        """Names of the streams in `past`, by number."""
        self.n_files = 0
        """Recordings that began or failed so far."""
        self.model = ""
        """Name of the model."""
        self.n_losses = 0
        """Times that audio was lost; a pause is none, nor a change."""
        self.lost_s = 0.0
        """Audio that was lost, in seconds."""
        self.queue = QueueDepth(n_waiting=0, capacity=0)
        self.tally = Tally()

    def copied(self) -> DashboardState:
        """A copy for later, in which nothing goes on."""
        kept = copy(self)
        kept.past = self.past.copied()
        kept.shown = replace(self.shown, meter=replace(self.shown.meter))
        kept.tally = deepcopy(self.tally)
        kept.stream_names = dict(self.stream_names)
        return kept

    def apply(self, event: Event) -> None:
        """Take one event in."""
        if self._changes(event):
            self.version += 1

    def _changes(self, event: Event) -> bool:
        """Take one event in, and say whether it changed more than level and clock."""
        self.tally.add(event)
        match event:
            case Level():
                self._take_level(event)
                return False
            case QueueDepth():
                is_new = event != self.queue
                self.queue = event
                return is_new
            case EmotionResult():
                self._take_result(event)
            case SessionStarted():
                self.speaker, self.model = event.speaker, event.model
            case SpeechStarted():
                stream = self._of(event)
                stream.running = event
                stream.sample = max(stream.sample, event.start_sample)
            case StateChanged():
                self._take_state(event)
            case StreamGap():
                stream = self._of(event)
                stream.sample = max(stream.sample, event.start_sample + event.n_samples)
                self.past.add_gap(event)
                if event.cause not in (Cause.PAUSED, Cause.CHANGED):
                    self.n_losses += 1
                    self.lost_s += event.duration_s
            case Drop():
                if event.kind is Kind.FINAL:
                    self.past.add_drop(event)
            case Mark() | Note():
                self.past.add_mark(event)
            case Paused():
                self._take_pause(event)
            case DeviceLost():
                stream = self._of(event)
                stream.sought_s = 0.0
                stream.fall_silent()
            case DeviceSought():
                stream = self._of(event)
                stream.sought_s = event.waited_s
                stream.sample = event.sample + samples(event.waited_s)
            case DeviceFound():
                self._find_device(event)
            case StreamStarted():
                self._start_stream(event)
            case StreamEnded():
                self._end_stream(event)
            case SourceFailed():
                # One that broke off had begun, and is counted.
                self.n_files += event.file != self.shown.file
                self.notice = event.message
            case Notice() | StreamNotice():
                if event.message != FORGOTTEN:  # whoever asked for that was answered
                    self.notice = event.message
            case Activity() | AffectState() | SessionEnded():
                return False
            case _:
                assert_never(event)
        return True

    def caption(self, event: StreamEvent, text: str) -> None:
        """Show a text beside the source of the event, until the next one."""
        self._of(event).caption = text
        self.version += 1

    def _of(self, event: StreamEvent) -> StreamView:
        return self._running.get(event.stream.number, self.shown)

    def _take_level(self, event: Level) -> None:
        stream = self._of(event)
        if event == stream.level:
            return
        stream.level = event
        stream.meter.move(event)
        stream.sample = event.sample
        self.n_levels += stream is self.shown

    def _start_stream(self, event: StreamStarted) -> None:
        number = event.stream.number
        self.n_streams += 1
        self.past.begin(number)
        # The channels of a recording begin together.
        self.n_files += event.file is not None and not self._running
        self.stream_names[number] = event.source
        shown = {entry.stream for entry in self.past.entries} | {number, *self._running}
        self.stream_names = {n: name for n, name in self.stream_names.items() if n in shown}
        stream = StreamView(
            source=event.source,
            sample_rate=event.sample_rate,
            n_channels=event.n_channels,
            state=StreamState.NO_SPEECH,
            started_at=wall_time_of(event),
            number=number,
            file=event.file,
        )
        self._show(number, stream)

    def _show(self, number: int, stream: StreamView) -> None:
        """Show a stream, until another one begins or speaks."""
        self._running.pop(number, None)
        self.shown = self._running[number] = stream

    def _take_pause(self, event: Paused) -> None:
        stream = self._of(event)
        stream.sample = max(stream.sample, event.sample)
        if event.is_over:
            stream.paused_from_s = None
        elif stream.paused_from_s is None:
            stream.paused_from_s = event.start_s
            stream.fall_silent()

    def _find_device(self, event: DeviceFound) -> None:
        stream = self._of(event)
        stream.sought_s = None
        if event.device != event.lost_device:
            self.notice = found_again(event)
        stream.source = event.device
        stream.sample_rate, stream.n_channels = event.sample_rate, event.n_channels

    def _end_stream(self, event: StreamEnded) -> None:
        ended = self._running.pop(event.stream.number, self.shown)
        ended.state = None
        ended.sought_s = None
        ended.paused_from_s = None
        ended.sample = event.n_samples
        self.past.end(event.stream.number, event.duration_s)
        ended.fall_silent()
        if ended is self.shown and self._running:
            self.shown = next(reversed(self._running.values()))

    def _take_state(self, event: StateChanged) -> None:
        stream = self._of(event)
        stream.state = event.state
        stream.message = event.message
        if event.state is StreamState.LISTENING:
            self._show(event.stream.number, stream)
        else:
            stream.running = None

    def _take_result(self, result: EmotionResult) -> None:
        stream = self._of(result)
        is_final = result.kind is Kind.FINAL
        if is_final:
            self.past.add_result(result)
            if stream.running is not None and stream.running.id == result.id:
                stream.running = None
        shown = self.result
        is_of_shown = shown is not None and shown.stream.number == result.stream.number
        if shown is not None and is_of_shown and shown.id > result.id:
            return
        goes_on = (
            not is_final
            and shown is not None
            and is_of_shown
            and shown.id == result.id
            and self.probabilities is not None
        )
        if result.probabilities is not None and goes_on:
            self.probabilities = tuple(
                old + SMOOTHING * (new - old)
                for old, new in zip(self.probabilities or (), result.probabilities, strict=True)
            )
        else:
            self.probabilities = result.probabilities
        self._take_affect(result, goes_on=goes_on)
        stream.n_past = result.n_past
        self._result_end_s = self.past.at(result.stream.number, result.end_s)
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

    @property
    def now_s(self) -> float:
        """Present position on the session's clock, in seconds."""
        return self.past.at(self.shown.number, self.shown.position_s)

    @property
    def age_s(self) -> float | None:
        """Time since the utterance of `result` ended, in seconds; ``None`` while it goes on."""
        result = self.result
        if result is None or result.kind is Kind.PARTIAL:
            return None
        return max(0.0, self.now_s - self._result_end_s)

    @property
    def labels(self) -> tuple[str, ...]:
        """The model's labels in its order."""
        return self.tally.labels

    @property
    def winner(self) -> tuple[str, float] | None:
        """The label named, else that of the highest bar, and its bar; ``None`` without bars."""
        if self.probabilities is None:
            return None
        named = None if self.result is None else self.result.emotion
        if named is None:
            named = self.labels[self.probabilities.index(max(self.probabilities))]
        return named, self.probabilities[self.labels.index(named)]

    def probability(self, label: str) -> float | None:
        """The bar of one label, ``None`` while there are no bars."""
        if self.probabilities is None:
            return None
        return self.probabilities[self.labels.index(label)]
