"""The one loop that plays a source into a stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from ser_live.sources import AudioSource, DeviceNotice, Lost

E = TypeVar("E")
E_co = TypeVar("E_co", covariant=True)

READ_S = 0.05
"""Longest wait for the next block; a session that is to end notices it after that."""


class Driven(Protocol[E_co]):
    """A stream that can be pushed."""

    def start(self) -> Sequence[E_co]: ...

    def push(self, item: NDArray[np.float32] | Lost | DeviceNotice) -> Sequence[E_co]: ...

    def close(self) -> Sequence[E_co]: ...


def never() -> bool:
    """Stand in where nobody ends a stream early."""
    return False


def nothing() -> Sequence[E]:
    """Stand in where nobody asks a stream for anything."""
    return ()


def drive(
    source: AudioSource,
    begin: Callable[[AudioSource], Driven[E]],
    *,
    is_stopping: Callable[[], bool] = never,
    is_aborted: Callable[[], bool] = never,
    between: Callable[[], Sequence[E]] = nothing,
) -> Iterator[E]:
    """Open a source, push all it gives through a stream, and close both.

    Parameters
    ----------
    source : AudioSource
    begin : callable
        Makes the stream of the open source.
    is_stopping : callable
        True once the stream is to end in order: the source is closed, and what it had heard
        is still reported.
    is_aborted : callable
        True once the stream is to end at once.
    between : callable
        Called between two blocks, and before the end: gives what was asked of the stream.

    Yields
    ------
    event
        Everything the stream gives, in order.

    Raises
    ------
    AudioError, DeviceError
        The source cannot be opened, or broke off; everything heard before was given.
    """
    with source:
        stream = begin(source)
        yield from stream.start()
        try:
            while not is_aborted():
                yield from between()
                is_last = is_stopping()
                if is_last:
                    # Closing first ends the capture; what it had heard is still read.
                    source.close()
                item = source.read(READ_S)
                if item is not None:
                    yield from stream.push(item)
                elif source.exhausted or is_last:
                    break
        except Exception:
            # Also where a defect ends the stream: what was heard is still judged.
            if not is_aborted():
                yield from between()
                yield from stream.close()
            raise
        if not is_aborted():
            yield from between()
            yield from stream.close()
