"""The one label set and its one order."""

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
