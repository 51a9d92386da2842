"""A stream of nothing but samples, for what looks at sound without hearing speech in it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ser_live.audio import StreamConverter
from ser_live.sources import AudioSource, DeviceNotice, Lost


class RawStream:
    """Gives the sound of a source at 16 kHz mono, and what was lost of it.

    Parameters
    ----------
    source : AudioSource
        Open.
    channel : int or None
        Channel to hear, counted from 0; ``None`` averages all.
    """

    def __init__(self, source: AudioSource, channel: int | None = None) -> None:
        self._converter = StreamConverter(source.sample_rate, source.n_channels, channel)

    @staticmethod
    def of_channel(channel: int | None) -> Callable[[AudioSource], RawStream]:
        """Make the function that begins such a stream, for `drive`."""
        return lambda source: RawStream(source, channel)

    def start(self) -> list[NDArray[np.float32] | Lost]:
        """Begin; there is nothing to tell."""
        return []

    def push(
        self, item: NDArray[np.float32] | Lost | DeviceNotice
    ) -> list[NDArray[np.float32] | Lost]:
        """Give samples of shape ``(n,)`` for a block, and a loss as it is."""
        if isinstance(item, np.ndarray):
            return [self._converter.push(item)]
        return [item] if isinstance(item, Lost) else []

    def close(self) -> list[NDArray[np.float32] | Lost]:
        """Give what the resampler still held."""
        return [self._converter.flush()]
