"""Breaking text into lines of terminal cells."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from ser_live.terminal.text import fold


@pytest.mark.parametrize(
    ("text", "width", "indent", "lines"),
    [
        ("", 10, 0, [""]),
        ("one two", 10, 0, ["one two"]),
        ("one two three", 8, 0, ["one two", "three"]),
        ("do: one two three", 8, 4, ["do: one", "    two", "    thre", "    e"]),
        ("  * 1 pulse", 8, 4, ["  * 1", "    puls", "    e"]),
        ("/a/very/long/path", 6, 0, ["/a/ver", "y/long", "/path"]),
        ("録音録音", 4, 0, ["録音", "録音"]),
    ],
)
def test_fold(text: str, width: int, indent: int, lines: list[str]) -> None:
    """Breaks at spaces, inside what is too long, indents what follows, and loses nothing."""
    folded = fold(text, width, indent=indent)
    assert folded == lines
    assert all(cell_len(line) <= width for line in folded)
    assert "".join("".join(folded).split()) == "".join(text.split())
