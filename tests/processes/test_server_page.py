"""The live page in a real browser with a fake microphone, and pages of others that want in."""

from __future__ import annotations

import http.server
import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from served import Served, essence, require_extra, serving
from server_here import hearing

import ser_live
from ser_live import FileSource, PushedSource, analyze, listen

require_extra()
from ser_live.server.stream_work import StreamWork  # noqa: E402  needs the extra

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")

CHROMIUM = shutil.which("chromium")
TIMEOUT_MS = 60_000
SWITCHES = [
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine: run scripts/install_debian.sh --test")
    with serving(tmp_path_factory.mktemp("page")) as found:
        yield found


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory, short_talk: Path) -> Path:
    """The talk with seconds of silence after it: the fake device repeats its last moment."""
    samples, rate = soundfile.read(short_talk)
    path = tmp_path_factory.mktemp("spoken") / "spoken.wav"
    soundfile.write(path, np.concatenate([samples, np.zeros(30 * rate)]), rate)
    return path


@pytest.fixture(scope="module")
def driver() -> Iterator[Any]:
    """What starts browsers."""
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine: run scripts/install_debian.sh --test")
    with playwright.sync_playwright() as run:
        yield run


@pytest.fixture(scope="module")
def browser(driver: Any, spoken: Path) -> Iterator[Any]:
    """One browser for all; a context has the microphone only where it is granted."""
    fed = f"--use-file-for-fake-audio-capture={spoken}%noloop"
    found = driver.chromium.launch(executable_path=CHROMIUM, args=[*SWITCHES, fed])
    yield found
    found.close()


def opened(context: Any, served: Served) -> tuple[Any, list[str]]:
    """The page by the printed address, and everything that went wrong in it."""
    page = context.new_page()
    page.set_default_timeout(TIMEOUT_MS)
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "console", lambda text: wrong.append(text.text) if text.type in ("error", "warning") else 0
    )
    page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith((served.base, "data:", "blob:"))
            else wrong.append(f"asked {request.url}")
        ),
    )
    page.goto(f"{served.base}/?token={served.token}")
    assert page.url == f"{served.base}/"
    return page, wrong


def test_the_page_shows_what_a_recording_of_the_same_gives(
    served: Served, browser: Any, short_talk: Path, tmp_path: Path
) -> None:
    """Spoken to the browser's microphone: the same utterances as the file, nothing wrong, no stain.

    The fake device plays at 44.1 kHz from another moment on, so the distances are compared, within
    0.15 s; what is saved is what was shown.
    """
    expected = analyze(short_talk).utterances
    context = browser.new_context(permissions=["microphone"])
    page, wrong = opened(context, served)
    page.keyboard.press("s")
    results = page.locator("#told li")
    results.nth(len(expected) - 1).wait_for()
    page.keyboard.press("m")
    page.locator("#told li", has_text="mark 1").wait_for()
    page.keyboard.press("n")
    page.keyboard.type("the cup fell \u2028")
    page.get_by_label("rated").select_option("2")
    page.get_by_role("button", name="Add note").click()
    page.locator("#told li", has_text="note (2 of 5): the cup fell").wait_for()
    page.get_by_role("button", name="Pause").click()
    page.locator("#status", has_text="Paused.").wait_for()
    page.get_by_role("button", name="Go on").click()
    page.locator("#told li", has_text="missing (paused)").wait_for()
    page.get_by_role("button", name="Stop").click()
    page.locator("#status", has_text="Not listening.").wait_for()
    with context.expect_page() as opening:
        page.get_by_role("button", name="Open report").click()
    told = opening.value
    told.get_by_text("the cup fell").first.wait_for()
    assert told.locator("h1").count() == 1
    assert told.evaluate("getComputedStyle(document.body).fontFamily") != "serif"
    told.close()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save records").click()
    download.value.save_as(tmp_path / "saved.jsonl")
    shown = [text for text in results.all_text_contents() if "–" in text][::-1]
    assert not page.locator("#notice").is_visible()
    _assert_accessible(page)
    assert wrong == []
    context.close()
    assert len(shown) == len(expected)
    saved = [json.loads(line) for line in (tmp_path / "saved.jsonl").read_text().splitlines()]
    finals = [record for record in saved if record.get("kind") == "final"]
    late_s = finals[0]["start_s"] - expected[0].start_s
    assert abs(late_s) < 1.0
    starts_s = [final["start_s"] - late_s for final in finals]
    assert starts_s == pytest.approx([u.start_s for u in expected], abs=0.15)
    started = next(record for record in saved if record["type"] == "stream_started")
    assert started["n_channels"] == 1
    for text, final in zip(shown, finals, strict=True):
        assert (final["emotion"] or "no emotion is sure") in text


def _assert_accessible(page: Any) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe")
    for scheme in ("light", "dark"):
        # Half faded is no contrast.
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found = axe.Axe().run(page).response["violations"]
        assert [v["id"] for v in found if v["impact"] in ("serious", "critical")] == []


