"""The parts of a stream, made for a test with a name of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ser_live.config import Settings
from ser_live.events import Kind, StreamEvent, StreamId, Utterance
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


def buzz() -> Utterance:
    """A second of sawtooth, voiced and loud enough to be judged."""
    t = np.arange(16_000)
    samples = (0.2 * (t % 107 / 107 - 0.5)).astype(np.float32)
    return Utterance(
        stream=STREAM,
        id=1,
        kind=Kind.FINAL,
        start_sample=0,
        end_sample=len(samples),
        samples=samples,
        speech=np.ones(34, dtype=bool),
        noise_dbfs=-80.0,
    )
