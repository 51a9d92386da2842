"""The two stages every stream passes through, live, replayed or in batch.

``SegmentingStage`` turns native audio blocks into events and utterances,
``AnalysisStage`` turns an utterance into an emotion result. Neither knows
threads, clocks or files, so the same samples give the same results from a
microphone, from replay at any speed and from batch analysis.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ser_live.audio import CLIPPED_LEVEL, FrameCutter, StreamConverter, level_dbfs, peak_dbfs
from ser_live.config import FRAME_SAMPLES, SAMPLE_RATE_HZ, Settings
from ser_live.emotions import EMOTIONS, State
from ser_live.events import (
    DeviceFound,
    DeviceLost,
    DeviceNotice,
    DeviceSought,
    EmotionResult,
    LevelMeter,
    SpeechStarted,
    StreamEnded,
    StreamGap,
    StreamStarted,
    StreamState,
    Utterance,
)
from ser_live.features import extract
from ser_live.inputs import InputMaker, join
from ser_live.model import EmotionModel
from ser_live.segmenter import Segmenter
from ser_live.sources import (
    AudioSource,
    Lost,
    MicrophoneFound,
    MicrophoneLost,
    MicrophoneSought,
)
from ser_live.speaker_memory import SpeakerMemory
from ser_live.speaker_profile import SpeakerProfile
from ser_live.vad import VadDecision, VoiceActivityDetector

StreamEvent = StreamGap | StreamState | SpeechStarted | Utterance | DeviceNotice

SILENT_RECORDING = "only zeros arrive: the recording is silent here."
"""What is said of zeros where there is no microphone that could be muted."""


class SegmentingStage:
    """One stream of native audio blocks in, stream events and utterances out.

    Parameters
    ----------
    settings : Settings
    sample_rate : int
        Native rate of the blocks, hertz.
    n_channels : int
        Native channel count of the blocks.
    channel : int or None
        Channel to keep, 0 the first; ``None`` averages all.
    first_id : int
        Identifier of the first utterance.
    file : str or None
        Stamped on every event that has the field.
    is_live : bool
        Whether zeros may mean a muted microphone.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        sample_rate: int,
        n_channels: int,
        channel: int | None = None,
        first_id: int = 1,
        file: str | None = None,
        is_live: bool = False,
    ) -> None:
        self._converter_args = (sample_rate, n_channels, channel)
        self._sample_rate = sample_rate
        self._file = file
        self._n_native = 0
        self._converter = StreamConverter(*self._converter_args)
        self._cutter = FrameCutter(FRAME_SAMPLES)
        self._vad = VoiceActivityDetector(settings.vad)
        self._segmenter = Segmenter(
            settings.segmenter,
            first_id=first_id,
            no_signal_message=None if is_live else SILENT_RECORDING,
        )
        # Replaced as a whole, so that any thread may ask for the level.
        self._latest: tuple[int, NDArray[np.float32], VadDecision] | None = None

    @property
    def level(self) -> LevelMeter | None:
        """Level of the latest frame, ``None`` before the first.

        Made when asked for: the display asks ten times a second, frames come far oftener.
        """
        latest = self._latest
        if latest is None:
            return None
        position, frame, heard = latest
        return LevelMeter(
            position, level_dbfs(frame), peak_dbfs(frame), heard.noise_dbfs, heard.is_speech
        )

    @property
    def position(self) -> int:
        """Samples at 16 kHz since the start of the stream, gaps included."""
        return self._segmenter.clock

    @property
    def next_id(self) -> int:
        """Identifier the next utterance will get."""
        return self._segmenter.next_id

    def push(self, item: NDArray[np.float32] | Lost) -> list[StreamEvent]:
        """Take one native block ``(n, n_channels)`` or a note of lost audio."""
        if isinstance(item, Lost):
            return self._push_lost(item)
        self._n_native += len(item)
        return self._push_samples(self._converter.push(item))

    def flush(self) -> list[StreamEvent]:
        """End the stream: what was heard but not yet reported."""
        events, leftover = self._drain()
        events.extend(self._stamp(self._segmenter.flush(leftover)))
        return events

    def _push_samples(self, samples: NDArray[np.float32]) -> list[StreamEvent]:
        events: list[StreamEvent] = []
        for frame in self._cutter.push(samples):
            heard = self._vad.process(frame)
            events.extend(
                self._stamp(
                    self._segmenter.push(
                        frame,
                        heard.is_speech,
                        noise_dbfs=heard.noise_dbfs,
                        level_dbfs=heard.level_dbfs,
                        is_voiced=heard.is_voiced,
                        is_suspected=heard.is_suspected,
                    )
                )
            )
            self._latest = (self.position, frame, heard)
        return events

    def _drain(self) -> tuple[list[StreamEvent], NDArray[np.float32]]:
        """Empty the resampler and the frame cutter; the rest is shorter than a frame."""
        events = self._push_samples(self._converter.flush())
        return events, self._cutter.flush()

    def _push_lost(self, lost: Lost) -> list[StreamEvent]:
        events, leftover = self._drain()
        self._n_native += lost.n_samples
        # The clock is derived from the native count, so that roundings never add up.
        start = self.position + len(leftover)
        n_lost = max(0, self._n_native * SAMPLE_RATE_HZ // self._sample_rate - start)
        events.extend(self._stamp(self._segmenter.gap(n_lost, leftover)))
        events.append(StreamGap(start, n_lost, lost.cause, self._file))
        self._converter = StreamConverter(*self._converter_args)
        return events

    def _stamp(
        self, events: Iterable[StreamState | SpeechStarted | Utterance]
    ) -> Iterator[StreamState | SpeechStarted | Utterance]:
        for event in events:
            yield replace(event, file=self._file) if isinstance(event, StreamState) else event


class AnalysisStage:
    """Utterances of one stream after the other in, emotion results out.

    Parameters
    ----------
    model : EmotionModel
    settings : Settings
    profile : SpeakerProfile or None
        Enrolled speaker whom every stream begins with.
    """

    def __init__(
        self, model: EmotionModel, settings: Settings, profile: SpeakerProfile | None = None
    ) -> None:
        self._model = model
        self._settings = settings
        self._profile = profile
        self._min_speech_probability, self._min_confidence = model.thresholds(settings.reject)
        self.start_stream()

    def warm_up(self) -> None:
        """Run once on a second of buzz, so that the first utterance waits for no set-up."""
        # A sawtooth of 150 Hz in noise: voiced, so that every feature is computed.
        buzz = np.arange(SAMPLE_RATE_HZ) % 107 / 107 - 0.5
        noise = 0.01 * np.random.default_rng(0).standard_normal(SAMPLE_RATE_HZ)
        samples = (0.2 * buzz + noise).astype(np.float32)
        self._model.predict_proba(join(extract(samples).values, samples, self._model.encoder))

    def start_stream(self) -> None:
        """Forget the speaker of the stream before."""
        self.speaker = SpeakerMemory(self._model, adapt=self._settings.adapt, profile=self._profile)
        self._inputs = InputMaker(self._model.encoder)

    def process(self, utterance: Utterance, file: str | None = None) -> EmotionResult:
        """Classify one utterance; the latency is left undefined for the caller to set."""
        level = speech_level_dbfs(utterance)
        snr_db = level - utterance.noise_dbfs
        result = EmotionResult(
            id=utterance.id,
            kind=utterance.kind,
            start_sample=utterance.start_sample,
            end_sample=utterance.end_sample,
            state=self._reject(utterance, level, snr_db),
            emotion=None,
            probabilities=None,
            speech_s=utterance.speech_s,
            level_dbfs=level,
            snr_db=snr_db,
            latency_ms=float("nan"),
            file=file,
        )
        if result.state is not State.OK:
            return result
        x = self._inputs.of(utterance)
        if self._model.speech_probability(x) < self._min_speech_probability:
            # Not learned from either: neither the baseline nor the speaker hears of it.
            return replace(result, state=State.NOT_SPEECH)
        speaker = self.speaker
        probabilities = self._model.predict_proba(x, speaker.shift)
        best = int(np.argmax(probabilities))
        sure = probabilities[best] >= self._min_confidence
        affect = speaker.affect(probabilities, x)
        result = replace(
            result,
            valence=affect.valence,
            arousal=affect.arousal,
            reasons=speaker.reasons(x),
            n_past=speaker.n_past,
        )
        if utterance.kind == "final":
            speaker.learn(x, probabilities)
        return replace(
            result,
            state=State.OK if sure else State.UNCERTAIN,
            emotion=EMOTIONS[best] if sure else None,
            probabilities=tuple(float(p) for p in probabilities),
        )

    def _reject(self, utterance: Utterance, level: float, snr_db: float) -> State:
        settings = self._settings.reject
        if utterance.state is not State.OK:
            return utterance.state
        if utterance.speech_s < settings.min_speech_s:
            return State.TOO_SHORT
        if level < settings.min_level_dbfs:
            return State.TOO_QUIET
        if np.mean(np.abs(utterance.samples) >= CLIPPED_LEVEL) > settings.max_clipped_share:
            return State.CLIPPED
        if snr_db < settings.min_snr_db:
            return State.TOO_NOISY
        return State.OK


def push_item(
    stage: SegmentingStage,
    item: NDArray[np.float32] | Lost | MicrophoneLost | MicrophoneSought | MicrophoneFound,
) -> list[StreamEvent]:
    """Push the next item of a source into a stage, news of the device included."""
    if isinstance(item, MicrophoneLost):
        # The rest of the audio is not waited for: it may be hours away.
        events = stage.flush()
        return [*events, DeviceLost(stage.position, item.device, item.cause, item.message)]
    if isinstance(item, MicrophoneSought):
        return [DeviceSought(stage.position, item.waited_s)]
    if isinstance(item, MicrophoneFound):
        now = item.sample_rate, item.n_channels
        return [DeviceFound(stage.position, item.device, *now, item.lost_device)]
    return stage.push(item)


def speech_level_dbfs(utterance: Utterance) -> float:
    """RMS level of the frames marked as speech, dBFS; NaN without any."""
    mask = np.repeat(utterance.speech, FRAME_SAMPLES)[: len(utterance.samples)]
    if not mask.any():
        return float("nan")
    return level_dbfs(utterance.samples[mask])


def segment_source(
    source: AudioSource, settings: Settings, *, channel: int | None = None
) -> Iterator[StreamStarted | StreamEvent | StreamEnded]:
    """Run one source through segmenting in the calling thread."""
    with source:
        yield StreamStarted(source.name, source.sample_rate, source.n_channels, source.file)
        stage = SegmentingStage(
            settings,
            sample_rate=source.sample_rate,
            n_channels=source.n_channels,
            channel=channel,
            file=source.file,
        )
        while True:
            item = source.read(1.0)
            if item is not None:
                yield from push_item(stage, item)
            elif source.exhausted:
                break
        yield from stage.flush()
        yield StreamEnded(stage.position, stage.next_id - 1, source.file)


def analyze_source(
    source: AudioSource,
    model: EmotionModel,
    settings: Settings,
    *,
    channel: int | None = None,
    profile: SpeakerProfile | None = None,
) -> Iterator[StreamStarted | StreamGap | StreamState | DeviceNotice | EmotionResult | StreamEnded]:
    """Run one source through both stages in the calling thread, final results only.

    Same events, labels and probabilities as a live session over the same audio.
    """
    analysis = AnalysisStage(model, settings, profile)
    for event in segment_source(source, settings, channel=channel):
        if isinstance(event, Utterance):
            if event.kind == "final":
                yield analysis.process(event, source.file)
        elif not isinstance(event, SpeechStarted | DeviceSought):
            yield event
