"""The packages in requirements.lock, and which of them a user gets."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

LOCK = Path(__file__).parents[1] / "requirements.lock"

ROOT_PACKAGE = "ser-live (pyproject.toml)"
"""Stands as the reason of what ser-live itself asks for, extras included."""

_PIN = re.compile(r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>\S+)(?: ; (?P<marker>.*?))?(?: \\)?$")


@dataclass(frozen=True)
class Locked:
    """One version of one package; others of the same name have other markers."""

    name: str
    version: str
    marker: str
    """Marker of the systems that this version is for; empty for all of them."""
    hashes: tuple[str, ...]
    via: tuple[str, ...]
    """Packages that ask for it."""
    text: str
    """Its lines in the lock."""


def read_lock(path: Path = LOCK) -> list[Locked]:
    """Everything that is locked, in order."""
    blocks: list[list[str]] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith((" ", "#")):
            blocks.append([])
        if blocks:
            blocks[-1].append(line)
    return [_locked(block) for block in blocks]


def _locked(lines: list[str]) -> Locked:
    pin = _PIN.fullmatch(lines[0])
    if pin is None:
        raise ValueError(f"{lines[0]!r} is no pinned requirement: run `make lock`.")
    hashes = [line.strip().removesuffix(" \\") for line in lines if "--hash=" in line]
    comments = [line.strip().removeprefix("#").strip() for line in lines if "    #" in line]
    via = [text.removeprefix("via").strip() for text in comments]
    return Locked(
        pin["name"],
        pin["version"],
        pin["marker"] or "",
        tuple(text.removeprefix("--hash=") for text in hashes),
        tuple(filter(None, via)),
        "\n".join(lines) + "\n",
    )


def needed_to_run(locked: list[Locked]) -> list[Locked]:
    """Packages that come with ser-live and its extras, on any system; no development tools."""
    names: set[str] = set()
    while True:
        found = {p.name for p in locked if ROOT_PACKAGE in p.via or names & set(p.via)}
        if found <= names:
            return [package for package in locked if package.name in names]
        names |= found
