"""The enumerations of the events: kinds, states, verdicts, causes and reasons."""

from __future__ import annotations

from enum import Enum


class _Word(str, Enum):
    """A text that may only be one of a few."""

    def __str__(self) -> str:
        return str(self.value)


class Kind(_Word):
    """Part of an utterance that a result is about."""

    PARTIAL = "partial"
    """The utterance goes on; the result is about what was heard of it so far."""
    FINAL = "final"
    """The whole utterance."""


class StreamState(_Word):
    """The state of a stream at a moment."""

    NO_SPEECH = "no speech"
    """The stream carries no speech at present."""
    LISTENING = "listening"
    """An utterance is open."""
    NO_SIGNAL = "no signal"
    """The stream delivers only zeros: muted, or refused by the operating system."""


class Hearing(_Word):
    """The level to which a channel is heard; what it leaves out is never computed."""

    ANALYZE = "analyze"
    """Utterances, features, emotions."""
    ACTIVITY = "activity"
    """That somebody speaks, from when to when; no features, no level, no emotion."""
    SKIP = "skip"
    """Nothing: samples are dropped before anything looks at them."""


class Verdict(_Word):
    """The outcome for one utterance. Only ``OK`` comes with an emotion."""

    OK = "ok"
    """The utterance was classified."""
    TOO_SHORT = "too short"
    """Too little speech to say anything."""
    TOO_QUIET = "too quiet"
    """Level too low for trustworthy features."""
    CLIPPED = "clipped"
    """Too many samples at full scale."""
    TOO_NOISY = "too noisy"
    """Speech is not far enough above the background noise."""
    NOT_SPEECH = "not speech"
    """A sound that is not speech: noise, music, a laugh, a cough."""
    UNCERTAIN = "uncertain"
    """Classified, but no emotion is probable enough to be named."""


class Cause(_Word):
    """Reason why audio never arrived."""

    OVERFLOW = "overflow"
    """The ring buffer was full: the program was too slow."""
    DEVICE = "device"
    """Capture reported a loss."""
    STALLED = "stalled"
    """The device delivered nothing and did not say so."""
    DISCONNECTED = "disconnected"
    """The device was gone: unplugged, or the sound server ended."""
    SUSPENDED = "suspended"
    """The computer slept."""
    RECORDING = "recording"
    """The recording holds nothing there: it was paused, or its sound begins late."""
    DAMAGED = "damaged"
    """That part of the recording cannot be decoded."""
    PAUSED = "paused"
    """Listening was paused: what was said meanwhile was not kept."""
    CHANGED = "changed"
    """Another microphone was chosen; it is heard from the end of the gap on."""


class NotedBy(_Word):
    """Where a mark or a note comes from."""

    USER = "user"
    """A person at the keyboard."""
    API = "api"
    """A program."""
    FILE = "file"
    """The recording itself, or a list beside it."""


class EndReason(_Word):
    """Reason why a session ended."""

    END = "end"
    """There was nothing more to hear."""
    INTERRUPT = "interrupt"
    """It was asked to stop; everything heard was reported."""
    ABORT = "abort"
    """It was stopped at once."""
    ERROR = "error"
    """An error ended it."""
