"""Colours that stand out from their background and from each other, for everybody's eyes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from ser_live.emotions import LABELS
from ser_live.terminal.block_letters import block_rows
from ser_live.terminal.themes import DARK, LIGHT, THEMES, Theme, theme_of

# Machado, Oliveira & Fernandes (2009), severity 1.0.
SIGHT = {
    "usual": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
Array = NDArray[np.float64]


def linear(color: str) -> Array:
    values = np.array([int(color[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def contrast(color: str, other: str) -> float:
    """Contrast of WCAG 2: 1 for none to 21."""
    weights = np.array([0.2126, 0.7152, 0.0722])
    low, high = sorted(float(linear(c) @ weights) + 0.05 for c in (color, other))
    return high / low


def lab(rgb: Array) -> Array:
    """CIELAB of linear RGB, white of D65."""
    to_xyz = np.array(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ]
    )
    t = to_xyz @ np.clip(rgb, 0, 1) / np.array([0.95047, 1.0, 1.08883])
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize(("theme", "background"), [(DARK, "#181b21"), (LIGHT, "#ffffff")])
def test_every_colour_stands_out_from_its_background(theme: Theme, background: str) -> None:
    """At least the contrast that WCAG asks of large text and graphics."""
    found = {label: contrast(theme.colors[label], background) for label in LABELS}
    assert min(found.values()) >= 3.0, found


@pytest.mark.parametrize("theme", [DARK, LIGHT])
@pytest.mark.parametrize("sight", SIGHT)
def test_emotions_differ_for_people_who_are_colour_blind(theme: Theme, sight: str) -> None:
    """Every two are several times a just noticeable difference (2.3) apart."""
    seen = {label: lab(SIGHT[sight] @ linear(theme.colors[label])) for label in LABELS}
    apart = {
        (a, b): float(np.linalg.norm(seen[a] - seen[b])) for a, b in itertools.combinations(seen, 2)
    }
    closest = min(apart, key=lambda pair: apart[pair])
    assert apart[closest] >= 10.0, (closest, apart[closest])


def test_auto_goes_by_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The background that the terminal names decides; without one it is dark."""
    for value, theme in (("15;0", DARK), ("0;15", LIGHT), ("0;default;15", LIGHT), ("", DARK)):
        monkeypatch.setenv("COLORFGBG", value)
        assert theme_of("auto") is theme
        assert theme_of("dark") is DARK
    assert all(theme_of(name).color("my own", ("my own", "x"), few_colors=False) for name in THEMES)


def test_letters_are_drawn_as_large_as_they_fit() -> None:
    """Rows are of one width, never too wide or too many; what has no letter has no rows."""
    for width, n_rows, expected in ((20, 3, 3), (39, 5, 5), (200, 10, 10), (200, 4, 3)):
        rows = block_rows("happy", width, n_rows)
        assert len(rows) == expected
        assert len({len(row) for row in rows}) == 1
        assert len(rows[0]) <= width
    assert block_rows("happy", 10, 3) == ()
    assert block_rows("happy", 80, 2) == ()
    assert block_rows("fröhlich", 80, 3) == ()
    assert block_rows("", 80, 3) == ()


@pytest.mark.parametrize("label", [*LABELS, "too short", "uncertain", "not speech", "too noisy"])
def test_every_verdict_has_large_letters_at_80_columns(label: str) -> None:
    """39 cells are what the left column has there."""
    assert len(block_rows(label, 39, 3)) == 3
