"""Where audio comes from: a microphone, a recording, a pipe, an array.

A source gives its native rate and channels; ``audio.StreamConverter`` does the rest. How
a source cuts its stream into blocks has no meaning.
"""

from ser_live.sources.memory import ArraySource
from ser_live.sources.microphone import MicrophoneSource
from ser_live.sources.pcm import PcmSource
from ser_live.sources.protocol import AudioSource, Lost
from ser_live.sources.reconnecting import ReconnectingMicrophone
from ser_live.sources.recording import FileSource, read_recording

__all__ = [
    "ArraySource",
    "AudioSource",
    "FileSource",
    "Lost",
    "MicrophoneSource",
    "PcmSource",
    "ReconnectingMicrophone",
    "read_recording",
]
