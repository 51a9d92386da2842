"""Getting to know a voice before a session: half a minute of reading aloud.

The sound passes through the same segmenting and inputs as a live session; what is kept
are sums over utterances (`SpeakerMemory`), and only when the recording is good enough.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from statistics import median

from ser_live.config import Settings
from ser_live.errors import ProfileError
from ser_live.events import DeviceNotice, EmotionResult, StreamGap, Utterance, seconds
from ser_live.model import EmotionModel
from ser_live.pipeline import AnalysisStage, SegmentingStage, push_item
from ser_live.sources import AudioSource
from ser_live.speaker_profile import ProfileCard, SpeakerProfile, check_name

READING_S = 30.0
"""How long a microphone is listened to, in seconds."""

TEXT = """\
On the way to the market I met my neighbour, who carried two bags of apples.
He told me that the bridge is closed, so everybody takes the long road.
We walked along the river and talked about the weather and the garden.
The water is high this year, and the boats are tied up under the trees.
At the corner he gave me three apples, and I went home to make some tea.
Later I opened the window, read the newspaper, and wrote a short letter.
"""
"""What to read: everyday things that stir nobody. Written for this program, free to use."""

MIN_SPEECH_S = 15.0
MIN_UTTERANCES = 4
MIN_LEVEL_DBFS = -45.0
MIN_SNR_DB = 12.0
MAX_CLIPPED_SHARE = 0.25
"""Share of utterances that may be rejected as clipped."""


@dataclass(frozen=True)
class Progress:
    """How an enrolment stands."""

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
        Channel to hear, 0 the first; ``None`` averages all.
    """

    def __init__(
        self, name: str, model: EmotionModel, settings: Settings, channel: int | None = None
    ) -> None:
        self._name = check_name(name)
        self._model = model
        self._settings = settings
        self._channel = channel
        # One stage for all sources: they are one speaker.
        self._analysis = AnalysisStage(model, replace(settings, adapt=True))
        self._analysis.warm_up()
        self._next_id = 1
        self._kept: list[EmotionResult] = []
        self._refused: list[EmotionResult] = []
        self.progress = Progress()

    def listen(
        self, source: AudioSource, limit_s: float | None = None
    ) -> Generator[Progress | DeviceNotice, None, None]:
        """Hear `source` to its end, or until `limit_s` of audio were heard.

        Yields
        ------
        Progress
            After each block.
        DeviceNotice
            At its place, where the microphone is lost, looked for and found; the time that
            it was away does not count.

        Raises
        ------
        AudioError, DeviceError
            The source cannot be opened, or broke off.
        """
        n_lost = 0
        with source:
            stage = SegmentingStage(
                self._settings,
                sample_rate=source.sample_rate,
                n_channels=source.n_channels,
                channel=self._channel,
                first_id=self._next_id,
                file=source.file,
                is_live=source.is_live,
            )
            while limit_s is None or seconds(stage.position - n_lost) < limit_s:
                item = source.read(0.2)
                if item is None:
                    if source.exhausted:
                        break
                    continue
                events = push_item(stage, item)
                self._take(events)
                n_lost += sum(event.n_samples for event in events if isinstance(event, StreamGap))
                yield from (event for event in events if isinstance(event, DeviceNotice))
                yield self._now(stage, n_lost)
            self._take(stage.flush())
            self._next_id = stage.next_id
            yield self._now(stage, n_lost)

    def _take(self, events: Iterable[object]) -> None:
        for event in events:
            if isinstance(event, Utterance) and event.kind == "final":
                result = self._analysis.process(event)
                is_heard = result.probabilities is not None
                (self._kept if is_heard else self._refused).append(result)

    def _now(self, stage: SegmentingStage, n_lost: int) -> Progress:
        level = stage.level
        self.progress = Progress(
            position_s=seconds(stage.position - n_lost),
            level_dbfs=float("-inf") if level is None else level.rms_dbfs,
            noise_dbfs=float("nan") if level is None else level.noise_dbfs,
            speech_s=sum(result.speech_s for result in self._kept),
            n_utterances=len(self._kept),
        )
        return self.progress

    def profile(self) -> SpeakerProfile:
        """What was learned.

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
                snr_db=round(median(_known(self._snr_db())), 1),
            ),
            self._analysis.speaker.to_arrays(),
        )

    def _snr_db(self) -> list[float]:
        return [result.snr_db for result in self._kept]

    def _check_sound(self) -> None:
        """Raise ``ProfileError`` with the first thing to change."""
        heard = [*self._kept, *self._refused]
        states = [result.state.value for result in self._refused]
        levels = [r.level_dbfs for r in heard if r.level_dbfs == r.level_dbfs]
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
        if states.count("clipped") > MAX_CLIPPED_SHARE * len(heard):
            raise ProfileError(
                f"{states.count('clipped')} of {len(heard)} utterances are overdriven: turn the "
                "microphone's gain down or move away a little."
            )
        snr_db = median(_known([result.snr_db for result in heard]))
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


def _known(values: list[float]) -> list[float]:
    """`values` without NaN; a noise floor that is not known is no fault of the speaker."""
    return [value for value in values if value == value] or [99.0]
