"""The descriptions that programs read: OpenAPI for HTTP, AsyncAPI for the WebSockets."""

from __future__ import annotations

from collections.abc import Mapping

from ser_live import __version__
from ser_live.audio import MAX_CHANNELS, MAX_SAMPLE_RATE_HZ, MIN_SAMPLE_RATE_HZ
from ser_live.events import EmotionResult, Record
from ser_live.server.limits import PROTOCOL
from ser_live.server.path_descriptions import LIMIT
from ser_live.server.path_descriptions import paths as more_paths
from ser_live.server.problems import CODES
from ser_live.server.protocol import ENCODINGS, OVERRUNS, RESULTS
from ser_live.server.schemas import NUMBERED, Schema, message, record, records
from ser_live.stream.emotion_state import PACES

_TEXT: Schema = {"type": "string"}
_REQUEST: Schema = {"type": ["string", "null"], "description": "Name that the client gave it."}
_SECONDS: Schema = {"type": "number", "minimum": 0}
_COUNT: Schema = {"type": "integer", "minimum": 0}

REFUSALS_OF_ALL = (
    *("host_unknown", "origin_refused", "token_missing", "token_wrong", "method_unknown"),
    *("server_full", "internal"),
)
"""Codes that any path may answer with."""


_TOLD = (
    *("message_invalid", "message_too_large", "media_unknown", "slow_request", "unknown_type"),
    *("not_found", "not_ready", "rate_limited"),
)
"""Codes by which a mark or note of the server's microphone may be refused."""


def client_messages() -> dict[str, Schema]:
    """Schemas of the texts that a client sends, by ``type``."""
    request = {"request": _REQUEST}
    start: dict[str, Schema] = {
        "sample_rate": {
            "type": "integer",
            "minimum": MIN_SAMPLE_RATE_HZ,
            "maximum": MAX_SAMPLE_RATE_HZ,
            "default": 16_000,
        },
        "channels": {"type": "integer", "minimum": 1, "maximum": MAX_CHANNELS, "default": 1},
        "encoding": {"enum": list(ENCODINGS), "default": "s16le"},
        "channel": {"type": ["integer", "null"], "description": "Channel to hear, from 1."},
        "roles": {
            "type": "object",
            "additionalProperties": _TEXT,
            "description": "Who speaks on each channel, from 1; each becomes a stream.",
        },
        "source": {"type": "string", "description": "Name of the stream for people."},
        "speaker": {"type": ["string", "null"], "description": "Enrolled speaker to begin with."},
        "adapt": {"type": "boolean", "default": True},
        "model": {"type": ["string", "null"], "description": "The server's model, or nothing."},
        "results": {"enum": list(RESULTS), "default": "partial"},
        "state": {"enum": [None, False, True, *PACES], "default": None},
        "overrun": {"enum": list(OVERRUNS), "default": "wait"},
        "resume": {
            "type": "object",
            "properties": {"session": _TEXT, "seq": _COUNT},
            "required": ["session", "seq"],
        },
    }
    mark = {"label": _TEXT, "start_s": _SECONDS, **request}
    rating: Schema = {"type": ["integer", "null"], "minimum": 1, "maximum": 5}
    note = {"text": _TEXT, "rating": rating, **request}
    return {
        "start": message("start", "First message, within 10 s.", start, optional=set(start)),
        "flush": message("flush", "End the open utterance.", request, optional={"request"}),
        "reset": message("reset", "Forget the voice.", request, optional={"request"}),
        "mark": message("mark", "Mark a moment.", mark, optional={"start_s", "request"}),
        "note": message("note", "Note words.", note, optional={"rating", "request"}),
        "pause": message("pause", "No sound until resume.", request, optional={"request"}),
        "resume": message(
            "resume",
            "Go on; the pause becomes a gap of its measured or given length.",
            {"duration_s": _SECONDS, **request},
            optional={"duration_s", "request"},
        ),
        "ping": message("ping", "Ask for a pong.", {"id": {}}, optional={"id"}),
        "end": message("end", "Report everything and close with 1000.", {}, optional=set()),
    }


