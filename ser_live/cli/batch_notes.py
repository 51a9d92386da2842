"""Notes about recordings of a run: each at once while they are few, else by kind at the end."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

FEW_FILES = 10
"""Up to so many files each note is said as soon as it is known."""

MOST_KINDS = 12
"""Kinds of notes that are told apart in a run; the rarest are counted together."""

_MOST_KEPT = 1000
"""Kinds that are remembered: sentences from outside could be of any number."""

_NUMBER = re.compile(r"[-+−]?\d+(?:[.,]\d+)*")


@dataclass
class _Kind:
    """Notes that differ in names and numbers alone."""

    file: str
    note: str
    """The first of them, with its recording."""
    n_files: int = 1


class BatchNotes:
    """Keeper of the notes of a run.

    Parameters
    ----------
    n_files : int
        Recordings of the run.
    says_each : bool
        Whether to say each note as soon as it is known, however many there are.
    say : callable
        Prints a line.
    """

    def __init__(self, n_files: int, *, says_each: bool, say: Callable[[str], object]) -> None:
        self._says_each = says_each or n_files <= FEW_FILES
        self._say = say
        self._kinds: dict[str, _Kind] = {}
        self._n_others = 0

    def add(self, file: str, notes: Sequence[str]) -> None:
        """Take the notes about a recording, as soon as it was heard."""
        if self._says_each:
            for note in notes:
                self._say(f"ser-live: {file}: {note}")
            return
        # Two of a kind about one recording, such as two jumps in its clock, count it once.
        firsts: dict[str, str] = {}
        for note in notes:
            firsts.setdefault(_kind_of(file, note), note)
        for kind, note in firsts.items():
            known = self._kinds.get(kind)
            if known is not None:
                known.n_files += 1
            elif len(self._kinds) < _MOST_KEPT:
                self._kinds[kind] = _Kind(file, note)
            else:
                self._n_others += 1

    def report(self) -> None:
        """Say how many recordings each kind of note is about, the most frequent first."""
        for line in self._lines():
            self._say(f"ser-live: {line}")
        self._kinds, self._n_others = {}, 0

    def _lines(self) -> Iterator[str]:
        kinds = sorted(self._kinds.values(), key=lambda kind: -kind.n_files)
        for kind in kinds[:MOST_KINDS]:
            if kind.n_files == 1:
                yield f"{kind.file}: {kind.note}"
            else:
                yield f"{kind.n_files} recordings, such as {kind.file}: {kind.note}"
        n_notes = self._n_others + sum(kind.n_files for kind in kinds[MOST_KINDS:])
        if n_notes:
            yield f"{n_notes} other notes of rarer kinds were left out here."
        if n_notes or any(kind.n_files > 1 for kind in kinds):
            yield "-v says each of these notes with its recording."


def _kind_of(file: str, note: str) -> str:
    """A note without what differs from recording to recording: its names and its numbers."""
    for name in (file, Path(file).name):
        if name:
            note = note.replace(name, "…")
    return _NUMBER.sub("…", note)
