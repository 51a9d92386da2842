"""Messages in the form of Hume's expression measurement of speech, version 1.

The same message format for clients that speak it already; not affiliated with Hume, and other
numbers: they are those of this program's model.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from ser_live.events import EmotionResult, Kind, Record, SpeechStarted, StreamEvent
from ser_live.server.problems import CODES, Problem

PATHS = "/v1/expression/"
"""Beginning of the paths whose clients read this form."""
KEY_HEADER = "x-hume-api-key"
"""Header by which these clients send their key, which is the server's token here."""

SAMPLE_RATE_HZ = 16_000
AUDIO: Mapping[str, object] = {
    "type": "audio/pcm",
    "encoding": "s16le",
    "sample_rate": SAMPLE_RATE_HZ,
    "channels": 1,
}
"""The one format of sound."""
MAX_FRAME_BYTES = 20 * SAMPLE_RATE_HZ
"""Longest block of sound: ten seconds."""
TIMER_MS = 3000
"""Time between measurements of an utterance that goes on, unless another one is asked for."""
MIN_TIMER_MS, MAX_TIMER_MS = 3000, 10_000

NAMES: Mapping[str, str] = {
    "calm": "calmness",
    "happy": "joy",
    "sad": "sadness",
    "angry": "anger",
    "fearful": "fear",
    "disgust": "disgust",
    "surprised": "surprise",
}
"""Names of emotions in that form; a label that is not here, of a model of one's own, is kept."""
NO_EXPRESSION = "neutral"
"""The label that is the absence of an expression."""

_SOCKET_CODES: Mapping[str, str] = {
    "audio_invalid": "invalid_audio_frame",
    "message_invalid": "message_invalid",
    "unknown_type": "message_invalid",
    "rate_limited": "rate_limited",
    "slow_reader": "rate_limited",
    "start_invalid": "config_invalid",
    "message_too_large": "message_too_large",
}
_HTTP_CODES: Mapping[str, tuple[int, str]] = {
    "host_unknown": (400, "invalid_request"),
    "origin_refused": (403, "forbidden"),
    "not_found": (404, "not_found"),
    "method_unknown": (405, "method_not_allowed"),
    "start_invalid": (400, "config_invalid"),
    "message_invalid": (400, "message_invalid"),
    "audio_invalid": (400, "audio_decode_failed"),
    "message_too_large": (413, "audio_too_long"),
    "media_unknown": (415, "unsupported_media_type"),
    "slow_request": (400, "invalid_request"),
    "protocol_unknown": (400, "invalid_request"),
    "server_full": (503, "server_busy"),
    "not_ready": (503, "server_busy"),
    "shutting_down": (503, "server_busy"),
}
_REASONS: Mapping[str, str] = {"shutting_down": "server_shutdown", "idle": "idle_timeout"}


def identity() -> str:
    """Make a name for a session, a run or a request; it stands for nothing that is kept."""
    return secrets.token_hex(16)


def read_timer_ms(config: Mapping[str, Any]) -> int:
    """Read ``measurement_timer_ms`` of a configuration; what is left out has its default."""
    value = config.get("measurement_timer_ms")
    if value is None:
        return TIMER_MS
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    if not is_integer or not MIN_TIMER_MS <= value <= MAX_TIMER_MS:
        raise Problem(
            "start_invalid",
            "measurement_timer_ms does not fit: an integer from "
            f"{MIN_TIMER_MS} to {MAX_TIMER_MS} is needed.",
        )
    return int(value)


def check_audio(config: object) -> None:
    """Refuse another format of sound than the one there is."""
    if config is None:
        return
    given = config if isinstance(config, Mapping) else {"audio": config}
    for name, value in given.items():
        if value is not None and AUDIO.get(name) != value:
            raise Problem(
                "start_invalid",
                f"audio.{name[:40]} does not fit: 16-bit little-endian PCM, 16000 Hz, one channel "
                "is needed; /v1/stream takes others.",
            )


