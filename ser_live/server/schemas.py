"""JSON Schema of the records, made from the classes of the events themselves."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Mapping
from enum import Enum
from functools import cache
from itertools import pairwise
from typing import Annotated, Any, get_args, get_origin

from ser_live.events import EVENT_CLASSES, Column, OfStream, Reason, Recorded, StreamId, columns
from ser_live.events.forms import LABEL_LIST, PROBABILITIES, SAMPLES
from ser_live.events.record import form_of

Schema = dict[str, Any]

NUMBERED: Mapping[str, Schema] = {
    "session": {"type": ["string", "null"], "description": "Name of the session."},
    "seq": {
        "type": "integer",
        "minimum": 1,
        "description": "Number of the message in its session, without a hole.",
    },
}
"""Fields that the server adds to each record."""


def records() -> dict[str, Schema]:
    """Schema of the records of every event, by ``type``."""
    return {name: record(cls) for name, cls in EVENT_CLASSES.items()}


def record(cls: type[Recorded]) -> Schema:
    """Schema of the records of one class."""
    properties: dict[str, Schema] = {"type": {"const": cls.type}}
    for column in columns(cls):
        properties[column.key] = _of_column(cls, column)
    return {
        "type": "object",
        "description": _plain(inspect.getdoc(cls) or ""),
        "properties": properties,
        "required": list(properties),
    }


def message(name: str, text: str, fields: Mapping[str, Schema], *, optional: set[str]) -> Schema:
    """Schema of a message that is no record of the log."""
    properties: dict[str, Schema] = {"type": {"const": name}, **fields}
    return {
        "type": "object",
        "description": text,
        "properties": properties,
        "required": [key for key in properties if key not in optional],
    }


def _of_column(cls: type, column: Column) -> Schema:
    if column.field:
        annotation = next(f for f in _fields(cls) if f.name == column.field).type
        schema = _of_annotation(annotation)
        return {**schema, "description": texts(cls).get(column.field, "")}
    if issubclass(cls, OfStream) and column.key in ("file", "stream", "channel", "role", "source"):
        kind = "integer" if column.key in ("stream", "channel") else "string"
        is_sure = column.key in ("stream", "source")
        name = "number" if column.key == "stream" else column.key
        return {
            "type": kind if is_sure else [kind, "null"],
            "description": texts(StreamId).get(name, ""),
        }
    return {
        "type": ["number", "null"],
        "description": _plain(inspect.getdoc(getattr(cls, column.key)) or ""),
    }


def _fields(cls: type) -> tuple[Any, ...]:
    from dataclasses import fields

    return fields(cls)


def _of_annotation(annotation: Any) -> Schema:
    form = form_of(annotation)
    inner = get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
    if form is not None and form.write is SAMPLES.write:
        return {"type": "number", "minimum": 0}
    if form is not None and form.write is PROBABILITIES.write:
        share = {"type": "number", "minimum": 0, "maximum": 1}
        return {"type": ["object", "null"], "additionalProperties": share}
    if form is not None and form.write is LABEL_LIST.write:
        return {"type": "array", "items": {"type": "string"}}
    return _of_type(inner)


def _of_type(kind: Any) -> Schema:
    if type(None) in get_args(kind):
        (inner,) = (part for part in get_args(kind) if part is not type(None))
        schema = _of_type(inner)
        kinds = schema["type"]
        kinds = [kinds] if isinstance(kinds, str) else kinds
        return {**schema, "type": list(dict.fromkeys([*kinds, "null"]))}
    if inspect.isclass(kind) and issubclass(kind, Enum):
        return {"type": "string", "enum": [word.value for word in kind]}
    if kind is bool:
        return {"type": "boolean"}
    if kind is int:
        return {"type": "integer"}
    if kind is float:
        return {"type": ["number", "null"]}  # undefined is null
    if kind is str:
        return {"type": "string"}
    if kind == tuple[Reason, ...]:
        reason = {c.key: _of_column(Reason, c) for c in columns(Reason)}
        return {
            "type": "array",
            "items": {"type": "object", "properties": reason, "required": list(reason)},
        }
    return {"type": "object"}


@cache
def texts(cls: type) -> Mapping[str, str]:
    """Sentences below the fields of a class, by field."""
    body = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    assert isinstance(body, ast.ClassDef)  # noqa: S101  the source of a class
    return {
        field.target.id: _plain(text.value.value)
        for field, text in pairwise(body.body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }


def _plain(text: str) -> str:
    """A docstring as one line, without the marks of its markup."""
    return " ".join(text.split()).replace("``", "`")
