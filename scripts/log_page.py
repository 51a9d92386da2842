"""The tables of ``docs/session_log.md``, made from the classes of the log's records."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterable, Mapping
from enum import Enum
from itertools import pairwise
from typing import Annotated, get_args, get_origin

from ser_live.emotions import Emotion
from ser_live.events import (
    Cause,
    Column,
    EndReason,
    FormError,
    Hearing,
    Kind,
    NotedBy,
    OfStream,
    Reason,
    Recorded,
    StreamId,
    StreamState,
    Verdict,
    columns,
)
from ser_live.events.forms import REQUIRED, SAMPLES
from ser_live.records.log_entries import ENTRY_CLASSES

WORDS: dict[type[Enum], tuple[str, str]] = {
    Kind: ("kind", "Kinds"),
    Hearing: ("level", "Levels of hearing"),
    StreamState: ("state", "States of a stream"),
    Verdict: ("verdict", "Verdicts"),
    Cause: ("cause", "Causes"),
    NotedBy: ("origin", "Origins of a mark"),
    EndReason: ("reason", "Reasons of an end"),
    Emotion: ("emotion", "Emotions"),
}
"""Enumerations whose words stand in records: name of one word, heading of their table."""

STREAM_FIELDS = ("file", "stream", "channel", "role")


def records() -> str:
    """Make a section for each type of record, with a table of its fields."""
    return "\n".join(_section(cls) for cls in logged_classes())


def logged_classes() -> list[type[Recorded]]:
    """Classes whose records stand in logs, in the order of the page."""
    return [cls for cls in ENTRY_CLASSES.values() if cls.is_logged]


def words() -> str:
    """Make a table for each enumeration that says what its words mean."""
    parts = []
    for enum, (_, heading) in WORDS.items():
        said = texts_below(enum)
        if said:
            parts.append(f"### {heading}\n\n| word | meaning |\n| --- | --- |")
            parts += [f"| `{word.value}` | {_plain(said[word.name])} |" for word in enum]
        else:
            names = " ".join(f"`{word.value}`" for word in enum)
            parts.append(f"### {heading}\n\n{_plain(_doc(enum))}\n\n{names}")
        parts.append("")
    return "\n".join(parts)


def stream_fields() -> str:
    """Make the table of the fields that every record of a stream has."""
    table = [*_HEAD, *(_row(StreamId, column) for column in columns(OfStream))]
    return "\n".join([*table, ""])


_HEAD = ("| field | value | meaning |", "| --- | --- | --- |")


def _section(cls: type[Recorded]) -> str:
    own = [c for c in columns(cls) if c.key not in STREAM_FIELDS or not issubclass(cls, OfStream)]
    parts = [f"### `{cls.type}`\n\n{_plain(_doc(cls))}\n", *_HEAD]
    parts += [_row(cls, column) for column in own]
    if issubclass(cls, OfStream):
        names = " ".join(f"`{name}`" for name in STREAM_FIELDS)
        parts.append(f"| {names} | | [the stream](#the-stream-of-a-record) |")
    if any(column.key == "reasons" for column in own):
        parts += ["\nEach of the `reasons` is an object:\n", *_HEAD]
        parts += [_row(Reason, column) for column in columns(Reason)]
    return "\n".join([*parts, ""])


def _row(cls: type, column: Column) -> str:
    meaning = _meaning(cls, column)
    if column.form.missing is not REQUIRED:
        meaning += " Older logs may lack it."
    return f"| `{column.key}` | {_value(cls, column)} | {meaning} |"


def _meaning(cls: type, column: Column) -> str:
    name = column.field or column.key
    if column.key == "stream":
        name = "number"
    texts = texts_below(StreamId) if _is_of_stream(cls, column) else texts_below(cls)
    if name in texts:
        return _plain(texts[name])
    return _plain(_doc(getattr(cls, name)))  # a property


def _is_of_stream(cls: type, column: Column) -> bool:
    return (
        issubclass(cls, OfStream | StreamId)
        and not column.field
        and column.key
        in (
            "source",
            *STREAM_FIELDS,
        )
    )


def _value(cls: type, column: Column) -> str:
    """Kind of JSON value in one field, as its form reads it."""
    kind = "seconds" if column.form.write is SAMPLES.write else _kind(_annotation(cls, column))
    return f"{kind} or `null`" if _may_be_null(column) else kind


def _annotation(cls: type, column: Column) -> object:
    if _is_of_stream(cls, column):
        name = "number" if column.key == "stream" else column.key
        annotations = inspect.get_annotations(StreamId, eval_str=True)
    elif not column.field:
        return float  # the confidence, which is derived
    else:
        name, annotations = column.field, {}
        for base in cls.__mro__:
            annotations = {**inspect.get_annotations(base), **annotations}
    found: object = annotations[name]
    return get_args(found)[0] if get_origin(found) is Annotated else found


def _kind(annotation: object) -> str:
    found = [a for a in get_args(annotation) if a is not type(None)]
    if found and get_origin(annotation) not in (tuple, Mapping, dict):
        annotation = found[0] if len(found) == 1 else annotation
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        name, heading = WORDS[annotation]
        return f"[{name}](#{heading.lower().replace(' ', '-')})"
    if annotation == tuple[float, ...]:
        return "number by label"
    if annotation == tuple[Reason, ...]:
        return "list of objects"
    if annotation == tuple[str, ...]:
        return "list of texts"
    kinds = {str: "text", int: "integer", float: "number", bool: "`true` or `false`"}
    for kind, name in kinds.items():
        if annotation is kind:
            return name
    key, value = get_args(annotation)
    if key is not str:
        return f"integer by {_kind(key)}"
    return "integer by label" if value is int else "object"


def _may_be_null(column: Column) -> bool:
    try:
        column.form.read(None)
    except FormError:
        return False
    return True


def texts_below(cls: type) -> dict[str, str]:
    """The strings below the fields of a class and of those it is made of, by name."""
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if base.__module__.startswith("ser_live."):
            found.update(_texts_in(base))
    return found


def _texts_in(cls: type) -> Iterable[tuple[str, str]]:
    module = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    body = next(node.body for node in module.body if isinstance(node, ast.ClassDef))
    for node, text in pairwise(body):
        if isinstance(node, ast.AnnAssign):
            target: ast.expr = node.target
        elif isinstance(node, ast.Assign):
            target = node.targets[0]
        else:
            continue
        if isinstance(target, ast.Name) and isinstance(text, ast.Expr):
            yield target.id, str(ast.literal_eval(text.value))


def _doc(thing: object) -> str:
    return inspect.getdoc(thing) or ""


def _plain(text: str) -> str:
    """Text of a docstring in the words of a log: Markdown, `null`, the words as they stand."""
    text = " ".join(text.split()).replace("``None``", "`null`").replace("NaN", "`null`")
    for enum in WORDS:
        for word in enum:
            text = text.replace(f"``{word.name}``", f"`{word.value}`")
    text = text.replace("``EMOTIONS``", "[emotions](#emotions)")
    text = text.replace("``affect``", "[how it is made](affect.md)")
    return text.replace("``", "`").replace("|", "\\|")
