"""Recordings analyzed as a whole, in the caller's thread."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_live.batch.fetched import source_of
from ser_live.batch.recording_page import page
from ser_live.config import Settings
from ser_live.emotions import LABELS
from ser_live.errors import InvalidAudioError, SerLiveError, UsageError
from ser_live.events import (
    EmotionResult,
    Record,
    StreamEnded,
    StreamEvent,
    StreamId,
    StreamNotice,
    StreamStarted,
    StreamState,
    Verdict,
)
from ser_live.model.clip_mean import mean_probabilities
from ser_live.model.emotion_model import EmotionModel
from ser_live.records.csv_rows import emotion_fields, flat, flat_names
from ser_live.remote import Location
from ser_live.sources import AudioSource, FileSource
from ser_live.speaker.profile import SpeakerProfile
from ser_live.stream.analyzer import Analyzer, known_speaker, loaded
from ser_live.stream.channels import Channels, roles_by_channel
from ser_live.stream.drive import Driven, drive
from ser_live.stream.lanes import Demixer, Lanes
from ser_live.stream.roles import Roles
from ser_live.stream.side_by_side import SideBySide

if TYPE_CHECKING:
    import pandas as pd

AudioPath = str | os.PathLike[str]

BLOCK_S = 1.0
"""Sound that streams get at once where nobody waits: the detector hears it in one go."""

ALONE_BLOCK_S = 3.0
"""The same where one stream is heard alone; longer blocks leave the processor's cache."""

_FILE_FIELDS = (
    "type",
    "file",
    "emotion",
    "state",
    "confidence",
    "probabilities",
    "duration_s",
    "speech_s",
    "n_utterances",
    "note",
)

_TEXT_COLUMNS = frozenset(["type", "kind", "emotion", "state", "reasons", "file", "role"])
_COUNT_COLUMNS = frozenset(["id", "n_past", "stream", "channel"])


