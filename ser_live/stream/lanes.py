"""The channels of a call, each a stream of its own, and what may pass between them: nothing.

Samples that nobody is to hear end here. Where several channels are heard, a voice that leaks
into another one is kept from being taken for that one's own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic

import numpy as np
from numpy.typing import NDArray

from ser_live.config import FRAME_SAMPLES, SAMPLE_RATE_HZ
from ser_live.mixing import Bleed, Sameness
from ser_live.sources import DeviceNotice, Lost, without_channels
from ser_live.speech.detector import VadDecision
from ser_live.stream.drive import Driven, E
from ser_live.stream.roles import Roles

LONGEST_BLOCK_S = 1.0
"""Longest piece of sound that streams get at once, so that leaks are still remembered."""


class Demixer:
    """Parts the channels of a source: what is not heard becomes zeros, leaks are known.

    Parameters
    ----------
    roles : Roles
    sample_rate, n_channels : int
        Of the source.

    Raises
    ------
    UsageError
        A role is for a channel that is not there.
    """

    def __init__(self, roles: Roles, sample_rate: int, n_channels: int) -> None:
        self._unheard = roles.unheard(n_channels)
        self._heard = [channel for channel, _ in roles.heard]
        self._n_most = max(1, round(LONGEST_BLOCK_S * sample_rate))
        is_alone = len(self._heard) < 2
        self.bleed = None if is_alone else Bleed(sample_rate, len(self._heard))
        """Leaks between the channels that are heard; ``None`` where one is heard alone."""
        self.sameness = Sameness(tuple(self._heard))

    def push(self, block: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """Take the next samples and give them in short pieces, those of unheard channels zero."""
        block = without_channels(block, self._unheard)
        return [block[at : at + self._n_most] for at in range(0, len(block), self._n_most)]

    def look(self, piece: NDArray[np.float32]) -> None:
        """Learn what leaks, before a piece is given to the streams."""
        if self.bleed is not None:
            heard = piece[:, self._heard]
            if np.isfinite(heard).all():  # else the stream of that channel says so
                self.bleed.push(heard)
                self.sameness.push(piece)

    def skip(self, n_samples: int) -> None:
        """Let the clock run over samples that are missing."""
        if self.bleed is not None:
            self.bleed.skip(n_samples)

    def reviser(self, channel: int) -> Callable[[int, VadDecision], VadDecision]:
        """Make the function that takes no leak for speech of a channel."""
        bleed, place = self.bleed, self._heard.index(channel)

        def revise(start_sample: int, decision: VadDecision) -> VadDecision:
            start_s = start_sample / SAMPLE_RATE_HZ
            end_s = (start_sample + FRAME_SAMPLES) / SAMPLE_RATE_HZ
            if not decision.is_suspected and not decision.is_speech:
                return decision
            if bleed is None or not bleed.is_leak(place, start_s, end_s):
                return decision
            return decision._replace(is_speech=False, is_voiced=False, is_suspected=False)

        return revise


class Lanes(Generic[E]):
    """Streams that hear what a demixer gives, each its own channel, on one clock.

    Parameters
    ----------
    demixer : Demixer
    streams : sequence of Driven
    """

    def __init__(self, demixer: Demixer, streams: Sequence[Driven[E]]) -> None:
        self._demixer = demixer
        self._streams = streams

    def start(self) -> list[E]:
        """Begin every stream."""
        return [event for stream in self._streams for event in stream.start()]

    def push(self, item: NDArray[np.float32] | Lost | DeviceNotice) -> list[E]:
        """Give the next item of the source to every stream."""
        events: list[E] = []
        if isinstance(item, np.ndarray):
            for piece in self._demixer.push(item):
                self._demixer.look(piece)
                events += [event for stream in self._streams for event in stream.push(piece)]
            return events
        if isinstance(item, Lost):
            self._demixer.skip(item.n_samples)
        return [event for stream in self._streams for event in stream.push(item)]

    def close(self) -> list[E]:
        """End every stream."""
        return [event for stream in self._streams for event in stream.close()]
