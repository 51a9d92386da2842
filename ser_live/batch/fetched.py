"""Recordings by address, heard from a copy that is there only meanwhile."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from ser_live.errors import AudioFileError
from ser_live.remote import Location, RemoteError, RemotePath
from ser_live.sources import FileSource


class FetchedSource(FileSource):
    """A recording by address, copied to a private folder when it is opened, and removed after.

    Decoders look at a recording in several places before they begin, so it is heard from a disk.
    Events name it by its address.

    Parameters
    ----------
    path : RemotePath
    **options
        As for `FileSource`.
    """

    def __init__(self, path: RemotePath, **options: Any) -> None:
        super().__init__(path, **options)
        self.name = path.name
        self._path = path
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def open(self) -> None:
        """Copy and open the recording.

        Raises
        ------
        AudioFileError, InvalidAudioError, UsageError
            It cannot be fetched; else as `FileSource.open`.
        """
        self._folder = tempfile.TemporaryDirectory(prefix="ser-live-")
        copy = Path(self._folder.name) / (Path(self.name).name or "recording")
        try:
            self._path.fetch(copy)
            self.file = str(copy)
            super().open()
        except RemoteError as error:
            self._remove()
            raise AudioFileError(
                f"{self._path} cannot be fetched ({error.strerror}), but a recording is needed: "
                "check address, network and credentials."
            ) from error
        except OSError as error:
            self._remove()
            cause = str(error.strerror or error).lower()
            raise AudioFileError(
                f"{self._path} cannot be kept while it is heard ({cause}): make room in the folder "
                "for temporary files, or name another one by TMPDIR."
            ) from error
        except BaseException:
            self._remove()
            raise
        finally:
            self.file = str(self._path)

    def close(self) -> None:
        super().close()
        self._remove()

    def _remove(self) -> None:
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None


def source_of(path: Location | str | os.PathLike[str], **options: Any) -> FileSource:
    """Source of a recording, wherever it is."""
    if isinstance(path, RemotePath):
        return FetchedSource(path, **options)
    return FileSource(path, **options)