@dataclass(frozen=True, kw_only=True)
class Recording:
    """A recording and all that was heard in it.

    In a notebook it shows itself as a timeline.
    """

    file: str
    """Path as given."""
    model: str
    """Model identifier."""
    min_confidence: float
    """Winning probability below which an emotion is not named."""
    labels: tuple[str, ...] = LABELS
    """Labels that the model tells apart, in its order."""
    channel: int | None = None
    """Channel that was heard, counted from 0; ``None`` for the mean of all."""
    utterances: tuple[EmotionResult, ...] = ()
    """Final results in order."""
    duration_s: float = 0.0
    """Length in seconds, as far as it could be read."""
    sample_rate: int = 0
    """Native sample rate in hertz; 0 where it could not be opened."""
    n_channels: int = 0
    """Native channel count; 0 where it could not be opened."""
    notes: tuple[str, ...] = ()
    """Sentences about how it was read that are no errors, such as a choice among its tracks."""
    error: str | None = None
    """One sentence where it could not be read to its end; `analyze` raises instead."""

    @property
    def summary(self) -> Record:
        """One record for the whole recording.

        The probabilities are the mean over its classified utterances, weighted by
        their speech time; ``emotion`` is ``None`` where that mean is too uncertain.
        """
        classified = [u for u in self.utterances if u.probabilities is not None]
        probabilities: dict[str, float] | None = None
        emotion: str | None = None
        confidence: float | None = None
        state: Verdict | StreamState = StreamState.NO_SPEECH
        if self.utterances:
            state = self.utterances[0].state
        if classified:
            mean = mean_probabilities(
                np.array([u.probabilities for u in classified]),
                np.array([u.speech_s for u in classified]),
            )
            best = int(np.argmax(mean))
            confidence = round(float(mean[best]), 4)
            sure = mean[best] >= self.min_confidence
            emotion = self.labels[best] if sure else None
            state = Verdict.OK if sure else Verdict.UNCERTAIN
            probabilities = {
                label: round(float(p), 4) for label, p in zip(self.labels, mean, strict=True)
            }
        return {
            "type": "file",
            "file": self.file,
            "emotion": emotion,
            "state": state.value,
            "confidence": confidence,
            "probabilities": probabilities,
            "duration_s": round(self.duration_s, 3),
            "speech_s": round(sum(u.speech_s for u in self.utterances), 3),
            "n_utterances": len(self.utterances),
            "note": self.note,
        }

    @property
    def was_opened(self) -> bool:
        """Whether it could be opened, so that something is known of it."""
        return self.sample_rate > 0

    @property
    def note(self) -> str | None:
        """Remarks on how it was read; begins with *damaged* where some was not heard."""
        damage = [] if self.error is None else [f"damaged: {self.error}"]
        return " ".join([*damage, *self.notes]) or None

    def to_records(self) -> list[Record]:
        """One record an utterance, as ``ser-live analyze --format jsonl`` prints them."""
        return [utterance.as_record() for utterance in self.utterances]

    def to_pandas(self) -> pd.DataFrame:
        """One row an utterance, with the columns of ``ser-live analyze --format csv``.

        Undefined is NaN, a text or a channel that is not there ``None`` or ``NA``.

        Raises
        ------
        UsageError
            Pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise UsageError(
                "to_pandas found pandas missing, but needs it: run `pip install pandas`, or use "
                "to_records."
            ) from error
        fields = list(emotion_fields(self.labels))
        frame = pd.DataFrame([flat(record) for record in self.to_records()], columns=fields)
        return frame.astype({name: _dtype(name) for name in fields})

    def _repr_html_(self) -> str:
        return page(self)


def file_fields(labels: Sequence[str] = LABELS) -> tuple[str, ...]:
    """Columns of a CSV file with one row a file."""
    return tuple(flat_names(_FILE_FIELDS, labels))


def _dtype(column: str) -> str:
    if column in _TEXT_COLUMNS:
        return "object"
    return "Int64" if column in _COUNT_COLUMNS else "float64"


def analyze(
    path: AudioPath,
    *,
    model: EmotionModel | str | Path | None = None,
    settings: Settings | None = None,
    channel: int | None = None,
    speaker: SpeakerProfile | str | None = None,
    track: int | None = None,
) -> Recording:
    """Analyze a recording as fast as possible.

    Parameters
    ----------
    path : str or path
        wav, flac, ogg, opus, mp3, and by the extra ``media`` m4a, mp4, webm, mkv.
    model : EmotionModel, str, Path or None
        A loaded model, the name of a bundled one, or a model's folder; ``None`` for the
        default one.
    settings : Settings or None
        ``None`` for the defaults.
    channel : int or None
        Channel to hear, counted from 0 (on the command line from 1); ``None`` averages all.
    speaker : SpeakerProfile, str or None
        Enrolled speaker to begin with, or their name; ``None`` for a stranger.
    track : int or None
        Audio track to hear, counted from 1; ``None`` for the default one.

    Raises
    ------
    AudioError
        The recording cannot be read, or breaks off.
    UsageError
        It lacks the channel or the track.
    ModelError, ProfileError
        The model or the profile cannot be used.
    """
    recording, failure = hear(
        path,
        model=loaded(model),
        settings=settings or Settings(),
        channel=channel,
        speaker=known_speaker(speaker),
        track=track,
    )
    if failure is not None:
        raise failure
    return recording


def hear(
    path: AudioPath | Location,
    *,
    model: EmotionModel,
    settings: Settings,
    channel: int | None = None,
    speaker: SpeakerProfile | None = None,
    track: int | None = None,
    lanes: Roles | None = None,
) -> tuple[Recording, SerLiveError | None]:
    """Analyze a recording as far as it can be read; also tell why it ended before its end."""
    utterances: list[EmotionResult] = []
    notes: list[str] = []
    duration_s, sample_rate, n_channels = 0.0, 0, 0
    failure: SerLiveError | None = None
    demixers: list[Demixer] = []
    block_s = ALONE_BLOCK_S if lanes is None else BLOCK_S
    source = source_of(path, speed=0, block_s=block_s, track=track, roles=lanes)
    try:
        for event in play(
            source,
            {channel: None} if lanes is None else lanes,
            model=model,
            settings=settings,
            speaker=speaker,
            with_partials=False,
            on_demixer=demixers.append,
        ):
            if isinstance(event, StreamStarted):
                sample_rate, n_channels = event.sample_rate, event.n_channels
            elif isinstance(event, EmotionResult):
                utterances.append(event)
            elif isinstance(event, StreamNotice):
                notes.append(event.message)
            elif isinstance(event, StreamEnded):
                duration_s = event.duration_s
        if demixers and (same := demixers[0].sameness.message(source.name)):
            raise InvalidAudioError(same)
    except SerLiveError as error:
        failure = error
    recording = Recording(
        file=os.fspath(path),
        model=model.card.id,
        min_confidence=model.thresholds(settings.reject)[1],
        labels=model.card.labels,
        channel=channel,
        utterances=tuple(utterances),
        duration_s=duration_s,
        sample_rate=sample_rate,
        n_channels=n_channels,
        notes=(*notes, *source.notes),
        error=None if failure is None else str(failure),
    )
    return recording, failure


def iter_utterances(
    path: AudioPath,
    *,
    channels: Channels = None,
    model: EmotionModel | str | Path | None = None,
    settings: Settings | None = None,
    speaker: SpeakerProfile | str | None = None,
    with_partials: bool = False,
    keeps_audio: bool = False,
    track: int | None = None,
) -> Iterator[EmotionResult]:
    """Analyze a recording as fast as possible and give each result as soon as it is known.

    Parameters
    ----------
    path, model, settings, speaker, track
        As for `analyze`.
    channels : sequence of int, mapping of int to str, or None
        Channels to hear, counted from 0 (on the command line from 1), each as a stream of
        its own with a speaker of its own. A mapping says who speaks on each:
        ``{0: "anna", 1: "ben"}``. ``None`` hears the mean of all as one stream. The
        ``stream`` of a result says which it is of. `Roles` say to which level each is heard,
        too; nothing is given of those that are not analyzed.
    with_partials : bool
        Whether to judge utterances while they go on, too.
    keeps_audio : bool
        Whether final results carry their audio.

    Raises
    ------
    ModelError, ProfileError
        The model or the profile cannot be used.
    AudioError, UsageError
        The recording cannot be read or lacks a channel. While iterating, after what was
        heard before.
    """
    lanes = channels if isinstance(channels, Roles) else None
    events = play(
        FileSource(path, speed=0, block_s=BLOCK_S, track=track, roles=lanes),
        roles_by_channel(channels) if lanes is None else lanes,
        model=loaded(model),
        settings=settings or Settings(),
        speaker=known_speaker(speaker),
        with_partials=with_partials,
        keeps_audio=keeps_audio,
    )
    return (event for event in events if isinstance(event, EmotionResult))


def _pass_over(demixer: Demixer) -> None:
    """Stand in where nobody asks what passed between channels."""


def play(
    source: FileSource,
    roles: dict[int | None, str | None] | Roles,
    *,
    model: EmotionModel,
    settings: Settings,
    speaker: SpeakerProfile | None,
    with_partials: bool,
    keeps_audio: bool = False,
    on_demixer: Callable[[Demixer], object] = _pass_over,
) -> Iterator[StreamEvent]:
    """Give the events of all streams of a recording, in the caller's thread."""

    def begin(source: AudioSource) -> Driven[StreamEvent]:
        if not isinstance(roles, Roles):
            heard = enumerate(roles.items(), start=1)
            return SideBySide([stream(source, n, channel, role) for n, (channel, role) in heard])
        demixer = Demixer(roles, source.sample_rate, source.n_channels)
        on_demixer(demixer)
        lanes = [
            stream(
                source,
                n,
                channel,
                role.name,
                level=role.level,
                with_activity=True,
                revise=demixer.reviser(channel),
            )
            for n, (channel, role) in enumerate(roles.heard, start=1)
        ]
        return Lanes(demixer, lanes)

    def stream(
        source: AudioSource, number: int, channel: int | None, role: str | None, **heard: Any
    ) -> Analyzer:
        return Analyzer(
            source.sample_rate,
            source.n_channels,
            stream=StreamId(
                number=number, source=source.name, channel=channel, role=role, file=source.file
            ),
            model=model,
            settings=settings,
            speaker=speaker,
            with_partials=with_partials,
            keeps_audio=keeps_audio,
            no_signal_message=source.no_signal_hint,
            **heard,
        )

    return drive(source, begin)
