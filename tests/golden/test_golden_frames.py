"""Pictures of the dashboard against those that are stored."""

from __future__ import annotations

import re

import pytest
from golden_frames import FOLDER, SIZES, frames
from rich.cells import cell_len

FRAMES = dict(frames())


@pytest.mark.parametrize("name", FRAMES)
def test_a_picture_is_the_one_that_is_stored(name: str) -> None:
    """``python tests/support/golden_frames.py`` stores another one that was looked at."""
    stored = (FOLDER / name).read_text(encoding="utf-8")
    assert FRAMES[name] == stored


def test_every_stored_picture_is_drawn() -> None:
    """None is left over."""
    assert {path.name for path in FOLDER.iterdir()} == set(FRAMES)


@pytest.mark.parametrize("size", SIZES)
def test_a_stored_picture_fits_its_window(size: tuple[int, int]) -> None:
    """Rows and cells are those of its name."""
    lines = FRAMES[f"{size[0]}x{size[1]}.txt"].split("\n")[:-1]
    assert len(lines) == size[1]
    assert max(cell_len(line) for line in lines) <= size[0]


def test_nothing_is_called_certain() -> None:
    """No picture says 100 %."""
    assert not any("100 %" in content for content in FRAMES.values())


def test_without_colour_only_weights_are_sent() -> None:
    """No code of a colour is in the picture, and all of its words are."""
    sent = FRAMES["80x24-mono.ansi"]
    styles = set(re.findall(r"\^\[([\d;]*)m", sent))
    codes = {code for style in styles for code in style.split(";")}
    assert codes <= {"", "0", "1", "2", "7"}  # none, bold, dim, reverse
    assert "happy" in sent
