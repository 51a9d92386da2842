"""The parts of a stream, made for a test with a name of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ser_live.config import Settings
from ser_live.events import StreamEvent, StreamId
from ser_live.model.emotion_model import EmotionModel
from ser_live.sources import AudioSource
from ser_live.speaker.profile import SpeakerProfile
from ser_live.stream.analysis import AnalysisStage
from ser_live.stream.analyzer import Analyzer
from ser_live.stream.drive import drive
from ser_live.stream.segmenting import SegmentingStage

STREAM = StreamId(number=1, source="test")


def segmenting(settings: Settings | None = None, **options: Any) -> SegmentingStage:
    """A first stage of 16 kHz mono, where nothing else is asked for."""
    options = {"stream": STREAM, "sample_rate": 16_000, "n_channels": 1} | options
    return SegmentingStage(settings or Settings(), **options)


def analysis(
    model: EmotionModel, settings: Settings | None = None, profile: SpeakerProfile | None = None
) -> AnalysisStage:
    """A second stage."""
    return AnalysisStage(model, settings or Settings(), stream=STREAM, profile=profile)


def analyze_source(
    source: AudioSource,
    model: EmotionModel,
    settings: Settings | None = None,
    profile: SpeakerProfile | None = None,
) -> Iterator[StreamEvent]:
    """Everything an analyzer makes of a source, final results only."""
    return drive(
        source,
        lambda source: Analyzer(
            source.sample_rate,
            source.n_channels,
            stream=StreamId(number=1, source=source.name, file=source.file),
            model=model,
            settings=settings,
            speaker=profile,
            with_partials=False,
        ),
    )
