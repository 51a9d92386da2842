"""``--webhook``: a real server of this machine that answers well, badly, slowly or never."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import told_events as made

from ser_live.bridges import webhook as module
from ser_live.bridges.bridge import BridgeThread
from ser_live.bridges.webhook import WebhookBridge
from ser_live.errors import UsageError


class Hook(ThreadingHTTPServer):
    """Notes what is posted, and answers with the codes given, the last one for ever."""

    daemon_threads = True

    def __init__(self, *codes: int) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.codes = list(codes)
        self.got: list[tuple[str, dict[str, Any], Any]] = []
        self.url = f"http://127.0.0.1:{self.server_port}/mood?room=1"


class Answer(BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, dict(self.headers), json.loads(body)))
        code = self.server.codes.pop(0) if len(self.server.codes) > 1 else self.server.codes[0]
        self.send_response(code)
        if 300 <= code < 400:
            self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hooks() -> Iterator[list[Hook]]:
    started: list[Hook] = []
    yield started
    for hook in started:
        hook.shutdown()
        hook.server_close()


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSES_S", (0.05, 0.05))
    monkeypatch.setattr(module, "LEAST_INTERVAL_S", 0.0)


def hook_of(hooks: list[Hook], *codes: int) -> Hook:
    hook = Hook(*codes)
    threading.Thread(target=hook.serve_forever, args=(0.05,), daemon=True).start()
    hooks.append(hook)
    return hook


def test_the_record_of_the_log_is_posted(hooks: list[Hook]) -> None:
    """One request: path and query as given, JSON, no proxy from the environment."""
    hook = hook_of(hooks, 204)
    bridge = WebhookBridge(hook.url)
    told = made.result(2, "calm", 1.0, 3.0)
    bridge.take(told)
    ((path, headers, record),) = hook.got
    assert path == "/mood?room=1"
    assert headers["Content-Type"] == "application/json"
    assert record == json.loads(json.dumps(told.as_record(), default=str))
    assert bridge.failure is None


def test_no_proxy_is_asked(hooks: list[Hook], monkeypatch: pytest.MonkeyPatch) -> None:
    """What is for this machine stays here, whatever variables say."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    hook = hook_of(hooks, 200)
    WebhookBridge(hook.url).take(made.result(1, "calm", 1.0, 3.0))
    assert len(hook.got) == 1


@pytest.mark.parametrize(
    ("codes", "n_tries", "is_lost"),
    [
        ((503, 503, 200), 3, False),
        ((429, 200), 2, False),
        ((500,), 3, True),
        ((404,), 1, True),
        ((302, 200), 1, True),
    ],
)
def test_tries_are_bounded(
    hooks: list[Hook], codes: tuple[int, ...], n_tries: int, is_lost: bool
) -> None:
    """A server in trouble is tried thrice; a refusal and a redirection are final."""
    hook = hook_of(hooks, *codes)
    bridge = WebhookBridge(hook.url)
    bridge.take(made.result(1, "calm", 1.0, 3.0))
    assert len(hook.got) == n_tries
    assert {path for path, _, _ in hook.got} == {"/mood?room=1"}
    assert (bridge.failure is not None) == is_lost
    if is_lost:
        bridge.close()
        assert f"could not bring 1 of 1 records to http://127.0.0.1:{hook.server_port}" in str(
            bridge.failure
        )
        assert f"it answered {codes[0]}" in str(bridge.failure)


def test_nobody_there_is_counted_and_said() -> None:
    """The session goes on; the first time without a number."""
    bridge = WebhookBridge(f"http://127.0.0.1:{made.free_port()}/")
    for number in (1, 2):
        bridge.take(made.result(number, "calm", 1.0, 3.0))
    assert "some records" in str(bridge.failure)
    bridge.close()
    assert "2 of 2 records" in str(bridge.failure)


@pytest.mark.parametrize("drips", [False, True])
def test_a_server_that_never_ends_its_answer_holds_nobody_up(
    drips: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Silence, and a byte now and then: a try ends in time, and so does the session."""
    monkeypatch.setattr(module, "LIMIT_S", 0.5)
    monkeypatch.setattr(module, "END_S", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        over = threading.Event()

        def answer() -> None:
            kept = []
            server.settimeout(0.1)
            while not over.is_set():
                with suppress(TimeoutError):
                    kept.append(server.accept()[0])
                for connection in kept if drips else ():
                    with suppress(OSError):
                        connection.sendall(b"H")
            for connection in kept:
                connection.close()

        answering = threading.Thread(target=answer)
        answering.start()
        thread = BridgeThread(WebhookBridge(f"http://127.0.0.1:{server.getsockname()[1]}/"))
        thread.open()
        began_s = time.monotonic()
        for number in range(20):
            thread.take(made.result(number, "calm", 1.0, 3.0))
        assert time.monotonic() - began_s < 0.2
        thread.close()
        assert time.monotonic() - began_s < 4.0
        over.set()
        answering.join()
    assert "20 of 20 records" in str(thread.failure)


@pytest.mark.parametrize(
    "url",
    [
        *("", "127.0.0.1:80", "ftp://127.0.0.1/", "file:///etc/passwd", "http://", "http://:80/"),
        *("http://127.0.0.1:0/", "http://127.0.0.1:99999/", "http://127.0.0.1/a b", "http://[::1/"),
        *("http://127.0.0.1/\r\nX: y", "http://user:secret@127.0.0.1/", "http://127.0.0.1/ä"),
    ],
)
def test_an_address_that_does_not_fit_is_one_sentence(url: str) -> None:
    """No password stays in it, nor in the sentence."""
    with pytest.raises(UsageError, match=r"^--webhook found .*\.$") as caught:
        WebhookBridge(url, allow_remote=True)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "host",
    [
        "example.com",
        "192.168.1.2",
        "0.0.0.0",  # noqa: S104
        "localhost.example.com",
        "[fe80::1]",
        "127.1.evil.org",
    ],
)
def test_another_machine_needs_a_word_more(host: str) -> None:
    """Only loopback is taken as it is."""
    with pytest.raises(UsageError, match="--allow-remote"):
        WebhookBridge(f"http://{host}/")
    WebhookBridge(f"https://{host}/", allow_remote=True)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.9.9.9"])
def test_this_machine_needs_none(host: str) -> None:
    """In each of its spellings."""
    bridge = WebhookBridge(f"http://{host}:8000/")
    assert f"http://{host}:8000, unencrypted." in bridge.warning
