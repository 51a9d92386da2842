"""Messages of the client, looked at field by field."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ser_live.audio import MAX_CHANNELS, MAX_SAMPLE_RATE_HZ, MIN_SAMPLE_RATE_HZ
from ser_live.events import EmotionResult, Kind, Level, SpeechStarted, StreamEvent
from ser_live.server.problems import Problem
from ser_live.stream.emotion_state import PACES

ENCODINGS = {"s16le": 2, "f32le": 4}
"""Bytes of a sample by the name of its encoding."""
RESULTS = ("final", "partial", "all")
OVERRUNS = ("wait", "gap")
MAX_TEXT = 200
"""Longest name, role or mark."""


@dataclass(frozen=True, kw_only=True)
class Resumption:
    """Session to go on with, and the latest record of it that arrived."""

    session: str
    seq: int


@dataclass(frozen=True, kw_only=True)
class Start:
    """The first message of a client."""

    sample_rate: int = 16_000
    channels: int = 1
    encoding: str = "s16le"
    channel: int | None = None
    """Channel to hear, counted from 1; ``None`` for the mean of all, or `roles`."""
    roles: Mapping[int, str] = field(default_factory=dict)
    """Speakers by their channel, counted from 1; each becomes a stream of its own."""
    source: str = "stream"
    """Name of the stream for people."""
    speaker: str | None = None
    adapt: bool = True
    model: str | None = None
    results: str = "partial"
    state: str | None = None
    """Pace of the running emotion that is sent too; ``None`` for none."""
    overrun: str = "wait"
    resume: Resumption | None = None
    tells_others: bool = False
    """Whether everything is given, as the server tells other programs too; no client says it."""

    def shows(self, event: StreamEvent) -> bool:
        """Whether the client asked for events such as this one."""
        if isinstance(event, Level | SpeechStarted):
            return self.results == "all"
        is_partial = isinstance(event, EmotionResult) and event.kind is Kind.PARTIAL
        return self.results != "final" or not is_partial

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of all channels."""
        return ENCODINGS[self.encoding] * self.channels


def read_object(text: str) -> dict[str, Any]:
    """Read a text of JSON that must be an object with a ``type``."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("type"), str):
        raise Problem(
            "message_invalid",
            'a text message was no JSON object with a type: send one such as {"type":"flush"}.',
        )
    return found


def read_start(message: Mapping[str, Any]) -> Start:
    """Read the first message of a client."""
    if message["type"] != "start":
        raise Problem(
            "start_missing",
            f"the first message was {message['type'][:40]!r}, but start is needed: send it first.",
        )
    readers = {
        "sample_rate": lambda value: _integer(value, MIN_SAMPLE_RATE_HZ, MAX_SAMPLE_RATE_HZ),
        "channels": lambda value: _integer(value, 1, MAX_CHANNELS),
        "encoding": lambda value: _one_of(value, ENCODINGS),
        "channel": lambda value: None if value is None else _integer(value, 1, MAX_CHANNELS),
        "roles": _roles,
        "source": _text,
        "speaker": lambda value: None if value is None else _text(value),
        "adapt": _truth,
        "model": lambda value: None if value is None else _text(value),
        "results": lambda value: _one_of(value, RESULTS),
        "state": _pace,
        "overrun": lambda value: _one_of(value, OVERRUNS),
        "resume": _resumption,
    }
    values: dict[str, Any] = {}
    for name, value in message.items():
        if name == "type":
            continue
        if name not in readers:
            raise Problem(
                "start_invalid",
                f"start has a field {name[:40]!r} that is not known: leave it out.",
                param=name[:40],
            )
        try:
            values[name] = readers[name](value)
        except ValueError as error:
            raise Problem(
                "start_invalid", f"{name} in start does not fit: {error} is needed.", param=name
            ) from None
    start = Start(**values)
    _check_channels(start)
    return start


def _check_channels(start: Start) -> None:
    heard = [*start.roles, *([] if start.channel is None else [start.channel])]
    if start.roles and start.channel is not None:
        raise Problem(
            "start_invalid", "both channel and roles were given: leave one out.", param="channel"
        )
    if any(number > start.channels for number in heard):
        raise Problem(
            "start_invalid",
            f"channel {max(heard)} of {start.channels} was asked for: count them from 1.",
            param="roles" if start.roles else "channel",
        )


def read_request(message: Mapping[str, Any]) -> str | None:
    """Read the name that a client gave its request."""
    request = message.get("request")
    return request[:MAX_TEXT] if isinstance(request, str) else None


def read_field(message: Mapping[str, Any], name: str, kind: str) -> Any:
    """Read a field of another message than start: a ``text``; a ``time`` or ``rating``, or none."""
    value = message.get(name)
    try:
        if kind == "text":
            return _text(value)
        if kind == "rating":
            return None if value is None else _integer(value, 1, 5)
        return None if value is None else _time(value)
    except ValueError as error:
        raise Problem(
            "message_invalid",
            f"{name} in {message['type']} does not fit: {error} is needed.",
            param=name,
            request=read_request(message),
        ) from None


def read_sound(data: bytes, start: Start) -> NDArray[np.float32]:
    """Read a block of sound: samples of the shape ``(n, n_channels)``."""
    if not data or len(data) % start.frame_bytes:
        raise Problem(
            "audio_invalid",
            f"a block of {len(data)} bytes came, but whole samples of {start.frame_bytes} bytes "
            "are needed: the block was left out.",
        )
    if start.encoding == "s16le":
        found = np.frombuffer(data, "<i2").astype(np.float32) / np.float32(32768)
    else:
        found = np.frombuffer(data, "<f4").astype(np.float32)
        if not np.isfinite(found).all():
            raise Problem(
                "audio_invalid", "a block held NaN or infinity: it was left out, send numbers."
            )
    return found.reshape(-1, start.channels)


def _integer(value: object, lowest: int, highest: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
        raise ValueError(f"an integer from {lowest} to {highest}")
    return value


def _one_of(value: object, words: Mapping[str, object] | tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in words:
        raise ValueError(f"one of {', '.join(words)}")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_TEXT or not value.isprintable():
        raise ValueError(f"a printable text of 1 to {MAX_TEXT} characters")
    return value


def _time(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1e9:
        raise ValueError("a time in seconds")
    return float(value)


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def _pace(value: object) -> str | None:
    if value is None or value is False:
        return None
    return "assistant" if value is True else _one_of(value, PACES)


def _roles(value: object) -> dict[int, str]:
    if not isinstance(value, dict) or not value:
        raise ValueError('an object such as {"1": "agent", "2": "customer"}')
    return {_channel_name(name): _text(role) for name, role in value.items()}


def _channel_name(name: object) -> int:
    if not isinstance(name, str) or not name.isascii() or not name.isdecimal() or len(name) > 2:
        raise ValueError('an object such as {"1": "agent", "2": "customer"}')
    return _integer(int(name), 1, MAX_CHANNELS)


def _resumption(value: object) -> Resumption:
    if not isinstance(value, dict) or set(value) != {"session", "seq"}:
        raise ValueError("an object with session and seq")
    return Resumption(session=_text(value["session"]), seq=_integer(value["seq"], 0, 10**12))
