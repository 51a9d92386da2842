"""What ser-live left on this machine, found and removed.

Found are the session logs and profiles in the user's own folders, logs that had to go on in
a folder for temporary files, and the audio in the folders that those logs name. Only regular
files that ser-live itself wrote are taken, by what is in them and not by their names alone. A
link is never followed, nor removed; nor is a file that changed between being found and being
removed.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import Enum
from itertools import islice
from pathlib import Path

from ser_live import session_log, speaker_profile
from ser_live.errors import LogError
from ser_live.events import SessionStarted
from ser_live.private_files import is_in_use
from ser_live.recorder import SOFTWARE

_RECORDING = re.compile(r".+-u\d{5,}(-\d+)?\.flac")
_MAX_RECORDS_TO_BEGIN = 5
"""Records of a log until it says how its session began, that one included: `SessionLog`."""


class Kind(str, Enum):
    """What a file is; the value is its plural."""

    SESSION = "session logs"
    AUDIO = "recordings"
    PROFILE = "speaker profiles"


@dataclass(frozen=True)
class OwnFile:
    """One file that ser-live wrote."""

    path: Path
    kind: Kind
    n_bytes: int
    modified_at: float
    """Wall-clock time of the last change, of a profile's younger file; seconds since the epoch."""
    identity: tuple[int, ...]
    """Device, inode, size and time of change: another file, or one written to, differs."""
    name: str
    """Speaker's name for a profile, file name otherwise."""


@dataclass
class Inventory:
    """What would be removed, and what lies beside it and stays."""

    files: list[OwnFile] = field(default_factory=list)
    kept: list[tuple[Path, str]] = field(default_factory=list)
    """Path and, in a few words, why it stays."""


def take_inventory(*, sessions: bool, profiles: bool, modified_before: float) -> Inventory:
    """Look for what ser-live wrote.

    Parameters
    ----------
    sessions : bool
        Take session logs, and the audio that those sessions kept.
    profiles : bool
        Take speaker profiles.
    modified_before : float
        Leave alone what was changed at this time or later, seconds since the epoch.
    """
    found = Inventory()
    if sessions:
        _add_sessions(found)
    if profiles:
        _add_profiles(found)
    found.files = [file for file in found.files if file.modified_at < modified_before]
    return found


def remove(inventory: Inventory) -> list[tuple[Path, str]]:
    """Remove the files of an inventory; returns those that stayed, with the reason."""
    failures = []
    for file in inventory.files:
        try:
            if _identity(file.path.lstat()) != file.identity:
                failures.append((file.path, "changed in the meantime"))
                continue
            file.path.unlink()
        except OSError as error:
            failures.append((file.path, (error.strerror or str(error)).lower()))
    sessions, profiles = session_log.default_folder(), speaker_profile.default_folder()
    emptied = {file.path.parent for file in inventory.files}
    temporary = [folder for folder in session_log.temporary_folders() if folder in emptied]
    # All made by this program; what is not empty, or a link, stays.
    for own in (sessions, sessions.parent, profiles, profiles.parent, *temporary):
        with suppress(OSError):
            own.rmdir()
    return failures


def _add_sessions(found: Inventory) -> None:
    audio_folders: dict[Path, None] = {}
    for path, info in [
        *_files_in_own(session_log.default_folder(), found),
        *_files_in_temporary(),
    ]:
        if not session_log.is_session_log(path):
            found.kept.append((path, "not written by ser-live"))
            continue
        audio_folders.update(dict.fromkeys(_audio_folders(path)))
        if is_in_use(path):
            found.kept.append((path, "a session is writing it"))
        else:
            found.files.append(_own(path, info, Kind.SESSION, path.name))
    for folder in audio_folders:
        if folder.resolve() != folder:  # it was resolved when the log was written
            found.kept.append((folder, "behind a link by now; not followed"))
            continue
        # Other files may lie there too, and are none of this program's business.
        for path, info in _regular_files(folder, Inventory()):
            if _RECORDING.fullmatch(path.name) and _is_recording(path):
                found.files.append(_own(path, info, Kind.AUDIO, path.name))


