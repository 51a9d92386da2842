"""Trend and letter as pages: whole in one file, harmless with any name, readable by all."""

from __future__ import annotations

import random
import re
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from browser import WIDTHS_PX, chromium, visit
from made_history import write_days

from ser_live.history.days import voice_days
from ser_live.history.index import HistoryIndex
from ser_live.history.letter import letter_of, letter_page, month_of
from ser_live.history.notes import Note
from ser_live.history.page import trend_page
from ser_live.history.refreshing import refresh
from ser_live.history.trend import Trend, make_trend

START = datetime(2026, 1, 5, 20, 0, tzinfo=timezone(timedelta(hours=1)))
HOSTILE = '"><script>alert(1)</script>\u202e\0 ' + "x" * 10_000


@pytest.fixture
def trend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trend:
    """Three months with a change, a gap, another microphone with a hostile name, and ratings."""
    return made(tmp_path, monkeypatch, HOSTILE)


def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> Trend:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = tmp_path / "state" / "ser-live" / "sessions"
    rng = random.Random(4)
    level = [rng.gauss(0, 0.1) for _ in range(100)]
    write_days(
        folder, START, 44, lambda n: level[n] + (0.4 if n >= 22 else 0), speaker=name, source="mic"
    )
    write_days(folder, START + timedelta(days=50), 30, lambda n: level[n], speaker=name,
               source=name)  # fmt: skip
    write_days(folder, START + timedelta(days=82), 2, lambda n: 0.1, speaker=name, source="mic",
               n_utterances=2)  # fmt: skip
    notes = [
        Note(at=START + timedelta(days=n), text=name, rating=1 + n % 5, tags=(name,))
        for n in range(40)
    ]
    with HistoryIndex() as index:
        refresh(index)
        found = voice_days(index.database, _stored(name))
        letter = letter_of(index.database, _stored(name), notes, month_of("2026-01"))
    (tmp_path / "letter.html").write_text(letter_page(letter), encoding="utf-8")
    return make_trend(found, _stored(name), notes)


def _stored(name: str) -> str:
    return name.encode("utf-8", "replace").decode()


def test_a_page_says_what_the_trend_does(trend: Trend) -> None:
    """The change, each week and each day stand in it as text; it is small, and asks for nothing."""
    page = trend_page(trend)
    assert len(page) < 300_000
    valence = trend.series[0].measures[0]
    assert valence.change_days is not None
    first, last = valence.change_days
    assert f"between {first} and {last}" in page
    for series in trend.series:
        for day in series.days:
            assert f'<th scope="row">{day.day}</th>' in page
    assert page.count('class="day hollow"') == 2 * 2  # two days, two measures
    assert "src=" not in page
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")


def test_names_from_outside_are_text(trend: Trend, tmp_path: Path) -> None:
    """Speaker, microphone, note and tag: escaped, cut off, and without signs that turn a line."""
    for page in (trend_page(trend), (tmp_path / "letter.html").read_text(encoding="utf-8")):
        assert "<script" not in page
        assert "&lt;script&gt;" in page
        assert not re.search("[\0\u202e]", page)
        assert "x" * 1000 not in page


def test_pages_are_readable_by_all(trend: Trend, tmp_path: Path) -> None:
    """Three widths, light and dark: no message, request or serious finding, not too wide."""
    file = tmp_path / "trend.html"
    file.write_text(trend_page(trend), encoding="utf-8")
    with chromium() as browser:
        for width_px, scheme in zip(WIDTHS_PX, ("dark", "light", "dark"), strict=True):
            for page in (file, tmp_path / "letter.html"):
                with visit(browser, page, width_px=width_px, scheme=scheme) as visited:
                    assert visited.messages == []
                    assert visited.requests == []
                    assert visited.serious_findings() == []
                    assert not visited.is_too_wide()
