"""Colours of labels on pages: those of `emotions`, fitted to a light and a dark page.

Nothing hangs on colour alone. A label also has its lane, its pattern and its letters.
"""

from __future__ import annotations

from collections.abc import Sequence

from ser_live.emotions import color_of

LIGHT, DARK = "#ffffff", "#1b2128"
"""Grounds that charts stand on, as in the stylesheet."""

MIN_CONTRAST = 3.0
"""Contrast of a drawing with its ground (WCAG 2.2, 1.4.11); texts have 4.5 and more."""

N_PATTERNS = 8
"""Patterns that tell labels apart without colour; more labels take them again."""

_STEP = 0.04


def luminance(color: str) -> float:
    """Relative luminance of a colour ``#rrggbb``, 0 to 1 (WCAG 2.2)."""
    channels = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast of two colours, 1 to 21 (WCAG 2.2)."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def fitted(color: str, ground: str, least: float = MIN_CONTRAST) -> str:
    """`color`, made darker or lighter until it stands out from `ground`."""
    toward = 0 if luminance(ground) > 0.5 else 255
    share = 0.0
    found = color
    while contrast(found, ground) < least and share < 1.0:
        share += _STEP
        found = _mixed(color, toward, min(share, 1.0))
    return found


def _mixed(color: str, toward: int, share: float) -> str:
    channels = [int(color[place : place + 2], 16) for place in (1, 3, 5)]
    return "#" + "".join(f"{round(c + (toward - c) * share):02x}" for c in channels)


def label_style(labels: Sequence[str]) -> str:
    """Stylesheet with a class for each label: ``e0`` for the first of them, and so on."""
    light = [fitted(color_of(label, labels), LIGHT) for label in labels]
    dark = [fitted(color_of(label, labels), DARK) for label in labels]
    return (
        "".join(f".e{n}{{--c:{color}}}" for n, color in enumerate(light))
        + "@media screen and (prefers-color-scheme:dark){"
        + "".join(f".e{n}{{--c:{color}}}" for n, color in enumerate(dark))
        + "}"
    )


def letters(labels: Sequence[str]) -> list[str]:
    """The shortest beginnings by which labels differ, one to three letters: ``N C H Sa A``."""
    found = []
    for label in labels:
        others = [other.lower() for other in labels if other != label]
        n = next(
            (n for n in (1, 2, 3) if not any(o.startswith(label[:n].lower()) for o in others)), 3
        )
        found.append(label[:1].upper() + label[1:n])
    return found
