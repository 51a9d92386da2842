"""The moving picture in README is of a real session on a real terminal."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from places import SCRIPTS

pytest.importorskip("pyte")
pytest.importorskip("fcntl")
sys.path.insert(0, str(SCRIPTS))

from make_picture import BACKGROUND, Style, picture

PLAIN = Style("#ffffff", BACKGROUND, False)


def test_a_session_is_drawn_as_it_ran(tmp_path: Path) -> None:
    """The screen of the demo, and nothing from the net."""
    target = tmp_path / "demo.svg"
    words = ["--output", str(target), "--", "demo", "--speed", "8", "--no-log"]
    script = SCRIPTS / "make_picture.py"
    subprocess.run([sys.executable, script, *words], check=True, stdout=subprocess.DEVNULL)
    svg = target.read_text("utf-8")
    ET.fromstring(svg)  # noqa: S314  our own
    assert re.findall(r"https?://[^\"]+", svg) == ["http://www.w3.org/2000/svg"]
    assert "asked for surprised" in svg
    assert "prefers-reduced-motion" in svg


def test_a_row_that_stays_is_in_it_once() -> None:
    """Rows appear and go at the times of their frames; one that comes again is not drawn again."""
    stays, first, second = (((0, word, PLAIN),) for word in ("stays", "first & <1>", "second"))
    shown = [(2.0, (stays, first)), (3.0, (stays, second)), (4.0, (stays, first))]
    svg = picture(shown, 20, 2)
    assert [svg.count(f">{word}<") for word in ("stays", "second")] == [1, 1]
    assert svg.count("first &amp; &lt;1&gt;") == 1
    # 2 s of frames and 3 s of rest: a fifth of the time each.
    assert "0.00%{visibility:hidden}20.00%{visibility:visible}40.00%{visibility:hidden}" in svg
    assert "0.00%{visibility:visible}20.00%{visibility:hidden}40.00%{visibility:visible}" in svg
    hidden = re.findall(r'class="k\d+ h">.*?>(\w+)<', svg)
    assert hidden == ["second"]
