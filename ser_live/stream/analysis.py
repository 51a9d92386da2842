"""Second stage of a stream: utterances in, emotion results out."""

from __future__ import annotations

import math
from collections.abc import Callable
from weakref import WeakSet

import numpy as np
from numpy.typing import NDArray

from ser_live.arrays import Float32
from ser_live.audio import CLIPPED_LEVEL, level_dbfs
from ser_live.config import FRAME_SAMPLES, SAMPLE_RATE_HZ, RejectSettings, Settings
from ser_live.emotions import LABELS
from ser_live.events import (
    FORGOTTEN,
    Activity,
    DeviceFound,
    DeviceLost,
    DeviceSought,
    Drop,
    EmotionResult,
    Kind,
    Level,
    Mark,
    Note,
    Paused,
    Reason,
    SpeechStarted,
    StateChanged,
    StreamEnded,
    StreamEvent,
    StreamGap,
    StreamId,
    StreamNotice,
    StreamStarted,
    Utterance,
    Verdict,
)
from ser_live.exhaustive import assert_never
from ser_live.features import FEATURE_NAMES
from ser_live.model.emotion_model import EmotionModel
from ser_live.model.inputs import InputMaker, whole_input
from ser_live.speaker.memory import SpeakerMemory
from ser_live.speaker.profile import SpeakerProfile
from ser_live.speech.segmenter import no_clock
from ser_live.stream.segmented import EndOfStream, ForgetVoice, Segmented
from ser_live.stream.steady import SteadyLabel, sure_label

_SYLLABLE_RATE = FEATURE_NAMES.index("syllable_rate_per_s")
"""Place in an input vector."""

_warm: WeakSet[EmotionModel] = WeakSet()
"""Models that ran once in this process."""


