"""Pieces of HTML and SVG in which every text from outside is escaped."""

from __future__ import annotations

import math

from markupsafe import Markup, escape

from ser_live.terminal.text import fit, printable

MAX_NAME = 200
"""Most characters shown of a name that comes from outside."""


def shown(text: str) -> str:
    """`text` as it may stand on a page.

    Control characters become ``�``, those that turn the direction of writing are left out, as on
    a terminal; line ends and tabs are spaces.
    """
    if text.isprintable() and text.isascii():
        return text
    return printable(text.translate(_SPACES))


_SPACES = {ord(character): " " for character in "\n\r\t\x0b\x0c\u2028\u2029"}


def name_of(text: str) -> str:
    """A name from outside: safe, and cut off where it is longer than a line."""
    return fit(shown(text[: 4 * MAX_NAME]), MAX_NAME).strip()


def with_code(text: str) -> Markup:
    """A sentence of ours, what stands between backquotes as code."""
    parts = shown(text).split("`")
    return Markup("").join(
        element("code", part) if number % 2 else escape(part) for number, part in enumerate(parts)
    )


def element(name: str, *children: str, **attributes: object) -> Markup:
    """An element of HTML or SVG.

    Parameters
    ----------
    name : str
        Written as it is, so never a text from outside.
    *children : str or Markup
        Texts are escaped, markup is not.
    **attributes
        ``_`` stands for ``-``, and one at the end is left out (``class_``). ``None`` and False
        leave the attribute out, True writes it without a value; numbers are rounded.
    """
    written = "".join(
        _attribute(key.rstrip("_").replace("_", "-"), value)
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    inside = "".join(_child(child) for child in children)
    if not children and name in _EMPTY:
        return Markup(f"<{name}{written}/>")  # noqa: S704  its parts are escaped
    return Markup(f"<{name}{written}>{inside}</{name}>")  # noqa: S704  its parts are escaped


_EMPTY = {"rect", "path", "line", "circle", "use", "br", "meta", "polygon"}


def _child(child: str) -> str:
    return child if isinstance(child, Markup) else str(escape(shown(child)))


def _attribute(key: str, value: object) -> str:
    if value is True:
        return f" {key}"
    text = number(value) if isinstance(value, float) else shown(str(value))
    return f' {key}="{escape(text)}"'


def number(value: float) -> str:
    """`value` to a hundredth, as short as it can be written; raises where it is not finite."""
    if not math.isfinite(value):
        raise ValueError(f"{value} has no place in a drawing")
    return f"{round(value, 2) + 0.0:g}" if abs(value) < 1000 else f"{value:.0f}"


def joined(*parts: str) -> Markup:
    """Pieces of markup behind each other."""
    return Markup("").join(parts)
