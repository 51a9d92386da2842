"""MQTT: the running emotion and each utterance for a broker, found by Home Assistant itself."""

from __future__ import annotations

import os
import secrets
import ssl
import sys
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from ser_live.bridges.bridge import require
from ser_live.bridges.home_assistant import discovery, machine
from ser_live.bridges.running import Running, told_record
from ser_live.errors import UsageError
from ser_live.events import (
    AffectState,
    EmotionResult,
    Event,
    Kind,
    QueueDepth,
    SessionStarted,
)
from ser_live.records.json_line import json_line
from ser_live.terminal.text import printable

STEP = 0.02
"""Least change of a number that is worth a message."""

NEWS_S = 20.0
"""Longest time without a message: entities expire without news."""

KEEPALIVE_S = 15
"""After one and a half times as long a silence the broker gives the last will."""

RETRY_S = (1, 30)
"""Shortest and longest pause between two tries to reach a broker."""

END_S = 2.0
"""Time for the last message, and for ending the connection."""

MAX_PASSWORD_BYTES = 4096


class MqttBridge:
    """Publishes to a broker, which may be away at the start or meanwhile.

    Parameters
    ----------
    url : str
        ``mqtt://HOST`` or ``mqtts://HOST``, with a user and a port where needed.
    password_file : Path, optional
        File with the user's password in its first line, for its owner only.
    ca_file : Path, optional
        Certificates that the broker's is checked by, instead of the system's.
    pace : str
        As for `EmotionState`.

    Raises
    ------
    UsageError
        The address or a file does not fit.
    MissingExtraError
        paho-mqtt is not installed.
    """

    name = "MQTT bridge"
    tick_s: float | None = 1.0

    def __init__(
        self,
        url: str,
        *,
        password_file: Path | None = None,
        ca_file: Path | None = None,
        pace: str = "assistant",
    ) -> None:
        require("paho", "mqtt", "--mqtt")
        self._url = _checked(url)
        self._shown = printable(self._url.netloc)
        self._is_safe = self._url.scheme == "mqtts"
        self._machine = machine()
        self._base = f"ser-live/{self._machine}"
        self._running = Running(pace)
        self._labels: tuple[str, ...] = ()
        self._told: dict[str, Any] = {}
        self._told_s = -NEWS_S
        self._is_over = False
        self._n_brought = 0
        self._n_lost = 0
        self._cause = ""
        """Why there is no connection, or was none."""
        self._client = self._made(password_file, ca_file)

    @property
    def warning(self) -> str:
        safety = "" if self._is_safe else ", unencrypted"
        return (
            f"emotions leave this program by MQTT for the broker {self._shown}{safety}: whoever "
            "may read there can read them."
        )

    @property
    def failure(self) -> str | None:
        if not self._cause:
            return None
        if not self._is_over:
            return (
                f"the MQTT bridge has no connection to {self._shown} ({self._cause}) and goes on "
                "trying."
            )
        many = f"{self._n_lost} of {self._n_lost + self._n_brought} utterances were not brought"
        return f"the MQTT bridge was without {self._shown} for a time ({self._cause}): {many}."

    def wants(self, event: Event) -> bool:
        return not isinstance(event, QueueDepth)

    def hurry(self) -> None:
        """Nothing is waited for."""

    def open(self) -> None:
        """Nothing is to be begun: the entities need the labels of the model."""

    def take(self, event: Event) -> None:
        if isinstance(event, SessionStarted):
            self._labels = event.labels
            self._client.connect_async(
                self._url.hostname, self._url.port or _usual_port(self._url), KEEPALIVE_S
            )
            self._client.loop_start()
        self._running.take(event)
        if isinstance(event, EmotionResult) and event.kind is Kind.FINAL:
            if self._client.is_connected():
                self._publish("utterance", json_line(told_record(event)), qos=1)
                self._n_brought += 1
            else:
                self._n_lost += 1

    def idle(self, now_s: float) -> None:
        state = self._running.now()
        if state is None or not self._client.is_connected():
            return
        values = _values(state)
        if _differ(self._told, values) or now_s - self._told_s >= NEWS_S:
            self._told, self._told_s = values, now_s
            self._publish("state", json_line(values))

    def close(self) -> None:
        if self._is_over:
            return
        self._is_over = True
        if self._client.is_connected():
            self.idle(time.monotonic())
            self._told_s = time.monotonic()
            last = self._publish("availability", "offline", qos=1, retain=True)
            last.wait_for_publish(END_S)
        self._client.disconnect()
        # Its thread may be looking up a name, which nothing can end.
        ending = threading.Thread(target=self._client.loop_stop, daemon=True)
        ending.start()
        ending.join(END_S)

    def _made(self, password_file: Path | None, ca_file: Path | None) -> Any:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        # Another one each time: a broker puts out the older of two that are called the same.
        name = f"ser-live-{self._machine}-{secrets.token_hex(4)}"
        client = Client(CallbackAPIVersion.VERSION2, client_id=name)
        if self._url.username:
            password = None if password_file is None else _password(password_file)
            client.username_pw_set(unquote(self._url.username), password)
        elif password_file is not None:
            raise UsageError(
                "--mqtt-password-file found no user in the address of --mqtt: write "
                "mqtts://USER@HOST."
            )
        if self._is_safe:
            client.tls_set_context(_context(ca_file))
        elif ca_file is not None:
            raise UsageError("Found --mqtt-ca without mqtts://: nothing would be encrypted.")
        client.will_set(f"{self._base}/availability", "offline", qos=1, retain=True)
        client.reconnect_delay_set(*RETRY_S)
        client.max_queued_messages_set(100)
        client.connect_timeout = 5.0
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        return client

    def _publish(self, topic: str, text: str, *, qos: int = 0, retain: bool = False) -> Any:
        return self._client.publish(f"{self._base}/{topic}", text, qos=qos, retain=retain)

    # -- the library's thread -----------------------------------------------------------

    def _on_connect(self, client: Any, _data: Any, _flags: Any, reason: Any, _more: Any) -> None:
        if reason.is_failure:
            self._cause = f"it refuses: {str(reason).lower()}"
            return
        for topic, content in discovery(self._base, self._machine, self._labels):
            client.publish(topic, json_line(content), qos=1, retain=True)
        self._publish("availability", "online", qos=1, retain=True)
        self._told_s = -NEWS_S  # so that the state follows at once

    def _on_connect_fail(self, _client: Any, _data: Any) -> None:
        error = sys.exc_info()[1]  # the library hands it over in no other way
        if isinstance(error, ssl.SSLCertVerificationError):
            self._cause = f"its certificate does not fit: {error.verify_message}"
        else:
            self._cause = getattr(error, "strerror", None) or str(error or "no answer")

    def _on_disconnect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _m: Any) -> None:
        if not self._is_over and not self._cause.startswith("it refuses"):
            self._cause = f"the connection broke: {str(reason).lower()}"


