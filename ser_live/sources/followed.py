"""Recordings that are still being written, heard as they grow."""

from __future__ import annotations

import io
import math
import os
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ser_live.errors import AudioFileError, UsageError
from ser_live.sources.decoding import check_readable, display_name
from ser_live.sources.pcm import PcmSource
from ser_live.sources.protocol import ChannelsLeftOut, Lost


class GrowingFile(io.RawIOBase):
    """A file whose end is where nothing was added for long enough.

    Parameters
    ----------
    path : str or path
    name : str
        For people.
    patience_s : float
        Time without growth that counts as the end; infinity for never.
    """

    def __init__(self, path: str | os.PathLike[str], name: str, patience_s: float) -> None:
        self.failure: AudioFileError | None = None
        """Error for a file that ended otherwise."""
        self._path = Path(path)
        self._name = name
        self._patience_s = patience_s
        self._file = self._path.open("rb", buffering=0)
        self._n_read = 0
        self._grew_s = time.monotonic()

    def read1(self, n_bytes: int) -> bytes | None:
        """Read what is there: ``None`` for nothing yet, empty at the end."""
        data = self._file.read(n_bytes)
        if data:
            self._n_read += len(data)
            self._grew_s = time.monotonic()
            return data
        self.failure = self._lost_sight()
        is_over = self.failure or time.monotonic() - self._grew_s >= self._patience_s
        return b"" if is_over else None

    def _lost_sight(self) -> AudioFileError | None:
        """Error where nothing can be added any more to what was read."""
        mine = os.fstat(self._file.fileno())
        try:
            there = self._path.stat()
        except OSError:
            return AudioFileError(
                f"{self._name} was removed while it was followed: what was in it before was heard, "
                "so follow it again once it is there."
            )
        if not os.path.samestat(mine, there):
            return AudioFileError(
                f"{self._name} was replaced by another file while it was followed: what was in the "
                "first one was heard, so follow it again to hear the other."
            )
        if mine.st_size < self._n_read:
            return AudioFileError(
                f"{self._name} became shorter while it was followed ({self._n_read} bytes were "
                f"heard, {mine.st_size} are left): follow it again to hear it from its beginning."
            )
        return None

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
        super().close()


class FollowedSource(PcmSource):
    """A recording that is still being written: what is there is heard, then what is added.

    Wav and headerless PCM, and by the extra ``media`` whatever PyAV decodes without going back.
    Nothing waits for its time: what is there is heard as fast as possible.

    Parameters
    ----------
    path : str or path
    sample_rate, n_channels : int
        Format of headerless PCM, 16-bit little endian; others are brought to it.
    patience_s : float
        Time without growth after which it ends, in seconds; infinity for never.
    roles, track : optional
        As for `PcmSource`.

    Raises
    ------
    UsageError
        `patience_s` is not positive.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        sample_rate: int = 16_000,
        n_channels: int = 1,
        patience_s: float = math.inf,
        roles: ChannelsLeftOut | None = None,
        track: int | None = None,
    ) -> None:
        if not patience_s > 0:
            raise UsageError(
                f"A file was to be followed for {patience_s} s after it grew last, but a positive "
                "number is needed: leave it out to follow it until Ctrl-C."
            )
        super().__init__(io.BytesIO(), sample_rate, n_channels, display_name(path), roles, track)
        self.file = os.fspath(path)
        self._subject = self.name
        self._may_gather = patience_s < math.inf
        self._idle_s = 0.05
        self._path = path
        self._patience_s = patience_s
        self._growing: GrowingFile | None = None

    def open(self) -> None:
        """Open the file, which may be empty so far.

        Raises
        ------
        AudioFileError
            Missing, no permission, a folder, a device; no recording, as far as can be seen.
        """
        check_readable(Path(self._path), self.name)
        self._growing = self._stream = GrowingFile(self._path, self.name, self._patience_s)
        super().open()

    def read(self, timeout_s: float) -> NDArray[np.float32] | Lost | None:
        """Wait for audio; see `AudioSource.read`.

        Raises
        ------
        AudioFileError
            The file was removed, replaced or became shorter, or cannot be decoded.
        """
        try:
            item = super().read(timeout_s)
        except AudioFileError as error:
            raise self._fate() or error from None
        if item is None and self.exhausted and (failure := self._fate()) is not None:
            raise failure
        return item

    def _fate(self) -> AudioFileError | None:
        """Say once what became of the file."""
        if self._growing is None:
            return None
        failure, self._growing.failure = self._growing.failure, None
        return failure

    def _nothing_came(self) -> AudioFileError:
        return AudioFileError(
            f"{self.name} stayed empty for {self._patience_s:g} s, but a recording that grows is "
            "needed: check the program that writes it."
        )

    def close(self) -> None:
        """Let go of the file; what was read of it is still given."""
        super().close()
        if self._growing is not None:
            self._growing.close()