def test_the_page_fits_every_width(served: Served, browser: Any) -> None:
    """Nothing is wider than the window, and every control is in it."""
    context = browser.new_context()
    page, wrong = opened(context, served)
    for width in (320, 768, 1600):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for button in page.get_by_role("button").all():
            box = button.bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
    assert wrong == []
    context.close()


def test_the_page_is_small() -> None:
    """All that a browser loads of it is at most 40 kB."""
    folder = Path(ser_live.__file__).parent / "server" / "page"
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 40_000


def test_a_microphone_that_is_refused_is_one_sentence(served: Served, browser: Any) -> None:
    """What to do stands in the notice, and the button says Start again."""
    context = browser.new_context()
    page, _ = opened(context, served)
    page.get_by_role("button", name="Start").click()
    page.locator("#notice", has_text="The microphone was refused: allow it").wait_for()
    assert page.get_by_role("button", name="Start").is_enabled()
    context.close()


def test_processing_that_stays_on_is_told(served: Served, browser: Any) -> None:
    """Where the browser keeps a filter on, the page says so.

    The answer of the browser is made up: none here keeps them on.
    """
    context = browser.new_context(permissions=["microphone"])
    context.add_init_script(
        "MediaStreamTrack.prototype.getSettings = () => ({ noiseSuppression: true });"
    )
    page, _ = opened(context, served)
    page.get_by_role("button", name="Start").click()
    page.locator("#notice", has_text="The browser keeps noise suppression on").wait_for()
    context.close()


def test_a_machine_without_a_microphone_is_one_sentence(served: Served, driver: Any) -> None:
    """A browser that is allowed to listen, and has nothing to listen with, says what to do."""
    found = driver.chromium.launch(executable_path=CHROMIUM, args=SWITCHES[:-1])
    page, _ = opened(found.new_context(permissions=["microphone"]), served)
    page.get_by_role("button", name="Start").click()
    page.locator("#notice", has_text="No microphone was found: plug one in").wait_for()
    found.close()


def test_a_microphone_in_use_is_one_sentence(served: Served, browser: Any) -> None:
    """The browser's error is made up: no other program can hold the fake device."""
    context = browser.new_context(permissions=["microphone"])
    context.add_init_script(
        "navigator.mediaDevices.getUserMedia = () => Promise.reject("
        "new DOMException('in use', 'NotReadableError'));"
    )
    page, _ = opened(context, served)
    page.get_by_role("button", name="Start").click()
    page.locator("#notice", has_text="in use by another program: close that").wait_for()
    context.close()


