"""One labelled recording of any corpus."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, order=True)
class Recording:
    """A file with one label.

    Ordered by corpus, speaker and path, so that a sorted list does not depend on
    the order in which a file system names its files.
    """

    corpus: str
    """Short name of the corpus, ``ravdess``."""
    speaker: str
    """Speaker, unique over all corpora: ``ravdess-07``."""
    path: Path
    label: str
    """The emotion the speaker was asked to act, or what else somebody heard in it."""
    sex: str
    """``male``, ``female``, or empty when the corpus does not say."""
    language: str
    """BCP 47 tag of the spoken language, ``en-US``."""
    intensity: str = ""
    """``weak``, ``normal`` or ``strong``; empty when the corpus does not say."""


def content_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def byte_identical(recordings: Iterable[Recording]) -> list[tuple[Recording, ...]]:
    """Groups of two or more recordings whose files carry the same bytes.

    Only files of equal size are read.

    Returns
    -------
    list of tuple of Recording
        Each group sorted, the groups in the order of their first member.
    """
    by_size: dict[int, list[Recording]] = defaultdict(list)
    for recording in recordings:
        by_size[recording.path.stat().st_size].append(recording)
    by_content: dict[str, list[Recording]] = defaultdict(list)
    for candidates in by_size.values():
        if len(candidates) > 1:
            for recording in candidates:
                by_content[content_hash(recording.path)].append(recording)
    return sorted(tuple(sorted(group)) for group in by_content.values() if len(group) > 1)