class Measurements:
    """Utterances and measurements of one stream.

    Parameters
    ----------
    timer_ms : int
        Least time between measurements of an utterance that goes on.
    """

    def __init__(self, timer_ms: int = TIMER_MS) -> None:
        self._timer_ms = timer_ms
        self.n_utterances = 0
        self.n_measurements = 0
        self._id = 0
        self._measured_ms = 0

    def messages(self, event: StreamEvent) -> list[Record]:
        """Messages about an event; none for most."""
        if isinstance(event, SpeechStarted):
            self.n_utterances += 1
            start: Record = {
                "type": "utterance.start",
                "utterance_id": event.id - 1,
                "audio_start_ms": _ms(event.start_sample),
            }
            return [start]
        if not isinstance(event, EmotionResult):
            return []
        is_final = event.kind is Kind.FINAL
        if event.id != self._id:
            self._id, self._measured_ms = event.id, _ms(event.start_sample)
        end_ms = _ms(event.end_sample)
        if not is_final and end_ms - self._measured_ms < self._timer_ms:
            return []
        self._measured_ms = end_ms
        told: list[Record] = [{"type": "measurement.result", **self.measurement(event)}]
        if is_final:
            told.append({"type": "utterance.end", **utterance(event)})
        return told

    def measurement(self, event: EmotionResult) -> Record:
        """One measurement: what was named, as one expression, and the record of the log."""
        self.n_measurements += 1
        return {
            "measurement_id": self.n_measurements - 1,
            **utterance(event),
            "trigger": "speech_ended" if event.kind is Kind.FINAL else "interval",
            "expressions": expressions(event),
            "voice_attributes": [],
            "ser_live": event.as_record(),
        }

    def closed(self, session: str, reason: str, *, n_samples: int, n_frames: int) -> Record:
        """The last message of a session."""
        return {
            "type": "session.closed",
            "session_id": session,
            "reason": reason,
            "received": {"audio_duration_ms": _ms(n_samples), "frames": n_frames},
            "produced": {"utterances": self.n_utterances, "measurements": self.n_measurements},
        }


def utterance(event: EmotionResult) -> Record:
    """Number and extent of an utterance; numbers begin with 0 in that form."""
    return {
        "utterance_id": event.id - 1,
        "audio_start_ms": _ms(event.start_sample),
        "audio_end_ms": _ms(event.end_sample),
    }


def expressions(event: EmotionResult) -> list[Record]:
    """The emotion that is named, with its probability; empty for neutral and where none is."""
    if event.emotion is None or event.emotion == NO_EXPRESSION:
        return []
    if event.probabilities is None:
        return []
    probability = event.probabilities[event.labels.index(event.emotion)]
    return [{"name": NAMES.get(event.emotion, event.emotion), "probability": round(probability, 4)}]


def error(problem: Problem) -> Record:
    """Message about a refusal; ``retryable`` says whether the session goes on."""
    return {
        "type": "error",
        "code": _SOCKET_CODES.get(problem.code, "internal_error"),
        "message": str(problem),
        "retryable": not problem.is_fatal,
    }


def close_reason(problem: Problem | None) -> str:
    """Why a session ended."""
    return "client_request" if problem is None else _REASONS.get(problem.code, "error")


def status(problem: Problem) -> int:
    """HTTP status of a refusal."""
    return _HTTP_CODES.get(problem.code, (CODES[problem.code].status, ""))[0]


def refusal(problem: Problem) -> Record:
    """Body of the HTTP answer about a refusal."""
    if CODES[problem.code].status == 401:
        return {"message": str(problem)}
    return {
        "type": "error",
        "code": _HTTP_CODES.get(problem.code, (0, "internal_error"))[1],
        "message": str(problem),
        "request_id": identity(),
    }


def _ms(n_samples: int) -> int:
    return round(1000 * n_samples / SAMPLE_RATE_HZ)
