"""Getting to know a voice before a session: half a minute of reading aloud.

The sound passes through the same segmenting and inputs as a live session; what is kept
are sums over utterances (`SpeakerMemory`), and only when the recording is good enough.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass, replace
from datetime import datetime
from statistics import median

from ser_live.config import Settings
from ser_live.errors import ProfileError
from ser_live.events import (
    DeviceEvent,
    EmotionResult,
    Kind,
    Level,
    StreamGap,
    StreamId,
    Utterance,
    Verdict,
    seconds,
)
from ser_live.model.emotion_model import EmotionModel
from ser_live.sources import AudioSource
from ser_live.speaker.profile import ProfileCard, SpeakerProfile, check_name
from ser_live.stream.analysis import AnalysisStage, warm_up
from ser_live.stream.drive import drive
from ser_live.stream.segmented import EndOfStream, Segmented
from ser_live.stream.segmenting import SegmentingStage

READING_S = 30.0
"""Time for which a microphone is listened to, in seconds."""

TEXT = """\
On the way to the market I met my neighbour, who carried two bags of apples.
He told me that the bridge is closed, so everybody takes the long road.
We walked along the river and talked about the weather and the garden.
The water is high this year, and the boats are tied up under the trees.
At the corner he gave me three apples, and I went home to make some tea.
Later I opened the window, read the newspaper, and wrote a short letter.
"""
"""Text to read: everyday things that stir nobody. Written for this program, free to use."""

MIN_SPEECH_S = 15.0
MIN_UTTERANCES = 4
MIN_LEVEL_DBFS = -45.0
MIN_SNR_DB = 12.0
MAX_CLIPPED_SHARE = 0.25
"""Share of utterances that may be rejected as clipped."""
SNR_WITHOUT_NOISE_DB = 99.0
"""Speech-to-noise ratio on the card where no noise floor was ever known."""


@dataclass(frozen=True)
class Progress:
    """Progress of an enrolment."""

    position_s: float = 0.0
    """Audio heard of this source, without its gaps."""
    level_dbfs: float = float("-inf")
    noise_dbfs: float = float("nan")
    speech_s: float = 0.0
    """Speech in usable utterances, all sources together."""
    n_utterances: int = 0


class Enrolment:
    """Listens to sources of one speaker, then makes a profile.

    Parameters
    ----------
    name : str
        Of the speaker; raises ``ProfileError`` where it cannot be used.
    model : EmotionModel
    settings : Settings
    channel : int or None
        Channel to hear, counted from 0; ``None`` averages all.
    """

    def __init__(
        self, name: str, model: EmotionModel, settings: Settings, channel: int | None = None
    ) -> None:
        self._name = check_name(name)
        self._model = model
        self._settings = settings
        # One stage for all sources: they are one speaker.
        self._stream = StreamId(number=1, source=name, channel=channel)
        self._analysis = AnalysisStage(model, replace(settings, adapt=True), stream=self._stream)
        warm_up(model)
        self._next_id = 1
        self._kept: list[EmotionResult] = []
        self._refused: list[EmotionResult] = []
        self.progress = Progress()

    def listen(
        self, source: AudioSource, limit_s: float | None = None
    ) -> Generator[Progress | DeviceEvent, None, None]:
        """Hear `source` to its end, or until `limit_s` of audio were heard.

        Yields
        ------
        Progress
            About eleven times a second of audio, and at the end.
        DeviceEvent
            At its place, where the microphone is lost, looked for and found; the time that
            it was away does not count.

        Raises
        ------
        AudioError, DeviceError
            The source cannot be opened, or broke off.
        """
        n_lost = 0

        def is_over() -> bool:
            return limit_s is not None and self.progress.position_s >= limit_s

        self.progress = replace(self.progress, position_s=0.0)
        for item in drive(source, self._begin, is_stopping=is_over):
            if isinstance(item, Level):
                yield self._now(item.sample - n_lost, item.rms_dbfs, item.noise_dbfs)
            elif isinstance(item, Utterance) and item.kind is Kind.FINAL:
                self._next_id = item.id + 1
                self._take(item)
            elif isinstance(item, StreamGap):
                n_lost += item.n_samples
            elif isinstance(item, DeviceEvent):
                yield item
            elif isinstance(item, EndOfStream):
                now = self.progress
                yield self._now(item.n_samples - n_lost, now.level_dbfs, now.noise_dbfs)

    def _begin(self, source: AudioSource) -> SegmentingStage:
        return SegmentingStage(
            self._settings,
            stream=self._stream,
            sample_rate=source.sample_rate,
            n_channels=source.n_channels,
            first_id=self._next_id,
            no_signal_message=source.no_signal_hint,
            with_levels=True,
        )

    def _take(self, utterance: Segmented) -> None:
        result = self._analysis.take(utterance)
        if isinstance(result, EmotionResult):
            is_heard = result.probabilities is not None
            (self._kept if is_heard else self._refused).append(result)

    def _now(self, position: int, level_dbfs: float, noise_dbfs: float) -> Progress:
        self.progress = Progress(
            position_s=seconds(position),
            level_dbfs=level_dbfs,
            noise_dbfs=noise_dbfs,
            speech_s=sum(result.speech_s for result in self._kept),
            n_utterances=len(self._kept),
        )
        return self.progress

    def profile(self) -> SpeakerProfile:
        """Make the profile of everything learned.

        Raises
        ------
        ProfileError
            What was heard is not good enough; the sentence says what to change.
        """
        self._check_sound()
        kept, card = self._kept, self._model.card
        return SpeakerProfile(
            ProfileCard(
                name=self._name,
                made_at=datetime.now().astimezone().isoformat(timespec="seconds"),
                model=card.id,
                model_sha256=card.weights_sha256,
                feature_set=card.feature_set_version,
                n_utterances=len(kept),
                speech_s=round(sum(result.speech_s for result in kept), 3),
                level_dbfs=round(median(result.level_dbfs for result in kept), 1),
                snr_db=round(_median_snr_db(kept), 1),
            ),
            self._analysis.speaker.to_arrays(),
        )

    def _check_sound(self) -> None:
        """Raise ``ProfileError`` with the first thing to change."""
        heard = [*self._kept, *self._refused]
        n_clipped = sum(result.state is Verdict.CLIPPED for result in self._refused)
        levels = [r.level_dbfs for r in heard if not math.isnan(r.level_dbfs)]
        if not levels:
            raise ProfileError(
                "no speech was heard: check that the right microphone is chosen and not muted, "
                "and read aloud."
            )
        level_dbfs = median(levels)
        if level_dbfs < MIN_LEVEL_DBFS:
            raise ProfileError(
                f"the voice is too quiet ({level_dbfs:.0f} dBFS, {MIN_LEVEL_DBFS:.0f} or more is "
                "needed): come closer to the microphone or turn its gain up."
            )
        if n_clipped > MAX_CLIPPED_SHARE * len(heard):
            raise ProfileError(
                f"{n_clipped} of {len(heard)} utterances are overdriven: turn the "
                "microphone's gain down or move away a little."
            )
        snr_db = _median_snr_db(heard)
        if snr_db < MIN_SNR_DB:
            raise ProfileError(
                f"the voice stands only {snr_db:.0f} dB above the background, {MIN_SNR_DB:.0f} dB "
                "are needed: find a quieter place or come closer to the microphone."
            )
        speech_s, n = sum(result.speech_s for result in self._kept), len(self._kept)
        if speech_s < MIN_SPEECH_S or n < MIN_UTTERANCES:
            raise ProfileError(
                f"found {speech_s:.0f} s of usable speech in {n} utterances, but {MIN_SPEECH_S:.0f}"
                f" s in {MIN_UTTERANCES} are needed: read on without long silences, with a short "
                "pause after each sentence."
            )


def _median_snr_db(results: list[EmotionResult]) -> float:
    """Median over the results whose noise floor is known; one that is not is nobody's fault."""
    known = [result.snr_db for result in results if not math.isnan(result.snr_db)]
    return median(known) if known else SNR_WITHOUT_NOISE_DB
