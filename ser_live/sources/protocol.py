"""What every source of audio promises."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from ser_live.events import DeviceNotice


@dataclass(frozen=True)
class Lost:
    """Audio that existed and never arrived."""

    n_samples: int
    """Native samples per channel."""
    cause: str
    """As in ``events.StreamGap``."""


_Source = TypeVar("_Source", bound="AudioSource")


class AudioSource(Protocol):
    """One stream of audio, opened once, read from one thread until exhausted."""

    name: str
    """For people: device name or file name."""
    file: str | None
    """Path as given, for recordings."""
    sample_rate: int
    """Native rate in hertz; 0 before `open`."""
    n_channels: int
    """Native channel count; 0 before `open`."""
    is_live: bool
    """The audio will not wait: a reader that falls behind loses some."""

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
            The device was lost or found; its position is not filled in yet.
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
