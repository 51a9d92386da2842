"""The promise of every source of audio, and what it gives besides samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from ser_live.events.kinds import Cause
from ser_live.sources.ring_buffer import Lost

__all__ = [
    "SILENT_RECORDING",
    "AudioSource",
    "ChannelsLeftOut",
    "DeviceNotice",
    "Lost",
    "MicrophoneFound",
    "MicrophoneLost",
    "MicrophoneSought",
    "SignalNotice",
    "heard_alone",
    "without_channels",
]

SILENT_RECORDING = "only zeros arrive: the recording is silent here."
"""Sentence for zeros where there is no microphone that could be muted."""


class ChannelsLeftOut(Protocol):
    """Knowledge of the channels of a source that nobody is to hear."""

    def unheard(self, n_channels: int) -> tuple[int, ...]:
        """Channels, counted from 0, whose samples nothing is to look at."""
        ...


def without_channels(block: NDArray[np.float32], unheard: Sequence[int]) -> NDArray[np.float32]:
    """Samples of shape ``(n, n_channels)`` with zeros for those of some channels.

    The block itself where there are none, else a copy.
    """
    if not unheard:
        return block
    kept = block.copy()
    kept[:, list(unheard)] = 0.0
    return kept


def heard_alone(block: NDArray[np.float32], roles: ChannelsLeftOut | None) -> NDArray[np.float32]:
    """Samples with zeros for the channels that nobody is to hear; raises `UsageError`."""
    return block if roles is None else without_channels(block, roles.unheard(block.shape[1]))


@dataclass(frozen=True, slots=True, kw_only=True)
class MicrophoneLost:
    """The microphone is gone; it is looked for while the stream goes on.

    What was heard before was given first. `Lost` follows when its length is known.
    """

    device: str
    """Name of the device."""
    cause: Cause
    """``DISCONNECTED`` or ``STALLED``."""
    message: str
    """One sentence: what happened, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MicrophoneSought:
    """The microphone is still looked for; said once a second."""

    waited_s: float
    """Since it fell silent, in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MicrophoneFound:
    """A microphone is heard again, or another one was chosen; `Lost` was given before this."""

    device: str
    """Name of the device."""
    sample_rate: int
    """Native sample rate it has now, hertz."""
    n_channels: int
    """Native channel count it has now."""
    lost_device: str
    """The one heard before; another name than `device` where the default stands in, or somebody
    chose."""
    is_chosen: bool = False
    """Whether somebody asked for this device."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalNotice:
    """Something about the source's signal that people should know; the stream goes on."""

    message: str
    """One sentence: what was found, what is heard, and what to do."""


DeviceNotice = MicrophoneLost | MicrophoneSought | MicrophoneFound | SignalNotice
"""News of a source or its device, at its place among the audio."""


_Source = TypeVar("_Source", bound="AudioSource")


class AudioSource(Protocol):
    """One stream of audio, opened once, read from one thread until exhausted."""

    name: str
    """Name for people: device name or file name."""
    file: str | None
    """Path as given, for recordings."""
    sample_rate: int
    """Native rate in hertz; 0 before `open`."""
    n_channels: int
    """Native channel count; 0 before `open`."""
    notes: Sequence[str] = ()
    """Sentences about what is heard that are no errors; more may come while it is read."""
    is_live: bool
    """The audio will not wait: a reader that falls behind loses some."""
    no_signal_hint: str = SILENT_RECORDING
    """Sentence for people when the stream delivers only zeros: what may be wrong, what to do."""

    @property
    def exhausted(self) -> bool:
        """Nothing more will come."""
        ...

    def open(self) -> None:
        """Start the stream; raises AudioFileError or DeviceError."""
        ...

    def read(self, timeout_s: float) -> NDArray[np.float32] | Lost | DeviceNotice | None:
        """Wait for audio, at most `timeout_s`.

        Returns
        -------
        float32 ndarray, shape (n, n_channels), n > 0
            The next samples, owned by the caller.
        Lost
            Instead of samples that never arrived, at their place in the stream.
        DeviceNotice
            The device was lost, is looked for, or was found, at this place in the stream.
        None
            Nothing arrived in time, or the stream is exhausted.

        Raises
        ------
        AudioError, DeviceError
            The stream broke off; everything before was given, and it is exhausted now.
        """
        ...

    def close(self) -> None:
        """End the stream; harmless when repeated.

        A live source gives what was captured before, until exhausted.
        """
        ...

    def __enter__(self: _Source) -> _Source:
        """Open the source."""
        self.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the source."""
        self.close()
