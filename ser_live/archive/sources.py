"""Recordings of an archive: on this machine as `find_audio_files` finds them, and by address."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ser_live.batch.folders import SET_ASIDE, Found, Why, find_audio_files, in_words
from ser_live.errors import UsageError
from ser_live.remote import Location, RemoteError, RemotePath
from ser_live.sources import AUDIO_SUFFIXES
from ser_live.sources.suffixes import MEDIA_SUFFIXES, has_media


def find_recordings(locations: Sequence[Location]) -> Found:
    """Recordings named or lying below the folders named, in the order of these.

    Raises
    ------
    UsageError
        A folder holds none, or an address cannot be reached.
    """
    if not any(isinstance(one, RemotePath) for one in locations):
        return find_audio_files([one for one in locations if isinstance(one, Path)])
    found = Found()
    for one in locations:
        if isinstance(one, Path):
            below = find_audio_files([one])
            found.files.extend(below.files)
            found.unreadable.extend(below.unreadable)
            found.left_out.extend(below.left_out)
        else:
            _take(one, found)
    return found


def _take(address: RemotePath, found: Found) -> None:
    try:
        if not address.is_dir():
            found.files.append(address)
            return
        n_before, n_left_out = len(found.files), len(found.left_out)
        for path in address.find():
            why = _why_not(path, address)
            if why is None:
                found.files.append(path)
            else:
                found.left_out.append((path, why))
    except RemoteError as error:
        raise UsageError(
            f"{address} cannot be listed ({error.strerror}), but recordings are needed: check "
            "address, network and credentials."
        ) from error
    if len(found.files) == n_before:
        there = in_words(found.left_out[n_left_out:])
        raise UsageError(
            f"Found no audio file below {address}{f', but {there}' if there else ''}: name a "
            "folder with recordings such as wav, flac or mp3, or the files themselves."
        )


def _why_not(path: RemotePath, top: RemotePath) -> Why | None:
    below = path.url[len(top.url) :].strip("/").split("/")
    if any(name.startswith(".") or name.lower() in SET_ASIDE for name in below):
        return Why.SET_ASIDE
    suffix = path.suffix.lower()
    if suffix not in AUDIO_SUFFIXES:
        return Why.OTHER_NAME
    return Why.NEEDS_MEDIA if suffix in MEDIA_SUFFIXES and not has_media() else None