def _add_profiles(found: Inventory) -> None:
    folder = speaker_profile.default_folder()
    regular = dict(_files_in_own(folder, found))
    speakers = speaker_profile.profile_files(folder=folder) if regular else {}
    youngest: dict[str, float] = {}
    for path, info in regular.items():
        if path in speakers:
            name = speakers[path]
            youngest[name] = max(info.st_mtime, youngest.get(name, 0.0))
        else:
            found.kept.append((path, "not written by ser-live"))
    for path in regular.keys() & speakers.keys():
        file = _own(path, regular[path], Kind.PROFILE, speakers[path])
        # The two files of a profile stay or go together.
        found.files.append(replace(file, modified_at=youngest[file.name]))


def _files_in_own(folder: Path, found: Inventory) -> Iterator[tuple[Path, os.stat_result]]:
    """Regular files in a folder that lies in this program's folder."""
    parent = folder.parent
    with suppress(FileNotFoundError):
        if _is_plain(parent.lstat(), stat.S_IFDIR):
            yield from _regular_files(folder, found)
        else:
            found.kept.append((parent, "a link or no folder; not followed"))


def _files_in_temporary() -> Iterator[tuple[Path, os.stat_result]]:
    """Session logs in folders for temporary files, if the folders are this user's."""
    for folder in session_log.temporary_folders():
        with suppress(OSError):
            if os.name != "nt" and folder.lstat().st_uid != os.geteuid():
                continue
        for path, info in _regular_files(folder, Inventory()):
            # Other programs may name folders like this.
            if session_log.is_session_log(path):
                yield path, info


def _regular_files(folder: Path, found: Inventory) -> Iterator[tuple[Path, os.stat_result]]:
    """Regular files directly in `folder`; all else there is noted as kept."""
    try:
        if not _is_plain(folder.lstat(), stat.S_IFDIR):
            found.kept.append((folder, "a link or no folder; not followed"))
            return
        entries = sorted(folder.iterdir())
    except FileNotFoundError:
        return
    except OSError as error:
        found.kept.append((folder, (error.strerror or str(error)).lower()))
        return
    for path in entries:
        try:
            info = path.lstat()
        except OSError:
            continue
        if _is_plain(info, stat.S_IFREG):
            yield path, info
        else:
            found.kept.append((path, "a link or folder; not followed"))


def _is_plain(info: os.stat_result, kind: int) -> bool:
    """Whether `info`, of ``lstat``, is of that kind and no link of any system."""
    return stat.S_IFMT(info.st_mode) == kind and not getattr(info, "st_reparse_tag", 0)


def _own(path: Path, info: os.stat_result, kind: Kind, name: str) -> OwnFile:
    return OwnFile(path, kind, info.st_size, info.st_mtime, _identity(info), name)


def _identity(info: os.stat_result) -> tuple[int, ...]:
    return info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns


def _audio_folders(log: Path) -> Iterator[Path]:
    """The folder for audio that a log names, where it names one.

    It stands where the session began: in the second line, or further on in a log that goes
    on elsewhere.
    """
    with suppress(LogError):
        for entry in islice(session_log.read_log(log), _MAX_RECORDS_TO_BEGIN):
            if isinstance(entry, SessionStarted):
                folder = entry.audio_folder
                if folder is not None and "\0" not in folder and Path(folder).is_absolute():
                    yield Path(folder)
                return


def _is_recording(path: Path) -> bool:
    import soundfile

    try:
        with soundfile.SoundFile(path) as recording:
            software = str(recording.software)
            return bool(recording.format == "FLAC") and software.startswith(f"{SOFTWARE} ")
    except (OSError, soundfile.SoundFileError):
        return False