def test_what_the_page_shows_is_the_replay_of_what_it_sent(
    browser: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every record that it saves, bit for bit; the sound is kept by this test alone.

    Where a busy machine gave partial results up, and said so, the final ones are compared.

    The fake device gives 44.1 kHz whatever its file has, so it is the sound that the page sent
    which is replayed, at the rate that the page said.
    """
    sent: list[Any] = []
    put = StreamWork.put

    def noted(work: StreamWork, item: Any) -> None:
        if isinstance(item, np.ndarray):
            sent.append(item)
        put(work, item)

    monkeypatch.setattr(StreamWork, "put", noted)
    source = PushedSource("unused", 16_000, 1)
    with hearing(source) as here:
        context = browser.new_context(permissions=["microphone"])
        page, wrong = opened(context, here)
        page.keyboard.press("s")
        page.locator("#told li").nth(1).wait_for()
        page.get_by_role("button", name="Stop").click()
        page.locator("#status", has_text="Not listening.").wait_for()
        with page.expect_download() as download:
            page.get_by_role("button", name="Save records").click()
        download.value.save_as(tmp_path / "saved.jsonl")
        shown = page.locator("#told li").all_text_contents()[::-1]
        context.close()
        source.finish()
    assert wrong == []
    saved = [json.loads(line) for line in (tmp_path / "saved.jsonl").read_text().splitlines()]
    rate = next(record for record in saved if record["type"] == "stream_started")["sample_rate"]
    soundfile.write(tmp_path / "sent.wav", np.concatenate(sent), rate, subtype="FLOAT")
    with listen(FileSource(tmp_path / "sent.wav", speed=0)) as events:
        expected = [event.as_record() for event in events]
    types = {"state", "emotion", "stream_ended"}
    if any(record["type"] == "drop" for record in saved):  # partials that a busy machine gave up
        saved, expected = (
            [record for record in records if record.get("kind") != "partial"]
            for records in (saved, expected)
        )
    for records in (saved, expected):  # what to do about silence differs by where it comes from
        for record in records:
            record.pop("message", None)
    assert essence(saved, types=types) == essence(expected, types=types)
    finals = [record for record in expected if record.get("kind") == "final"]
    assert len(finals) >= 2
    for text, final in zip(shown, finals, strict=True):
        assert (final["emotion"] or "") in text


def test_the_servers_microphone_is_marked_and_noted_and_reported(
    browser: Any, short_talk: Path
) -> None:
    """A page that comes late is told how it began; what is noted on it reaches every listener."""
    samples, rate = soundfile.read(short_talk, dtype="int16")
    source = PushedSource("pushed", rate, 1, buffer_s=60)
    with hearing(source) as here:
        source.push(samples)
        context = browser.new_context()
        page, wrong = opened(context, here)
        page.get_by_label("the server’s microphone").check()
        page.keyboard.press("s")
        page.locator("#told li").first.wait_for()
        page.keyboard.press("m")
        page.locator("#told li", has_text="mark 1").wait_for()
        page.keyboard.press("n")
        page.keyboard.type("look here")
        page.keyboard.press("Enter")
        page.locator("#told li", has_text="note: look here").wait_for()
        with context.expect_page() as opening:
            page.get_by_role("button", name="Open report").click()
        opening.value.get_by_text("look here").first.wait_for(timeout=TIMEOUT_MS)
        assert wrong == []
        context.close()
        source.finish()


def test_the_overlay_shows_the_running_emotion_and_nothing_else(
    browser: Any, short_talk: Path, tmp_path: Path
) -> None:
    """Large, on nothing, by a token that works once and a cookie that opens only what it shows."""
    samples, rate = soundfile.read(short_talk, dtype="int16")
    source = PushedSource("pushed", rate, 1, buffer_s=60)
    with hearing(source) as here:
        address = f"{here.base}/overlay#{here.keys.overlay_once()}"
        context = browser.new_context(viewport={"width": 1280, "height": 400})
        page = context.new_page()
        page.set_default_timeout(TIMEOUT_MS)
        page.goto(address)
        source.push(samples)
        source.push(np.zeros(3 * rate, np.int16))
        page.locator("main:not(.unknown) #label", has_text="neutral").wait_for()
        assert page.url == f"{here.base}/overlay"
        assert page.locator("button, input, a").count() == 0
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == (
            "rgba(0, 0, 0, 0)"
        )
        assert page.locator("#label").bounding_box()["height"] > 80
        _assert_accessible(page)
        (cookie,) = context.cookies(f"{here.base}/v1/events")
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
        page.reload()
        page.locator("main:not(.unknown) #label", has_text="neutral").wait_for()
        asked = "path => fetch(path).then((answer) => answer.status)"
        for path in ("/", "/v1/models", "/v1/sessions", "/v1/analyze", "/metrics"):
            assert page.evaluate(asked, path) == 401, path
        noted = "fetch('/v1/events', { method: 'POST', body: '{\"type\":\"mark\"}' })"
        assert page.evaluate(f"{noted}.then((answer) => answer.status)") == 401
        context.close()
        other = browser.new_context()
        page = other.new_page()
        page.goto(address)
        page.get_by_text("this address is used up").wait_for(timeout=TIMEOUT_MS)
        other.close()
        source.finish()


def test_a_lost_connection_is_told(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    """When the server is gone, the page says so and when it tries again."""
    with serving(tmp_path_factory.mktemp("lost")) as served:
        context = browser.new_context(permissions=["microphone"])
        page, _ = opened(context, served)
        page.get_by_role("button", name="Start").click()
        page.locator("#status", has_text="Listening, with the model").wait_for()
        served.process.kill()
        page.locator("#status", has_text="The connection was lost").wait_for()
        context.close()


class _Foreign(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        """Print nothing."""


@contextmanager
def foreign_page(folder: Path) -> Iterator[str]:
    """A page on another port of this machine."""
    (folder / "index.html").write_text("<!doctype html><title>foreign</title>")
    handler = partial(_Foreign, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


ATTACK = """async ([base, token]) => {
  const socket = (path, protocols) => new Promise((resolve) => {
    const made = new WebSocket(base.replace("http", "ws") + path, protocols);
    made.onopen = () => resolve("open");
    made.onerror = () => resolve("refused");
  });
  const asked = async (path, options) => {
    try { return (await fetch(base + path, options)).status; } catch { return "refused"; }
  };
  const opaque = await fetch(base + "/v1/models", { mode: "no-cors", credentials: "include" })
    .then((answer) => answer.type, () => "refused");
  return [
    await socket("/v1/stream", ["ser-live.v1"]),
    await socket("/v1/stream", ["ser-live.v1", "bearer." + token]),
    await socket("/v1/events", []),
    await asked("/v1/models", { credentials: "include" }),
    await asked("/v1/models", { headers: { Authorization: "Bearer " + token } }),
    await asked("/v1/analyze", { method: "POST", body: "x", credentials: "include" }),
    opaque,
  ];
}"""


def test_a_page_on_another_port_gets_nothing(served: Served, browser: Any, tmp_path: Path) -> None:
    """With the visitor's cookie, and even with the token, its WebSockets and fetches fail."""
    with foreign_page(tmp_path) as address:
        context = browser.new_context()
        opened(context, served)
        page = context.new_page()
        page.goto(address)
        answers = page.evaluate(ATTACK, [served.base, served.token])
        context.close()
    assert answers[:6] == ["refused"] * 6
    assert answers[6] in ("opaque", "refused")  # nothing of an opaque answer can be read