def server_messages() -> dict[str, Schema]:
    """Schemas of all that the server sends, by ``type``."""
    done = {"request": _REQUEST, "end_s": _SECONDS}
    found = {
        **records(),
        "heard": message(
            "heard",
            "Once a second: how far hearing is.",
            {"end_s": _SECONDS, "backlog_s": _SECONDS, "n_waiting": _COUNT},
            optional=set(),
        ),
        "flushed": message("flushed", "Flush was done.", done, optional=set()),
        "reset_done": message("reset_done", "Reset was done.", done, optional=set()),
        "paused": message("paused", "Pause was done.", done, optional=set()),
        "resumed": message("resumed", "Resume was done.", done, optional=set()),
        "pong": message("pong", "Answer.", {"id": {}, "end_s": _SECONDS}, optional=set()),
        "session_resumed": message(
            "session_resumed",
            "The session goes on; with overrun wait, send on from end_s.",
            {"end_s": _SECONDS},
            optional=set(),
        ),
        "warning": message(
            "warning",
            "Something was left out.",
            {"code": {"enum": list(CODES)}, "message": _TEXT, "skipped": _COUNT},
            optional=set(),
        ),
        "error": message(
            "error",
            "A refusal; branch on code. A fatal one is followed by the close.",
            {
                "code": {"enum": list(CODES)},
                "message": _TEXT,
                "retryable": {"type": "boolean"},
                "fatal": {"type": "boolean"},
                "param": _TEXT,
                "request": _TEXT,
                "retry_after_s": _SECONDS,
            },
            optional={"param", "request", "retry_after_s"},
        ),
    }
    started = found["session_started"]
    started["properties"] |= {
        "protocol": {"const": 1},
        "limits": {"type": "object", "additionalProperties": {"type": "number"}},
        "model_card": {"type": "object"},
        "told_to": {"type": "array", "items": _TEXT},
    }
    return {name: _numbered(schema) for name, schema in found.items()}


def _numbered(schema: Schema) -> Schema:
    return {
        **schema,
        "properties": {**schema["properties"], **NUMBERED},
        "required": [*schema["required"], *NUMBERED],
    }


def asyncapi_document(card: Mapping[str, object]) -> Record:
    """The description of the WebSockets, AsyncAPI 3."""
    ours, theirs = server_messages(), client_messages()
    messages = {
        **{f"server_{name}": {"name": name, "payload": s} for name, s in ours.items()},
        **{f"client_{name}": {"name": name, "payload": s} for name, s in theirs.items()},
        "client_sound": {
            "name": "sound",
            "contentType": "application/octet-stream",
            "payload": {"type": "string", "format": "binary"},
        },
    }

    def refs(channel: str, names: list[str]) -> list[Record]:
        return [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in names]

    sent = [name for name in messages if name.startswith("server_")]
    taken = [name for name in messages if name.startswith("client_")]
    return {
        "asyncapi": "3.0.0",
        "info": _info("ser-live: emotion of a stream", card),
        "defaultContentType": "application/json",
        "channels": {
            "stream": {
                "address": "/v1/stream",
                "description": f"Subprotocol {PROTOCOL}: sound in, records out.",
                "messages": {n: {"$ref": f"#/components/messages/{n}"} for n in messages},
            },
            "events": {
                "address": "/v1/events",
                "description": "Records of the server's own microphone.",
                "messages": {n: {"$ref": f"#/components/messages/{n}"} for n in sent},
            },
        },
        "operations": {
            "tell": _operation("send", "stream", refs("stream", sent)),
            "hear": _operation("receive", "stream", refs("stream", taken)),
            "tellOwn": _operation("send", "events", refs("events", sent)),
        },
        "components": {"messages": messages},
    }


def _operation(action: str, channel: str, messages: list[Record]) -> Record:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": messages,
    }


