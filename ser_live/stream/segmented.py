"""Items from segmenting to analysis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from ser_live.events import (
    Activity,
    DeviceEvent,
    Drop,
    Level,
    Mark,
    Note,
    Paused,
    SpeechStarted,
    StateChanged,
    StreamGap,
    StreamId,
    StreamNotice,
    StreamStarted,
    Utterance,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndOfStream:
    """A stream was heard to its end; the analysis makes `StreamEnded` of it."""

    stream: StreamId
    n_samples: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetVoice:
    """The analysis is to forget the voice heard so far, and tells so."""

    stream: StreamId
    sample: int


Segmented: TypeAlias = (
    StreamStarted
    | StateChanged
    | SpeechStarted
    | Level
    | StreamGap
    | DeviceEvent
    | Mark
    | Note
    | Paused
    | ForgetVoice
    | StreamNotice
    | Activity
    | Utterance
    | Drop
    | EndOfStream
)
"""Items from segmenting to analysis; a `Drop` stands where an utterance was given up."""