def _values(state: AffectState) -> dict[str, Any]:
    record = told_record(state)
    keys = ("label", "valence", "arousal", "certainty", "speaking", "session")
    return {key: record[key] for key in keys if key in record}


def _differ(old: dict[str, Any], new: dict[str, Any]) -> bool:
    for key, value in new.items():
        before = old.get(key)
        if isinstance(value, float) and isinstance(before, float):
            if abs(value - before) >= STEP:
                return True
        elif value != before:
            return True
    return False


def _usual_port(url: SplitResult) -> int:
    return 8883 if url.scheme == "mqtts" else 1883


def _checked(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port_fits = parts.port is None or parts.port > 0
        is_bare = parts.path in ("", "/") and not parts.query and not parts.fragment
    except ValueError:
        parts, port_fits, is_bare = urlsplit(""), False, False
    if parts.password is not None:
        raise UsageError(
            "--mqtt found a password in the address, but every user of this machine can read what "
            "programs are started with: put it into a file, and give that to --mqtt-password-file."
        )
    is_plain = url.isascii() and url.isprintable() and " " not in url
    fits = parts.scheme in ("mqtt", "mqtts") and parts.hostname and is_bare
    if not (fits and port_fits and is_plain):
        raise UsageError(
            f"--mqtt found '{printable(url[:100])}', but needs an address such as "
            "mqtt://127.0.0.1 or mqtts://anna@broker.home:8883: correct it."
        )
    return parts


def _password(path: Path) -> str:
    """Give the first line of a file that only its owner can read."""
    try:
        if not path.is_file():
            raise UsageError(f"--mqtt-password-file found no file {path}: check the path.")
        with path.open("rb") as file:
            is_open = os.name != "nt" and os.fstat(file.fileno()).st_mode & 0o077
            line = file.read(MAX_PASSWORD_BYTES).partition(b"\n")[0].rstrip(b"\r").decode()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise UsageError(
            f"--mqtt-password-file cannot read {path} ({why}): give another file."
        ) from error
    if is_open:
        raise UsageError(
            f"others can read the password file {path}, but only you may: run `chmod 600 {path}`."
        )
    if not line:
        raise UsageError(f"the password file {path} begins with an empty line: write it there.")
    return line


def _context(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
    except (OSError, ValueError) as error:  # among them those of ssl
        raise UsageError(
            f"--mqtt-ca cannot use {ca_file} ({getattr(error, 'strerror', None) or error}): give a "
            "file with certificates in PEM form."
        ) from error
