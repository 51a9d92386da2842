"""Colours of the dashboard for dark and for light terminals.

The eight emotions have colours near those of Okabe and Ito (2008), with grey for black; they were
moved until each two are as far apart as can be for people with and without each kind of colour
blindness, and each stands out from its background. Words always say the same. `auto` goes by the
variable ``COLORFGBG``, which many terminals set.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ser_live.emotions import ANSI_COLORS, ANSI_PALETTE, Emotion, color_of

THEMES = ("auto", "dark", "light", "classic", "mono")
"""Names of the themes: by the terminal, for a dark and a light one, the colours of earlier
programs, and none."""

_ORDER = (
    Emotion.NEUTRAL,
    Emotion.CALM,
    Emotion.HAPPY,
    Emotion.SAD,
    Emotion.ANGRY,
    Emotion.FEARFUL,
    Emotion.DISGUST,
    Emotion.SURPRISED,
)


@dataclass(frozen=True)
class Theme:
    """Colours of one kind of terminal."""

    name: str
    colors: Mapping[str, str]
    """Colour of each known emotion, 24-bit hex."""
    palette: tuple[str, ...]
    """Colours of other labels, by their position."""
    ansi_colors: Mapping[str, str]
    """The same for terminals with 16 colours."""
    faint: str
    """Style of lines that only guide the eye."""
    warn: str
    meter: str
    curve: str

    def color(self, label: str, labels: Sequence[str], *, few_colors: bool) -> str:
        """Colour of one of a model's labels: its own if it is known, else by its position."""
        known = self.ansi_colors if few_colors else self.colors
        if label in known:
            return known[label]
        if few_colors:
            return ANSI_PALETTE[labels.index(label) % len(ANSI_PALETTE) if label in labels else 0]
        return self.palette[labels.index(label) % len(self.palette) if label in labels else 0]


def _theme(name: str, colors: Sequence[str], **styles: str) -> Theme:
    return Theme(
        name=name,
        colors=dict(zip(_ORDER, colors, strict=True)),
        palette=tuple(colors),
        ansi_colors=ANSI_COLORS if name != "light" else {**ANSI_COLORS, **_ANSI_ON_LIGHT},
        **styles,
    )


_ANSI_ON_LIGHT: dict[str, str] = {Emotion.NEUTRAL: "bright_black"}
"""White could not be seen."""

DARK = _theme(
    "dark",
    ("#adadad", "#58dfff", "#fdff26", "#126cc6", "#cb3c22", "#a5538f", "#0eac5b", "#ec9e1d"),
    faint="dim bright_black",
    warn="bold yellow",
    meter="green",
    curve="cyan",
)
LIGHT = _theme(
    "light",
    ("#414141", "#237db4", "#6e8409", "#314267", "#ed411b", "#a9587e", "#407a44", "#b88446"),
    faint="bright_black",
    warn="bold red",
    meter="green",
    curve="blue",
)
CLASSIC = Theme(
    name="classic",
    colors={label: color_of(label, _ORDER) for label in _ORDER},
    palette=DARK.palette,
    ansi_colors=ANSI_COLORS,
    faint="dim bright_black",
    warn="bold yellow",
    meter="green",
    curve="cyan",
)


def theme_of(name: str) -> Theme:
    """The theme that a name of `THEMES` means on this terminal; ``mono`` has the marks of dark."""
    if name == "light" or (name == "auto" and _is_light()):
        return LIGHT
    return CLASSIC if name == "classic" else DARK


def _is_light() -> bool:
    """Whether the terminal says that it is light: ``COLORFGBG`` ends in its background."""
    background = os.environ.get("COLORFGBG", "").rpartition(";")[2]
    return background in ("7", "9", "10", "11", "12", "13", "14", "15")
