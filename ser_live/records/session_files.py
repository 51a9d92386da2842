"""Session logs on this machine, and the audio that their sessions kept.

Only regular files that ser-live itself wrote are found, by what is in them and not by their
names alone. A link is never followed.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from ser_live.errors import LogError
from ser_live.events import SessionStarted
from ser_live.records import session_log
from ser_live.records.folders import sessions_folder

_RECORDING = re.compile(r".+-u\d{5,}(-\d+)?\.flac")
_MAX_RECORDS_TO_BEGIN = 5
"""Records of a log until it says how its session began, that one included: `SessionLog`."""


class RegularFile(NamedTuple):
    """A file that is not a link, and its state when it was found."""

    path: Path
    info: os.stat_result


class PassedOver(NamedTuple):
    """A file or folder that was not taken."""

    path: Path
    reason: str
    """Cause, in a few words."""


def find_session_logs(passed_over: list[PassedOver]) -> Iterator[RegularFile]:
    """Find session logs in the user's folder and where logs went on in temporary ones.

    Parameters
    ----------
    passed_over : list of PassedOver
        Other entries of the user's folder are added here.
    """
    for file in files_in_own(sessions_folder(), passed_over):
        if session_log.is_session_log(file.path):
            yield file
        else:
            passed_over.append(PassedOver(file.path, "not written by ser-live"))
    for folder in session_log.temporary_folders():
        with suppress(OSError):
            if os.name != "nt" and folder.lstat().st_uid != os.geteuid():
                continue
        # Other programs may name folders like this; their files are not listed.
        for file in regular_files(folder, []):
            if session_log.is_session_log(file.path):
                yield file


def audio_folder_of(log: Path) -> Path | None:
    """Folder for audio that a log names, where it names one.

    It stands where the session began: in the second line, or further on in a log that goes
    on elsewhere.
    """
    began = beginning_of(log)
    folder = None if began is None else began.audio_folder
    if folder is not None and "\0" not in folder and Path(folder).is_absolute():
        return Path(folder)
    return None


def beginning_of(log: Path) -> SessionStarted | None:
    """Record of a log that says how its session began; ``None`` where it has none to be read."""
    with suppress(LogError):
        for entry in islice(session_log.read_log(log), _MAX_RECORDS_TO_BEGIN):
            if isinstance(entry, SessionStarted):
                return entry
    return None


def expiry_of_recording(path: Path) -> str | None:
    """Date in the tags of a recording after which it is to be removed; ``None`` without one."""
    import soundfile

    from ser_live.records.expiry import expiry_of_tag

    with suppress(OSError, soundfile.SoundFileError), soundfile.SoundFile(path) as recording:
        return expiry_of_tag(str(recording.comment))
    return None


def find_recordings(folder: Path, passed_over: list[PassedOver]) -> Iterator[RegularFile]:
    """Find the audio that sessions kept in a folder that a log named.

    Parameters
    ----------
    folder : Path
        See `audio_folder_of`.
    passed_over : list of PassedOver
        The folder is added here where it is behind a link.
    """
    if folder.resolve() != folder:  # it was resolved when the log was written
        passed_over.append(PassedOver(folder, "behind a link by now; not followed"))
        return
    # Other files may be there too, and are none of this program's business.
    for file in regular_files(folder, []):
        if _RECORDING.fullmatch(file.path.name) and _is_recording(file.path):
            yield file


def _is_recording(path: Path) -> bool:
    import soundfile

    from ser_live.records.recorder import SOFTWARE

    try:
        with soundfile.SoundFile(path) as recording:
            software = str(recording.software)
            return bool(recording.format == "FLAC") and software.startswith(f"{SOFTWARE} ")
    except (OSError, soundfile.SoundFileError):
        return False


def files_in_own(folder: Path, passed_over: list[PassedOver]) -> Iterator[RegularFile]:
    """Find regular files in a folder inside this program's folder."""
    parent = folder.parent
    with suppress(FileNotFoundError):
        if _is_plain(parent.lstat(), stat.S_IFDIR):
            yield from regular_files(folder, passed_over)
        else:
            passed_over.append(PassedOver(parent, "a link or not a folder; not followed"))


def regular_files(folder: Path, passed_over: list[PassedOver]) -> Iterator[RegularFile]:
    """Find regular files directly in `folder`; all else there is added to `passed_over`."""
    try:
        if not _is_plain(folder.lstat(), stat.S_IFDIR):
            passed_over.append(PassedOver(folder, "a link or not a folder; not followed"))
            return
        entries = sorted(folder.iterdir())
    except FileNotFoundError:
        return
    except OSError as error:
        passed_over.append(PassedOver(folder, (error.strerror or str(error)).lower()))
        return
    for path in entries:
        try:
            info = path.lstat()
        except OSError:
            continue
        if _is_plain(info, stat.S_IFREG):
            yield RegularFile(path, info)
        else:
            passed_over.append(PassedOver(path, "a link or folder; not followed"))


def _is_plain(info: os.stat_result, kind: int) -> bool:
    """Whether `info`, of ``lstat``, is of that kind and not a link of any system."""
    return stat.S_IFMT(info.st_mode) == kind and not getattr(info, "st_reparse_tag", 0)
