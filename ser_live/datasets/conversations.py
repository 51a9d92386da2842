"""Conversations: recordings of several people, and who speaks when.

A folder holds recordings and ``truth.rttm``, which lists their turns.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ser_live.config import SAMPLE_RATE_HZ
from ser_live.datasets.indexed import sounds_in
from ser_live.errors import DatasetError

TRUTH = "truth.rttm"


@dataclass(frozen=True)
class Conversation:
    """A recording of talk, with its turns."""

    path: Path
    turns: tuple[tuple[int, int], ...]
    """``[start, end)`` in samples at 16 kHz, in the order of the list; they overlap."""

    @property
    def name(self) -> str:
        return self.path.stem


def find_conversations(folder: Path) -> list[Conversation]:
    """Every recording of a folder with its turns, sorted by name.

    Raises
    ------
    DatasetError
        The turns cannot be read, a recording has none, or turns have no recording.
    """
    turns = read_rttm(folder / TRUTH)
    sounds = {path.stem: path for path in sounds_in(folder)}
    alone = sorted(sounds.keys() ^ turns.keys())
    if alone or not sounds:
        raise DatasetError(
            f"{folder} holds {len(sounds)} recordings, and {len(alone)} names "
            f"{', '.join(alone[:3])} that stand only there or only in {TRUTH}, but each must stand "
            "in both: restore the folder."
        )
    return [Conversation(sounds[name], tuple(turns[name])) for name in sorted(sounds)]


def read_rttm(path: Path) -> dict[str, list[tuple[int, int]]]:
    """Turns ``[start, end)`` in samples at 16 kHz by recording of an RTTM file.

    Raises
    ------
    DatasetError
        The file cannot be read, or a turn lacks its times.
    """
    turns: dict[str, list[tuple[int, int]]] = {}
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            fields = line.split()
            if fields[:1] == ["SPEAKER"]:
                start, duration = float(fields[3]), float(fields[4])
                span = (round(start * SAMPLE_RATE_HZ), round((start + duration) * SAMPLE_RATE_HZ))
                turns.setdefault(fields[1], []).append(span)
    except (OSError, ValueError, OverflowError, IndexError) as error:
        raise DatasetError(
            f"{path} cannot be read as a list of turns ({error}): restore it."
        ) from error
    return turns
