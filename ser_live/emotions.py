"""The eight emotions that this program knows, and what holds for the labels of any model.

Which labels a model tells apart stands in its card. The eight are those of the models that
come with the program; any other label is a word that somebody chose.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum


class Emotion(str, Enum):
    """The eight emotions of RAVDESS, in the order of the models that come with the program."""

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
"""The eight in their order."""

LABELS: tuple[str, ...] = tuple(emotion.value for emotion in EMOTIONS)

COLORS: dict[str, str] = {
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

ANSI_COLORS: dict[str, str] = {
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

PALETTE = (
    "#e69f00",
    "#56b4e9",
    "#009e73",
    "#f0e442",
    "#0072b2",
    "#d55e00",
    "#cc79a7",
    "#999999",
)
"""Colours of other labels by their position: those of Okabe and Ito (2008), which people who are
colour-blind tell apart too, with grey for black."""

ANSI_PALETTE = (
    "yellow",
    "bright_blue",
    "green",
    "bright_yellow",
    "blue",
    "red",
    "magenta",
    "white",
)
"""The same for terminals with 16 colours."""

COORDINATES: dict[str, tuple[float, float]] = {
    Emotion.NEUTRAL: (0.0, 0.0),
    Emotion.CALM: (0.3, -0.5),
    Emotion.HAPPY: (0.8, 0.5),
    Emotion.SAD: (-0.6, -0.3),
    Emotion.ANGRY: (-0.5, 0.6),
    Emotion.FEARFUL: (-0.6, 0.6),
    Emotion.DISGUST: (-0.6, 0.4),
    Emotion.SURPRISED: (0.4, 0.7),
}
"""Valence and arousal of each emotion, -1 to +1: a convention of this project.

The six full emotions are the mean ratings of these words by Russell & Mehrabian (1977,
J. Research in Personality 11, 273-294), rounded to 0.1. Neutral is the origin by
definition. Calm is this project's own choice: the calm of RAVDESS is a second, slightly
pleasant baseline (Livingstone & Russo 2018), not the contentment the word may mean.
"""

MIN_LABELS, MAX_LABELS = 2, 32
"""Number of labels that a model may tell apart."""
MAX_LABEL = 40
"""Longest label, in characters."""


def is_label(text: object) -> bool:
    """Whether a text may be a label: 1 to 40 printable characters, no space at either end.

    Control characters, line ends and those that turn the direction of writing are not printable.
    """
    return (
        isinstance(text, str)
        and 0 < len(text) <= MAX_LABEL
        and text.isprintable()
        and text == text.strip()
    )


def are_labels(texts: Sequence[object]) -> bool:
    """Whether these are 2 to 32 distinct labels."""
    return (
        MIN_LABELS <= len(texts) <= MAX_LABELS
        and all(is_label(text) for text in texts)
        and len(set(texts)) == len(texts)
    )


def color_of(label: str, labels: Sequence[str], *, few_colors: bool = False) -> str:
    """Display colour of one of a model's labels: its own if it is known, else by its position."""
    known, palette = (ANSI_COLORS, ANSI_PALETTE) if few_colors else (COLORS, PALETTE)
    if label in known:
        return known[label]
    return palette[labels.index(label) % len(palette) if label in labels else 0]
