"""Recordings below folders: which are taken, and what is left out and why."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from ser_live.errors import UsageError
from ser_live.records.long_list import LongList
from ser_live.records.scratch import Scratch, key_text, text_key
from ser_live.remote import Location
from ser_live.sources import AUDIO_SUFFIXES
from ser_live.sources.beginnings import needs_media
from ser_live.sources.suffixes import MEDIA_SUFFIXES, has_media

SET_ASIDE = frozenset(
    ["__macosx", "@eadir", "#recycle", "$recycle.bin", "lost+found", "system volume information"]
)
"""Names, in small letters, under which systems keep what is not the user's any more, or never
was; those that begin with a dot are such too."""

_Identity = tuple[int, int]
"""Device and number of a file or folder, the same under all of its names."""


class Why(Enum):
    """Reason for leaving out what lies in a folder: what one is called, and several."""

    OTHER_NAME = ("file with another name", "files with other names")
    SET_ASIDE = ("hidden or discarded one", "hidden or discarded ones")
    TWICE = ("second name of the same file", "second names of the same files")
    ENTERED = ("way into a folder entered before", "ways into folders entered before")
    NEEDS_MEDIA = ("file that needs PyAV", "files that need PyAV")
    NOT_A_FILE = ("device or pipe", "devices and pipes")


@dataclass(frozen=True)
class Found:
    """Recordings that were named or lie below folders, and what else was there."""

    files: LongList[Location] = field(default_factory=LongList)
    """In the order of the paths named, sorted below each folder; also those that are missing."""
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    """Folders that cannot be entered, each with one sentence."""
    left_out: LongList[tuple[Location, Why]] = field(default_factory=LongList)


def in_words(left_out: Sequence[tuple[Location, Why]]) -> str:
    """Counts of what was left out; empty where that was nothing."""
    counts = Counter(why for _, why in left_out)
    parts = [f"{counts[why]} {why.value[counts[why] > 1]}" for why in Why if counts[why]]
    if counts[Why.NEEDS_MEDIA]:
        n = [why for why in Why if counts[why]].index(Why.NEEDS_MEDIA)
        kinds = {path.suffix.lower() for path, why in left_out if why is Why.NEEDS_MEDIA}
        parts[n] += f' ({", ".join(sorted(kinds))}; `pip install "ser-live[media]"` brings it)'
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def find_audio_files(paths: Sequence[Path]) -> Found:
    """Audio files named or lying anywhere below the folders named.

    Linked folders are entered, each folder once. A file that has several names is taken under
    one of them, rather its own than that of a link. A link that leads nowhere is taken as the
    missing file that it is.

    Raises
    ------
    UsageError
        When a folder holds no audio file.
    """
    found = Found()
    with _Search(found) as search:
        for path in paths:
            if _is_folder(path):
                search.take_below(path)
            else:
                search.take(path)
    return found


def _is_folder(path: Path) -> bool:
    with suppress(OSError, ValueError):  # a name too long for the file system, or impossible
        return path.is_dir()
    return False


class _Search:
    """Search whose memory does not grow with what it finds: a temporary file sorts it."""

    def __init__(self, found: Found) -> None:
        self._found = found
        self._entered: set[_Identity] = set()
        self._has_media = has_media()
        self._scratch = Scratch(
            "CREATE TABLE taken (identity TEXT PRIMARY KEY, path BLOB) WITHOUT ROWID",
            "CREATE TABLE entries (name BLOB, is_link INTEGER)",
            "CREATE TABLE candidates (is_linked INTEGER, place BLOB, path BLOB)",
            "CREATE TABLE chosen (place BLOB, path BLOB)",
        )

    def __enter__(self) -> _Search:
        return self

    def __exit__(self, *error: object) -> None:
        self._scratch.close()

    def take(self, path: Path) -> None:
        """Take a file that was named; one that was named twice in the same way is meant so."""
        if self._taken_before(path) in (None, path):
            self._found.files.append(path)
        else:
            self._found.left_out.append((path, Why.TWICE))

    def _taken_before(self, path: Path) -> Path | None:
        """Name under which a file was taken before; else it is so now."""
        identity = _identity(path)
        if identity is None:
            return None
        key = "{}:{}".format(*identity)
        before = self._scratch.first("SELECT path FROM taken WHERE identity = ?", (key,))
        if before is not None:
            return Path(key_text(before[0]))
        self._scratch.run("INSERT INTO taken VALUES (?, ?)", (key, text_key(str(path))))
        return None

    def take_below(self, top: Path) -> None:
        """Take what lies below a folder."""
        n_unreadable, n_left_out = len(self._found.unreadable), len(self._found.left_out)
        # Links come last, so that what has a name of its own here is found under that one.
        plain, linked = [top], list[Path]()
        while plain or linked:
            is_linked = not plain
            folder = linked.pop(0) if is_linked else plain.pop()
            below: list[Path] = linked if is_linked else plain
            for path, is_link, is_folder in self._entries(folder):
                if is_folder:
                    (linked if is_link else below).append(path)
                else:
                    self._scratch.run(
                        "INSERT INTO candidates VALUES (?, ?, ?)",
                        (is_link or is_linked, _sorting_key(path), text_key(str(path))),
                    )
        n_before = len(self._found.files)
        self._choose()
        if len(self._found.files) == n_before and len(self._found.unreadable) == n_unreadable:
            _refuse_empty(top, self._found.left_out[n_left_out:])

    def _choose(self) -> None:
        """Take each candidate once, in the order of the paths."""
        candidates = "SELECT place, path FROM candidates ORDER BY is_linked, place"
        for place, key in self._scratch.rows(candidates):
            path = Path(key_text(key))
            if self._taken_before(path) is None:
                self._scratch.run("INSERT INTO chosen VALUES (?, ?)", (place, key))
            else:
                self._found.left_out.append((path, Why.TWICE))
        chosen = self._scratch.rows("SELECT path FROM chosen ORDER BY place")
        self._found.files.extend(Path(key_text(key)) for (key,) in chosen)
        for table in ("candidates", "chosen"):
            self._scratch.run(f"DELETE FROM {table}")  # noqa: S608

    def _entries(self, folder: Path) -> Iterator[tuple[Path, bool, bool]]:
        """Folders and recordings in a folder: path, whether a link, whether a folder."""
        try:
            identity = _identity(folder)
            if identity is not None and identity in self._entered:
                self._found.left_out.append((folder, Why.ENTERED))
                return
            if identity is not None:
                self._entered.add(identity)
            self._list(folder)
        except OSError as error:
            cause = str(error.strerror or error).lower()
            self._found.unreadable.append(
                (
                    str(folder),
                    f"this folder cannot be read ({cause}), but what lies in it is asked for: "
                    "check its owner and mode.",
                )
            )
            return
        for name, is_link in self._scratch.rows("SELECT * FROM entries ORDER BY name"):
            path = folder / key_text(name)
            kind = self._kind(path)
            if isinstance(kind, Why):
                self._found.left_out.append((path, kind))
            elif kind is not None:
                yield path, bool(is_link), kind

    def _list(self, folder: Path) -> None:
        """Put the names of what lies in a folder into a table, which sorts them."""
        self._scratch.run("DELETE FROM entries")
        with os.scandir(folder) as entries:
            self._scratch.run_each(
                "INSERT INTO entries VALUES (?, ?)",
                ((text_key(entry.name), entry.is_symlink()) for entry in entries),
            )

    def _kind(self, path: Path) -> bool | Why | None:
        """Whether a folder or a recording, or why neither; ``None`` for what none would miss."""
        has_audio_name = path.suffix.lower() in AUDIO_SUFFIXES
        try:
            mode = path.stat().st_mode
        except OSError:
            # A link that leads nowhere, or where nobody may look: its reader says which. One
            # without a suffix may be that of a folder on a disk that is not there.
            has_audio_name |= not path.suffix
            mode = stat.S_IFREG
        is_folder = stat.S_ISDIR(mode)
        if path.name.startswith(".") or path.name.lower() in SET_ASIDE:
            return Why.SET_ASIDE if is_folder or has_audio_name else None
        if is_folder:
            return True
        if not has_audio_name:
            return Why.OTHER_NAME
        if not stat.S_ISREG(mode):
            return Why.NOT_A_FILE
        needs = path.suffix.lower() in MEDIA_SUFFIXES and not self._has_media and needs_media(path)
        return Why.NEEDS_MEDIA if needs else False


def _refuse_empty(top: Path, left_out: Sequence[tuple[Location, Why]]) -> None:
    """Refuse a folder without recordings, unless they are taken under other names."""
    if any(why in (Why.TWICE, Why.ENTERED) for _, why in left_out):
        return
    there = in_words(left_out)
    raise UsageError(
        f"Found no audio file below {top}{f', but {there}' if there else ''}: "
        "name a folder with recordings such as wav, flac or mp3, or the files themselves."
    )


def _sorting_key(path: Path) -> bytes:
    """Bytes that sort as the paths do: part by part."""
    return text_key(os.path.normcase(path).replace(os.sep, "\0"))


def _identity(path: Path) -> _Identity | None:
    with suppress(OSError, ValueError):
        status = path.stat()
        return status.st_dev, status.st_ino
    return None
