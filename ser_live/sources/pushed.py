"""Audio that another thread or program hands in."""

from __future__ import annotations

import threading
import time
from collections import deque

import numpy as np
from numpy.typing import NDArray

from ser_live.audio import check_format
from ser_live.errors import InvalidAudioError
from ser_live.sources.pcm_bytes import PcmBytes
from ser_live.sources.protocol import AudioSource
from ser_live.sources.ring_buffer import Lost, RingBuffer

Block = NDArray[np.float32] | NDArray[np.int16] | bytes


class PushedSource(AudioSource):
    """A live stream that is fed block by block, for example from a network connection.

    `push` never waits. A block that finds the buffer full is refused whole, and `read` gives
    a `Lost` in its place. `push` and `finish` may be called from any thread, also before
    `open`.

    Parameters
    ----------
    name : str
        For people.
    sample_rate : int
        Hertz.
    n_channels : int
        Channels of every block.
    buffer_s : float
        Audio that may wait for the reader, in seconds.

    Raises
    ------
    InvalidAudioError
        The sample rate or the channel count is impossible.
    """

    is_live = True
    file: str | None = None

    def __init__(
        self, name: str, sample_rate: int = 16_000, n_channels: int = 1, *, buffer_s: float = 10.0
    ) -> None:
        check_format(sample_rate, n_channels, name)
        self.name = name
        self.sample_rate = sample_rate
        self.n_channels = n_channels
        self.no_signal_hint = f"only zeros arrive: check what is sent to {name}."
        self._ring = RingBuffer(max(1, round(buffer_s * sample_rate)), n_channels)
        self._losses: deque[Lost] = deque()
        self._bytes = PcmBytes(n_channels)
        self._writing = threading.Lock()
        self._has_news = threading.Event()
        self._is_finished = False

    @property
    def exhausted(self) -> bool:
        return self._is_finished and self._ring.is_empty and not self._losses

    def open(self) -> None:
        """Nothing to do: the stream begins with the first block pushed."""

    def push(self, block: Block) -> bool:
        """Hand in the next samples; returns whether they were taken.

        Parameters
        ----------
        block : float32 or int16 ndarray, shape (n, n_channels) or (n,), or bytes
            Floats in the nominal range [-1, 1]. Bytes are 16-bit little endian, channels
            interleaved; they may end within a sample, which the next ones complete.

        Returns
        -------
        bool
            False where the buffer was full, or the stream is over.

        Raises
        ------
        InvalidAudioError
            Another type or shape, or a block longer than the whole buffer.
        """
        with self._writing:
            if self._is_finished:
                return False
            is_taken = self._ring.write(self._samples(block)) == 0
        self._has_news.set()
        return is_taken

    def _samples(self, block: Block) -> NDArray[np.float32]:
        samples = self._bytes.samples(block) if isinstance(block, bytes) else _as_float(block)
        if samples.ndim == 1 and self.n_channels == 1:
            samples = samples[:, np.newaxis]
        n = self._ring.capacity
        if samples.ndim != 2 or samples.shape[1] != self.n_channels or len(samples) > n:
            raise InvalidAudioError(
                f"Found a block of shape {samples.shape} for {self.name}, but (n, "
                f"{self.n_channels}) with n up to {n} is needed: push shorter blocks of all "
                "channels."
            )
        return samples

    def finish(self) -> None:
        """End the stream; what was pushed before is still read."""
        with self._writing:
            self._ring.finish()
            self._is_finished = True
        self._has_news.set()

    def read(self, timeout_s: float) -> NDArray[np.float32] | Lost | None:
        deadline_s = time.monotonic() + timeout_s
        while True:
            # Cleared before looking, so that nothing pushed meanwhile is slept over.
            self._has_news.clear()
            if not self._losses:
                block = self._ring.read()
                if len(block):
                    return block
                self._losses.extend(self._ring.take_losses())
            if self._losses:
                return self._losses.popleft()
            if self._is_finished and self._ring.is_empty:
                return None
            if not self._has_news.wait(max(0.0, deadline_s - time.monotonic())):
                return None

    def close(self) -> None:
        self.finish()


def _as_float(block: NDArray[np.float32] | NDArray[np.int16]) -> NDArray[np.float32]:
    if block.dtype == np.float32:
        return block.astype(np.float32, copy=False)
    if block.dtype == np.int16:
        return block.astype(np.float32) / np.float32(32768)
    raise InvalidAudioError(
        f"Found samples of type {block.dtype}, but float32 or int16 is needed: convert them."
    )
