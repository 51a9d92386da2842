"""The public names and their signatures as text; run by hand, it renews the stored text."""

from __future__ import annotations

import inspect
import re
from enum import Enum
from typing import Annotated, get_args, get_origin

from places import GOLDEN

import ser_live

STORED = GOLDEN / "public_api.txt"


def described() -> str:
    """Every public name, a line each, its members below it."""
    lines: list[str] = []
    for name in sorted(ser_live.__all__):
        lines += _lines(name, getattr(ser_live, name))
    return "\n".join([*lines, ""])


def _lines(name: str, value: object) -> list[str]:
    if not inspect.isclass(value):
        return [f"{name}{_signature(value)}" if inspect.isfunction(value) else name]
    if issubclass(value, Enum):
        return [f"{name}: {', '.join(f'{word.name}={word.value!r}' for word in value)}"]
    if issubclass(value, Exception):
        return [f"{name}({value.__bases__[0].__name__})"]
    made = "" if getattr(value, "_is_protocol", False) else _signature(value)
    return [f"{name}{made}", *_members(value)]


def _members(cls: type) -> list[str]:
    found = []
    for name in sorted(dir(cls)):
        member = inspect.getattr_static(cls, name)
        is_ours = getattr(cls, "__module__", "").startswith("ser_live") and name not in vars(object)
        if (name.startswith("_") and name not in CONTEXT) or not is_ours:
            continue
        if isinstance(member, property):
            found.append(f"  {name}{_result(member.fget)}")
        elif isinstance(member, classmethod | staticmethod):
            found.append(f"  {name}{_signature(member.__func__)}")
        elif inspect.isfunction(member):
            found.append(f"  {name}{_signature(member)}")
    return found


CONTEXT = ("__enter__", "__aenter__", "__iter__", "__aiter__")
"""What makes an object usable in ``with`` and ``for``."""


def _result(function: object) -> str:
    return f" -> {_annotation(inspect.signature(function).return_annotation)}"


def _signature(function: object) -> str:
    signature = inspect.signature(function)
    words, is_keyword_only = [], False
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not is_keyword_only:
            is_keyword_only = True
            words.append("*")
        text = parameter.name
        if parameter.annotation is not parameter.empty:
            text += f": {_annotation(parameter.annotation)}"
        if parameter.default is not parameter.empty:
            text += f" = {_default(parameter.default)}"
        words.append(text)
    given = signature.return_annotation
    is_class = inspect.isclass(function) or given is signature.empty
    return f"({', '.join(words)})" + ("" if is_class else f" -> {_annotation(given)}")


def _annotation(annotation: object) -> str:
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    # Where a class lives is not public.
    return re.sub(r"\b(?:\w+\.)+(?=\w)", "", text).strip("'\"")


def _default(default: object) -> str:
    is_plain = default is None or isinstance(default, bool | int | float | str | tuple)
    return repr(default) if is_plain else "..."


if __name__ == "__main__":
    STORED.write_text(described(), encoding="utf-8")