def openapi_document(card: Mapping[str, object]) -> Record:
    """The description of the HTTP part, OpenAPI 3.1."""
    texts = {
        "/healthz": ("The process answers; needs no token.", "text/plain", _TEXT),
        "/readyz": ("Sessions are taken; needs no token.", "text/plain", _TEXT),
        "/metrics": ("Counts in Prometheus' text form.", "text/plain", _TEXT),
        "/v1/models": ("The model.", "application/json", {"type": "object"}),
        "/v1/sessions": (
            "Sessions that are open or were logged.",
            "application/json",
            {"type": "object"},
        ),
        "/v1/events": ("Records of the server's microphone.", "text/event-stream", _TEXT),
        "/openapi.json": ("This description.", "application/json", {"type": "object"}),
        "/asyncapi.json": ("The WebSockets' description.", "application/json", {"type": "object"}),
    }
    refusals = {
        "/readyz": ("not_ready", "shutting_down"),
        "/v1/events": ("not_found", "server_full"),
        "/v1/sessions": ("message_invalid",),
    }
    paths: dict[str, object] = {
        path: {
            "get": {
                "summary": text,
                "responses": _answers({kind: {"schema": schema}}, *refusals.get(path, ())),
            }
        }
        for path, (text, kind, schema) in texts.items()
    }
    for path in ("/healthz", "/readyz"):
        paths[path]["get"]["security"] = []  # type: ignore[index]
    paths["/v1/analyze"] = {"post": _analyze()}
    paths["/v1/sessions"]["get"]["parameters"] = [LIMIT]  # type: ignore[index]
    told = {name: client_messages()[name] for name in ("mark", "note")}
    paths["/v1/events"]["post"] = {  # type: ignore[index]
        "summary": "Mark or note the present moment of the server's microphone.",
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"oneOf": list(told.values())}}},
        },
        "responses": {"204": {"description": "Done."}, **_refusals(*_TOLD)},
    }
    paths |= more_paths(_refusals)
    return {
        "openapi": "3.1.0",
        "info": _info("ser-live: emotion of recordings, and of the server itself", card),
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {
                "emotion": record(EmotionResult),
                "problem": {
                    "type": "object",
                    "description": "A refusal, after RFC 9457; branch on code.",
                    "properties": {
                        "type": _TEXT,
                        "title": _TEXT,
                        "status": {"type": "integer"},
                        "detail": _TEXT,
                        "code": {"enum": list(CODES)},
                        "retryable": {"type": "boolean"},
                    },
                    "required": ["type", "title", "status", "detail", "code", "retryable"],
                },
            },
        },
    }


def _analyze() -> Record:
    utterances = {"type": "array", "items": {"$ref": "#/components/schemas/emotion"}}
    whole = {
        "type": "object",
        "properties": {
            "model": _TEXT,
            "summary": {"type": "object"},
            "utterances": utterances,
            "notes": {"type": "array", "items": _TEXT},
        },
        "required": ["model", "summary", "utterances", "notes"],
    }
    return {
        "summary": "Analyze a recording.",
        "parameters": [
            {
                "name": "channel",
                "in": "query",
                "schema": {"type": "integer", "minimum": 1, "maximum": MAX_CHANNELS},
                "description": "Channel to hear, from 1; without it the mean of those in use.",
            }
        ],
        "requestBody": {
            "required": True,
            "content": {"application/octet-stream": {"schema": {**_TEXT, "minLength": 1}}},
        },
        "responses": _answers(
            {
                "application/json": {"schema": whole},
                "application/x-ndjson": {"schema": _TEXT},
                "text/csv": {"schema": _TEXT},
            },
            *("message_invalid", "slow_request", "message_too_large", "media_unknown"),
            *("audio_invalid", "server_full", "not_ready"),
        ),
    }


def _answers(content: Mapping[str, object], *codes: str) -> dict[str, dict[str, object]]:
    """Answers of an operation: what it gives, and each status by which it may refuse."""
    return {"200": {"description": "Done.", "content": content}, **_refusals(*codes)}


def _refusals(*codes: str) -> dict[str, dict[str, object]]:
    """Each status by which an operation may refuse; `codes` beside those of every path."""
    problem = {"schema": {"$ref": "#/components/schemas/problem"}}
    found: dict[str, dict[str, object]] = {}
    by_status: dict[int, list[str]] = {}
    for code in (*REFUSALS_OF_ALL, *codes):
        by_status.setdefault(CODES[code].status, []).append(code)
    for status, names in sorted(by_status.items()):
        text = " ".join(f"{name}: {CODES[name].text}" for name in dict.fromkeys(names))
        found[str(status)] = {"description": text, "content": {"application/problem+json": problem}}
    return found


def _info(title: str, card: Mapping[str, object]) -> Record:
    return {
        "title": title,
        "version": __version__,
        "description": f"Model {card['id']}, weights: {card['licence']} {card['note']}",
        "license": {"name": "MIT (the program)", "identifier": "MIT"},
    }
