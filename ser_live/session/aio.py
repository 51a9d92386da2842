"""Listening from asyncio: the same session, waited for in a thread of its own."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import TracebackType

from ser_live.config import Settings
from ser_live.errors import UsageError
from ser_live.events import Event
from ser_live.model.emotion_model import EmotionModel
from ser_live.session.controls import Controlled, Orders
from ser_live.session.listening import Listening, listen
from ser_live.session.live import POLL_S
from ser_live.sources import AudioSource
from ser_live.speaker.profile import SpeakerProfile
from ser_live.stream.channels import Channels


class AsyncListening(Controlled):
    """The events of one source while it is heard; made by `listen_async`.

    Either an asynchronous context manager that is iterated over inside, or iterated over by
    itself. The first waits for an event once more after a time-out; the second ends with the
    first wait that is cancelled. `mark`, `note`, `pause`, `resume`, `reset` and
    `change_microphone` are those of `Listening`: called as they are, without ``await``.

    Parameters
    ----------
    make : callable
        Makes what is listened to; called in the thread, as models take their time.
    """

    def __init__(self, make: Callable[[], Listening]) -> None:
        self._make = make
        # Not the loop's own threads: the host may have filled those, and there are few.
        self._thread: ThreadPoolExecutor | None = None
        self._listening: Listening | None = None
        self._polling: asyncio.Future[list[Event]] | None = None
        """The wait for the next events; it outlives a wait for it that is cancelled."""
        self._waiting: deque[Event] = deque()
        self._is_ending = False
        self._orders = Orders()
        """Of the session, once it was made."""

    async def __aenter__(self) -> AsyncListening:
        """Begin to listen."""
        if self._thread is not None:
            raise UsageError("this listening was begun before: call listen_async() for a new one.")
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ser-live asyncio")
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._begin)
        except BaseException:
            await self._end(self._thread)
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the source; what was not given yet is given up."""
        if self._thread is not None:
            await self._end(self._thread)

    def __aiter__(self) -> AsyncIterator[Event]:
        """Give every event until the source ends or `stop` was called.

        Raises
        ------
        AudioError, DeviceError
            The source cannot be opened, or broke off; after all that was heard before.
        """
        return self._whole() if self._thread is None else self

    async def __anext__(self) -> Event:
        """Wait for the next event."""
        while not self._waiting:
            listening, thread = self._listening, self._thread
            if listening is None or thread is None or self._is_ending:
                raise StopAsyncIteration
            if self._polling is None:
                # Not while a wait is on: its events may be the last.
                if listening.finished:
                    raise StopAsyncIteration
                self._polling = asyncio.get_running_loop().run_in_executor(
                    thread, listening.poll, POLL_S
                )
            # Unlike awaiting it, this leaves it alone where the wait for it is cancelled.
            await asyncio.wait([self._polling])
            polling, self._polling = self._polling, None
            self._waiting.extend(polling.result())
        return self._waiting.popleft()

    async def _whole(self) -> AsyncIterator[Event]:
        async with self:
            async for event in self:
                yield event

    def stop(self) -> None:
        """End in order: what was heard so far is still given; from any thread, at once."""
        if self._listening is not None:
            self._listening.stop()

    # -- the thread; one job after the other

    def _begin(self) -> None:
        listening = self._make()
        if not self._is_ending:
            orders = listening.orders
            orders.is_paused = self._orders.is_paused
            self._listening, self._orders = listening, orders
            listening.__enter__()

    def _close(self) -> None:
        if self._listening is not None:
            self._listening.__exit__(None, None, None)

    # -- the loop

    async def _end(self, thread: ThreadPoolExecutor) -> None:
        self._is_ending = True
        if self._polling is not None:
            self._polling.add_done_callback(_look_at)
        # It happens also where waiting for it is cancelled, too.
        closing = asyncio.get_running_loop().run_in_executor(thread, self._close)
        thread.shutdown(wait=False)
        await asyncio.shield(closing)
        thread.shutdown()  # it has nothing left to do, so this holds nothing up


def _look_at(future: asyncio.Future[list[Event]]) -> None:
    """Take note of how a wait ended that nobody waits for, so that the loop does not complain."""
    if not future.cancelled():
        future.exception()


def listen_async(
    source: AudioSource | str | os.PathLike[str] | None = None,
    *,
    device: int | str | None = None,
    channels: Channels = None,
    model: EmotionModel | str | Path | None = None,
    settings: Settings | None = None,
    speaker: SpeakerProfile | str | None = None,
    with_levels: bool = False,
    keeps_audio: bool = False,
) -> AsyncListening:
    """Listen as `listen` does, with ``async with`` and ``async for``.

    Nothing blocks the event loop. Whatever ends the loop over the events closes the source
    within a second: its end, ``break``, an error, or that its task is cancelled.

    Parameters
    ----------
    source, device, channels, model, settings, speaker, with_levels, keeps_audio
        As for `listen`.

    Raises
    ------
    UsageError, ModelError, ProfileError
        As `listen`, but when listening begins.

    Examples
    --------
    >>> async with listen_async() as events:                      # doctest: +SKIP
    ...     async for event in events:
    ...         print(event)
    """
    return AsyncListening(
        partial(
            listen,
            source,
            device=device,
            channels=channels,
            model=model,
            settings=settings,
            speaker=speaker,
            with_levels=with_levels,
            keeps_audio=keeps_audio,
        )
    )
