"""One recording of many: its utterances or its features, an error as a part of the result."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ser_live.batch.recording import BLOCK_S, Recording, hear
from ser_live.config import SAMPLE_RATE_HZ, Settings
from ser_live.errors import AudioFileError, SerLiveError
from ser_live.events import (
    Record,
    StreamId,
    Utterance,
    seconds,
)
from ser_live.features import FEATURE_NAMES, extract
from ser_live.model.emotion_model import EmotionModel
from ser_live.remote import Location
from ser_live.sources import AudioSource, FileSource, Lost
from ser_live.speaker.profile import SpeakerProfile
from ser_live.stream.drive import drive
from ser_live.stream.raw import RawStream
from ser_live.stream.roles import Roles
from ser_live.stream.segmenting import SegmentingStage

FEATURE_FIELDS = ("type", "file", "start_s", "end_s", *FEATURE_NAMES)
"""Columns of a CSV file of features."""

MAX_WHOLE_FILE_S = 600.0
"""Longest file whose features are computed in one piece; its frames are held in memory."""


def analyze_file(
    path: Location,
    model: EmotionModel,
    settings: Settings,
    channel: int | None,
    profile: SpeakerProfile | None = None,
    track: int | None = None,
    roles: Roles | None = None,
) -> Recording:
    """Analyze one file, the mean of its channels or one of them (0 the first), or its roles.

    An error becomes part of the result.
    """
    recording, _ = hear(
        path,
        model=model,
        settings=settings,
        channel=channel,
        speaker=profile,
        track=track,
        lanes=roles,
    )
    return recording


def _name_of(source: AudioSource, channel: int | None) -> StreamId:
    return StreamId(number=1, source=source.name, channel=channel, file=source.file)


@dataclass(frozen=True)
class FileFeatures:
    """Features of a file or of its utterances, or why there are none."""

    file: str
    spans: list[tuple[int, int]] = field(default_factory=list)
    """``[start, end)`` of each row in samples at 16 kHz."""
    values: list[NDArray[np.float64]] = field(default_factory=list)
    """Features of each row, shape ``(n_features,)``, NaN where undefined."""
    error: str | None = None
    notes: tuple[str, ...] = ()
    """Sentences about how it was read that are no errors."""

    def records(self) -> Iterator[Record]:
        """One record a row, features by name."""
        for (start, end), values in zip(self.spans, self.values, strict=True):
            yield {
                "type": "features",
                "file": self.file,
                "start_s": seconds(start),
                "end_s": seconds(end),
                **{
                    name: float(value) if np.isfinite(value) else None
                    for name, value in zip(FEATURE_NAMES, values, strict=True)
                },
            }


def file_features(
    path: Path,
    settings: Settings,
    channel: int | None,
    *,
    whole: bool,
    track: int | None = None,
) -> FileFeatures:
    """Features of each utterance of a file, or of the `whole` file in one piece.

    Of the mean of its channels, or of one of them (0 the first).
    """
    spans: list[tuple[int, int]] = []
    values: list[NDArray[np.float64]] = []
    source = FileSource(path, speed=0, block_s=BLOCK_S, track=track)
    try:
        for start, samples in _pieces(source, settings, channel, whole=whole):
            spans.append((start, start + len(samples)))
            values.append(extract(samples).values)
    except SerLiveError as error:
        return FileFeatures(str(path), spans, values, str(error), tuple(source.notes))
    return FileFeatures(str(path), spans, values, notes=tuple(source.notes))


def _pieces(
    source: FileSource, settings: Settings, channel: int | None, *, whole: bool
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    if not whole:
        for event in drive(
            source,
            lambda source: SegmentingStage(
                settings,
                stream=_name_of(source, channel),
                sample_rate=source.sample_rate,
                n_channels=source.n_channels,
                with_partials=False,
            ),
        ):
            if isinstance(event, Utterance):
                yield event.start_sample, event.samples
        return
    parts: list[NDArray[np.float32]] = []
    n_samples = 0
    failure: SerLiveError | None = None
    try:
        for item in drive(source, RawStream.of_channel(channel)):
            if isinstance(item, Lost):
                # Silence stands for it, so that times and length are those of the recording.
                n_lost = round(item.n_samples * SAMPLE_RATE_HZ / source.sample_rate)
                n_lost = min(n_lost, round(MAX_WHOLE_FILE_S * SAMPLE_RATE_HZ))
                parts.append(np.zeros(n_lost, np.float32))
            else:
                parts.append(item)
            n_samples += len(parts[-1])
            if n_samples > MAX_WHOLE_FILE_S * SAMPLE_RATE_HZ:
                raise _too_long(source.name)
    except AudioFileError as error:
        if n_samples > MAX_WHOLE_FILE_S * SAMPLE_RATE_HZ:
            raise
        failure = error
    if parts:
        yield 0, np.concatenate(parts)
    if failure is not None:
        raise failure


def _too_long(name: str) -> AudioFileError:
    return AudioFileError(
        f"{name} is longer than {MAX_WHOLE_FILE_S / 60:.0f} minutes, too long "
        "for one row: use --unit utterance, or cut it."
    )
