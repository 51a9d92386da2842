"""Removal of the files that ser-live left on this machine.

These are the session logs, profiles and notes in the user's own folders, logs that had to go
on in a folder for temporary files, and the audio in the folders that those logs name
(`session_files` finds them). The index of the history forgets a log together with it. A link
is never followed, nor removed; nor is a file that changed between being found and being
removed.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from pathlib import Path

from ser_live.errors import LogError
from ser_live.history.index import HistoryIndex
from ser_live.history.notes import is_notes_file
from ser_live.history.refreshing import forget
from ser_live.records import expiry, session_log
from ser_live.records.corrections import corrections_file, is_corrections_file
from ser_live.records.expiry import Entry, Expiring
from ser_live.records.folders import (
    expiry_file,
    history_file,
    notes_file,
    profiles_folder,
    sessions_folder,
)
from ser_live.records.private_files import is_in_use
from ser_live.records.session_files import (
    PassedOver,
    RegularFile,
    audio_folder_of,
    beginning_of,
    expiry_of_recording,
    files_in_own,
    find_recordings,
    find_session_logs,
)
from ser_live.speaker import profile as speaker_profile


class Kind(str, Enum):
    """Kind of a file; the value is its plural."""

    SESSION = "session logs"
    AUDIO = "recordings"
    PROFILE = "speaker profiles"
    NOTES = "notes"
    LABELS = "label files"
    ROWS = "files of rows or reports"


@dataclass(frozen=True, slots=True, kw_only=True)
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
    """Files that would be removed, and those next to them that stay."""

    files: list[OwnFile] = field(default_factory=list)
    kept: list[PassedOver] = field(default_factory=list)
    later: list[datetime] = field(default_factory=list)
    """Dates of logs, recordings and other files that expire, but not yet."""
    n_gone: int = 0
    """Files on the list of what expires that are not there any more."""


def take_inventory(
    *, sessions: bool, profiles: bool, notes: bool = False, modified_before: float
) -> Inventory:
    """Look for files that ser-live wrote.

    Parameters
    ----------
    sessions : bool
        Take session logs, and the audio that those sessions kept.
    profiles : bool
        Take speaker profiles.
    notes : bool
        Take the notes that were made outside sessions.
    modified_before : float
        Leave alone what was changed at this time or later, seconds since the epoch.
    """
    found = Inventory()
    if sessions:
        _add_sessions(found)
    if profiles:
        _add_profiles(found)
    if notes:
        _add_notes(found)
    found.files = [file for file in found.files if file.modified_at < modified_before]
    return found


def take_expired_inventory(now: datetime) -> Inventory:
    """Look for what was to be kept until a date that has passed.

    Session logs with the labels that were given to them, audio that says its date, and rows and
    reports that nobody wrote to since.

    Parameters
    ----------
    now : datetime
        With its offset.
    """
    found = Inventory()
    listed = expiry.entries()
    audio_folders: dict[Path, None] = {}
    # What else lies beside the logs is none of this; a link is still never followed.
    logs = {file.path: file for file in find_session_logs([])}
    for entry in listed:
        if entry.kind is Expiring.AUDIO:
            audio_folders[entry.path] = None
        elif entry.kind is Expiring.FILE:
            _add_rows(found, entry, now)
        elif entry.path not in logs:
            _add_listed_log(found, entry, logs)
    for file in logs.values():
        folder = audio_folder_of(file.path)
        if folder is not None:
            audio_folders[folder] = None
        began = beginning_of(file.path)
        if began is not None and _is_due(found, file.path, began.expires_at, now):
            _add_log(found, file)
    for folder in audio_folders:
        for file in find_recordings(folder, found.kept):
            if _is_due(found, file.path, expiry_of_recording(file.path), now):
                found.files.append(_own(file, Kind.AUDIO, file.path.name))
    return found


def _is_due(found: Inventory, path: Path, date: str | None, now: datetime) -> bool:
    """Whether a date has passed; one that is to come, or says nothing, is noted."""
    moment = expiry.moment(date)
    if moment is None:
        if date is not None:
            found.kept.append(PassedOver(path, "the date at which it expires cannot be read"))
        return False
    if moment > now:
        found.later.append(moment)
        return False
    return True


def _add_listed_log(found: Inventory, entry: Entry, logs: dict[Path, RegularFile]) -> None:
    """Add a log outside the user's own folder to those that are looked at."""
    try:
        info = entry.path.lstat()
    except OSError:
        found.n_gone += 1
        return
    if stat.S_ISREG(info.st_mode) and session_log.is_session_log(entry.path):
        logs[entry.path] = RegularFile(entry.path, info)
    else:
        found.kept.append(PassedOver(entry.path, "no session log any more"))


