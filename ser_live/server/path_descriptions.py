"""Descriptions of the paths about logged sessions, reports, and in the format of others."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ser_live.events import Record
from ser_live.report.texts import LANGUAGES
from ser_live.server.hume_messages import MAX_TIMER_MS, MIN_TIMER_MS
from ser_live.server.logged import MAX_LISTED, N_LISTED
from ser_live.server.schemas import Schema

_TEXT: Schema = {"type": "string"}
_LANGUAGE: Record = {
    "name": "language",
    "in": "query",
    "schema": {"enum": list(LANGUAGES), "default": "en"},
}
LIMIT: Record = {
    "name": "limit",
    "in": "query",
    "schema": {"type": "integer", "minimum": 0, "maximum": MAX_LISTED, "default": N_LISTED},
    "description": "Logged sessions to list, the newest first.",
}
"""Parameter of the list of sessions."""


def paths(refusals: Callable[..., Mapping[str, object]]) -> Record:
    """Paths by name, after OpenAPI; `refusals` gives the answers for codes of refusals."""

    def answers(kind: str, schema: Schema, *codes: str, status: str = "200") -> Record:
        return {
            status: {"description": "Done.", "content": {kind: {"schema": schema}}},
            **refusals(*codes),
        }

    one: Record = {"name": "id", "in": "path", "required": True, "schema": _TEXT}
    name: Record = {**one, "name": "name"}
    page = answers("text/html", _TEXT, "not_found", "message_invalid", "audio_invalid")
    return {
        "/v1/sessions/{id}": {
            "get": {
                "summary": "A logged session in short.",
                "parameters": [one],
                "responses": answers("application/json", {"type": "object"}, "not_found"),
            }
        },
        "/v1/sessions/{id}/log": {
            "get": {
                "summary": "Its records, one a line.",
                "parameters": [one],
                "responses": answers("application/x-ndjson", _TEXT, "not_found"),
            }
        },
        "/v1/sessions/{id}/report": {
            "get": {
                "summary": "The page about it.",
                "parameters": [one, _LANGUAGE],
                "responses": page,
            }
        },
        "/v1/report": {
            "post": {
                "summary": "Make a report of a session's records; nothing of it is written.",
                "parameters": [_LANGUAGE],
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/x-ndjson": {"schema": _TEXT},
                        "text/plain": {"schema": _TEXT},
                    },
                },
                "responses": answers("application/json", _MADE, *_UNMADE, status="201"),
            }
        },
        "/v1/report/{name}": {
            "get": {
                "summary": "A report that was made just before.",
                "parameters": [name],
                "responses": page,
            }
        },
        "/v1/expression/audio/file": {"post": _measure()},
    }


_UNMADE = (
    *("message_invalid", "message_too_large", "slow_request", "media_unknown"),
    *("audio_invalid", "server_full", "not_ready", "shutting_down"),
)


_MADE: Schema = {
    "type": "object",
    "properties": {"report": _TEXT, "kept_s": {"type": "number"}},
    "required": ["report", "kept_s"],
}


def _measure() -> Record:
    timer = {"type": "integer", "minimum": MIN_TIMER_MS, "maximum": MAX_TIMER_MS}
    parts = {
        "file": {"type": "string", "contentMediaType": "audio/wav", "minLength": 1},
        "config": {"type": "object", "properties": {"measurement_timer_ms": timer}},
    }
    form = {"type": "object", "properties": parts, "required": ["file"]}
    measured = {"type": "array", "items": {"type": "object"}}
    whole = {
        "type": "object",
        "properties": {
            "request_id": _TEXT,
            "run_id": _TEXT,
            "received": {"type": "object"},
            "utterances": measured,
            "measurements": measured,
        },
        "required": ["request_id", "run_id", "received", "utterances", "measurements"],
    }
    refused = {"type": "object", "properties": {"message": _TEXT}, "required": ["message"]}
    return {
        "summary": "Measure a recording, in Hume's message format; not affiliated, other numbers.",
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": form}}},
        "responses": {
            "200": {"description": "Done.", "content": {"application/json": {"schema": whole}}},
            "default": {
                "description": "Refused, in that format.",
                "content": {"application/json": {"schema": refused}},
            },
        },
    }
