"""The events that flow from the microphone to the screen, all immutable.

Positions are integer sample indices at 16 kHz since the start of the stream; seconds are
derived from them, never added up. ``[start_sample, end_sample)`` is half open. ``as_record``
gives the form that session log, standard output, CSV and API share, and `from_record` reads
it back; both follow the forms at the fields (`forms`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from ser_live.events.affect_state import UNKNOWN, AffectState
from ser_live.events.forms import FormError
from ser_live.events.kinds import (
    Cause,
    EndReason,
    Hearing,
    Kind,
    NotedBy,
    StreamState,
    Verdict,
)
from ser_live.events.of_sessions import (
    Notice,
    QueueDepth,
    SessionEnded,
    SessionStarted,
    SourceFailed,
)
from ser_live.events.of_streams import (
    FORGOTTEN,
    Activity,
    DeviceFound,
    DeviceLost,
    DeviceSought,
    Level,
    Mark,
    Note,
    Paused,
    StateChanged,
    StreamEnded,
    StreamGap,
    StreamNotice,
    StreamStarted,
)
from ser_live.events.reader import EventReader
from ser_live.events.record import Column, OfStream, Record, Recorded, by_type, columns
from ser_live.events.stream_id import StreamId, samples, seconds
from ser_live.events.utterances import Drop, EmotionResult, Reason, SpeechStarted, Utterance

DeviceEvent = DeviceLost | DeviceSought | DeviceFound

StreamEvent = (
    StreamStarted
    | StateChanged
    | SpeechStarted
    | Level
    | StreamGap
    | DeviceEvent
    | Mark
    | Note
    | Paused
    | StreamNotice
    | Activity
    | EmotionResult
    | AffectState
    | Drop
    | StreamEnded
)
"""Everything an analyzer reports about its stream."""

Event = SessionStarted | StreamEvent | SourceFailed | QueueDepth | Notice | SessionEnded
"""Everything a session reports."""

EVENT_CLASSES: dict[str, type[Recorded]] = by_type(get_args(Event))
"""Classes of events by the ``type`` of their records."""

__all__ = [
    "EVENT_CLASSES",
    "FORGOTTEN",
    "UNKNOWN",
    "Activity",
    "AffectState",
    "Cause",
    "Column",
    "DeviceEvent",
    "DeviceFound",
    "DeviceLost",
    "DeviceSought",
    "Drop",
    "EmotionResult",
    "EndReason",
    "Event",
    "EventReader",
    "FormError",
    "Hearing",
    "Kind",
    "Level",
    "Mark",
    "Note",
    "NotedBy",
    "Notice",
    "OfStream",
    "Paused",
    "QueueDepth",
    "Reason",
    "Record",
    "Recorded",
    "SessionEnded",
    "SessionStarted",
    "SourceFailed",
    "SpeechStarted",
    "StateChanged",
    "StreamEnded",
    "StreamEvent",
    "StreamGap",
    "StreamId",
    "StreamNotice",
    "StreamStarted",
    "StreamState",
    "Utterance",
    "Verdict",
    "columns",
    "from_record",
    "samples",
    "seconds",
]


def from_record(record: Mapping[str, object]) -> Event | None:
    """The event of one record by itself; ``None`` for a type that is not known.

    A record names its stream by number alone, so its source is the file's path, or empty for
    a device. Read the records of a session with one `EventReader` to have it.

    Raises
    ------
    FormError
        The record lacks a field, or has one that does not fit.
    """
    event = EventReader(EVENT_CLASSES).read(record)
    assert event is None or isinstance(event, Event)  # noqa: S101  of the classes given
    return event
