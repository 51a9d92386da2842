"""The tables of ``docs/server.md``, made from the codes and paces of the program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple, fields

from ser_live.server.problems import CODES
from ser_live.stream.emotion_state import PACES, Pace


def codes() -> str:
    """Make the table of the server's refusals."""
    lines = ["| code | HTTP | close | retry | meaning |", "| --- | --- | --- | --- | --- |"]
    for name, code in CODES.items():
        close = code.close or ""
        retry = "yes" if code.is_retryable else ""
        lines.append(f"| `{name}` | {code.status} | {close} | {retry} | {code.text} |")
    return "\n".join([*lines, ""])


def paces() -> str:
    """Make the table of the paces of the running emotion."""
    names = [f.name.removesuffix("_s") for f in fields(Pace)]
    lines = [f"| pace | {' | '.join(names)} |", f"| --- |{' --- |' * len(names)}"]
    for name, pace in PACES.items():
        values = [
            f"{value:g} s" if f.name.endswith("_s") else f"{value:g}"
            for f, value in zip(fields(Pace), astuple(pace), strict=True)
        ]
        lines.append(f"| `{name}` | {' | '.join(values)} |")
    return "\n".join([*lines, ""])


TABLES: dict[str, Callable[[], str]] = {"codes": codes, "paces": paces}
