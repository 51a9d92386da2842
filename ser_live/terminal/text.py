"""Text that is safe to print and fits: names, positions and widths in terminal cells.

Device and file names come from outside. A name may carry terminal escapes, line
breaks, direction overrides, bytes that are not characters, or characters two
cells wide; none of that may reach the screen or move what stands next to it.
"""

from __future__ import annotations

import unicodedata

from rich.cells import cell_len

_INVISIBLE = {"Cf"}
_UNPRINTABLE = {"Cc", "Cs", "Cn", "Co", "Zl", "Zp"}
_VARIATION_SELECTORS = range(0xFE00, 0xFE10)
_ASCII_SIGNS = str.maketrans(
    {
        "·": "-",
        "–": "-",
        "—": "-",
        "−": "-",
        "…": "~",
        "’": "'",
        "‘": "'",
        "“": '"',
        "”": '"',
        "≥": ">",
        "≤": "<",
        "×": "x",
        "�": "?",
    }
)


def printable(text: str, *, ascii_only: bool = False) -> str:
    """`text` without anything a terminal would obey or could not show.

    Control characters, line separators and lone surrogates become ``�`` (``?`` where
    only ASCII can be shown); invisible format characters such as direction overrides
    and variation selectors are left out.
    """
    if text.isascii() and text.isprintable():
        return text
    kept = []
    for character in text:
        category = unicodedata.category(character)
        if category in _INVISIBLE or ord(character) in _VARIATION_SELECTORS:
            continue
        kept.append("�" if category in _UNPRINTABLE else character)
    shown = "".join(kept)
    if ascii_only:
        shown = shown.translate(_ASCII_SIGNS).encode("ascii", "replace").decode("ascii")
    return shown


def fit(text: str, width: int, *, ellipsis: str = "…") -> str:
    """`text` cut to at most `width` cells, with `ellipsis` where something was cut off."""
    if cell_len(text) <= width:
        return text
    if width <= 0:
        return ""
    room = width - cell_len(ellipsis)
    kept = ""
    used = 0
    for character in text:
        used += cell_len(character)
        if used > room:
            break
        kept += character
    return kept + ellipsis


def pad(text: str, width: int, *, right: bool = False, ellipsis: str = "…") -> str:
    """`text` cut or filled with spaces to exactly `width` cells; `right` aligns it right."""
    text = fit(text, width, ellipsis=ellipsis)
    space = " " * (width - cell_len(text))
    return space + text if right else text + space


def wrap(text: str, width: int, n_lines: int, *, ellipsis: str = "…") -> list[str]:
    """`text` broken at spaces into at most `n_lines` lines of at most `width` cells."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if cell_len(longer) <= width or not line:
            line = longer
        else:
            lines.append(line)
            line = word
    if line:
        lines.append(line)
    if len(lines) > n_lines:
        lines = [*lines[: n_lines - 1], " ".join(lines[n_lines - 1 :])]
    return [fit(line, width, ellipsis=ellipsis) for line in lines]


def fold(text: str, width: int, *, indent: int = 0) -> list[str]:
    """`text` broken into lines of at most `width` cells, nothing cut off.

    Breaks at spaces, and inside what is longer than a line. Lines after the first are
    indented by `indent` cells, fewer than `width` by two at least; `text` keeps spaces it
    begins with.
    """
    lines: list[str] = []
    start = " " * (len(text) - len(text.lstrip()))
    line = start
    for word in text.split():
        longer = f"{line} {word}" if line.strip() else f"{line}{word}"
        if cell_len(longer) > width and line.strip():
            lines.append(line)
            longer = " " * indent + word
        line = longer
        while cell_len(line) > width:
            head = fit(line, width, ellipsis="")
            lines.append(head)
            line = " " * indent + line[len(head) :]
    return [*lines, line]


def clock(position_s: float, *, tenths: bool = False) -> str:
    """A position as ``mm:ss`` or ``h:mm:ss``, with tenths of a second if wanted."""
    n_tenths = round(position_s * 10) if tenths else int(position_s) * 10
    minutes, rest = divmod(n_tenths, 600)
    hours, minutes = divmod(minutes, 60)
    text = f"{minutes:02d}:{rest // 10:02d}"
    if hours:
        text = f"{hours}:{text}"
    return f"{text}.{rest % 10}" if tenths else text


def signed(value: float, digits: int) -> str:
    """`value` with its sign, rounded; zero is ``+0.0``, never ``-0.0``."""
    return f"{round(value, digits) + 0.0:+.{digits}f}"
