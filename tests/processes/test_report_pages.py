"""Report pages in a real browser: nothing fetched, nothing wrong, readable by everybody."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import WIDTHS_PX, chromium, visit
from long_session import long_session

from ser_live.events import EmotionResult, Kind
from ser_live.records.corrections import Correction, add_correction
from ser_live.records.log_reading import read_log
from ser_live.records.recorder import UtteranceRecorder, recording_name
from ser_live.report import comparison
from ser_live.report.page import Report, html
from ser_live.report.reading import read_session
from ser_live.report.texts import Texts

EVIL = '"><script>window.hacked=1</script></title></script><img src=x onerror=window.hacked=1>'
NAMES = f"{EVIL}\u202e\u2066gnitteg\0\x1b[2J{{{{7*7}}}}$x^2${'n' * 10_000}"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


def _hostile(tmp_path: Path) -> Path:
    """A session of 120 utterances with kept audio, in which every name is hostile."""
    import numpy as np

    log = long_session(tmp_path / "log.jsonl", 120, length_s=900.0)
    folder = tmp_path / "audio"
    recorder = UtteranceRecorder(folder)
    noise = np.random.default_rng(0).uniform(-0.01, 0.01, 16_000 * 8).astype(np.float32)
    records = [json.loads(line) for line in log.read_text().splitlines()]
    for record in records:
        for name in ("source", "role", "label"):
            if name in record:
                record[name] = NAMES
        if record["type"] == "session_started":
            record.update(speaker=NAMES, audio_folder=str(folder), model=NAMES, version=NAMES)
        if record.get("reasons"):
            record["reasons"][0].update(feature=NAMES, text=NAMES)
    stream = {"file": None, "stream": 1, "channel": None, "role": None}
    records += [
        {"type": "note", "stream": 1, "start_s": 100.0, "text": NAMES, "rating": 3},
        {"type": "mark", "start_s": 60.0, "label": NAMES, "source": "file", **stream},
        {"type": "notice", "sink": NAMES, "message": NAMES},
        {"type": "source_failed", "message": NAMES, "file": NAMES},
        {
            "type": "device_lost", "start_s": 70.0, "device": NAMES, "cause": "stalled",
            "message": NAMES, **stream,
        },
    ]  # fmt: skip
    log.write_text("".join(json.dumps(record) + "\n" for record in records))
    for label in ("sad", "calm"):
        given = Correction(stream=1, id=5, emotion=label, by=NAMES, at=NAMES)
        add_correction(log, given)
    for entry in read_log(log):
        if isinstance(entry, EmotionResult) and entry.kind is Kind.FINAL:
            n = entry.end_sample - entry.start_sample
            stem = recording_name(entry.stream, entry.id).rpartition("-u")[0]
            recorder.write(noise[:n], entry.id, stem)
    return log


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    report = Report.of(read_session(_hostile(folder)), Texts("en"))
    file = folder / "page.html"
    file.write_text(html(report, with_audio=True), encoding="utf-8")
    return file


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width_px", WIDTHS_PX)
def test_the_page_is_right_at_every_width(
    browser: Any, page: Path, width_px: int, scheme: str
) -> None:
    """No message, no request, nothing serious of axe, no scrolling sideways, no foreign script."""
    with visit(browser, page, width_px=width_px, scheme=scheme) as visited:
        visited.page.wait_for_load_state()
        assert visited.page.evaluate("window.hacked") is None
        assert visited.page.evaluate("document.scripts.length") == 1
        assert visited.page.evaluate("document.images.length") == 0
        assert not visited.is_too_wide()
        visited.page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
        assert visited.serious_findings() == []
        assert visited.messages == []
        assert visited.requests == []


def test_names_from_outside_are_text(browser: Any, page: Path) -> None:
    """What would turn the direction of writing or steer a terminal is gone, the rest is shown."""
    with visit(browser, page, javascript=True) as visited:
        text = visited.page.evaluate("document.body.innerText")
        assert '"><script>window.hacked=1' in text
        assert not {"\u202e", "\u2066", "\0", "\x1b"} & set(text)
        assert "{{7*7}}" in text


def test_the_page_is_complete_without_scripts(browser: Any, page: Path) -> None:
    """Charts, tables, sound and the download are there; what only a script does is hidden."""
    with visit(browser, page, javascript=False, width_px=768) as visited:
        body = visited.page.locator("body")
        assert visited.page.locator("svg.timeline rect.bar").count() > 50
        assert visited.page.locator("audio").count() >= 8
        assert visited.page.locator("#utterances tbody tr").count() == 120
        assert visited.page.locator(".tools").is_hidden()
        assert "How to read this" in (body.text_content() or "")
        # Names of 10 kB make it long enough to be packed.
        with visited.page.expect_download() as download:
            visited.page.locator("a[download]").click()
        packed = Path(download.value.path()).read_bytes()
        rows = gzip.decompress(packed).decode().splitlines()
        assert rows[0].startswith("session_s,type,id")
        assert len(rows) == 121
        assert visited.messages == []
        assert visited.requests == []


def test_the_script_filters_zooms_and_reads(browser: Any, page: Path) -> None:
    """A label alone, a closer look, and the words of the bar under the pointer."""
    with visit(browser, page) as visited:
        visited.page.locator("[data-filter]").nth(1).click()
        n_lanes = visited.page.locator("g.lanes").count()
        assert visited.page.locator("g.lanes.dim").count() == n_lanes - 1
        visited.page.locator("[data-filter=all]").click()
        assert visited.page.locator("g.lanes.dim").count() == 0
        visited.page.locator("svg.timeline rect.bar").first.hover()
        assert visited.page.locator(".readout").text_content().startswith("0:")
        for _ in range(2):
            visited.page.locator("[data-zoom=in]").click()
        assert visited.page.locator("svg.timeline").get_attribute("width") == "400%"
        visited.page.locator("a[href='#data']").first.focus()
        visited.page.keyboard.press("Enter")
        assert visited.page.url.endswith("#data")


def test_kept_sound_can_be_played(browser: Any, page: Path) -> None:
    """The browser decodes what the page holds: its length is that of the moment."""
    with visit(browser, page) as visited:
        length_s = visited.page.evaluate(
            """() => new Promise((done, failed) => {
                const sound = document.querySelector("audio");
                sound.onloadedmetadata = () => done(sound.duration);
                sound.onerror = () => failed(sound.error.message);
                sound.load(); sound.preload = "auto";
            })"""
        )
        assert 1.0 < length_s < 8.0
        assert visited.requests == []
        assert visited.messages == []


def test_the_page_prints(browser: Any, page: Path, tmp_path: Path) -> None:
    """On A4, nothing wider than the paper, in light colours also where the screen is dark."""
    with visit(browser, page, width_px=794, scheme="dark") as visited:
        visited.page.emulate_media(media="print")
        assert visited.page.evaluate("getComputedStyle(document.body).backgroundColor") == (
            "rgb(255, 255, 255)"
        )
        assert not visited.is_too_wide()
        visited.page.pdf(path=tmp_path / "page.pdf", format="A4")
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF-")


def test_sessions_side_by_side_are_right_too(browser: Any, tmp_path: Path) -> None:
    """The page of a comparison, in another language, on a phone in the dark."""
    logs = [long_session(tmp_path / f"{n}.jsonl", 80, length_s=600.0, seed=n) for n in (1, 2)]
    reports = [Report.of(read_session(log), Texts("de")) for log in logs]
    file = tmp_path / "both.html"
    file.write_text(comparison.html(reports), encoding="utf-8")
    with visit(browser, file, width_px=360, scheme="dark") as visited:
        assert visited.serious_findings() == []
        assert not visited.is_too_wide()
        assert (visited.messages, visited.requests) == ([], [])


def test_a_label_differs_without_colour(browser: Any, page: Path) -> None:
    """Each label of the table of shares has a pattern of its own beside its colour."""
    with visit(browser, page) as visited:
        found = visited.page.evaluate(
            """() => [...document.querySelectorAll("#shares .swatch")].map(
                (s) => [...s.querySelectorAll("rect")].map((r) => r.getAttribute("fill")).join())"""
        )
        assert len(found) == len(set(found)) == 8
