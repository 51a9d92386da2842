"""A microphone made of samples: a thread writes them into a real ring buffer in real time.

It stands for PortAudio's callback where a test must know every sample and every call.
"""

from __future__ import annotations

import threading
import time

import numpy as np
from numpy.typing import NDArray

from ser_live.sources import AudioSource, Lost
from ser_live.sources.ring_buffer import RingBuffer

BLOCK_S = 0.06
BUFFER_S = 10.0


class PacedCapture(AudioSource):
    """Samples at 16 kHz mono, written as they would be spoken.

    Parameters
    ----------
    samples : float32 ndarray, shape (n,)
    speed : float
        Times real time.

    Attributes
    ----------
    n_written : int
        Samples that "the device" has delivered, refused ones included.
    n_refused : int
        Samples that found the ring buffer full.
    longest_write_s : float
        Longest time that the "callback" took.
    """

    name, file, sample_rate, n_channels, is_live = "paced", None, 16_000, 1, True

    def __init__(self, samples: NDArray[np.float32], speed: float = 1.0) -> None:
        self._speed = speed
        self._samples = samples[:, np.newaxis]
        self._ring = RingBuffer(round(BUFFER_S * self.sample_rate), 1)
        self._losses: list[Lost] = []
        self._is_stopped = threading.Event()
        self._is_over = False
        self._writer = threading.Thread(target=self._write)
        self.n_written = 0
        self.n_refused = 0
        self.longest_write_s = 0.0

    @property
    def exhausted(self) -> bool:
        return self._is_over and self._ring.is_empty and not self._losses

    def open(self) -> None:
        self._writer.start()

    def _write(self) -> None:
        size = round(BLOCK_S * self.sample_rate)
        began_s = time.monotonic()
        for start in range(0, len(self._samples), size):
            block = self._samples[start : start + size]
            due_s = began_s + (start + len(block)) / self.sample_rate / self._speed
            if self._is_stopped.wait(max(0.0, due_s - time.monotonic())):
                break
            called_s = time.monotonic()
            self.n_refused += self._ring.write(block)
            self.longest_write_s = max(self.longest_write_s, time.monotonic() - called_s)
            self.n_written += len(block)
        self._ring.finish()
        self._is_over = True

    def read(self, timeout_s: float) -> NDArray[np.float32] | Lost | None:
        deadline_s = time.monotonic() + timeout_s
        while True:
            if not self._losses:
                block = self._ring.read()
                if len(block):
                    return block
                self._losses += self._ring.take_losses()
            if self._losses:
                return self._losses.pop(0)
            if self.exhausted or time.monotonic() >= deadline_s:
                return None
            time.sleep(0.01)

    def close(self) -> None:
        self._is_stopped.set()
        if self._writer.is_alive():
            self._writer.join()
