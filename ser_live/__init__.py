"""Live speech emotion recognition on your own machine.

The public names are those in ``__all__``; ``docs/api.md`` shows how they are used. Each is
loaded when it is first asked for, so that importing the package itself costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from ser_live.batch.recording import Recording, analyze, iter_utterances
    from ser_live.config import RejectSettings, SegmenterSettings, Settings, VadSettings
    from ser_live.emotions import EMOTIONS, Emotion
    from ser_live.errors import (
        AudioError,
        AudioFileError,
        DatasetError,
        DeviceError,
        InvalidAudioError,
        LogError,
        ModelError,
        OutputError,
        ProfileError,
        SerLiveError,
        UsageError,
    )
    from ser_live.events import (
        Activity,
        AffectState,
        Cause,
        DeviceFound,
        DeviceLost,
        DeviceSought,
        Drop,
        EmotionResult,
        EndReason,
        Event,
        FormError,
        Hearing,
        Kind,
        Level,
        Mark,
        Note,
        NotedBy,
        Notice,
        Paused,
        QueueDepth,
        Reason,
        Record,
        SessionEnded,
        SessionStarted,
        SourceFailed,
        SpeechStarted,
        StateChanged,
        StreamEnded,
        StreamEvent,
        StreamGap,
        StreamId,
        StreamNotice,
        StreamStarted,
        StreamState,
        Verdict,
        from_record,
    )
    from ser_live.model.emotion_model import EmotionModel
    from ser_live.session.aio import AsyncListening, listen_async
    from ser_live.session.listening import Listening, listen
    from ser_live.sources import AudioSource, FileSource, Lost, PushedSource
    from ser_live.speaker.profile import SpeakerProfile
    from ser_live.stream.analyzer import Analyzer
    from ser_live.stream.emotion_state import EmotionState, Pace
    from ser_live.stream.roles import Role, Roles, parse_roles

__all__ = [
    "EMOTIONS",
    "Activity",
    "AffectState",
    "Analyzer",
    "AsyncListening",
    "AudioError",
    "AudioFileError",
    "AudioSource",
    "Cause",
    "DatasetError",
    "DeviceError",
    "DeviceFound",
    "DeviceLost",
    "DeviceSought",
    "Drop",
    "Emotion",
    "EmotionModel",
    "EmotionResult",
    "EmotionState",
    "EndReason",
    "Event",
    "FileSource",
    "FormError",
    "Hearing",
    "InvalidAudioError",
    "Kind",
    "Level",
    "Listening",
    "LogError",
    "Lost",
    "Mark",
    "ModelError",
    "Note",
    "NotedBy",
    "Notice",
    "OutputError",
    "Pace",
    "Paused",
    "ProfileError",
    "PushedSource",
    "QueueDepth",
    "Reason",
    "Record",
    "Recording",
    "RejectSettings",
    "Role",
    "Roles",
    "SegmenterSettings",
    "SerLiveError",
    "SessionEnded",
    "SessionStarted",
    "Settings",
    "SourceFailed",
    "SpeakerProfile",
    "SpeechStarted",
    "StateChanged",
    "StreamEnded",
    "StreamEvent",
    "StreamGap",
    "StreamId",
    "StreamNotice",
    "StreamStarted",
    "StreamState",
    "UsageError",
    "VadSettings",
    "Verdict",
    "__version__",
    "analyze",
    "from_record",
    "iter_utterances",
    "listen",
    "listen_async",
    "parse_roles",
]

_HOMES = (
    "errors",
    "emotions",
    "config",
    "events",
    "sources",
    "model.emotion_model",
    "speaker.profile",
    "stream.roles",
    "stream.analyzer",
    "stream.emotion_state",
    "batch.recording",
    "session.listening",
    "session.aio",
)
"""Modules of the names, those first that load little."""


def __getattr__(name: str) -> object:
    if name in __all__:
        for home in _HOMES:
            module = import_module(f"{__name__}.{home}")
            if hasattr(module, name):
                globals()[name] = getattr(module, name)
                return globals()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
