"""Texts from outside as any format can hold them: one line, no controls, valid UTF-8."""

from __future__ import annotations

import re

_SPACES = re.compile("[\t\n\x0b\x0c\r\x1c-\x1f\x85\u2028\u2029]+")
_FORBIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufdd0-\ufdef\ufffe\uffff]|[\U0001fffe\U0001ffff]"
)
"""Controls, characters that turn direction round, and those that XML forbids."""


def plain(text: str) -> str:
    """`text` on one line, with ``�`` for what no format can hold.

    Bytes that are not text, as in a file name of another encoding, are written as ``\\udce9``.
    """
    text = _FORBIDDEN.sub("�", _SPACES.sub(" ", text))
    return text.encode("utf-8", "backslashreplace").decode().strip()
