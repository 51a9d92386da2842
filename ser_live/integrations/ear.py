"""One speaker's sound, analyzed beside an event loop that never waits for it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass

from ser_live.config import SAMPLE_RATE_HZ
from ser_live.errors import SerLiveError
from ser_live.events import AffectState, Cause, EmotionResult, StreamEvent
from ser_live.model.emotion_model import EmotionModel
from ser_live.sources import Lost
from ser_live.stream.analyzer import Analyzer
from ser_live.stream.emotion_state import EmotionState

MAX_WAITING_S = 10.0
"""Sound that may wait for its analysis; what comes then is lost, which becomes a gap."""

_LOGGER = logging.getLogger("ser_live")


@dataclass(frozen=True, slots=True)
class Heard:
    """A result about a speaker's utterance, and the running emotion after it."""

    result: EmotionResult
    state: AffectState


@dataclass(frozen=True, slots=True)
class _Block:
    audio: bytes
    sample_rate: int
    n_channels: int

    @property
    def n_frames(self) -> int:
        return len(self.audio) // (2 * self.n_channels)


class Ear:
    """Analyzes the sound of one speaker in an executor, block after block.

    Used in the thread of one event loop.

    Parameters
    ----------
    executor : Executor
        Where the work is done, outside of the event loop.
    tell : callable
        Awaited with each result, in order.
    model : EmotionModel or str, optional
        As for `Analyzer`.
    name : str
        Of the speaker, for the records.
    pace : str
        As for `EmotionState`.
    """

    def __init__(
        self,
        executor: Executor,
        tell: Callable[[Heard], Awaitable[None]],
        *,
        model: EmotionModel | str | None = None,
        name: str = "speaker",
        pace: str = "assistant",
    ) -> None:
        self._executor = executor
        self._tell = tell
        self._model = model
        self._name = name
        self._pace = pace
        self._blocks: deque[_Block | Lost | None] = deque()
        self._waiting_s = 0.0
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._analyzer: Analyzer | None = None
        self._state = EmotionState(pace)
        self._form: tuple[int, int] | None = None
        self._next_id = 1
        self.lost_s = 0.0
        """Sound that was given up because analysis fell behind, in seconds."""
        self.latest: Heard | None = None
        """Latest result that was told."""
        self.error: Exception | None = None
        """The error that ended it; sound is passed over from then on."""

    def hear(self, audio: bytes, sample_rate: int, n_channels: int) -> None:
        """Hand in sound, 16-bit and interleaved; it returns at once."""
        if self.error is not None or sample_rate <= 0 or n_channels <= 0 or not audio:
            return
        block = _Block(audio, sample_rate, n_channels)
        duration_s = block.n_frames / sample_rate
        if self._waiting_s + duration_s > MAX_WAITING_S:
            if self.lost_s == 0.0:
                _LOGGER.warning("ser-live cannot keep up with %s: sound is left out.", self._name)
            self.lost_s += duration_s
            self._blocks.append(Lost(round(duration_s * SAMPLE_RATE_HZ), Cause.OVERFLOW))
        else:
            self._waiting_s += duration_s
            self._blocks.append(block)
        self._news.set()
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._work())

    async def finish(self) -> None:
        """End the open utterance, and wait until all that was heard has been told."""
        if self._task is not None:
            self._blocks.append(None)
            self._news.set()
            await self._task
            self._task = None

    async def drop(self) -> None:
        """Give up all that was not told yet."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            while not self._blocks:
                self._news.clear()
                await self._news.wait()
            block = self._blocks.popleft()
            if isinstance(block, _Block):
                self._waiting_s -= block.n_frames / block.sample_rate
            try:
                found = await loop.run_in_executor(self._executor, self._analyze, block)
            except Exception as error:
                self.error = error
                known = isinstance(error, SerLiveError)
                _LOGGER.error(
                    "ser-live hears %s no more: %s", self._name, error, exc_info=not known
                )
                self._blocks.clear()
                return
            for heard in found:
                self.latest = heard
                await self._tell(heard)
            if block is None:
                return

    # -- the executor's thread ------------------------------------------------------------

    def _analyze(self, block: _Block | Lost | None) -> list[Heard]:
        if block is None:
            return self._closed()
        if isinstance(block, Lost):
            return [] if self._analyzer is None else self._heard(self._analyzer.push(block))
        found: list[Heard] = []
        form = (block.sample_rate, block.n_channels)
        if self._form != form:
            found = self._closed()
            self._analyzer = Analyzer(
                *form,
                model=self._model,
                source=self._name,
                clock=time.monotonic,
                first_id=self._next_id,
            )
            self._state, self._form = EmotionState(self._pace), form
        assert self._analyzer is not None  # noqa: S101  made with the form
        return found + self._heard(self._analyzer.push(block.audio))

    def _closed(self) -> list[Heard]:
        if self._analyzer is None:
            return []
        found = self._heard(self._analyzer.close())
        self._analyzer, self._form = None, None
        return found

    def _heard(self, events: Sequence[StreamEvent]) -> list[Heard]:
        found = []
        for event in events:
            states = self._state.take(event)
            if isinstance(event, EmotionResult):
                self._next_id = max(self._next_id, event.id + 1)
                state = states[-1] if states else self._state.at(event.end_sample)
                found.append(Heard(event, state))
        return found
