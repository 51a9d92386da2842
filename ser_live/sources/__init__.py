"""Sources of audio: a microphone, a recording, a pipe, an array, another program.

A source gives its native rate and channels; ``audio.StreamConverter`` does the rest. How
a source cuts its stream into blocks has no meaning.
"""

from ser_live.sources.followed import FollowedSource
from ser_live.sources.memory import ArraySource
from ser_live.sources.microphone import MicrophoneSource
from ser_live.sources.pcm import PcmSource
from ser_live.sources.protocol import (
    AudioSource,
    DeviceNotice,
    Lost,
    MicrophoneFound,
    MicrophoneLost,
    MicrophoneSought,
    SignalNotice,
    without_channels,
)
from ser_live.sources.pushed import PushedSource
from ser_live.sources.reconnecting import ReconnectingMicrophone
from ser_live.sources.recording import FileSource, read_recording
from ser_live.sources.suffixes import AUDIO_SUFFIXES

__all__ = [
    "AUDIO_SUFFIXES",
    "ArraySource",
    "AudioSource",
    "DeviceNotice",
    "FileSource",
    "FollowedSource",
    "Lost",
    "MicrophoneFound",
    "MicrophoneLost",
    "MicrophoneSought",
    "MicrophoneSource",
    "PcmSource",
    "PushedSource",
    "ReconnectingMicrophone",
    "SignalNotice",
    "read_recording",
    "without_channels",
]
