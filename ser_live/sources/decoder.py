"""The promise of every decoder of recordings, and sentences that several of them say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ser_live.errors import AudioFileError
from ser_live.sources.ring_buffer import Lost


class Decoder(Protocol):
    """An open recording, decoded from its beginning to its end."""

    sample_rate: int
    """Hertz."""
    n_channels: int
    notes: list[str]
    """Sentences about the recording that are no errors; complete once all chunks were given."""

    def chunks(self) -> Iterator[NDArray[np.float32] | Lost]:
        """Give the samples in order, float32, shape ``(n, n_channels)``, ``n > 0``.

        `Lost` stands where the recording holds nothing, or nothing that can be decoded.

        Raises
        ------
        AudioFileError
            Some of the recording could not be heard; all that could be was given.
        """
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...


def cut_off(name: str, heard_s: float, promised_s: float) -> AudioFileError:
    """Make the error for a recording that ends before its promise."""
    return AudioFileError(
        f"{name} ends after {heard_s:.2f} s, but its header promises {promised_s:.2f} s: "
        "it is cut off, so copy or record it again."
    )


def damaged_after(name: str, heard_s: float) -> AudioFileError:
    """Make the error for a recording that cannot be decoded from some place on."""
    return AudioFileError(
        f"{name} is damaged or cut off after {heard_s:.2f} s, but whole audio is needed: "
        "copy or record it again."
    )


def damaged_within(name: str, lost_s: float, whole_s: float) -> AudioFileError:
    """Make the error for a recording that was heard to its end, but for some of it."""
    return AudioFileError(
        f"{name} is damaged: {lost_s:.2f} s of {whole_s:.2f} s could not be heard, but whole "
        "audio is needed: copy or record it again."
    )


def cut_within(name: str, heard_s: float, what: str) -> AudioFileError:
    """Make the error for a recording that ends in the middle of a frame or a packet."""
    return AudioFileError(
        f"{name} ends in the middle of a {what} after {heard_s:.2f} s, and nothing says how much "
        "is missing: it is cut off, so copy or record it again."
    )