def _add_rows(found: Inventory, entry: Entry, now: datetime) -> None:
    """Take a file of rows or a report, where it is the one that was written."""
    try:
        info = entry.path.lstat()
    except OSError:
        found.n_gone += 1
        return
    if not _is_due(found, entry.path, entry.expires_at, now):
        return
    if not entry.identity:
        found.kept.append(PassedOver(entry.path, "its writing was never finished"))
    elif not stat.S_ISREG(info.st_mode) or entry.identity != _identity(info):
        found.kept.append(PassedOver(entry.path, "changed since it was written"))
    else:
        found.files.append(_own(RegularFile(entry.path, info), Kind.ROWS, entry.path.name))


def remove(inventory: Inventory) -> list[PassedOver]:
    """Remove the files of an inventory; returns those that stayed, with the reason."""
    failures: list[PassedOver] = []
    for file in inventory.files:
        try:
            if _identity(file.path.lstat()) != file.identity:
                failures.append(PassedOver(file.path, "changed in the meantime"))
                continue
            file.path.unlink()
        except OSError as error:
            failures.append(PassedOver(file.path, (error.strerror or str(error)).lower()))
    _forget(inventory, failures)
    _shorten_list(failures)
    sessions, profiles = sessions_folder(), profiles_folder()
    emptied = {file.path.parent for file in inventory.files}
    temporary = [folder for folder in session_log.temporary_folders() if folder in emptied]
    # All made by this program; what is not empty, or a link, stays.
    for own in (sessions, sessions.parent, profiles, profiles.parent, *temporary):
        with suppress(OSError):
            own.rmdir()
    return failures


def _forget(inventory: Inventory, failures: list[PassedOver]) -> None:
    """Take the logs that are gone out of the history, whose file goes with the last of them."""
    gone = [
        file.path
        for file in inventory.files
        if file.kind is Kind.SESSION and not os.path.lexists(file.path)
    ]
    if not gone or not os.path.lexists(history_file()):
        return
    try:
        with HistoryIndex() as index:
            forget(index, gone)
            is_empty = index.database.execute("SELECT 1 FROM log").fetchone() is None
        if is_empty:
            HistoryIndex.remove_file(history_file())
    except (LogError, OSError) as error:
        failures.append(PassedOver(history_file(), f"it still tells of removed logs: {error}"))


def _shorten_list(failures: list[PassedOver]) -> None:
    """Leave on the list of what expires only what is still there."""
    if not os.path.lexists(expiry_file()):
        return
    try:
        expiry.keep_only(_is_there)
    except OSError as error:
        why = f"it still names removed files: {(error.strerror or str(error)).lower()}"
        failures.append(PassedOver(expiry_file(), why))


def _is_there(entry: Entry) -> bool:
    if entry.kind is Expiring.AUDIO:
        with suppress(OSError):
            return any(entry.path.glob("*.flac"))
    return os.path.lexists(entry.path)


def _add_notes(found: Inventory) -> None:
    path = notes_file()
    with suppress(OSError):
        info = path.lstat()
        if stat.S_ISREG(info.st_mode) and is_notes_file(path):
            found.files.append(_own(RegularFile(path, info), Kind.NOTES, path.name))
        else:
            found.kept.append(PassedOver(path, "not written by ser-live"))


def _add_sessions(found: Inventory) -> None:
    audio_folders: dict[Path, None] = {}
    for file in find_session_logs(found.kept):
        folder = audio_folder_of(file.path)
        if folder is not None:
            audio_folders[folder] = None
        _add_log(found, file)
    for folder in audio_folders:
        found.files += [
            _own(file, Kind.AUDIO, file.path.name) for file in find_recordings(folder, found.kept)
        ]


def _add_log(found: Inventory, file: RegularFile) -> None:
    if is_in_use(file.path):
        found.kept.append(PassedOver(file.path, "a session is writing it"))
    else:
        found.files.append(_own(file, Kind.SESSION, file.path.name))
        _add_labels(found, file.path)


def _add_labels(found: Inventory, log: Path) -> None:
    """Take the labels that a person gave to a session with its log."""
    path = corrections_file(log)
    if is_corrections_file(path):
        with suppress(OSError):
            found.files.append(_own(RegularFile(path, path.lstat()), Kind.LABELS, path.name))
            found.kept = [kept for kept in found.kept if kept.path != path]


def _add_profiles(found: Inventory) -> None:
    folder = profiles_folder()
    regular = list(files_in_own(folder, found.kept))
    speakers = speaker_profile.profile_files(folder=folder) if regular else {}
    youngest: dict[str, float] = {}
    for file in regular:
        if file.path in speakers:
            name = speakers[file.path]
            youngest[name] = max(file.info.st_mtime, youngest.get(name, 0.0))
        else:
            found.kept.append(PassedOver(file.path, "not written by ser-live"))
    for file in regular:
        if file.path in speakers:
            own = _own(file, Kind.PROFILE, speakers[file.path])
            # The two files of a profile stay or go together.
            found.files.append(replace(own, modified_at=youngest[own.name]))


def _own(file: RegularFile, kind: Kind, name: str) -> OwnFile:
    info = file.info
    return OwnFile(
        path=file.path,
        kind=kind,
        n_bytes=info.st_size,
        modified_at=info.st_mtime,
        identity=_identity(info),
        name=name,
    )


_identity = expiry.identity
