"""Raw PCM from a pipe."""

from __future__ import annotations

import select
import sys
import time
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from ser_live.audio import check_format
from ser_live.errors import AudioFileError
from ser_live.sources.protocol import AudioSource, Lost


class PcmBytes:
    """Samples out of raw PCM bytes, 16-bit little endian, however the bytes are cut.

    Parameters
    ----------
    n_channels : int
        Interleaved channels.
    """

    def __init__(self, n_channels: int) -> None:
        self._n_channels = n_channels
        self._rest = b""

    def samples(self, data: bytes) -> NDArray[np.float32]:
        """Take the next bytes, give the samples they complete, shape ``(n, n_channels)``."""
        data = self._rest + data
        n = len(data) // (2 * self._n_channels)
        end = n * 2 * self._n_channels
        self._rest = data[end:]
        pcm = np.frombuffer(data[:end], "<i2").reshape(n, self._n_channels)
        return pcm.astype(np.float32) / np.float32(32768)


class PcmSource(AudioSource):
    """Raw PCM from a pipe: 16-bit little endian, channels interleaved.

    The pipe itself holds a writer back when analysis falls behind, so nothing is dropped.

    Parameters
    ----------
    stream : binary file
        For example ``sys.stdin.buffer``. It is not closed.
    sample_rate : int
        Hertz.
    n_channels : int
        Interleaved channels.
    name : str
        For people.
    """

    is_live = False
    file: str | None = None

    def __init__(
        self,
        stream: BinaryIO,
        sample_rate: int = 16_000,
        n_channels: int = 1,
        name: str = "standard input",
    ) -> None:
        self.name = name
        self.sample_rate = sample_rate
        self.n_channels = n_channels
        self._stream = stream
        self._pcm = PcmBytes(n_channels)
        self._n_bytes = 0
        self._exhausted = False

    @property
    def exhausted(self) -> bool:
        return self._exhausted

    def open(self) -> None:
        check_format(self.sample_rate, self.n_channels, self.name.capitalize())

    def read(self, timeout_s: float) -> NDArray[np.float32] | Lost | None:
        """Wait for audio; see `AudioSource.read`.

        The time limit holds for pipes and terminals of POSIX systems; elsewhere the call
        waits for the writer.

        Raises
        ------
        AudioFileError
            The pipe broke, carried nothing, or carries an audio file instead of raw PCM.
        """
        if self._exhausted or not self._is_readable(timeout_s):
            return None
        n_bytes = max(2, 2 * self.n_channels * self.sample_rate // 50)
        try:
            # read1 gives what is there; read would wait until n_bytes have come.
            data = getattr(self._stream, "read1", self._stream.read)(n_bytes)
        except (OSError, ValueError) as error:
            self._exhausted = True
            raise AudioFileError(
                f"{self.name.capitalize()} broke off ({error}), but raw PCM is needed: "
                "check the program that writes into the pipe."
            ) from error
        if data is None:  # a non-blocking stream without data
            time.sleep(min(timeout_s, 0.01))
            return None
        if not data:
            self._end()
            return None
        if self._n_bytes == 0:
            self._refuse_containers(data)
        self._n_bytes += len(data)
        samples = self._pcm.samples(data)
        return samples if len(samples) else None

    def _is_readable(self, timeout_s: float) -> bool:
        if sys.platform == "win32":  # select knows only sockets there
            return True
        try:
            return bool(select.select([self._stream], [], [], max(0.0, timeout_s))[0])
        except (OSError, ValueError):  # no descriptor behind it, as with BytesIO
            return True

    def _refuse_containers(self, data: bytes) -> None:
        magic = {b"RIFF": "wav", b"fLaC": "flac", b"OggS": "ogg", b"ID3": "mp3"}
        for begin, kind in magic.items():
            if data.startswith(begin):
                self._exhausted = True
                raise AudioFileError(
                    f"{self.name.capitalize()} carries a {kind} file, but raw 16-bit PCM is "
                    "needed: use `ser-live replay FILE`, or decode it first."
                )

    def _end(self) -> None:
        self._exhausted = True
        if self._n_bytes == 0:
            raise AudioFileError(
                f"{self.name.capitalize()} ended without a single byte, but raw 16-bit PCM is "
                "needed: check the program that writes into the pipe."
            )

    def close(self) -> None:
        self._exhausted = True
