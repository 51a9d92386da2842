"""``--webhook``: a record for each occasion, as a JSON POST."""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from contextlib import suppress
from urllib.parse import SplitResult, urlsplit

from ser_live.bridges.occasions import Occasion, Occasions
from ser_live.bridges.running import told_record
from ser_live.errors import UsageError
from ser_live.events import Event
from ser_live.records.json_line import json_line
from ser_live.terminal.text import printable

LEAST_INTERVAL_S = 0.2
"""Least time from one record to the next."""

LIMIT_S = 5.0
"""Longest time that a try may take, from connecting to the answer."""

PAUSES_S = (0.5, 1.5)
"""Pauses before further tries; after the last one a record is given up."""

END_S = 3.0
"""Time for what waits when the session is over."""

USER_AGENT = "ser-live"


class WebhookBridge:
    """Posts each occasion to an address, which by default must be of this machine.

    Redirections are not followed and no proxy is used: data go where the address says, or
    nowhere. An answer of 200 to 299 is success; one of 400 to 499 but 408 and 429 is final.

    Parameters
    ----------
    url : str
        ``http://`` or ``https://``.
    allow_remote : bool
        Let it be another machine.
    act_on, pace : str
        As for `Occasions`.

    Raises
    ------
    UsageError
        The address does not fit.
    """

    name = "webhook bridge"
    tick_s: float | None = None

    def __init__(
        self,
        url: str,
        *,
        allow_remote: bool = False,
        act_on: str = "utterances",
        pace: str = "assistant",
    ) -> None:
        self._url = _checked(url, allow_remote)
        self._shown = printable(f"{self._url.scheme}://{self._url.netloc}")
        self._path = (self._url.path or "/") + (f"?{self._url.query}" if self._url.query else "")
        self._occasions = Occasions(act_on, pace)
        self._hurry = threading.Event()
        self._deadline_s = float("inf")
        """End of all tries, once the session is over."""
        self._last_s = -LEAST_INTERVAL_S
        self._n_sent = 0
        self._n_lost = 0
        self._cause = ""
        self._is_over = False

    @property
    def warning(self) -> str:
        safety = "" if self._url.scheme == "https" else ", unencrypted"
        return f"emotions leave this program as web requests to {self._shown}{safety}."

    @property
    def failure(self) -> str | None:
        if not self._n_lost:
            return None
        many = f"{self._n_lost} of {self._n_lost + self._n_sent} records"
        which = many if self._is_over else "some records"
        return f"the webhook bridge could not bring {which} to {self._shown} ({self._cause})."

    def wants(self, event: Event) -> bool:
        return self._occasions.wants(event)

    def hurry(self) -> None:
        self._deadline_s = time.monotonic() + END_S
        self._hurry.set()

    def open(self) -> None:
        """Nothing is to be begun: each record has a connection of its own."""

    def take(self, event: Event) -> None:
        for occasion in self._occasions.of(event):
            self._bring(occasion)

    def idle(self, now_s: float) -> None:
        """Nothing is due by the clock."""

    def close(self) -> None:
        self._is_over = True

    def _bring(self, occasion: Occasion) -> None:
        """Post a record, with tries anew where that may help."""
        body = json_line(told_record(occasion)).encode("utf-8")
        self._hurry.wait(max(0.0, self._last_s + LEAST_INTERVAL_S - time.monotonic()))
        for pause_s in (*PAUSES_S, None):
            self._last_s = time.monotonic()
            limit_s = min(LIMIT_S, self._deadline_s - self._last_s)
            if limit_s <= 0.0:
                self._cause = self._cause or "the session was over"
                break
            cause, is_final = self._post(body, limit_s)
            if cause is None:
                self._n_sent += 1
                return
            self._cause = cause
            if is_final or pause_s is None or self._hurry.is_set():
                break
            self._hurry.wait(pause_s)
        self._n_lost += 1

    def _post(self, body: bytes, limit_s: float) -> tuple[str | None, bool]:
        """Try once; what went wrong, and whether another try is useless."""
        connection = _connection(self._url, limit_s)
        # A server that answers a byte now and then would keep each single wait short.
        timer = threading.Timer(limit_s, _cut, [connection])
        timer.daemon = True
        timer.start()
        try:
            headers = {"Content-Type": "application/json", "User-Agent": USER_AGENT}
            connection.request("POST", self._path, body, headers)
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException, ValueError) as error:
            is_late = not timer.is_alive() or isinstance(error, TimeoutError)
            why = getattr(error, "strerror", None) or str(error) or type(error).__name__
            return (f"no answer within {limit_s:.1f} s" if is_late else str(why)), False
        finally:
            timer.cancel()
            connection.close()
        if 200 <= status < 300:
            return None, True
        is_final = 300 <= status < 500 and status not in (408, 429)
        return f"it answered {status}", is_final


def _connection(url: SplitResult, limit_s: float) -> http.client.HTTPConnection:
    host = url.hostname or ""
    if url.scheme == "https":
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(host, url.port, timeout=limit_s, context=context)
    return http.client.HTTPConnection(host, url.port, timeout=limit_s)


def _cut(connection: http.client.HTTPConnection) -> None:
    """End a connection from another thread than the one that waits for it."""
    with suppress(OSError, AttributeError):
        connection.sock.shutdown(socket.SHUT_RDWR)


def _checked(url: str, allow_remote: bool) -> SplitResult:
    shown = printable(url[:100])
    try:
        parts = urlsplit(url)
        port_fits = parts.port is None or parts.port > 0
    except ValueError:
        parts, port_fits = urlsplit(""), False
    is_plain = url.isascii() and url.isprintable() and " " not in url
    if parts.scheme not in ("http", "https") or not parts.hostname or not (port_fits and is_plain):
        raise UsageError(
            f"--webhook found '{shown}', but needs an address such as "
            "http://127.0.0.1:8000/emotion: correct it."
        )
    if parts.username is not None or parts.password is not None:
        raise UsageError(
            "--webhook found a name or a password in the address, but every user of this machine "
            "can read what programs are started with: leave it out."
        )
    if not allow_remote and not _is_of_this_machine(parts.hostname):
        raise UsageError(
            f"--webhook found '{printable(parts.hostname)}', which is not this machine, where what "
            "people feel would leave it: add --allow-remote if that is what you want."
        )
    return parts


def _is_of_this_machine(host: str) -> bool:
    """Whether a host is this machine whatever a name server says."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
