"""Several streams of one source, such as the two channels of a call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic

import numpy as np
from numpy.typing import NDArray

from ser_live.sources import DeviceNotice, Lost
from ser_live.stream.drive import Driven, E


class SideBySide(Generic[E]):
    """Streams that hear the same blocks, each its own channel; they share nothing else.

    Parameters
    ----------
    streams : sequence of Driven
    """

    def __init__(self, streams: Sequence[Driven[E]]) -> None:
        self.streams = streams

    def start(self) -> list[E]:
        """Begin every stream."""
        return [event for stream in self.streams for event in stream.start()]

    def push(self, item: NDArray[np.float32] | Lost | DeviceNotice) -> list[E]:
        """Give the next item of the source to every stream."""
        return [event for stream in self.streams for event in stream.push(item)]

    def close(self) -> list[E]:
        """End every stream."""
        return [event for stream in self.streams for event in stream.close()]
