"""The one label set, its one order, and the states that stand where no label can."""

from __future__ import annotations

from enum import Enum


class Emotion(str, Enum):
    """The eight emotions of RAVDESS, in the order every probability vector uses."""

    NEUTRAL = "neutral"
    CALM = "calm"
    HAPPY = "happy"
    SAD = "sad"
    ANGRY = "angry"
    FEARFUL = "fearful"
    DISGUST = "disgust"
    SURPRISED = "surprised"

    def __str__(self) -> str:
        return self.value


EMOTIONS: tuple[Emotion, ...] = tuple(Emotion)
"""Label order of every probability vector, confusion matrix and table."""

LABELS: tuple[str, ...] = tuple(emotion.value for emotion in EMOTIONS)

COLORS: dict[Emotion, str] = {
    Emotion.NEUTRAL: "#9aa5b1",
    Emotion.CALM: "#5fb3b3",
    Emotion.HAPPY: "#e5b93c",
    Emotion.SAD: "#6c8ebf",
    Emotion.ANGRY: "#d9534f",
    Emotion.FEARFUL: "#9b7fc4",
    Emotion.DISGUST: "#7a9a4a",
    Emotion.SURPRISED: "#e58b3c",
}
"""Display colour of each emotion (24-bit hex)."""

ANSI_COLORS: dict[Emotion, str] = {
    Emotion.NEUTRAL: "white",
    Emotion.CALM: "cyan",
    Emotion.HAPPY: "yellow",
    Emotion.SAD: "blue",
    Emotion.ANGRY: "red",
    Emotion.FEARFUL: "magenta",
    Emotion.DISGUST: "green",
    Emotion.SURPRISED: "bright_red",
}
"""The same for terminals with 16 colours, where the nearest ones would be three greys."""


class State(str, Enum):
    """What the program can honestly say at a moment or about an utterance.

    ``NO_SPEECH`` and ``LISTENING`` describe the stream. The others describe one
    utterance: only ``OK`` comes with an emotion, every other state leaves it empty.
    """

    NO_SPEECH = "no speech"
    """The stream carries no speech at present."""
    LISTENING = "listening"
    """An utterance is open."""
    NO_SIGNAL = "no signal"
    """The stream delivers only zeros: muted, or refused by the operating system."""
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
    """A sound that is no speech: noise, music, a laugh, a cough."""
    UNCERTAIN = "uncertain"
    """Classified, but no emotion is probable enough to be named."""

    def __str__(self) -> str:
        return self.value