class AnalysisStage:
    """Utterances of one stream in, emotion results out; other events pass through.

    Parameters
    ----------
    model : EmotionModel
    settings : Settings
    stream : StreamId
        The stream whose utterances are judged. Another one is refused: it would be judged
        by this one's speaker.
    profile : SpeakerProfile or None
        Enrolled speaker that the stream begins with.
    clock : callable
        The one that the segmenting reads, in seconds; latency is measured with it.
    keeps_audio : bool
        Whether final results carry their audio.
    """

    def __init__(
        self,
        model: EmotionModel,
        settings: Settings,
        *,
        stream: StreamId,
        profile: SpeakerProfile | None = None,
        clock: Callable[[], float] = no_clock,
        keeps_audio: bool = False,
    ) -> None:
        self._model = model
        self._settings = settings
        self._stream = stream
        self._profile = profile
        self._read_clock = clock
        self._keeps_audio = keeps_audio
        self._min_speech_probability, self._min_confidence = model.thresholds(settings.reject)
        self._shares = model.shares(settings.prior)
        self._inputs = InputMaker(model.encoder)
        self._no_features = np.full(model.layout.n_hand_made, np.nan)
        self._n_finals = 0
        self.forget()

    def forget(self) -> None:
        """Forget the speaker heard so far; an enrolled one is begun with again."""
        self._steady = SteadyLabel(self._min_confidence)
        self.speaker = SpeakerMemory(self._model, adapt=self._settings.adapt, profile=self._profile)

    def take(self, item: Segmented) -> StreamEvent:
        """Make the event of one item of the stream.

        Raises
        ------
        ValueError
            It belongs to another stream.
        """
        if item.stream.number != self._stream.number:
            raise ValueError(f"{item.stream} was given to the analysis of {self._stream}")
        match item:
            case Utterance():
                result = self.judge(item)
                self._n_finals += item.kind is Kind.FINAL
                return result
            case EndOfStream():
                return StreamEnded(
                    stream=item.stream, n_samples=item.n_samples, n_utterances=self._n_finals
                )
            case ForgetVoice():
                self.forget()
                return StreamNotice(stream=item.stream, sample=item.sample, message=FORGOTTEN)
            case (
                StreamStarted()
                | StateChanged()
                | SpeechStarted()
                | Level()
                | StreamGap()
                | DeviceLost()
                | DeviceSought()
                | DeviceFound()
                | Mark()
                | Note()
                | Paused()
                | StreamNotice()
                | Activity()
                | Drop()
            ):
                return item
        assert_never(item)

    def judge(self, utterance: Utterance) -> EmotionResult:
        """Make the result for one utterance of the stream."""
        level = speech_level_dbfs(utterance, self._inputs.heard(utterance))
        snr_db = level - utterance.noise_dbfs
        verdict = _refusal(utterance, level, snr_db, self._settings.reject)
        if verdict is not Verdict.OK:
            return self._result(utterance, level, snr_db, verdict)
        # What is no speech is known before the features, which cost more than the embedding.
        x = np.concatenate([self._no_features, self._inputs.learned(utterance)])
        if self._model.speech_probability(x) < self._min_speech_probability:
            # It updates neither the baseline nor the speaker.
            return self._result(utterance, level, snr_db, Verdict.NOT_SPEECH)
        x = self._inputs.of(utterance)
        speaker = self.speaker
        probabilities = self._model.predict_proba(x, speaker.shift, self._shares)
        if utterance.kind is Kind.FINAL:
            label = sure_label(probabilities, self._min_confidence)
        else:
            label = self._steady.label(utterance.id, utterance.speech_s, probabilities)
        affect = speaker.affect(probabilities, x)
        reasons, n_past = speaker.reasons(x), speaker.n_past
        if utterance.kind is Kind.FINAL:
            speaker.learn(x, probabilities)
        return self._result(
            utterance,
            level,
            snr_db,
            Verdict.UNCERTAIN if label is None else Verdict.OK,
            emotion=None if label is None else self._model.card.labels[label],
            labels=self._model.card.labels,
            probabilities=tuple(float(p) for p in probabilities),
            valence=None if affect is None else affect.valence,
            arousal=None if affect is None else affect.arousal,
            reasons=reasons,
            n_past=n_past,
            syllables_per_s=float(x[_SYLLABLE_RATE]),
        )

    def _result(
        self,
        utterance: Utterance,
        level: float,
        snr_db: float,
        verdict: Verdict,
        *,
        emotion: str | None = None,
        labels: tuple[str, ...] = LABELS,
        probabilities: tuple[float, ...] | None = None,
        valence: float | None = None,
        arousal: float | None = None,
        reasons: tuple[Reason, ...] = (),
        n_past: int = 0,
        syllables_per_s: float = math.nan,
    ) -> EmotionResult:
        is_kept = self._keeps_audio and utterance.kind is Kind.FINAL
        return EmotionResult(
            stream=utterance.stream,
            id=utterance.id,
            kind=utterance.kind,
            start_sample=utterance.start_sample,
            end_sample=utterance.end_sample,
            emotion=emotion,
            labels=labels,
            state=verdict,
            probabilities=probabilities,
            valence=valence,
            arousal=arousal,
            n_past=n_past,
            speech_s=utterance.speech_s,
            level_dbfs=level,
            snr_db=snr_db,
            latency_ms=(self._read_clock() - utterance.known_at_s) * 1000.0,
            reasons=reasons,
            syllables_per_s=syllables_per_s,
            samples=utterance.samples if is_kept else None,
        )


def _refusal(
    utterance: Utterance, level: float, snr_db: float, settings: RejectSettings
) -> Verdict:
    """Reason why an utterance is not classified; ``OK`` where it is."""
    if utterance.state is not Verdict.OK:
        return utterance.state
    if utterance.speech_s < settings.min_speech_s:
        return Verdict.TOO_SHORT
    if level < settings.min_level_dbfs:
        return Verdict.TOO_QUIET
    if np.mean(np.abs(utterance.samples) >= CLIPPED_LEVEL) > settings.max_clipped_share:
        return Verdict.CLIPPED
    if snr_db < settings.min_snr_db:
        return Verdict.TOO_NOISY
    return Verdict.OK


def speech_level_dbfs(utterance: Utterance, heard: Float32) -> float:
    """RMS level of the frames marked as speech in what was heard of it, dBFS; NaN without any."""
    mask = np.repeat(utterance.speech, FRAME_SAMPLES)[: len(heard)]
    return level_dbfs(heard[mask]) if mask.any() else math.nan


def warm_up(model: EmotionModel) -> None:
    """Run a model once on a second of buzz, so that the first utterance waits for no set-up.

    A model that was warmed up before is left alone: a program may open many sessions with it.
    """
    if model in _warm:
        return
    # A sawtooth of 150 Hz in noise: voiced, so that every feature is computed.
    buzz = np.arange(SAMPLE_RATE_HZ) % 107 / 107 - 0.5
    noise = 0.01 * np.random.default_rng(0).standard_normal(SAMPLE_RATE_HZ)
    samples: NDArray[np.float32] = (0.2 * buzz + noise).astype(np.float32)
    model.predict_proba(whole_input(samples, model.encoder))
    _warm.add(model)
